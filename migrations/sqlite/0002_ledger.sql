-- The money. Amounts are whole micros of one currency in 64 bits; there is no float and no decimal.
-- Rows of ledger_tx, ledger_entry, settle_event and settle_reject are never changed or deleted: a
-- mistake is corrected by a new transaction that reverses it.

-- A process takes the next epoch when it starts; a writer that finds a newer one has lost the
-- database for good. `seq` numbers the writer's ledger transactions without a gap.
CREATE TABLE writer (
  id    INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  seq   INTEGER NOT NULL CHECK (seq >= 0)
) STRICT;
INSERT INTO writer (id, epoch, seq) VALUES (1, 0, 0);

CREATE TABLE ledger_account (
  id            INTEGER PRIMARY KEY,
  owner_kind    TEXT    NOT NULL CHECK (owner_kind IN ('brand', 'campaign', 'streamer', 'platform', 'psp')),
  owner_id      INTEGER NOT NULL,
  code          TEXT    NOT NULL,
  shard         INTEGER NOT NULL DEFAULT 0,
  currency      TEXT    NOT NULL CHECK (length(currency) = 3),
  credit_normal INTEGER NOT NULL CHECK (credit_normal IN (0, 1)),
  no_overdraft  INTEGER NOT NULL CHECK (no_overdraft IN (0, 1)),
  debits        INTEGER NOT NULL DEFAULT 0 CHECK (debits >= 0),
  credits       INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0),
  UNIQUE (owner_kind, owner_id, code, shard, currency),
  UNIQUE (id, currency),
  -- Checked at once, row by row: debit and credit of an account move in one UPDATE.
  CONSTRAINT no_overdraft CHECK
    (no_overdraft = 0 OR iif(credit_normal, credits - debits, debits - credits) >= 0)
) STRICT;

CREATE TABLE ledger_tx (
  writer     INTEGER NOT NULL REFERENCES writer (id),
  seq        INTEGER NOT NULL CHECK (seq > 0),
  kind       TEXT    NOT NULL CHECK (kind IN ('deposit', 'fund', 'settle', 'roll_up', 'return')),
  idem_key   TEXT    NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (writer, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_entry (
  writer     INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  line       INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  currency   TEXT    NOT NULL,
  is_debit   INTEGER NOT NULL CHECK (is_debit IN (0, 1)),
  amount     INTEGER NOT NULL CHECK (amount > 0),
  PRIMARY KEY (writer, seq, line),
  FOREIGN KEY (writer, seq) REFERENCES ledger_tx (writer, seq),
  -- A line in another currency than its account's is refused.
  FOREIGN KEY (account_id, currency) REFERENCES ledger_account (id, currency)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_entry_of_account ON ledger_entry (account_id, writer, seq);

CREATE TABLE campaign_budget (
  campaign_id INTEGER PRIMARY KEY REFERENCES campaign (id),
  currency    TEXT    NOT NULL CHECK (length(currency) = 3),
  funded      INTEGER NOT NULL DEFAULT 0,
  spent       INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
  -- The sum of granted - settled over the campaign's leases that are not closed.
  leased      INTEGER NOT NULL DEFAULT 0 CHECK (leased >= 0),
  plays       INTEGER NOT NULL DEFAULT 0,
  viewers     INTEGER NOT NULL DEFAULT 0,
  clicks      INTEGER NOT NULL DEFAULT 0,
  rejected    INTEGER NOT NULL DEFAULT 0,
  version     INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT no_overspend CHECK (spent + leased <= funded)
) STRICT;

CREATE TRIGGER campaign_budget_moves AFTER UPDATE OF funded, spent, leased, plays, viewers, clicks, rejected
  ON campaign_budget
  BEGIN UPDATE campaign_budget SET version = version + 1 WHERE campaign_id = NEW.campaign_id; END;

CREATE TABLE budget_lease (
  lease_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  campaign_id INTEGER NOT NULL REFERENCES campaign_budget (campaign_id),
  writer      INTEGER NOT NULL REFERENCES writer (id),
  epoch       INTEGER NOT NULL,
  granted     INTEGER NOT NULL CHECK (granted >= 0),
  settled     INTEGER NOT NULL DEFAULT 0 CHECK (settled >= 0),
  state       TEXT    NOT NULL CHECK (state IN ('open', 'closing', 'closed')),
  closes_at   INTEGER,
  CONSTRAINT no_overdrawn_lease CHECK (settled <= granted),
  CHECK (state <> 'closing' OR closes_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX budget_lease_open ON budget_lease (campaign_id, writer) WHERE state = 'open';
CREATE INDEX budget_lease_due ON budget_lease (closes_at) WHERE state = 'closing';
CREATE INDEX budget_lease_of_campaign ON budget_lease (campaign_id);

-- A price may be zero: a play that pays per click is counted and costs nothing by itself.
CREATE TABLE settle_event (
  event_id    BLOB    PRIMARY KEY CHECK (length(event_id) = 16),
  kind        TEXT    NOT NULL CHECK (kind IN ('play', 'click')),
  play_id     BLOB    NOT NULL CHECK (length(play_id) = 16),
  lease_id    INTEGER NOT NULL REFERENCES budget_lease (lease_id),
  campaign_id INTEGER NOT NULL,
  streamer_id INTEGER NOT NULL,
  creative_id INTEGER NOT NULL,
  currency    TEXT    NOT NULL CHECK (length(currency) = 3),
  price       INTEGER NOT NULL CHECK (price >= 0),
  fee         INTEGER NOT NULL CHECK (fee >= 0),
  earn        INTEGER NOT NULL CHECK (earn >= 0),
  viewers     INTEGER NOT NULL CHECK (viewers >= 0),
  occurred_at INTEGER NOT NULL,
  writer      INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  -- The roll-up that posted it to the streamer's wallet.
  rolled_seq  INTEGER,
  CONSTRAINT exact_split CHECK (price = fee + earn),
  FOREIGN KEY (writer, seq) REFERENCES ledger_tx (writer, seq),
  FOREIGN KEY (writer, rolled_seq) REFERENCES ledger_tx (writer, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX settle_event_to_roll ON settle_event (writer, seq) WHERE rolled_seq IS NULL;
CREATE INDEX settle_event_unrolled_of_streamer ON settle_event (streamer_id, currency, kind, earn)
  WHERE rolled_seq IS NULL;

-- Refusals are kept, so that a claim that comes again gets the same answer. It names ids that may
-- not exist: a refused claim proves nothing.
CREATE TABLE settle_reject (
  event_id    BLOB    PRIMARY KEY CHECK (length(event_id) = 16),
  reason      TEXT    NOT NULL,
  kind        TEXT    NOT NULL CHECK (kind IN ('play', 'click')),
  play_id     BLOB    NOT NULL CHECK (length(play_id) = 16),
  lease_id    INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  streamer_id INTEGER NOT NULL,
  price       INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL,
  rejected_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Plays that are rolled up, per wallet; the money itself is in ledger_account.
CREATE TABLE streamer_wallet (
  streamer_id INTEGER NOT NULL,
  currency    TEXT    NOT NULL CHECK (length(currency) = 3),
  plays       INTEGER NOT NULL CHECK (plays >= 0),
  PRIMARY KEY (streamer_id, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  key         TEXT    PRIMARY KEY,
  operation   TEXT    NOT NULL,
  fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
  result      TEXT    NOT NULL CHECK (json_valid(result)),
  created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE write_probe (id INTEGER PRIMARY KEY, ballast BLOB NOT NULL) STRICT;

CREATE TRIGGER ledger_tx_keeps BEFORE UPDATE ON ledger_tx
  BEGIN SELECT RAISE(ABORT, 'ledger_tx is append-only'); END;
CREATE TRIGGER ledger_tx_stays BEFORE DELETE ON ledger_tx
  BEGIN SELECT RAISE(ABORT, 'ledger_tx is append-only'); END;
CREATE TRIGGER ledger_entry_keeps BEFORE UPDATE ON ledger_entry
  BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END;
CREATE TRIGGER ledger_entry_stays BEFORE DELETE ON ledger_entry
  BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END;
CREATE TRIGGER settle_reject_keeps BEFORE UPDATE ON settle_reject
  BEGIN SELECT RAISE(ABORT, 'settle_reject is append-only'); END;
CREATE TRIGGER settle_reject_stays BEFORE DELETE ON settle_reject
  BEGIN SELECT RAISE(ABORT, 'settle_reject is append-only'); END;
CREATE TRIGGER settle_event_keeps BEFORE UPDATE OF event_id, kind, play_id, lease_id, campaign_id,
    streamer_id, creative_id, currency, price, fee, earn, viewers, occurred_at, writer, seq ON settle_event
  BEGIN SELECT RAISE(ABORT, 'settle_event is append-only'); END;
CREATE TRIGGER settle_event_rolls_once BEFORE UPDATE OF rolled_seq ON settle_event
  WHEN OLD.rolled_seq IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'settle_event is rolled up once'); END;
CREATE TRIGGER settle_event_stays BEFORE DELETE ON settle_event
  BEGIN SELECT RAISE(ABORT, 'settle_event is append-only'); END;
