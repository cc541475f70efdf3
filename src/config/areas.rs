//! The areas of the configuration. What each key means stands beside it in `config/default.toml`.

use super::auth::Auth;
use super::limits::{Cors, Limits};
use super::{Network, RuleText};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The whole configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What kind of installation it is.
    pub mode: Mode,
    /// Where it listens.
    pub server: Server,
    /// How many requests are answered.
    pub limits: Limits,
    /// Whose pages may call the API.
    pub cors: Cors,
    /// Where it keeps what it knows.
    pub database: Database,
    /// Where nodes hear of each other.
    pub redis: Redis,
    /// Where it keeps images and videos.
    pub assets: Assets,
    /// The life of a play.
    pub play: Play,
    /// The sockets.
    pub session: Session,
    /// The batches of claims.
    pub settlement: Settlement,
    /// Where audiences come from.
    pub platform: Platform,
    /// What the platforms allow.
    pub policy: Policy,
    /// How campaigns come to run.
    pub campaigns: Campaigns,
    /// How endpoints of others are called.
    pub webhooks: Webhooks,
    /// Signing in.
    pub auth: Auth,
    /// Keys.
    pub secrets: Secrets,
    /// The log.
    pub log: Log,
    /// Conflict rules. Last, since each is a table of its own.
    pub conflict_rules: Vec<RuleText>,
}

/// What kind of installation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// For people who work on it.
    Development,
    /// For people who look at it.
    Demo,
    /// For other people's money.
    Production,
}

/// Where it listens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub bind: SocketAddr,
    /// Address and port for services of the same house; empty for none.
    pub internal_bind: String,
    /// What links start with.
    pub public_url: String,
    /// Origins that may open sockets.
    pub allowed_origins: Vec<String>,
    /// Proxies whose word on a client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// Threads.
    pub workers: usize,
    /// Sockets at most.
    pub sockets_max: usize,
    /// Sockets of one address at most.
    pub sockets_per_address: usize,
    /// Sockets with one key at most.
    pub sockets_per_key: usize,
    /// Time to close them, in milliseconds.
    pub drain_ms: u32,
}

/// Where it keeps what it knows.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://...`.
    #[serde(serialize_with = "without_password")]
    pub url: String,
    /// The number of this process among those that write to one Postgres.
    pub writer: i64,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({:?}, writer {})", hide_password(&self.url), self.writer)
    }
}

impl Database {
    /// Whether it is a Postgres.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme))
    }

    /// Whether it is a file of SQLite.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty())
    }
}

/// Where nodes hear of each other.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://...` or `unix://...`; empty for none.
    #[serde(serialize_with = "without_password")]
    pub url: String,
    /// What every key starts with.
    pub prefix: String,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redis({:?}, {:?})", hide_password(&self.url), self.prefix)
    }
}

/// A URL as it may be shown: with `secret` in the place of its password.
pub(super) fn hide_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((credentials, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    match credentials.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:secret@{host}"),
        None => url.to_owned(),
    }
}

/// A secret is not shown; that there is none may be.
pub(super) fn hide<S: serde::Serializer>(secret: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if secret.is_empty() { "" } else { "secret" })
}

fn without_password<S: serde::Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hide_password(url))
}

/// Where it keeps images and videos.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Assets {
    /// The folder.
    pub dir: PathBuf,
    /// Largest image in bytes.
    pub image_bytes_max: usize,
    /// Largest video in bytes.
    pub video_bytes_max: usize,
    /// All uploads of a brand in bytes.
    pub brand_bytes_max: i64,
    /// A bucket in the place of the folder.
    pub bucket: String,
    /// Uploads at once.
    pub uploads_max: usize,
    /// Uploads of one brand at once.
    pub uploads_per_brand: usize,
    /// Uploads that are decoded at once.
    pub decoded_at_once: usize,
    /// Silence that ends an upload.
    pub stall_ms: u32,
    /// Time for a whole upload.
    pub upload_ms: u32,
}

/// The life of a play.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    /// First slot after an overlay came.
    pub first_slot_ms: u32,
    /// Time over which first slots are spread.
    pub first_slot_spread_ms: u32,
    /// From one ad to the next on one stream, at least.
    pub minimum_gap_ms: u32,
    /// Patience with a campaign.
    pub reserve_timeout_ms: u32,
    /// Patience with loading.
    pub prepare_timeout_ms: u32,
    /// Patience with the first frame.
    pub start_timeout_ms: u32,
    /// Patience with the end.
    pub end_grace_ms: u32,
    /// Life of a debit token in seconds.
    pub token_life_s: u32,
    /// The platform's share.
    pub fee_bps: u16,
    /// Whether a host must stream.
    pub require_streaming: bool,
    /// Frames a second in a claim.
    pub frames_per_second_min: u32,
}

/// The sockets.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Time between heartbeats.
    pub heartbeat_ms: u32,
    /// Silence that ends a socket.
    pub dead_after_ms: u32,
    /// Frames a second.
    pub frames_per_second: u32,
    /// Frames at once.
    pub burst: u32,
}

/// The batches of claims.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Claims in one transaction.
    pub batch_max: usize,
    /// How long a claim may wait for others.
    pub batch_wait_ms: u32,
    /// Claims that may wait at all.
    pub claims_max: usize,
    /// Seconds between two reconciliations.
    pub reconcile_s: u32,
    /// Seconds between two reconciliations over everything.
    pub verify_s: u32,
    /// Days until earnings can be paid.
    pub payable_after_days: u32,
}

/// Where audiences come from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// The adapter.
    pub kind: PlatformKind,
}

/// An adapter to the streaming platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlatformKind {
    /// None: no stream is known to be live, so no ad is shown.
    None,
    /// Streams that are always live.
    Simulated,
}

/// What the platforms allow.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// A file of profiles; empty for those that are compiled in.
    pub file: PathBuf,
}

/// How campaigns come to run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Campaigns {
    /// Whether an operator looks at each campaign of a brand first.
    pub review: bool,
}

/// How endpoints of others are called.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// How long an attempt may take, in seconds.
    pub timeout_s: u32,
    /// Endpoints that are called at once.
    pub endpoints_at_once: u32,
    /// Seconds from one summary of a campaign to the next.
    pub summary_s: u32,
    /// Networks that may be called though they are not public.
    pub allowed_networks: Vec<Network>,
    /// Hosts that may be called without TLS.
    pub http_hosts: Vec<String>,
}

/// Keys.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// Keys that sign debit tokens.
    pub token_keys: Vec<String>,
    /// Keys that sign-in depends on.
    pub auth_keys: Vec<String>,
    /// RSA keys that sign access tokens, or did.
    pub rsa_keys: Vec<String>,
    /// What services of the same house show; empty for none.
    #[serde(serialize_with = "hide")]
    pub service_key: String,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (tokens, auth, rsa) = (self.token_keys.len(), self.auth_keys.len(), self.rsa_keys.len());
        write!(f, "Secrets({tokens} token keys, {auth} auth keys, {rsa} RSA keys)")
    }
}

/// The log.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A level or a filter.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}
