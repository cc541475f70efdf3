-- What a brand and a streamer say of themselves. `details` is a JSON document of at most 16 KB that only the API
-- reads; what is looked for or decided by has a column. `version` grows with every change of the row that the API
-- shows. An owner that is archived has no key and no user that works.
ALTER TABLE brand
  ADD COLUMN details      TEXT   NOT NULL DEFAULT '{}' CHECK (octet_length(details) <= 16384),
  ADD COLUMN verification TEXT   NOT NULL DEFAULT 'unverified'
    CHECK (verification IN ('unverified', 'pending', 'verified', 'rejected')),
  ADD COLUMN requested_at BIGINT,
  ADD COLUMN decided_at   BIGINT,
  ADD COLUMN decided_why  TEXT,
  ADD COLUMN version      BIGINT NOT NULL DEFAULT 1 CHECK (version > 0),
  ADD COLUMN updated_at   BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN archived_at  BIGINT;
UPDATE brand SET updated_at = created_at;
CREATE INDEX brand_by_name ON brand (name COLLATE "C", id);
CREATE INDEX brand_by_age ON brand (created_at, id);
CREATE INDEX brand_archived ON brand (id) WHERE archived_at IS NOT NULL;

ALTER TABLE streamer
  ADD COLUMN details      TEXT    NOT NULL DEFAULT '{}' CHECK (octet_length(details) <= 16384),
  ADD COLUMN verification TEXT    NOT NULL DEFAULT 'unverified'
    CHECK (verification IN ('unverified', 'verified', 'rejected')),
  -- Whether every brand may find them.
  ADD COLUMN listed       BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN version      BIGINT  NOT NULL DEFAULT 1 CHECK (version > 0),
  ADD COLUMN archived_at  BIGINT;
CREATE INDEX streamer_by_name ON streamer (name COLLATE "C", id);
CREATE INDEX streamer_by_age ON streamer (created_at, id);
CREATE INDEX streamer_archived ON streamer (id) WHERE archived_at IS NOT NULL;

ALTER TABLE conflict_rule ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version > 0);
ALTER TABLE webhook_endpoint ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version > 0);

-- Users as they stand: who acts for an owner that is archived may not sign in.
CREATE VIEW user_standing AS
  SELECT u.id, u.email, u.name, u.kind, u.brand_id, u.streamer_id, u.password, u.epoch, u.totp, u.totp_since,
    u.totp_step, u.created_at, coalesce(u.disabled_at, b.archived_at, s.archived_at) AS disabled_at
  FROM user_login AS u LEFT JOIN brand AS b ON b.id = u.brand_id LEFT JOIN streamer AS s ON s.id = u.streamer_id;
CREATE INDEX user_login_of_brand ON user_login (brand_id) WHERE brand_id IS NOT NULL;
CREATE INDEX user_login_of_streamer ON user_login (streamer_id) WHERE streamer_id IS NOT NULL;

-- What operators did, newest first: all of it, and what was done to one.
CREATE INDEX admin_action_by_age ON admin_action (at, writer, seq);
CREATE INDEX admin_action_of_subject ON admin_action (subject COLLATE "C", at, writer, seq);
CREATE INDEX audit_block_of_action ON audit_block (writer, to_action, block);

CREATE INDEX play_of_campaign ON play (campaign_id, play_id DESC);

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT UPDATE (name, details, verification, requested_at, decided_at, decided_why, version, updated_at,
      archived_at) ON brand TO gametriggers_app;
    GRANT SELECT ON user_standing TO gametriggers_app;
  END IF;
END $$;
