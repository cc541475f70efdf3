//! What to run.

use std::path::PathBuf;

/// The options of the command.
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "gametriggers-crash",
    about = "Kills a Gametriggers server, and what it stands on, over and over and audits the money"
)]
pub struct Options {
    /// How many times to kill the server.
    #[arg(long, default_value_t = 100)]
    pub kills: u32,
    /// The database. For Postgres the run starts one of its own, and a Redis, and kills them too.
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    pub db: Database,
    /// What to break, comma-separated.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    pub faults: Vec<Kind>,
    /// Crash at each fail point instead, this many times. The server has to be a build for proofs.
    #[arg(long, num_args = 0..=1, default_missing_value = "10", value_name = "CRASHES")]
    pub points: Option<u32>,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Overlays, one streamer each.
    #[arg(long, default_value_t = 150)]
    pub streamers: u32,
    /// Of a hundred kills, so many hit the server while it starts.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub early_percent: u8,
    /// Of a hundred settled claims, so many are sent once more.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub repeat_percent: u8,
    /// How long the last server may take to ack what is left.
    #[arg(long, default_value_t = 60)]
    pub drain_seconds: u64,
    /// How long the last server plays before the overlays take no more.
    #[arg(long, default_value_t = 3)]
    pub play_seconds: u64,
    /// Overlays keep their claims to themselves for so long at first.
    #[arg(long, default_value_t = 0)]
    pub hold_seconds: u64,
    /// The server's binary.
    #[arg(long, default_value = "target/release/gametriggers")]
    pub server: PathBuf,
    /// Keep the server's folder here (it must not exist yet) instead of in a temporary directory.
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// Leave safeguards out, one at a time, and see each missed instead. The server has to be a build
    /// for proofs.
    #[arg(long)]
    pub planted_bugs: bool,
    /// A safeguard that the server is told to leave out. It has to be a build for proofs.
    #[arg(long)]
    pub plant: Option<String>,
}

/// A database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Database {
    /// A file.
    Sqlite,
    /// A server, and Redis beside it.
    Postgres,
}

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// All that applies to the database, but not `full`.
    All,
    /// SIGKILL of the server. Always.
    Server,
    /// Immediate stop of Postgres, and restart.
    Database,
    /// SIGKILL of one backend of Postgres.
    Backend,
    /// Redis is killed and comes back empty, or forgets everything while it runs.
    Redis,
    /// Latency, silence and resets on the way to Postgres and Redis, and COMMITs without an answer.
    Proxy,
    /// The disk of the database fills up, and has room again.
    Full,
}
