-- What `status` can not say, for servers that know it; `status` keeps what older servers make of it: nobody plays.
ALTER TABLE participation ADD COLUMN detail TEXT CHECK (detail IN ('invited', 'withdrawn', 'completed'));
CREATE INDEX participation_of_campaign ON participation (campaign_id, streamer_id);
