-- The last UTC day on which something was settled, in days since the epoch, and what had been settled before it:
-- what was spent today is the difference, and no play is looked at to know it.
ALTER TABLE campaign_budget ADD COLUMN day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE campaign_budget ADD COLUMN spent_before BIGINT NOT NULL DEFAULT 0;
