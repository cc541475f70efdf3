-- Whom a brand blocks for all its campaigns, by ascending id: one row a brand, which is written whole. What
-- a campaign blocks by itself stands in `campaign`.
CREATE TABLE brand_blocklist (
  brand_id          BIGINT   PRIMARY KEY REFERENCES brand (id),
  blocked_streamers BIGINT[] NOT NULL,
  updated_at        BIGINT   NOT NULL
);

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT SELECT, INSERT, UPDATE ON brand_blocklist TO gametriggers_app;
  END IF;
END $$;
