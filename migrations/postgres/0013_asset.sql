-- What an upload is: the file that is shown, and the same picture in other sizes and formats. Its files are named by
-- the hashes of their content, so a row never changes. Uploads from before have none.
CREATE TABLE asset (
  name        TEXT    NOT NULL PRIMARY KEY,
  width       BIGINT  NOT NULL CHECK (width > 0),
  height      BIGINT  NOT NULL CHECK (height > 0),
  bytes       BIGINT  NOT NULL CHECK (bytes > 0),
  duration_ms BIGINT  CHECK (duration_ms > 0),
  frames      BIGINT  CHECK (frames > 0),
  sound       BOOLEAN NOT NULL,
  visible_bps BIGINT  NOT NULL CHECK (visible_bps BETWEEN 0 AND 10000),
  -- JSON: [name, width, height, bytes] of each.
  others      TEXT    NOT NULL,
  created_at  BIGINT  NOT NULL,
  CHECK ((duration_ms IS NULL) = (frames IS NULL))
);

-- Since when a brand has put an upload away.
ALTER TABLE brand_asset ADD COLUMN archived_at BIGINT;
CREATE INDEX brand_asset_age ON brand_asset (brand_id, created_at, name);

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT SELECT, INSERT ON asset TO gametriggers_app;
    GRANT UPDATE (archived_at) ON brand_asset TO gametriggers_app;
  END IF;
END $$;
