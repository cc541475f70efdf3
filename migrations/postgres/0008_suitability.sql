-- What `pacing` can not say, for servers that know it; `pacing` keeps the mode that comes nearest.
ALTER TABLE campaign ADD COLUMN pacing_mode TEXT CHECK (pacing_mode IN ('front_loaded'));
-- What may be spent in a day of UTC.
ALTER TABLE campaign ADD COLUMN daily_cap BIGINT CHECK (daily_cap > 0);
