-- Who there is and what may be shown. Times are milliseconds since the Unix epoch, spans are
-- milliseconds, money is whole micros of the row's currency. Lists are JSON arrays.

CREATE TABLE brand (
  id         INTEGER PRIMARY KEY,
  name       TEXT    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE streamer (
  id                 INTEGER PRIMARY KEY,
  name               TEXT    NOT NULL,
  content_category   TEXT    NOT NULL,
  language           TEXT    NOT NULL,
  country            TEXT    NOT NULL,
  paused             INTEGER NOT NULL CHECK (paused IN (0, 1)),
  snoozed_until      INTEGER,
  slot_interval      INTEGER NOT NULL CHECK (slot_interval >= 0),
  hourly_max         INTEGER NOT NULL CHECK (hourly_max >= 0),
  first_ad_delay     INTEGER NOT NULL CHECK (first_ad_delay >= 0),
  corner             TEXT    NOT NULL CHECK (corner IN ('top_left', 'top_right', 'bottom_left', 'bottom_right')),
  volume_percent     INTEGER NOT NULL CHECK (volume_percent BETWEEN 0 AND 100),
  allow_video        INTEGER NOT NULL CHECK (allow_video IN (0, 1)),
  blocked_brands     TEXT    NOT NULL CHECK (json_valid(blocked_brands)),
  blocked_categories TEXT    NOT NULL CHECK (json_valid(blocked_categories)),
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL
) STRICT;

-- Only the SHA-256 of a key is stored. A row is never deleted: who held a key stays on record.
CREATE TABLE api_key (
  hash        BLOB    PRIMARY KEY CHECK (length(hash) = 32),
  kind        TEXT    NOT NULL CHECK (kind IN ('brand', 'streamer', 'overlay', 'admin')),
  brand_id    INTEGER REFERENCES brand (id),
  streamer_id INTEGER REFERENCES streamer (id),
  label       TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER,
  CHECK ((kind = 'brand') = (brand_id IS NOT NULL)),
  CHECK ((kind IN ('streamer', 'overlay')) = (streamer_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE campaign (
  id               INTEGER PRIMARY KEY,
  brand_id         INTEGER NOT NULL REFERENCES brand (id),
  name             TEXT    NOT NULL,
  status           TEXT    NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
  category         TEXT    NOT NULL,
  currency         TEXT    NOT NULL CHECK (length(currency) = 3),
  pricing          TEXT    NOT NULL CHECK (pricing IN ('cpm', 'cpc', 'flat')),
  rate             INTEGER NOT NULL CHECK (rate > 0),
  starts           INTEGER NOT NULL,
  ends             INTEGER NOT NULL,
  pacing           TEXT    NOT NULL CHECK (pacing IN ('even', 'asap')),
  cap_per_hour     INTEGER NOT NULL CHECK (cap_per_hour >= 0),
  cap_per_day      INTEGER NOT NULL CHECK (cap_per_day >= 0),
  cap_minimum_gap  INTEGER NOT NULL CHECK (cap_minimum_gap >= 0),
  wants_categories TEXT    NOT NULL CHECK (json_valid(wants_categories)),
  wants_languages  TEXT    NOT NULL CHECK (json_valid(wants_languages)),
  wants_countries  TEXT    NOT NULL CHECK (json_valid(wants_countries)),
  viewers_min      INTEGER NOT NULL CHECK (viewers_min >= 0),
  viewers_max      INTEGER NOT NULL CHECK (viewers_max >= 0),
  open_to_all      INTEGER NOT NULL CHECK (open_to_all IN (0, 1)),
  landing_url      TEXT    NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  CHECK (starts < ends),
  CHECK (pricing <> 'cpm' OR rate % 1000 = 0)
) STRICT;
CREATE INDEX campaign_of_brand ON campaign (brand_id, id);

CREATE TABLE creative (
  id          INTEGER PRIMARY KEY,
  campaign_id INTEGER NOT NULL REFERENCES campaign (id),
  kind        TEXT    NOT NULL CHECK (kind IN ('image', 'video', 'text', 'qr')),
  asset       TEXT,
  width       INTEGER,
  height      INTEGER,
  headline    TEXT,
  body        TEXT,
  placement   TEXT    NOT NULL CHECK (placement IN ('lower_third', 'corner', 'ticker')),
  duration    INTEGER NOT NULL CHECK (duration > 0),
  accent      TEXT    NOT NULL,
  CHECK ((kind IN ('image', 'video')) = (asset IS NOT NULL AND width IS NOT NULL AND height IS NOT NULL)),
  CHECK ((kind IN ('text', 'qr')) = (headline IS NOT NULL AND body IS NOT NULL))
) STRICT;
CREATE INDEX creative_of_campaign ON creative (campaign_id, id);

CREATE TABLE conflict_rule (
  id                INTEGER PRIMARY KEY,
  name              TEXT    NOT NULL,
  kind              TEXT    NOT NULL CHECK (kind IN
                      ('category_exclusivity', 'brand_exclusivity', 'cooldown_period', 'simultaneous_limit')),
  severity          TEXT    NOT NULL CHECK (severity IN ('blocking', 'warning', 'advisory')),
  priority          INTEGER NOT NULL,
  span              INTEGER NOT NULL CHECK (span >= 0),
  scope             TEXT    CHECK (scope IN ('category', 'brand', 'streamer')),
  campaigns_max     INTEGER CHECK (campaigns_max >= 0),
  categories        TEXT    NOT NULL CHECK (json_valid(categories)),
  brands            TEXT    NOT NULL CHECK (json_valid(brands)),
  competitors       TEXT    NOT NULL CHECK (json_valid(competitors)),
  enabled           INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  times_triggered   INTEGER NOT NULL DEFAULT 0,
  conflicts_blocked INTEGER NOT NULL DEFAULT 0,
  created_at        INTEGER NOT NULL,
  CHECK ((kind IN ('cooldown_period', 'simultaneous_limit')) = (scope IS NOT NULL)),
  CHECK ((kind = 'simultaneous_limit') = (campaigns_max IS NOT NULL))
) STRICT;

CREATE TABLE participation (
  streamer_id INTEGER NOT NULL REFERENCES streamer (id),
  campaign_id INTEGER NOT NULL REFERENCES campaign (id),
  status      TEXT    NOT NULL CHECK (status IN ('applied', 'approved', 'declined', 'ended')),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (streamer_id, campaign_id)
) STRICT, WITHOUT ROWID;
