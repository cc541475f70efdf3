-- The money. Amounts are whole micros of one currency in 64 bits; there is no float and no decimal.
-- Rows of ledger_tx, ledger_entry, settle_event, settle_click, settle_reject, admin_action and
-- audit_block are never changed or deleted: a mistake is corrected by a new transaction that reverses it.

-- A process takes the next epoch when it starts; a writer that finds a newer one has lost the
-- database for good. `seq` numbers the writer's ledger transactions without a gap, `action_seq` its
-- operators' actions, `block` its audit blocks. Every settle_event up to row `rolled` is in the
-- streamers' wallets. `turn` counts write transactions where a COMMIT can end unknown: not here.
CREATE TABLE writer (
  id         INTEGER PRIMARY KEY,
  epoch      INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  seq        INTEGER NOT NULL DEFAULT 0 CHECK (seq >= 0),
  turn       INTEGER NOT NULL DEFAULT 0 CHECK (turn >= 0),
  action_seq INTEGER NOT NULL DEFAULT 0 CHECK (action_seq >= 0),
  rolled     INTEGER NOT NULL DEFAULT 0 CHECK (rolled >= 0),
  block      INTEGER NOT NULL DEFAULT 0 CHECK (block >= 0)
) STRICT;
INSERT INTO writer (id) VALUES (1);

CREATE TABLE ledger_account (
  id            INTEGER PRIMARY KEY,
  owner_kind    TEXT    NOT NULL CHECK (owner_kind IN ('brand', 'campaign', 'streamer', 'platform', 'psp')),
  owner_id      INTEGER NOT NULL,
  code          TEXT    NOT NULL,
  shard         INTEGER NOT NULL DEFAULT 0,
  currency      TEXT    NOT NULL CHECK (length(currency) = 3),
  credit_normal INTEGER NOT NULL CHECK (credit_normal IN (0, 1)),
  no_overdraft  INTEGER NOT NULL CHECK (no_overdraft IN (0, 1)),
  -- How far below zero an account may go that may not be overdrawn.
  credit_limit  INTEGER NOT NULL DEFAULT 0 CHECK (credit_limit >= 0),
  debits        INTEGER NOT NULL DEFAULT 0 CHECK (debits >= 0),
  credits       INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0),
  UNIQUE (owner_kind, owner_id, code, shard, currency),
  UNIQUE (id, currency),
  -- Checked at once, row by row: debit and credit of an account move in one UPDATE.
  CONSTRAINT no_overdraft CHECK
    (no_overdraft = 0 OR iif(credit_normal, credits - debits, debits - credits) >= -credit_limit)
) STRICT;

CREATE TABLE ledger_tx (
  writer     INTEGER NOT NULL REFERENCES writer (id),
  seq        INTEGER NOT NULL CHECK (seq > 0),
  kind       TEXT    NOT NULL CHECK (kind IN ('deposit', 'fund', 'settle', 'roll_up', 'return', 'release',
                      'refund', 'adjust', 'mature')),
  idem_key   TEXT    NOT NULL UNIQUE,
  -- What it says of itself: a provider's reference, the reason of an operator.
  reference  TEXT    NOT NULL DEFAULT '',
  -- Never before the writer's last one.
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
  -- Raised by every change: the higher one is the newer one.
  version     INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT no_overspend CHECK (spent + leased <= funded)
) STRICT;

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

-- A price may be zero: a play that pays per click is counted and costs nothing by itself. What is
-- not the fee is the streamer's. Rows are numbered in the order in which they are written. The parents
-- of a row are not looked up: the transaction that writes it has just read or written them.
CREATE TABLE settle_event (
  row         INTEGER PRIMARY KEY,
  event_id    BLOB    NOT NULL UNIQUE CHECK (length(event_id) = 16),
  kind        TEXT    NOT NULL CHECK (kind IN ('play', 'click')),
  lease_id    INTEGER NOT NULL,
  campaign_id INTEGER NOT NULL,
  streamer_id INTEGER NOT NULL,
  creative_id INTEGER NOT NULL,
  currency    TEXT    NOT NULL CHECK (length(currency) = 3),
  price       INTEGER NOT NULL,
  fee         INTEGER NOT NULL,
  viewers     INTEGER NOT NULL CHECK (viewers >= 0),
  occurred_at INTEGER NOT NULL,
  writer      INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  CONSTRAINT exact_split CHECK (fee BETWEEN 0 AND price)
) STRICT;

-- The play of a click; a play is its own.
CREATE TABLE settle_click (
  event_id BLOB PRIMARY KEY CHECK (length(event_id) = 16),
  play_id  BLOB NOT NULL CHECK (length(play_id) = 16)
) STRICT, WITHOUT ROWID;

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

-- What is rolled up, counted per wallet; the money itself is in ledger_account.
CREATE TABLE streamer_wallet (
  streamer_id INTEGER NOT NULL,
  currency    TEXT    NOT NULL CHECK (length(currency) = 3),
  plays       INTEGER NOT NULL CHECK (plays >= 0),
  clicks      INTEGER NOT NULL CHECK (clicks >= 0),
  PRIMARY KEY (streamer_id, currency)
) STRICT, WITHOUT ROWID;

-- What was rolled up on a UTC day (days since the epoch), and how much of it was made available.
CREATE TABLE streamer_day (
  streamer_id INTEGER NOT NULL,
  currency    TEXT    NOT NULL CHECK (length(currency) = 3),
  day         INTEGER NOT NULL,
  amount      INTEGER NOT NULL CHECK (amount > 0),
  matured     INTEGER NOT NULL DEFAULT 0 CHECK (matured BETWEEN 0 AND amount),
  PRIMARY KEY (streamer_id, currency, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX streamer_day_open ON streamer_day (day, streamer_id, currency) WHERE matured < amount;

-- What operators did by hand, and why.
CREATE TABLE admin_action (
  writer  INTEGER NOT NULL REFERENCES writer (id),
  seq     INTEGER NOT NULL CHECK (seq > 0),
  at      INTEGER NOT NULL,
  actor   TEXT    NOT NULL CHECK (length(actor) > 0),
  action  TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  reason  TEXT    NOT NULL CHECK (length(reason) > 0),
  detail  TEXT    NOT NULL,
  PRIMARY KEY (writer, seq)
) STRICT, WITHOUT ROWID;

-- The chain of hashes over ledger_tx with its entries, and admin_action. A range that ends before it
-- begins is empty. `marks` has the first four bytes of every row's hash, in order: with them the row that
-- was changed can be named, where the hash only names the block.
CREATE TABLE audit_block (
  writer      INTEGER NOT NULL REFERENCES writer (id),
  block       INTEGER NOT NULL CHECK (block > 0),
  from_seq    INTEGER NOT NULL,
  to_seq      INTEGER NOT NULL,
  from_action INTEGER NOT NULL,
  to_action   INTEGER NOT NULL,
  prev_hash   BLOB    NOT NULL CHECK (length(prev_hash) = 32),
  hash        BLOB    NOT NULL CHECK (length(hash) = 32),
  marks       BLOB    NOT NULL,
  sealed_at   INTEGER NOT NULL,
  PRIMARY KEY (writer, block)
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
CREATE TRIGGER settle_event_keeps BEFORE UPDATE ON settle_event
  BEGIN SELECT RAISE(ABORT, 'settle_event is append-only'); END;
CREATE TRIGGER settle_event_stays BEFORE DELETE ON settle_event
  BEGIN SELECT RAISE(ABORT, 'settle_event is append-only'); END;
CREATE TRIGGER settle_click_keeps BEFORE UPDATE ON settle_click
  BEGIN SELECT RAISE(ABORT, 'settle_click is append-only'); END;
CREATE TRIGGER settle_click_stays BEFORE DELETE ON settle_click
  BEGIN SELECT RAISE(ABORT, 'settle_click is append-only'); END;
CREATE TRIGGER settle_reject_keeps BEFORE UPDATE ON settle_reject
  BEGIN SELECT RAISE(ABORT, 'settle_reject is append-only'); END;
CREATE TRIGGER settle_reject_stays BEFORE DELETE ON settle_reject
  BEGIN SELECT RAISE(ABORT, 'settle_reject is append-only'); END;
CREATE TRIGGER admin_action_keeps BEFORE UPDATE ON admin_action
  BEGIN SELECT RAISE(ABORT, 'admin_action is append-only'); END;
CREATE TRIGGER admin_action_stays BEFORE DELETE ON admin_action
  BEGIN SELECT RAISE(ABORT, 'admin_action is append-only'); END;
CREATE TRIGGER audit_block_keeps BEFORE UPDATE ON audit_block
  BEGIN SELECT RAISE(ABORT, 'audit_block is append-only'); END;
CREATE TRIGGER audit_block_stays BEFORE DELETE ON audit_block
  BEGIN SELECT RAISE(ABORT, 'audit_block is append-only'); END;
