-- What `pacing` can not say, for servers that know it; `pacing` keeps the mode that comes nearest.
ALTER TABLE campaign ADD COLUMN pacing_mode TEXT CHECK (pacing_mode IN ('front_loaded'));
-- What may be spent in a day of UTC.
ALTER TABLE campaign ADD COLUMN daily_cap BIGINT CHECK (daily_cap > 0);

-- Which streams a campaign wants, further; zero is no limit. A window of `dayparts` reads mon,tue 18:00-02:00, by
-- a clock that is `utc_offset` minutes ahead of UTC.
ALTER TABLE campaign ADD COLUMN followers_min BIGINT NOT NULL DEFAULT 0 CHECK (followers_min >= 0);
ALTER TABLE campaign ADD COLUMN followers_max BIGINT NOT NULL DEFAULT 0 CHECK (followers_max >= 0);
ALTER TABLE campaign ADD COLUMN wants_platforms TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE campaign ADD COLUMN wants_mature TEXT NOT NULL DEFAULT 'any'
  CHECK (wants_mature IN ('any', 'exclude', 'only'));
ALTER TABLE campaign ADD COLUMN blocked_streamers BIGINT[] NOT NULL DEFAULT '{}';
ALTER TABLE campaign ADD COLUMN dayparts TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE campaign ADD COLUMN utc_offset BIGINT NOT NULL DEFAULT 0 CHECK (utc_offset BETWEEN -720 AND 840);
ALTER TABLE campaign ADD COLUMN rotation TEXT NOT NULL DEFAULT 'even'
  CHECK (rotation IN ('even', 'weighted', 'best'));

-- Whether a video can be heard; null where nobody has looked, and then it is taken for one that can.
ALTER TABLE creative ADD COLUMN sound BOOLEAN;
ALTER TABLE creative ADD COLUMN weight BIGINT NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000);

-- What a creative achieved. Each flush adds to it, on any number of nodes. Not money.
CREATE TABLE creative_count (
  creative_id BIGINT PRIMARY KEY,
  plays       BIGINT NOT NULL,
  impressions BIGINT NOT NULL,
  viewers     BIGINT NOT NULL,
  clicks      BIGINT NOT NULL
);

-- Where a stream runs, and who follows it.
ALTER TABLE streamer ADD COLUMN platform TEXT NOT NULL DEFAULT 'other'
  CHECK (platform IN ('twitch', 'youtube', 'kick', 'other'));
ALTER TABLE streamer ADD COLUMN followers BIGINT NOT NULL DEFAULT 0 CHECK (followers >= 0);
ALTER TABLE streamer ADD COLUMN mature BOOLEAN NOT NULL DEFAULT false;

-- What a streamer allows, further. Video is in `allow_video`, which older servers know, and never in
-- `blocked_formats`. Lengths are the longest time on screen; zero is no cap.
ALTER TABLE streamer ADD COLUMN blocked_formats TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE streamer ADD COLUMN allow_sound BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE streamer ADD COLUMN length_image BIGINT NOT NULL DEFAULT 0 CHECK (length_image >= 0);
ALTER TABLE streamer ADD COLUMN length_video BIGINT NOT NULL DEFAULT 0 CHECK (length_video >= 0);
ALTER TABLE streamer ADD COLUMN length_text BIGINT NOT NULL DEFAULT 0 CHECK (length_text >= 0);
ALTER TABLE streamer ADD COLUMN length_qr BIGINT NOT NULL DEFAULT 0 CHECK (length_qr >= 0);
-- The platform's profile that they have agreed to, and when.
ALTER TABLE streamer ADD COLUMN opt_in_policy TEXT;
ALTER TABLE streamer ADD COLUMN opt_in_at BIGINT;

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT SELECT, INSERT, UPDATE ON creative_count TO gametriggers_app;
  END IF;
END $$;
