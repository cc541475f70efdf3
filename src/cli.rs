//! The command line: each command reads the configuration, does one thing and says how it went.

use crate::app::App;
use crate::config::{Config, Sources};
use crate::world::SystemClock;
use crate::{demo, ledger, operator, rule, simulate, store, telemetry};
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Real-time ad delivery engine for live streams.
#[derive(Parser)]
#[command(name = "gametriggers", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server.
    Serve(From),
    /// Start a server with brands, campaigns and a streamer to look at.
    Demo(demo::Options),
    /// Check or print the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Bring the schema of the database up to date. Safe to run twice, at the same time, and while servers
    /// run: one of the release before goes on, and can be restarted.
    Migrate(From),
    /// Look at the money.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Add streamers and print their keys. On SQLite the server must be stopped.
    #[command(subcommand)]
    Streamer(StreamerCommand),
    /// Add a brand, fund its wallet and print its key. On SQLite the server must be stopped.
    #[command(subcommand)]
    Brand(BrandCommand),
    /// Add an operator's key and print it. On SQLite the server must be stopped.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Replay a day of slots through the code that decides, and say how near it came to the best possible
    /// one.
    Simulate(simulate::Options),
    /// List, add and revoke keys. On SQLite the server must be stopped, except to list them.
    #[command(subcommand)]
    Key(KeyCommand),
}

/// Where the configuration comes from.
#[derive(Args, Clone, Default)]
pub struct From {
    /// Configuration file; variables GAMETRIGGERS__SECTION__KEY replace its keys.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use the demo's database in this folder instead of the configured one.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
}

impl From {
    /// The configuration, checked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(&self) -> Result<Config, crate::app::StartError> {
        let mut config = Config::load(&Sources::of_process(self.data.is_some(), self.config.as_deref()))?;
        if let Some(data) = &self.data {
            demo::place(&mut config, data);
        }
        Ok(config)
    }
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say whether the configuration can be used.
    Check(From),
    /// Print the configuration with all defaults; secrets are left out.
    Print(From),
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Compare the money with itself; one line a check, exit status 1 on any drift.
    Reconcile(From),
    /// Compute the chain of hashes again and name the first bad row; exit status 1 when there is one.
    Verify(From),
}

#[derive(Subcommand)]
enum StreamerCommand {
    /// Add streamers.
    Add(operator::AddStreamers),
}

#[derive(Subcommand)]
enum BrandCommand {
    /// Add a brand.
    Add(operator::AddBrand),
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Add a key.
    Add(operator::AddAdmin),
}

#[derive(Subcommand)]
enum KeyCommand {
    /// List all keys: what they are called, who holds them, and since when. Never the keys themselves.
    List(operator::ListKeys),
    /// Add a key for a brand or a streamer who is there.
    Add(operator::AddKey),
    /// Revoke a key; its sockets are closed.
    Revoke(operator::RevokeKey),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let system = actix::System::new();
    match system.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) => {
            say_error(&format!("gametriggers: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, crate::app::StartError> {
    match command {
        Command::Serve(from) => {
            let config = from.load()?;
            telemetry::start_log(&config.log)?;
            let app = App::start(&config).await?;
            let internal = app.internal_addr.map(|addr| addr.to_string());
            tracing::info!(addr = %app.addr, internal, url = app.public_url, "listening");
            until_told(&app).await?;
            app.stop().await;
        }
        Command::Demo(options) => demo::run(options).await?,
        Command::Config(ConfigCommand::Check(from)) => {
            rule::configured(&from.load()?)?;
            say("the configuration can be used");
        }
        Command::Config(ConfigCommand::Print(from)) => {
            let mut config = Config::read(&Sources::of_process(from.data.is_some(), from.config.as_deref()))?;
            let keys = config.secrets.token_keys.len();
            config.secrets.token_keys = vec!["secret".to_owned(); keys];
            config.secrets.auth_keys = vec!["secret".to_owned(); config.secrets.auth_keys.len()];
            config.secrets.rsa_keys = vec!["secret".to_owned(); config.secrets.rsa_keys.len()];
            say(toml::to_string(&config)?.trim_end());
        }
        Command::Migrate(from) => {
            let steps = store::migrate(&from.load()?).await?;
            steps.iter().for_each(|step| say(&format!("applied {step}")));
            say(&format!("the schema is up to date; steps applied: {}", steps.len()));
        }
        Command::Ledger(command) => return look(command).await,
        Command::Streamer(StreamerCommand::Add(add)) => add.run().await?,
        Command::Brand(BrandCommand::Add(add)) => add.run().await?,
        Command::Admin(AdminCommand::Add(add)) => add.run().await?,
        Command::Simulate(options) => options.run()?,
        Command::Key(KeyCommand::List(list)) => list.run().await?,
        Command::Key(KeyCommand::Add(add)) => add.run().await?,
        Command::Key(KeyCommand::Revoke(revoke)) => revoke.run().await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what a look at the money found.
async fn look(look: LedgerCommand) -> Result<ExitCode, crate::app::StartError> {
    let (LedgerCommand::Reconcile(from) | LedgerCommand::Verify(from)) = &look;
    let stores = store::open_read_only(&from.load()?).await?;
    let report = match look {
        LedgerCommand::Reconcile(_) => {
            ledger::reconcile(&*stores.ledger, &*stores.audit, &SystemClock::default()).await?
        }
        LedgerCommand::Verify(_) => ledger::verify(&*stores.audit).await?,
    };
    report.lines.iter().for_each(|line| say(line));
    Ok(if report.is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for SIGTERM or SIGINT, or until a newer process has taken the database over.
///
/// # Errors
/// The signals can not be listened to.
pub async fn until_told(app: &App) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
        () = app.fenced() => tracing::error!(
            "a newer process owns the database; this one stops and leaves the work to it",
        ),
    }
    Ok(())
}

/// Prints a line for the person or the script that called. A reader that is gone is no error.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The same, where no script takes it for the answer.
pub fn say_error(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
