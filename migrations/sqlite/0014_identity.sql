-- Who signs in: a person who acts for one brand, for one streamer, or as an operator. The password is a PHC
-- string of argon2id, none for who signs in elsewhere only. `epoch` is raised when every access token that is
-- out has to die. `totp` is the sealed secret of the second factor, in force from `totp_since` on;
-- `totp_step` is the last step of it that was used, so that no code works twice.
CREATE TABLE user_login (
  id          INTEGER PRIMARY KEY,
  email       TEXT    NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
  name        TEXT    NOT NULL,
  kind        TEXT    NOT NULL CHECK (kind IN ('brand', 'streamer', 'admin')),
  brand_id    INTEGER REFERENCES brand (id),
  streamer_id INTEGER REFERENCES streamer (id),
  password    TEXT,
  epoch       INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  totp        BLOB,
  totp_since  INTEGER,
  totp_step   INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  disabled_at INTEGER,
  CHECK ((kind = 'brand') = (brand_id IS NOT NULL)),
  CHECK ((kind = 'streamer') = (streamer_id IS NOT NULL)),
  CHECK (totp IS NOT NULL OR totp_since IS NULL)
) STRICT;

-- Accounts elsewhere with which a user signs in.
CREATE TABLE user_link (
  provider   TEXT    NOT NULL CHECK (provider IN ('twitch', 'google')),
  subject    TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  user_id    INTEGER NOT NULL REFERENCES user_login (id),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_link_of ON user_link (user_id);

-- A sign-in and the refresh tokens that follow from it: a family. `hash` is that of the only token that is
-- good now, the one of `generation`. Rows go a month after the family's last day.
CREATE TABLE user_session (
  id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  user_id    INTEGER NOT NULL REFERENCES user_login (id),
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  generation INTEGER NOT NULL CHECK (generation >= 0),
  rotated_at INTEGER NOT NULL,
  idle_until INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at   INTEGER,
  ended_why  TEXT    CHECK (ended_why IN ('signed_out', 'reused', 'password', 'by_hand', 'too_many')),
  CHECK ((ended_at IS NULL) = (ended_why IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX user_session_of ON user_session (user_id, created_at) WHERE ended_at IS NULL;
CREATE INDEX user_session_ended ON user_session (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX user_session_expires ON user_session (expires_at);

-- Codes for who lost their second factor. One that was used or replaced has a `used_at`.
CREATE TABLE user_recovery (
  user_id    INTEGER NOT NULL REFERENCES user_login (id),
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  created_at INTEGER NOT NULL,
  used_at    INTEGER,
  PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
