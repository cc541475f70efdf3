-- What the streams had to give: slots that were decided and their viewers, by the quarter hour of UTC and by what
-- targeting looks at, with the audience to the next power of two. Each flush adds to it, on any number of nodes;
-- plans are learned from it. Rows go when no plan looks at them any more. Not money.
CREATE TABLE supply_quarter (
  quarter  BIGINT  NOT NULL,
  category TEXT    NOT NULL,
  language TEXT    NOT NULL,
  country  TEXT    NOT NULL,
  platform TEXT    NOT NULL,
  mature   BOOLEAN NOT NULL,
  band     BIGINT  NOT NULL,
  slots    BIGINT  NOT NULL,
  viewers  BIGINT  NOT NULL,
  PRIMARY KEY (quarter, category, language, country, platform, mature, band)
) WITH (fillfactor = 80);

-- Takes the oldest quarter hour away, if it began before a moment; the number of rows. The role of the server may
-- delete nothing, so this runs as the owner.
CREATE FUNCTION supply_prune(before BIGINT) RETURNS BIGINT LANGUAGE sql SECURITY DEFINER AS $$
  WITH gone AS (
    DELETE FROM supply_quarter WHERE quarter = (SELECT min(quarter) FROM supply_quarter) AND quarter < before
    RETURNING 1)
  SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON FUNCTION supply_prune FROM PUBLIC;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION supply_prune SET search_path = %I, pg_temp', current_schema());
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gametriggers_app') THEN
    GRANT EXECUTE ON FUNCTION supply_prune TO gametriggers_app;
    GRANT SELECT, INSERT, UPDATE ON supply_quarter TO gametriggers_app;
  END IF;
END $$;
