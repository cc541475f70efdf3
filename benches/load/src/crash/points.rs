//! Fail points: the server ends itself at each step of the protocol, again and again.

use super::audit;
use super::desk::{Deed, Desk};
use super::kills::Run;
use super::options::{Database, Options};
use super::report::Report;
use crate::failure::Failure;
use crate::http::patch;
use crate::process::signal;
use crate::server::Server;
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
    /// A brand or an operator that asks for something by hand.
    Desk(Deed),
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
];

/// By hand: before the first statement, after the last one, and after the commit. What is ended was made.
const DESK: &[(&str, Deed)] = &[
    ("create.after_begin", Deed::Create),
    ("create.before_commit", Deed::Create),
    ("create.after_commit", Deed::Create),
    ("confirm_deposit.after_begin", Deed::Deposit),
    ("confirm_deposit.before_commit", Deed::Deposit),
    ("confirm_deposit.after_commit", Deed::Deposit),
    ("refund.after_begin", Deed::Refund),
    ("refund.before_commit", Deed::Refund),
    ("refund.after_commit", Deed::Refund),
    ("adjust.after_begin", Deed::Adjust),
    ("adjust.before_commit", Deed::Adjust),
    ("adjust.after_commit", Deed::Adjust),
    ("set_credit_limit.after_begin", Deed::Limit),
    ("set_credit_limit.before_commit", Deed::Limit),
    ("set_credit_limit.after_commit", Deed::Limit),
    ("fund.after_begin", Deed::Reserve),
    ("fund.before_commit", Deed::Reserve),
    ("fund.after_commit", Deed::Reserve),
    ("release.after_begin", Deed::Release),
    ("release.before_commit", Deed::Release),
    ("release.after_commit", Deed::Release),
    ("draft.after_begin", Deed::Draft),
    ("draft.before_commit", Deed::Draft),
    ("draft.after_commit", Deed::Draft),
    ("launch.after_begin", Deed::Launch),
    ("launch.before_commit", Deed::Launch),
    ("launch.after_commit", Deed::Launch),
    ("change.after_begin", Deed::End),
    ("change.before_commit", Deed::End),
    ("change.after_commit", Deed::End),
];

/// A batch as it nearly always is; the careful way has the names of `settle`.
const POSTGRES_POINTS: &[(&str, Way)] = &[
    ("settle_at_once.after_begin", Way::Play),
    ("settle_at_once.before_commit", Way::Play),
    ("settle_at_once.after_commit", Way::Play),
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
    /// What was not done once at the desk.
    wrong: Vec<String>,
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
        lines.extend(self.wrong.iter().map(|wrong| format!("not_once {wrong}")));
        lines.extend(self.report.lines());
        lines.push(figures);
        lines
    }

    fn least(&self) -> u32 {
        self.by_point.values().copied().min().unwrap_or(0)
    }

    fn violations(&self) -> usize {
        self.report.faults().len() + usize::from(self.funded_twice_micros != 0) + self.wrong.len()
    }
}

/// Crashes at every point that often, and audits the database.
pub(super) async fn run(mut options: Options, wanted: u32) -> Result<Crashes, Failure> {
    let mut points: Vec<(&'static str, Way)> = POINTS.to_vec();
    points.extend_from_slice(match options.db {
        Database::Sqlite => SQLITE_POINTS,
        Database::Postgres => POSTGRES_POINTS,
    });
    points.extend(DESK.iter().map(|(point, deed)| (*point, Way::Desk(*deed))));
    options.kills = 0;
    let mut run = Run::prepare(options).await?;
    let mut desk = Desk::open(&run.stage, &run.launch).await?;
    let mut by_point = BTreeMap::new();
    let (mut kills, mut raised) = (0, 0);
    // Accounts were opened by hand before.
    let opened = audit::actions(&run.stage.ledger).await?;
    for (point, way) in points {
        let count = by_point.entry(point).or_insert(0);
        for _ in 0..wanted {
            let crashed = match way {
                Way::Desk(deed) => crash_desk(&mut run, point, deed, &mut desk).await?,
                _ => crash_at(&mut run, point, way, &mut raised).await?,
            };
            *count += u32::from(crashed);
            kills += u32::from(crashed);
        }
        eprintln!("gametriggers-crash: {point} {count}");
    }
    let (campaign, began_with) = (run.campaign, run.funded_micros);
    run.options.kills = kills;
    desk.close(&mut run).await?;
    let actions = audit::actions(&run.stage.ledger).await?;
    let expected = opened + desk.actions;
    if actions != expected {
        desk.wrong.push(format!("{actions} actions are on record instead of {expected}"));
    }
    let report = run.finish(kills).await?;
    let funded = report.funded(campaign).unwrap_or(0);
    let funded_twice_micros = funded - began_with - raised;
    Ok(Crashes { by_point, wanted, report, funded_twice_micros, wrong: desk.wrong })
}

/// Crashes at one point only, perhaps with something at others before it; what was wrong then.
pub(super) async fn faults_at(
    options: Options,
    point: &'static str,
    crashes: u32,
) -> Result<Vec<String>, Failure> {
    let mut run = Run::prepare(Options { kills: crashes, ..options }).await?;
    for _ in 0..crashes {
        if !crash_at(&mut run, point, Way::Play, &mut 0).await? {
            return Err(Failure::Late(format!("{point} was not reached")));
        }
    }
    Ok(run.finish(crashes).await?.faults())
}

/// Starts a server that ends at the point, brings it there, and waits. False when it did not end.
async fn crash_at(run: &mut Run, point: &'static str, way: Way, raised: &mut i64) -> Result<bool, Failure> {
    let passes = if way == Way::Play { run.random.below(PASSES_MAX) } else { 0 };
    let mut launch = run.launch.clone();
    launch.env.push((FAILPOINTS, format!("{point}={passes}*off->return")));
    launch.env.push((RECONCILE_S, "1".into()));
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
        Way::Play | Way::Wait | Way::Start | Way::Desk(_) => {}
    }
    let crashed = end_at(&mut server, point).await?;
    if way == Way::Fund {
        ask_again(run, raised).await?;
    }
    Ok(crashed)
}
/// Waits until the server has ended at the point; false when it does not.
async fn end_at(server: &mut Server, point: &str) -> Result<bool, Failure> {
    match server.ended(REACHED_MAX).await {
        Some(status) if status.signal() == Some(SIGABRT) => Ok(true),
        Some(status) => {
            let why = server.last_words();
            Err(Failure::Server(format!("{point}: ended with {status}; {why}")))
        }
        None => server.kill().await.map(|_| false),
    }
}

/// Asks a server that ends at the point, and the next one again.
async fn crash_desk(run: &mut Run, point: &str, deed: Deed, desk: &mut Desk) -> Result<bool, Failure> {
    let mut launch = run.launch.clone();
    launch.env.push((FAILPOINTS, format!("{point}=return")));
    run.witness.server_starts();
    let mut server = launch.start()?;
    run.greeted(&mut server).await?;
    let asked = desk.ask(deed).await?;
    let crashed = !asked.answered && end_at(&mut server, point).await?;
    if !crashed {
        server.kill().await?;
    }
    desk.ask_again(asked, run).await?;
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
