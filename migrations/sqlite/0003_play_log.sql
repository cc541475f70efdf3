-- What was shown and what was counted. Not money: a lost row loses no right.

CREATE TABLE play (
  play_id     BLOB    PRIMARY KEY CHECK (length(play_id) = 16),
  slot_at     INTEGER NOT NULL,
  streamer_id INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  creative_id INTEGER NOT NULL,
  outcome     TEXT    NOT NULL,
  -- How final the outcome is: a record never replaces a more final one.
  stage       INTEGER NOT NULL,
  reason      TEXT,
  viewers     INTEGER NOT NULL,
  currency    TEXT    NOT NULL,
  price       INTEGER NOT NULL,
  fee         INTEGER NOT NULL,
  earn        INTEGER NOT NULL,
  click_code  TEXT,
  click_lease INTEGER,
  click_price INTEGER,
  click_fee   INTEGER,
  click_earn  INTEGER,
  clicks_max  INTEGER,
  clicks_end  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX play_of_streamer ON play (streamer_id, play_id DESC);
CREATE INDEX play_of_click_code ON play (click_code) WHERE click_code IS NOT NULL;

-- Each flush adds to the rows of its minutes, so that any number of nodes may count the same minute. A
-- series reads one campaign: its rows stand together.
CREATE TABLE metric_minute (
  minute      INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  streamer_id INTEGER NOT NULL,
  plays       INTEGER NOT NULL,
  impressions INTEGER NOT NULL,
  viewers     INTEGER NOT NULL,
  clicks_link INTEGER NOT NULL,
  clicks_qr   INTEGER NOT NULL,
  clicks_chat INTEGER NOT NULL,
  lost        INTEGER NOT NULL,
  spend       INTEGER NOT NULL,
  earn        INTEGER NOT NULL,
  PRIMARY KEY (campaign_id, minute, streamer_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE metric_reject (
  minute      INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  streamer_id INTEGER NOT NULL,
  reason      TEXT    NOT NULL,
  count       INTEGER NOT NULL CHECK (count > 0),
  PRIMARY KEY (campaign_id, minute, streamer_id, reason)
) STRICT, WITHOUT ROWID;
