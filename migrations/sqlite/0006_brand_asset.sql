-- Who has uploaded what: each asset counts once against the quota of every brand that did.
CREATE TABLE brand_asset (
  brand_id   INTEGER NOT NULL REFERENCES brand (id),
  name       TEXT    NOT NULL,
  bytes      INTEGER NOT NULL CHECK (bytes > 0),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (brand_id, name)
) STRICT, WITHOUT ROWID;
