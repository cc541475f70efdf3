-- What a brand and a streamer say of themselves. `details` is a JSON document of at most 16 KB that only the API
-- reads; what is looked for or decided by has a column. `version` grows with every change of the row that the API
-- shows. An owner that is archived has no key and no user that works.
ALTER TABLE brand ADD COLUMN details TEXT NOT NULL DEFAULT '{}'
  CHECK (json_valid(details) AND length(CAST(details AS BLOB)) <= 16384);
ALTER TABLE brand ADD COLUMN verification TEXT NOT NULL DEFAULT 'unverified'
  CHECK (verification IN ('unverified', 'pending', 'verified', 'rejected'));
ALTER TABLE brand ADD COLUMN requested_at INTEGER;
ALTER TABLE brand ADD COLUMN decided_at INTEGER;
ALTER TABLE brand ADD COLUMN decided_why TEXT;
ALTER TABLE brand ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);
ALTER TABLE brand ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE brand ADD COLUMN archived_at INTEGER;
UPDATE brand SET updated_at = created_at;
CREATE INDEX brand_by_name ON brand (name, id);
CREATE INDEX brand_by_age ON brand (created_at, id);
CREATE INDEX brand_archived ON brand (id) WHERE archived_at IS NOT NULL;

ALTER TABLE streamer ADD COLUMN details TEXT NOT NULL DEFAULT '{}'
  CHECK (json_valid(details) AND length(CAST(details AS BLOB)) <= 16384);
ALTER TABLE streamer ADD COLUMN verification TEXT NOT NULL DEFAULT 'unverified'
  CHECK (verification IN ('unverified', 'verified', 'rejected'));
-- Whether every brand may find them.
ALTER TABLE streamer ADD COLUMN listed INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1));
ALTER TABLE streamer ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);
ALTER TABLE streamer ADD COLUMN archived_at INTEGER;
CREATE INDEX streamer_by_name ON streamer (name, id);
CREATE INDEX streamer_by_age ON streamer (created_at, id);
CREATE INDEX streamer_archived ON streamer (id) WHERE archived_at IS NOT NULL;

ALTER TABLE conflict_rule ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);
ALTER TABLE webhook_endpoint ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);

-- Users as they stand: who acts for an owner that is archived may not sign in.
CREATE VIEW user_standing AS
  SELECT u.id, u.email, u.name, u.kind, u.brand_id, u.streamer_id, u.password, u.epoch, u.totp, u.totp_since,
    u.totp_step, u.created_at, coalesce(u.disabled_at, b.archived_at, s.archived_at) AS disabled_at
  FROM user_login AS u LEFT JOIN brand AS b ON b.id = u.brand_id LEFT JOIN streamer AS s ON s.id = u.streamer_id;
CREATE INDEX user_login_of_brand ON user_login (brand_id) WHERE brand_id IS NOT NULL;
CREATE INDEX user_login_of_streamer ON user_login (streamer_id) WHERE streamer_id IS NOT NULL;

-- What operators did, newest first: all of it, and what was done to one.
CREATE INDEX admin_action_by_age ON admin_action (at, writer, seq);
CREATE INDEX admin_action_of_subject ON admin_action (subject, at, writer, seq);
CREATE INDEX audit_block_of_action ON audit_block (writer, to_action, block);

CREATE INDEX play_of_campaign ON play (campaign_id, play_id DESC);
