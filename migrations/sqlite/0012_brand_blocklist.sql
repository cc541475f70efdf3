-- Whom a brand blocks for all its campaigns, by ascending id: one row a brand, which is written whole. What
-- a campaign blocks by itself stands in `campaign`.
CREATE TABLE brand_blocklist (
  brand_id          INTEGER PRIMARY KEY REFERENCES brand (id),
  blocked_streamers TEXT    NOT NULL CHECK (json_valid(blocked_streamers)),
  updated_at        INTEGER NOT NULL
) STRICT;
