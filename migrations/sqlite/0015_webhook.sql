-- Webhooks: who wants to hear of what, what happened, and who was told. Not money.

-- `secret` signs, and so does `old_secret` until `old_until`. An endpoint that fails has a `failing_since`, the
-- first failure after the last success; one that asked for a pause is not called before `held_until`. One process
-- at a time calls it: the one of the lease. `waiting` counts its deliveries that are not done, a little late.
CREATE TABLE webhook_endpoint (
  id              INTEGER PRIMARY KEY,
  owner_kind      TEXT    NOT NULL CHECK (owner_kind IN ('brand', 'streamer', 'platform')),
  owner_id        INTEGER NOT NULL CHECK ((owner_kind = 'platform') = (owner_id = 0)),
  url             TEXT    NOT NULL,
  description     TEXT    NOT NULL,
  events          TEXT    NOT NULL,
  secret          TEXT    NOT NULL,
  old_secret      TEXT,
  old_until       INTEGER,
  failing_since   INTEGER,
  held_until      INTEGER NOT NULL DEFAULT 0,
  waiting         INTEGER NOT NULL DEFAULT 0,
  lease_writer    INTEGER NOT NULL DEFAULT 0,
  lease_epoch     INTEGER NOT NULL DEFAULT 0,
  leased_until    INTEGER NOT NULL DEFAULT 0,
  disabled_at     INTEGER,
  disabled_reason TEXT    CHECK (disabled_reason IN ('by_hand', 'gone', 'failing')),
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  deleted_at      INTEGER,
  CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
) STRICT;
CREATE INDEX webhook_endpoint_of_owner ON webhook_endpoint (owner_kind, owner_id, id);

-- What happened, when somebody listened. `message` is the webhook-id, the same in every attempt and for every
-- endpoint.
CREATE TABLE webhook_event (
  id          INTEGER PRIMARY KEY,
  message     TEXT    NOT NULL DEFAULT ('msg_' || lower(hex(randomblob(16)))),
  type        TEXT    NOT NULL,
  brand_id    INTEGER,
  streamer_id INTEGER,
  data        TEXT    NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;

-- An event for an endpoint. `attempts` begins anew with a replay; the log of them does not.
CREATE TABLE webhook_delivery (
  id          INTEGER PRIMARY KEY,
  endpoint_id INTEGER NOT NULL REFERENCES webhook_endpoint (id),
  event_id    INTEGER NOT NULL REFERENCES webhook_event (id),
  state       TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
  attempts    INTEGER NOT NULL DEFAULT 0,
  due_at      INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, due_at, id) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_of_endpoint ON webhook_delivery (endpoint_id, id);
CREATE INDEX webhook_delivery_of_event ON webhook_delivery (event_id);
CREATE INDEX webhook_delivery_done ON webhook_delivery (updated_at) WHERE state <> 'waiting';

-- The log. `status` is the answer's, if there was one; `failure` says why there was none, or why it is no success.
CREATE TABLE webhook_attempt (
  delivery_id INTEGER NOT NULL REFERENCES webhook_delivery (id),
  number      INTEGER NOT NULL CHECK (number > 0),
  at          INTEGER NOT NULL,
  duration    INTEGER NOT NULL,
  status      INTEGER,
  failure     TEXT,
  answer      TEXT    NOT NULL,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- How far the summaries of a campaign have told: its counters then, its budget, and the share of it in percent
-- that was told as spent.
CREATE TABLE webhook_mark (
  campaign_id INTEGER PRIMARY KEY REFERENCES campaign (id),
  at          INTEGER NOT NULL,
  plays       INTEGER NOT NULL,
  viewers     INTEGER NOT NULL,
  clicks      INTEGER NOT NULL,
  rejected    INTEGER NOT NULL,
  spent       INTEGER NOT NULL,
  budget      INTEGER NOT NULL,
  told        INTEGER NOT NULL
) STRICT;
