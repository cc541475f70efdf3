//! What does not go together.

use super::{
    Config, ConfigError, Mode, PlatformKind, ProviderText, Settlement, TokenAlgorithm, Webhooks, rsa_key,
};
use crate::world::token_key;
use std::net::SocketAddr;

/// How token keys begin that a server makes for itself outside production, in hex digits.
pub const MADE_KEY: &str = "67742d6d616465";

/// The highest number of a server that writes to Postgres; the few above are for commands beside them.
pub const WRITER_MAX: i64 = 32_759;

/// Refuses contradictions, all of them at once.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let mut wrong = Vec::new();
    let mut refuse = |when: bool, why: &str| {
        if when {
            wrong.push(why.to_owned());
        }
    };
    let Config { play, session, settlement, database, redis, .. } = config;
    refuse(
        !database.is_sqlite() && !database.is_postgres(),
        "database.url: sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    );
    // There it would be shown with the rest of the address.
    refuse(database.url.contains("password="), "database.url: the password stands before the @, not behind");
    refuse(!(1..=WRITER_MAX).contains(&database.writer), "database.writer: 1 to 32759");
    refuse(
        database.is_sqlite() && database.writer != 1,
        "database.writer: a SQLite file has one writer, number 1",
    );
    refuse(config.server.workers == 0, "server.workers: at least one is needed");
    refuse(config.server.sockets_max == 0, "server.sockets_max: at least one is needed");
    refuse(
        config.server.sockets_per_address == 0 || config.server.sockets_per_key == 0,
        "server.sockets_per_address, server.sockets_per_key: at least one is needed",
    );
    refuse(play.token_life_s == 0 || play.token_life_s > 600, "play.token_life_s: 1 to 600");
    refuse(play.fee_bps > 10_000, "play.fee_bps: 0 to 10000");
    refuse(session.heartbeat_ms < 1000, "session.heartbeat_ms: at least 1000");
    refuse(
        session.dead_after_ms < session.heartbeat_ms.saturating_mul(2),
        "session.dead_after_ms: at least twice session.heartbeat_ms, or every socket is closed for silence",
    );
    refuse(
        session.frames_per_second == 0 || session.burst < 8,
        "session: frames_per_second above 0 and burst at least 8",
    );
    check_assets(config, &mut refuse);
    refuse(
        !redis.url.is_empty()
            && !["redis://", "rediss://", "unix://", "redis+unix://"]
                .iter()
                .any(|s| redis.url.starts_with(s)),
        "redis.url: redis://..., rediss://... or unix://..., or empty for none",
    );
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:{}".contains(c);
    refuse(
        redis.prefix.is_empty() || redis.prefix.len() > 64 || !redis.prefix.chars().all(fits),
        "redis.prefix: 1 to 64 letters, digits and -_.:{}",
    );
    check_settlement(settlement, &mut refuse);
    check_door(config, &mut refuse);
    refuse(
        config.secrets.token_keys.iter().any(|key| token_key(key).is_none()),
        "secrets.token_keys: each is ID:64 hex digits",
    );
    check_auth(config, &mut refuse);
    check_webhooks(&config.webhooks, &mut refuse);
    if config.mode == Mode::Production {
        check_production(config, &mut refuse);
    }
    if wrong.is_empty() { Ok(()) } else { Err(ConfigError::Refused(wrong)) }
}

/// How many requests are answered, and whose pages may send them.
fn check_door(config: &Config, refuse: &mut impl FnMut(bool, &str)) {
    refuse(
        !config.limits.fit(),
        "limits: 0 a minute for none, or up to 1000000 a minute and a burst of 1 to 1000000",
    );
    refuse(
        config.limits.remembered_max < 1000,
        "limits.remembered_max: at least 1000, or those who come share what one is allowed",
    );
    refuse(
        !config.cors.fit(),
        "cors.allowed_origins: \"*\" alone, or origins such as https://studio.example.com: no path, small \
         letters, a port only when it is not the usual one",
    );
}

/// The batches of claims, and how the books are looked at.
fn check_settlement(settlement: &Settlement, refuse: &mut impl FnMut(bool, &str)) {
    refuse(
        settlement.reconcile_s == 0 || settlement.reconcile_s > 86_400,
        "settlement.reconcile_s: 1 to 86400",
    );
    refuse(settlement.verify_s == 0 || settlement.verify_s > 604_800, "settlement.verify_s: 1 to 604800");
    refuse(settlement.payable_after_days > 365, "settlement.payable_after_days: at most 365");
    refuse(settlement.batch_max == 0, "settlement.batch_max: at least 1");
    refuse(
        settlement.claims_max < settlement.batch_max,
        "settlement.claims_max: at least settlement.batch_max",
    );
}

/// Signing in.
fn check_auth(config: &Config, refuse: &mut impl FnMut(bool, &str)) {
    let auth = &config.auth;
    refuse(!(60..=3600).contains(&auth.access_life_s), "auth.access_life_s: 60 to 3600");
    refuse(
        auth.refresh_idle_s <= auth.access_life_s || auth.refresh_life_s < auth.refresh_idle_s,
        "auth: access_life_s < refresh_idle_s <= refresh_life_s",
    );
    refuse(auth.refresh_life_s > 366 * 86_400, "auth.refresh_life_s: at most a year");
    refuse(auth.refresh_grace_ms > 60_000, "auth.refresh_grace_ms: at most 60000");
    refuse(
        auth.sessions_max == 0 || auth.attempts_per_account == 0 || auth.attempts_per_address == 0,
        "auth: sessions_max, attempts_per_account and attempts_per_address are at least 1",
    );
    refuse(!(1..=64).contains(&auth.hashes_at_once), "auth.hashes_at_once: 1 to 64");
    refuse(auth.audience.is_empty(), "auth.audience: say who tokens are for");
    let internal = &config.server.internal_bind;
    refuse(
        !internal.is_empty() && internal.parse::<SocketAddr>().is_err(),
        "server.internal_bind: an address and a port such as 10.0.0.5:7789, or empty for none",
    );
    let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    refuse(!auth.front_ends.iter().all(is_web), "auth.front_ends: each begins with https:// or http://");
    for (name, provider) in [("twitch", &auth.providers.twitch), ("google", &auth.providers.google)] {
        let ProviderText { authorize_url, token_url, user_url, keys_url, .. } = provider;
        let urls = [authorize_url, token_url, if name == "twitch" { user_url } else { keys_url }];
        let there = !provider.client_id.is_empty();
        refuse(
            there && (provider.client_secret.is_empty() || !urls.into_iter().all(is_web)),
            &format!("auth.providers.{name}: client_secret and all its addresses are needed"),
        );
        refuse(
            there
                && config.mode == Mode::Production
                && !urls.into_iter().all(|url| url.starts_with("https://")),
            &format!("auth.providers.{name}: production speaks https:// to it"),
        );
    }
    refuse(
        config.secrets.auth_keys.iter().any(|key| token_key(key).is_none()),
        "secrets.auth_keys: each is ID:64 hex digits",
    );
    check_rsa(config, refuse);
}

/// The keys of RS256.
fn check_rsa(config: &Config, refuse: &mut impl FnMut(bool, &str)) {
    let lines = &config.secrets.rsa_keys;
    refuse(
        config.auth.algorithm == TokenAlgorithm::Rs256 && lines.is_empty(),
        "auth.algorithm: RS256 needs a key in secrets.rsa_keys",
    );
    let rsa: Vec<_> = lines.iter().filter_map(|line| rsa_key(line)).map(|(kid, _)| kid).collect();
    refuse(rsa.len() < lines.len(), "secrets.rsa_keys: each is ID:FILE, or ID: and the key in PEM");
    let others = config.secrets.auth_keys.iter().filter_map(|line| token_key(line)).map(|key| key.kid);
    let mut all: Vec<_> = others.chain(rsa).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    refuse(
        !lines.is_empty() && all.len() < count,
        "secrets.rsa_keys: an ID stands there twice, or in secrets.auth_keys as well",
    );
}

/// Keys that are good enough for other people's money and accounts.
fn check_keys(name: &str, lines: &[String], refuse: &mut impl FnMut(bool, &str)) {
    refuse(lines.is_empty(), &format!("{name}: production needs keys of its own, none are made for it"));
    let keys: Vec<_> = lines.iter().filter_map(|key| token_key(key)).collect();
    refuse(
        keys.iter().any(|key| key.secret.iter().all(|byte| Some(byte) == key.secret.first())),
        &format!("{name}: a key of one repeated byte can be guessed; make one with `openssl rand -hex 32`"),
    );
    let is_made = |key: &String| {
        key.split_once(':').is_some_and(|(_, digits)| digits.to_ascii_lowercase().starts_with(MADE_KEY))
    };
    refuse(
        lines.iter().any(is_made),
        &format!("{name}: a key that a demo or a development server made for itself is not for production"),
    );
    let twice = keys.iter().enumerate().any(|(at, key)| {
        keys.iter().skip(at + 1).any(|other| other.kid == key.kid || other.secret == key.secret)
    });
    refuse(twice, &format!("{name}: an ID or a key stands there twice"));
}

fn check_assets(config: &Config, refuse: &mut impl FnMut(bool, &str)) {
    let assets = &config.assets;
    refuse(
        assets.uploads_max == 0 || assets.uploads_per_brand == 0 || assets.decoded_at_once == 0,
        "assets.uploads_max, assets.uploads_per_brand, assets.decoded_at_once: at least one is needed",
    );
    refuse(
        assets.stall_ms == 0 || assets.upload_ms < assets.stall_ms,
        "assets.upload_ms: at least assets.stall_ms, and that above 0",
    );
    refuse(
        !assets.bucket.is_empty() && !cfg!(feature = "s3"),
        "assets.bucket: this build knows no buckets; make one with `--features s3`",
    );
}

fn check_webhooks(webhooks: &Webhooks, refuse: &mut impl FnMut(bool, &str)) {
    refuse(!(1..=60).contains(&webhooks.timeout_s), "webhooks.timeout_s: 1 to 60");
    refuse(!(1..=200).contains(&webhooks.endpoints_at_once), "webhooks.endpoints_at_once: 1 to 200");
    refuse(!(1..=3600).contains(&webhooks.summary_s), "webhooks.summary_s: 1 to 3600");
}

/// What is good enough for everything but other people's money.
fn check_production(config: &Config, refuse: &mut impl FnMut(bool, &str)) {
    refuse(cfg!(feature = "proof"), "mode: this is a build for proofs, whose safeguards can be left out");
    refuse(
        config.platform.kind == PlatformKind::Simulated,
        "platform.kind: a simulated audience must not be paid for in production",
    );
    let secrets = &config.secrets;
    check_keys("secrets.token_keys", &secrets.token_keys, refuse);
    check_keys("secrets.auth_keys", &secrets.auth_keys, refuse);
    let secret = |line: &String| token_key(line).map(|key| key.secret);
    let tokens: Vec<_> = secrets.token_keys.iter().filter_map(secret).collect();
    refuse(
        secrets.auth_keys.iter().filter_map(secret).any(|key| tokens.contains(&key)),
        "secrets.auth_keys: a key of secrets.token_keys stands there as well; each needs its own",
    );
    let service = &secrets.service_key;
    refuse(
        !service.is_empty() && (service.len() < 32 || service.starts_with("gt_demo_")),
        "secrets.service_key: at least 32 characters, and not the demo's",
    );
    refuse(
        !config.play.require_streaming,
        "play.require_streaming: in production only what is on stream is paid for",
    );
    refuse(
        config.play.frames_per_second_min == 0,
        "play.frames_per_second_min: production does not pay for what was never drawn",
    );
    refuse(
        !config.webhooks.http_hosts.is_empty(),
        "webhooks.http_hosts: in production endpoints are called over TLS only",
    );
    let secure = config.server.public_url.to_ascii_lowercase().starts_with("https://");
    refuse(
        !config.server.bind.ip().is_loopback() && !secure,
        "server.public_url: a server that is reached from outside needs its https:// address, for the keys \
         in it",
    );
}
