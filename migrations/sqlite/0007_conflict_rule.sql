-- Conflict rules as operators keep them. `created_by` is the start of an operator's key hash, `config` for a
-- rule of the configuration file, and `database` for one that is older than this column. A rule that was
-- deleted has a `retired_at`: what was counted of it stays.
ALTER TABLE conflict_rule ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE conflict_rule ADD COLUMN created_by TEXT NOT NULL DEFAULT 'database';
ALTER TABLE conflict_rule ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conflict_rule ADD COLUMN retired_at INTEGER;
UPDATE conflict_rule SET updated_at = created_at;
-- The demo made its rules by itself; they stand in its configuration now.
UPDATE conflict_rule SET created_by = 'config' WHERE id IN (SELECT min(id) FROM conflict_rule
  WHERE name IN ('Competitors keep apart', 'Brands take turns', 'Not too many campaigns') GROUP BY name);
CREATE UNIQUE INDEX conflict_rule_of_config ON conflict_rule (name)
  WHERE created_by = 'config' AND retired_at IS NULL;

-- An operator lets a campaign pass what would block it: on one stream or on all, one rule or all of them.
CREATE TABLE rule_override (
  id          INTEGER PRIMARY KEY,
  campaign_id INTEGER NOT NULL REFERENCES campaign (id),
  streamer_id INTEGER REFERENCES streamer (id),
  rule_id     INTEGER REFERENCES conflict_rule (id),
  reason      TEXT    NOT NULL CHECK (length(reason) > 0),
  granted_by  TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL CHECK (expires_at > created_at),
  revoked_at  INTEGER,
  times_used  INTEGER NOT NULL DEFAULT 0 CHECK (times_used >= 0)
) STRICT;
CREATE INDEX rule_override_in_force ON rule_override (expires_at) WHERE revoked_at IS NULL;

-- How often rules spoke, by UTC day (days since the epoch) and by whom they spoke against. Each flush adds to
-- the rows, so that any number of nodes may count.
CREATE TABLE rule_violation (
  day         INTEGER NOT NULL,
  rule_id     INTEGER NOT NULL,
  brand_id    INTEGER NOT NULL,
  category    TEXT    NOT NULL,
  streamer_id INTEGER NOT NULL,
  spoken      INTEGER NOT NULL CHECK (spoken > 0),
  blocked     INTEGER NOT NULL CHECK (blocked >= 0),
  overridden  INTEGER NOT NULL CHECK (overridden >= 0),
  PRIMARY KEY (day, rule_id, brand_id, category, streamer_id)
) STRICT, WITHOUT ROWID;
