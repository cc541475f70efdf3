-- What a key may do, and how long. `scopes` are names with blanks between them, none for all that its kind of
-- holder may have. A key is dead from `expires_at` on, and from `rotates_at` on when `replaced_by`, the hash
-- of its successor, has taken its place. `last_used_at` is right to the hour.
ALTER TABLE api_key ADD COLUMN scopes TEXT;
ALTER TABLE api_key ADD COLUMN expires_at INTEGER;
ALTER TABLE api_key ADD COLUMN replaced_by BLOB CHECK (length(replaced_by) = 32);
ALTER TABLE api_key ADD COLUMN rotates_at INTEGER CHECK ((rotates_at IS NULL) = (replaced_by IS NULL));
ALTER TABLE api_key ADD COLUMN last_used_at INTEGER;
CREATE INDEX api_key_of_brand ON api_key (brand_id) WHERE brand_id IS NOT NULL;
CREATE INDEX api_key_of_streamer ON api_key (streamer_id) WHERE streamer_id IS NOT NULL;

-- Tickets that have opened a socket, so that none opens a second one on another node. A row goes when its
-- ticket is long dead.
CREATE TABLE used_ticket (
  id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_ticket_expires ON used_ticket (expires_at);
