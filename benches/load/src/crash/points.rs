//! Fail points: the server ends itself at each step of the protocol, again and again.

use super::kills::Run;
use super::options::{Database, Options};
use super::report::Report;
use crate::failure::Failure;
use crate::http::patch;
use crate::process::signal;
use crate::server::{Launch, ended_with};
use serde_json::json;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;
use tokio::time::sleep;

const FAILPOINTS: &str = "FAILPOINTS";
/// The books are sealed in the same rhythm in which they are checked: often, here.
const RECONCILE_S: &str = "GAMETRIGGERS__SETTLEMENT__RECONCILE_S";
const SIGABRT: i32 = 6;
/// A point is passed within this, or the server is killed and the point counts as not reached.
const REACHED_MAX: Duration = Duration::from_secs(20);
/// Points on the way of plays are passed often: some crashes come later than the first pass.
const PASSES_MAX: u64 = 6;
/// What a request for more budget adds.
const RAISE_MICROS: i64 = 1_000_000;

/// What makes the server pass a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The overlays do, and the timers.
    Play,
    /// A timer does that does not come often.
    Wait,
    /// Its start does.
    Start,
    /// Its orderly end does.
    Stop,
    /// A brand that gives a campaign more.
    Fund,
    /// A command that pays into a new brand's wallet.
    Deposit,
}

const POINTS: &[(&str, Way)] = &[
    ("open_epoch.after_begin", Way::Start),
    ("open_epoch.before_commit", Way::Start),
    ("open_epoch.after_commit", Way::Start),
    ("grant.after_begin", Way::Play),
    ("grant.before_commit", Way::Play),
    ("grant.after_commit", Way::Play),
    ("reserve.answered", Way::Play),
    ("token.sent", Way::Play),
    ("settle.before_begin", Way::Play),
    ("settle.after_begin", Way::Play),
    ("settle.before_commit", Way::Play),
    ("settle.after_commit", Way::Play),
    ("settle.before_answers", Way::Play),
    ("settle.after_answers", Way::Play),
    ("settle.before_publish", Way::Play),
    ("flush.before", Way::Play),
    ("append.before_commit", Way::Play),
    ("append.after_commit", Way::Play),
    ("flush.after", Way::Play),
    ("roll_up.before_commit", Way::Play),
    ("roll_up.after_commit", Way::Play),
    ("close_due.before_commit", Way::Start),
    ("close_due.after_commit", Way::Start),
    ("give_back.before_commit", Way::Stop),
    ("give_back.after_commit", Way::Stop),
    ("seal.before_commit", Way::Wait),
    ("seal.after_commit", Way::Wait),
    ("mature.before_commit", Way::Wait),
    ("mature.after_commit", Way::Wait),
    ("fund_to.before_commit", Way::Fund),
    ("fund_to.after_commit", Way::Fund),
    ("deposit.before_commit", Way::Deposit),
    ("deposit.after_commit", Way::Deposit),
];

/// Between the parts of a batch, where the store writes one after the other.
const SQLITE_POINTS: &[(&str, Way)] = &[("settle.after_events", Way::Play)];

/// What a run over the points found.
#[derive(Debug)]
pub struct Crashes {
    by_point: BTreeMap<&'static str, u32>,
    wanted: u32,
    report: Report,
    /// What the campaign was given, less what it was asked to be given.
    funded_twice_micros: i64,
}

impl Crashes {
    /// Whether every point was reached as often as was asked and nothing was wrong afterwards.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.least() >= self.wanted && self.wanted > 0 && self.violations() == 0 && self.report.is_clean()
    }

    /// For people first, the line of figures last.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let each: Vec<String> = self.by_point.iter().map(|(name, count)| format!("{name}={count}")).collect();
        let figures = format!(
            "points={} crashed_at_each>={} violations={}",
            self.by_point.len(),
            self.least(),
            self.violations()
        );
        let mut lines = vec![each.join(" ")];
        lines.extend(self.report.lines());
        lines.push(figures);
        lines
    }

    fn least(&self) -> u32 {
        self.by_point.values().copied().min().unwrap_or(0)
    }

    fn violations(&self) -> usize {
        self.report.faults().len() + usize::from(self.funded_twice_micros != 0)
    }
}

/// Crashes at every point that often, and audits the database.
pub(super) async fn run(mut options: Options, wanted: u32) -> Result<Crashes, Failure> {
    let mut points: Vec<(&'static str, Way)> = POINTS.to_vec();
    if options.db == Database::Sqlite {
        points.extend_from_slice(SQLITE_POINTS);
    }
    options.kills = 0;
    let mut run = Run::prepare(options).await?;
    let mut by_point = BTreeMap::new();
    let (mut kills, mut raised) = (0, 0);
    for (point, way) in points {
        let count = by_point.entry(point).or_insert(0);
        for _ in 0..wanted {
            let crashed = crash_at(&mut run, point, way, &mut raised).await?;
            *count += u32::from(crashed);
            kills += u32::from(crashed);
        }
        eprintln!("gametriggers-crash: {point} {count}");
    }
    let (campaign, began_with) = (run.campaign, run.funded_micros);
    run.options.kills = kills;
    let report = run.finish(kills).await?;
    let funded = report.funded(campaign).unwrap_or(0);
    let funded_twice_micros = funded - began_with - raised;
    Ok(Crashes { by_point, wanted, report, funded_twice_micros })
}

/// Crashes at one point only; what was wrong then.
pub(super) async fn faults_at(
    options: Options,
    point: &'static str,
    crashes: u32,
) -> Result<Vec<String>, Failure> {
    let mut run = Run::prepare(Options { kills: crashes, ..options }).await?;
    for _ in 0..crashes {
        crash_at(&mut run, point, Way::Play, &mut 0).await?;
    }
    Ok(run.finish(crashes).await?.faults())
}

/// Starts a server that ends at the point, brings it there, and waits. False when it did not end.
async fn crash_at(run: &mut Run, point: &'static str, way: Way, raised: &mut i64) -> Result<bool, Failure> {
    let passes = if way == Way::Play { run.random.below(PASSES_MAX) } else { 0 };
    let mut launch = run.launch.clone();
    launch.env.push((FAILPOINTS, format!("{point}={passes}*off->return")));
    launch.env.push((RECONCILE_S, "1".into()));
    if way == Way::Deposit {
        return deposit(&launch).await;
    }
    run.witness.server_starts();
    let mut server = launch.start()?;
    match way {
        Way::Stop => {
            run.greeted(&mut server).await?;
            sleep(Duration::from_millis(run.random.between(300, 900))).await;
            signal(server.pid(), "TERM")?;
        }
        Way::Fund => {
            run.greeted(&mut server).await?;
            let _ = raise(run, *raised + RAISE_MICROS).await;
        }
        Way::Play | Way::Wait | Way::Start | Way::Deposit => {}
    }
    let crashed = match server.ended(REACHED_MAX).await {
        Some(status) if status.signal() == Some(SIGABRT) => true,
        Some(status) => {
            let why = server.last_words();
            return Err(Failure::Server(format!("{point}: ended with {status}; {why}")));
        }
        None => {
            server.kill().await?;
            false
        }
    };
    if way == Way::Fund {
        ask_again(run, raised).await?;
    }
    Ok(crashed)
}

/// The brand does not know whether it was done: it asks the same once more, and then it is done once.
async fn ask_again(run: &mut Run, raised: &mut i64) -> Result<(), Failure> {
    let mut server = run.up().await?;
    *raised += RAISE_MICROS;
    if !raise(run, *raised).await {
        return Err(Failure::Server(format!("more budget was refused; {}", server.last_words())));
    }
    server.kill().await.map(|_| ())
}

/// Asks that the first campaign has so much more than at the beginning.
async fn raise(run: &Run, by_micros: i64) -> bool {
    let budget = json!({ "amount_micros": run.funded_micros + by_micros, "currency": "INR" });
    let body = json!({ "budget": budget }).to_string();
    let path = format!("/api/campaigns/{}", run.campaign);
    patch(run.launch.address, &path, &run.brand, &format!("raise-to-{by_micros}"), &body).await
}

/// A command of its own: it can not run beside the server.
async fn deposit(launch: &Launch) -> Result<bool, Failure> {
    let [option, place] = launch.site.arguments()?;
    let arguments = ["brand", "add", option, place, "--name", "Crash", "--deposit-micros", "5000"];
    let status = ended_with(&launch.binary, &arguments, &launch.env).await?;
    Ok(status.signal() == Some(SIGABRT))
}
