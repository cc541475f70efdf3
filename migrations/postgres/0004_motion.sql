-- How much ads move on a streamer's page.
ALTER TABLE streamer ADD COLUMN motion TEXT NOT NULL DEFAULT 'full' CHECK (motion IN ('full', 'reduced'));
