-- What a key may do, and how long. `scopes` are names with blanks between them, none for all that its kind of
-- holder may have. A key is dead from `expires_at` on, and from `rotates_at` on when `replaced_by`, the hash
-- of its successor, has taken its place. `last_used_at` is right to the hour.
ALTER TABLE api_key
  ADD COLUMN scopes       TEXT,
  ADD COLUMN expires_at   BIGINT,
  ADD COLUMN replaced_by  BYTEA CHECK (octet_length(replaced_by) = 32),
  ADD COLUMN rotates_at   BIGINT,
  ADD COLUMN last_used_at BIGINT,
  ADD CHECK ((rotates_at IS NULL) = (replaced_by IS NULL));
CREATE INDEX api_key_of_brand ON api_key (brand_id) WHERE brand_id IS NOT NULL;
CREATE INDEX api_key_of_streamer ON api_key (streamer_id) WHERE streamer_id IS NOT NULL;

-- Tickets that have opened a socket, so that none opens a second one on another node. A row goes when its
-- ticket is long dead.
CREATE TABLE used_ticket (
  id         BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
  expires_at BIGINT NOT NULL
);
CREATE INDEX used_ticket_expires ON used_ticket (expires_at);

-- Takes tickets away that were dead before a moment, a bounded part at a time; the number of rows. The role
-- of the server may delete nothing, so this runs as the owner.
CREATE FUNCTION used_ticket_prune(before BIGINT) RETURNS BIGINT LANGUAGE sql SECURITY DEFINER AS $$
  WITH gone AS (
    DELETE FROM used_ticket WHERE id IN (
      SELECT id FROM used_ticket WHERE expires_at < before ORDER BY expires_at LIMIT 100
      FOR UPDATE SKIP LOCKED)
    RETURNING 1)
  SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON FUNCTION used_ticket_prune FROM PUBLIC;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION used_ticket_prune SET search_path = %I, pg_temp', current_schema());
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT EXECUTE ON FUNCTION used_ticket_prune TO gametriggers_app;
    GRANT UPDATE (label, replaced_by, rotates_at, last_used_at) ON api_key TO gametriggers_app;
    GRANT SELECT, INSERT ON used_ticket TO gametriggers_app;
  END IF;
END $$;
