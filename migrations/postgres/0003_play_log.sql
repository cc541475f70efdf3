-- What was shown and what was counted. Not money: a lost row loses no right.

CREATE TABLE play (
  play_id     UUID     PRIMARY KEY,
  slot_at     BIGINT   NOT NULL,
  streamer_id BIGINT   NOT NULL,
  campaign_id BIGINT   NOT NULL,
  creative_id BIGINT   NOT NULL,
  viewers     BIGINT   NOT NULL,
  price       BIGINT   NOT NULL,
  fee         BIGINT   NOT NULL,
  earn        BIGINT   NOT NULL,
  click_lease BIGINT,
  click_price BIGINT,
  click_fee   BIGINT,
  click_earn  BIGINT,
  clicks_max  BIGINT,
  clicks_end  BIGINT,
  -- How final the outcome is: a record never replaces a more final one.
  stage       SMALLINT NOT NULL,
  outcome     TEXT     NOT NULL,
  reason      TEXT,
  currency    TEXT     NOT NULL,
  click_code  TEXT
-- A row changes when its play ends: room for it on the same page spares the indexes.
) WITH (fillfactor = 80);
CREATE INDEX play_of_streamer ON play (streamer_id, play_id DESC);
CREATE INDEX play_of_click_code ON play (click_code) WHERE click_code IS NOT NULL;

-- Each flush adds to the rows of its minutes, so that any number of nodes may count the same minute. A
-- series reads one campaign: its rows stand together.
CREATE TABLE metric_minute (
  minute       BIGINT NOT NULL,
  campaign_id  BIGINT NOT NULL,
  streamer_id  BIGINT NOT NULL,
  plays        BIGINT NOT NULL,
  impressions  BIGINT NOT NULL,
  viewers      BIGINT NOT NULL,
  clicks_link  BIGINT NOT NULL,
  clicks_qr    BIGINT NOT NULL,
  clicks_chat  BIGINT NOT NULL,
  lost         BIGINT NOT NULL,
  spend        BIGINT NOT NULL,
  earn         BIGINT NOT NULL,
  PRIMARY KEY (campaign_id, minute, streamer_id)
) WITH (fillfactor = 80);

CREATE TABLE metric_reject (
  minute      BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL,
  streamer_id BIGINT NOT NULL,
  reason      TEXT   NOT NULL,
  count       BIGINT NOT NULL CHECK (count > 0),
  PRIMARY KEY (campaign_id, minute, streamer_id, reason)
) WITH (fillfactor = 80);

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT SELECT, INSERT, UPDATE ON play, metric_minute, metric_reject TO gametriggers_app;
  END IF;
END $$;
