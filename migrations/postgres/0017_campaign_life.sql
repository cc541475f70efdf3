-- The life of a campaign before it is launched and after it is over. `version` grows with every change.
ALTER TABLE campaign ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- What is not launched yet has a stage, and all that is known of it in `draft`, as the API takes it. Its
-- other columns say what lists are sorted by; the rest of them fills places. `status` says what older servers
-- make of it: ended, which nobody plays, funds or brings back.
ALTER TABLE campaign ADD COLUMN stage TEXT
  CHECK (stage IS NULL OR (stage IN ('draft', 'review') AND status = 'ended'));
ALTER TABLE campaign ADD COLUMN draft TEXT CHECK (draft IS NULL OR stage IS NOT NULL);
-- Since when it is in review, and why it came back from there the last time.
ALTER TABLE campaign ADD COLUMN submitted_at BIGINT;
ALTER TABLE campaign ADD COLUMN rejection TEXT;

-- Since when it is put away.
ALTER TABLE campaign ADD COLUMN archived_at BIGINT CHECK (archived_at IS NULL OR status = 'ended');

-- What it asks of streamers, for people: JSON with `text` and `lines`.
ALTER TABLE campaign ADD COLUMN requirements TEXT;

-- Lists by other things than the id, of one brand and of all.
CREATE INDEX campaign_of_brand_by_name ON campaign (brand_id, (lower(name) COLLATE "C"), id);
CREATE INDEX campaign_of_brand_by_start ON campaign (brand_id, starts, id);
CREATE INDEX campaign_of_brand_by_end ON campaign (brand_id, ends, id);
CREATE INDEX campaign_by_name ON campaign ((lower(name) COLLATE "C"), id);
CREATE INDEX campaign_by_start ON campaign (starts, id);
CREATE INDEX campaign_by_end ON campaign (ends, id);

-- Money is set aside when a campaign is launched, and not before.
CREATE FUNCTION campaign_budget_launched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM campaign WHERE id = NEW.campaign_id AND stage IS NOT NULL) THEN
    RAISE EXCEPTION 'a draft holds no money' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER campaign_budget_launched BEFORE INSERT ON campaign_budget
  FOR EACH ROW EXECUTE FUNCTION campaign_budget_launched();

-- Only what is active plays; archived is for good, and what is in review waits for an operator.
ALTER TABLE creative ADD COLUMN status TEXT NOT NULL DEFAULT 'active'
  CHECK (status IN ('active', 'paused', 'review', 'archived'));

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT UPDATE (status, weight) ON creative TO gametriggers_app;
  END IF;
END $$;
