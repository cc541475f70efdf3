-- Who has uploaded what: each asset counts once against the quota of every brand that did.
CREATE TABLE brand_asset (
  brand_id   BIGINT NOT NULL REFERENCES brand (id),
  name       TEXT   NOT NULL,
  bytes      BIGINT NOT NULL CHECK (bytes > 0),
  created_at BIGINT NOT NULL,
  PRIMARY KEY (brand_id, name)
);

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT SELECT, INSERT ON brand_asset TO gametriggers_app;
  END IF;
END $$;
