-- What the streams had to give: slots that were decided and their viewers, by the quarter hour of UTC and by what
-- targeting looks at, with the audience to the next power of two. Each flush adds to it, on any number of nodes;
-- plans are learned from it. Rows go when no plan looks at them any more. Not money.
CREATE TABLE supply_quarter (
  quarter  INTEGER NOT NULL,
  category TEXT    NOT NULL,
  language TEXT    NOT NULL,
  country  TEXT    NOT NULL,
  platform TEXT    NOT NULL,
  mature   INTEGER NOT NULL CHECK (mature IN (0, 1)),
  band     INTEGER NOT NULL,
  slots    INTEGER NOT NULL,
  viewers  INTEGER NOT NULL,
  PRIMARY KEY (quarter, category, language, country, platform, mature, band)
) STRICT, WITHOUT ROWID;
