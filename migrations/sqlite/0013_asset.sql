-- What an upload is: the file that is shown, and the same picture in other sizes and formats. Its files are named by
-- the hashes of their content, so a row never changes. Uploads from before have none.
CREATE TABLE asset (
  name        TEXT    NOT NULL PRIMARY KEY,
  width       INTEGER NOT NULL CHECK (width > 0),
  height      INTEGER NOT NULL CHECK (height > 0),
  bytes       INTEGER NOT NULL CHECK (bytes > 0),
  duration_ms INTEGER CHECK (duration_ms > 0),
  frames      INTEGER CHECK (frames > 0),
  sound       INTEGER NOT NULL CHECK (sound IN (0, 1)),
  visible_bps INTEGER NOT NULL CHECK (visible_bps BETWEEN 0 AND 10000),
  -- JSON: [name, width, height, bytes] of each.
  others      TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  CHECK ((duration_ms IS NULL) = (frames IS NULL))
) STRICT, WITHOUT ROWID;

-- Since when a brand has put an upload away.
ALTER TABLE brand_asset ADD COLUMN archived_at INTEGER;
CREATE INDEX brand_asset_age ON brand_asset (brand_id, created_at, name);
