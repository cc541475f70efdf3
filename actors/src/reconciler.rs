//! One per node: looks for drift, and holds money back while there is any.
//!
//! Owns: nothing but its rhythm; what it finds stands in `Engine::health`.
//! Sends: at once and then every `Numbers::reconcile_every` the checks of the ledger over what is new, and
//! a comparison of what this node shows with what the database has (R10); the first time, every
//! `Numbers::verify_every` and while there is drift, the checks over everything and the hash chain (R9);
//! what streamers may be paid, unless payouts are held; every `SEAL` the blocks of the hash chain.
//! Mailbox: none; turns that take longer than their rhythm are not piled up.
//!
//! Until the first check is done nothing is paid out. On drift payouts are frozen, and plays go on. Only a
//! full reconciliation without drift ends it.

use crate::domain::id::{CampaignId, StreamerId};
use crate::domain::time::{Millis, UnixMillis};
use crate::engine::{Engine, Health, Payouts};
use crate::messages::{GetLive, Reload};
use crate::ports::{Budget, CampaignTotals, Check, StoreResult};
use actix::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Books that could not be read are looked at again no later than this.
const RETRY: Millis = Millis::seconds(10);
/// Blocks of the hash chain are sealed this often.
const SEAL: Duration = Duration::from_secs(10);
/// Earnings become payable this often, at most.
const MATURE: Millis = Millis::minutes(1);
/// What looks like drift in live numbers is looked at again, so many times in all.
const LOOKS: usize = 3;
/// The time between two looks: what was on its way has arrived.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Streamers whose shared counters are compared in one turn, at most.
const STREAMERS_MAX: usize = 500;

/// What to do when the books disagree.
const ADVICE: &str = "the books disagree: payouts and refunds are frozen, plays go on. Run \
    `gametriggers ledger reconcile` and `gametriggers ledger verify`, find the cause, and correct it by an \
    adjustment (R10: delete the live counters in redis); payouts go on after a full reconciliation \
    without drift";

/// The actor of a node.
pub struct ReconcilerActor {
    engine: Arc<Engine>,
    sealing: bool,
    matured: UnixMillis,
    /// When everything was last looked at.
    verified: UnixMillis,
    /// The last streamer whose shared counters were compared.
    compared: StreamerId,
}

impl ReconcilerActor {
    /// The actor of a node.
    #[must_use]
    pub const fn new(engine: Arc<Engine>) -> Self {
        let (matured, verified) = (UnixMillis(0), UnixMillis(0));
        Self { engine, sealing: false, matured, verified, compared: StreamerId(0) }
    }

    /// One turn; it sets the time of the next one.
    fn check(&mut self, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        let now = engine.now();
        let mature = now - self.matured >= MATURE;
        // While there is drift only a full run can say that it is over.
        let drift = engine.health.drift.load(Ordering::Relaxed);
        let full = drift || now - self.verified >= engine.numbers.verify_every;
        let mut streamers = BTreeSet::new();
        engine.directory.each_streamer(|id, _| {
            streamers.insert(id);
        });
        let streamers = next_after(&streamers, self.compared);
        self.compared = streamers.last().copied().unwrap_or(self.compared);
        let turn = async move {
            let checks = checks(&engine, full, streamers).await;
            let judged = judge(&engine.health, checks, full);
            if judged {
                #[expect(clippy::as_conversions, reason = "a gauge is a float, and seconds fit into it")]
                let seconds = (engine.now().0 / 1000) as f64;
                ::metrics::gauge!("gametriggers_ledger_checked_timestamp_seconds").set(seconds);
            }
            // Unchecked books pay nobody.
            let mut matured = false;
            if judged && mature && engine.health.payouts() == Payouts::Open {
                let found = engine.ports.wallets.mature(now, engine.numbers.payable_after).await;
                matured = chore("mature", &found);
            }
            (judged, matured)
        };
        ctx.spawn(turn.into_actor(self).map(move |(judged, matured), actor, ctx| {
            if matured {
                actor.matured = now;
            }
            if judged && full {
                actor.verified = now;
            }
            let every = actor.engine.numbers.reconcile_every;
            let wait = if judged { every } else { every.min(RETRY) };
            ctx.run_later(Duration::from_millis(wait.unsigned().max(1)), |actor, ctx| actor.check(ctx));
        }));
    }

    fn seal(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.sealing, true) {
            return;
        }
        let engine = Arc::clone(&self.engine);
        let seal = async move { chore("seal", &engine.ports.audit.seal(engine.now()).await) };
        ctx.spawn(seal.into_actor(self).map(|_, actor, _| actor.sealing = false));
    }
}

fn chore(name: &'static str, done: &StoreResult<u64>) -> bool {
    if let Err(error) = done {
        tracing::warn!(chore = name, %error, "a chore of the books waits for its next turn");
    }
    done.is_ok()
}

impl Actor for ReconcilerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.check(ctx);
        ctx.run_interval(SEAL, |actor, ctx| actor.seal(ctx));
    }
}

/// The next streamers in the order of their ids, beginning again at the end: over time each has a turn.
fn next_after(all: &BTreeSet<StreamerId>, last: StreamerId) -> Vec<StreamerId> {
    let later = all.range((Bound::Excluded(last), Bound::Unbounded));
    later.chain(all.range(..=last)).take(STREAMERS_MAX).copied().collect()
}

/// All checks: the database against itself, then this node against the database.
async fn checks(engine: &Arc<Engine>, full: bool, streamers: Vec<StreamerId>) -> StoreResult<Vec<Check>> {
    let mut checks = engine.ports.ledger.reconcile(full).await?;
    if full {
        let chain = engine.ports.audit.verify().await?;
        if let Some(first_bad) = &chain.first_bad {
            tracing::error!(first_bad, "the hash chain does not fit what was sealed");
        }
        checks.push(chain.check());
    }
    match live(engine, streamers).await {
        Ok(check) => checks.push(check),
        // What was found already is said; without R10 the rest is not called clean.
        Err(error) if checks.iter().any(is_drift) => {
            tracing::warn!(%error, "live numbers could not be compared with the database");
        }
        Err(error) => return Err(error),
    }
    Ok(checks)
}

/// Makes known what was found. Whether anything was found at all.
fn judge(health: &Health, checks: StoreResult<Vec<Check>>, full: bool) -> bool {
    let checks = match checks {
        Ok(checks) => checks,
        Err(error) => {
            tracing::warn!(%error, "the books could not be checked; the next turn tries again");
            return false;
        }
    };
    let mut found: BTreeMap<&'static str, (i64, u64)> = BTreeMap::new();
    for check in &checks {
        let sums = found.entry(check.id).or_default();
        sums.0 = sums.0.saturating_add(check.drift_micros.saturating_abs());
        sums.1 = sums.1.saturating_add(check.mismatches);
        if is_drift(check) {
            tracing::error!(
                check = check.id,
                rule = check.name,
                rows = check.rows,
                mismatches = check.mismatches,
                drift_micros = check.drift_micros,
                "{ADVICE}",
            );
        }
    }
    for (id, (drift, mismatches)) in found {
        #[expect(clippy::as_conversions, reason = "a gauge is a float; that it is not zero is what counts")]
        let (drift, mismatches) = (drift as f64, mismatches as f64);
        ::metrics::gauge!("gametriggers_ledger_drift_micros", "check" => id).set(drift);
        ::metrics::gauge!("gametriggers_ledger_mismatches", "check" => id).set(mismatches);
    }
    let drift = checks.iter().any(is_drift);
    // A run over what is new says nothing of what was found before.
    if drift || full {
        let before = health.drift.swap(drift, Ordering::Relaxed);
        health.payouts_frozen.store(drift, Ordering::Relaxed);
        health.checked.store(true, Ordering::Relaxed);
        if before && !drift {
            tracing::info!("a full reconciliation found no drift: payouts go on");
        }
    }
    true
}

fn is_drift(check: &Check) -> bool {
    check.mismatches > 0 || check.drift_micros != 0
}

/// Live numbers that may be off.
#[derive(Default)]
struct Suspects {
    campaigns: BTreeSet<CampaignId>,
    streamers: BTreeSet<StreamerId>,
    drift: i64,
}

/// R10: what this node counts, and what all nodes share, against the database. A number may be older than
/// the database's, because it is on its way; it must not be ahead of it, nor differ at the same version.
async fn live(engine: &Arc<Engine>, streamers: Vec<StreamerId>) -> StoreResult<Check> {
    let mut suspects = Suspects { streamers: streamers.into_iter().collect(), ..Suspects::default() };
    suspects.campaigns.extend(engine.catalogue.load().entries().iter().map(|entry| entry.campaign.id));
    let rows = suspects.campaigns.len().saturating_add(suspects.streamers.len());
    for look in 0..LOOKS {
        if look > 0 {
            // An actor that counted a batch twice, because it read the database just before it heard of it,
            // reads again.
            for id in &suspects.campaigns {
                let _ = engine.directory.campaign(engine, *id).try_send(Reload);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        suspects = compare(engine, suspects).await?;
        if suspects.campaigns.is_empty() && suspects.streamers.is_empty() {
            break;
        }
    }
    let mismatches = suspects.campaigns.len().saturating_add(suspects.streamers.len());
    Ok(Check {
        id: "R10",
        name: "live numbers are not ahead of the database, and the same at the same version",
        rows: u64::try_from(rows).unwrap_or(u64::MAX),
        mismatches: u64::try_from(mismatches).unwrap_or(u64::MAX),
        drift_micros: suspects.drift,
    })
}

/// Those whose numbers are off at this moment. The database is read last, so that it is ahead.
async fn compare(engine: &Arc<Engine>, all: Suspects) -> StoreResult<Suspects> {
    let campaigns: Vec<CampaignId> = all.campaigns.into_iter().collect();
    let streamers: Vec<StreamerId> = all.streamers.into_iter().collect();
    let (mut own, mut shared, mut earned) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    // Redis that is away is no drift.
    let up = engine.ports.live.is_up();
    for id in &campaigns {
        let ask = engine.directory.campaign(engine, *id).send(GetLive { shared: false }).await;
        own.extend(ask.ok().flatten().map(|live| (*id, live)));
        if up && let Ok(Some(totals)) = engine.ports.live.campaign(*id).await {
            shared.insert(*id, totals);
        }
    }
    for id in streamers.iter().filter(|_| up) {
        if let Ok(Some(totals)) = engine.ports.live.streamer(*id).await {
            earned.insert(*id, totals);
        }
    }
    let (campaigns, streamers) = engine.ports.ledger.totals(&campaigns, &streamers).await?;
    let mut off = Suspects::default();
    for (id, totals) in campaigns {
        let counted = own.get(&id).map_or(0, |live| {
            ahead(
                &Budget {
                    spent: live.spent,
                    plays: live.plays,
                    viewers: live.viewers,
                    clicks: live.clicks,
                    rejected: live.rejected,
                    ..totals.budget
                },
                &totals.budget,
            )
        });
        let worst = counted.max(shared.get(&id).map_or(0, |shared| differs(shared, &totals)));
        if worst > 0 {
            off.campaigns.insert(id);
            off.drift = off.drift.saturating_add(worst);
        }
    }
    for (id, totals) in streamers {
        let Some(shared) = earned.get(&id) else { continue };
        let ahead = shared.plays > totals.plays || shared.earned > totals.earned;
        if ahead || (shared.plays == totals.plays && shared.earned != totals.earned) {
            off.streamers.insert(id);
            let drift = shared.earned.0.saturating_sub(totals.earned.0).saturating_abs();
            off.drift = off.drift.saturating_add(drift);
        }
    }
    Ok(off)
}

/// How far shared counters are off: zero when they are older, or the same at the same version.
fn differs(shared: &CampaignTotals, totals: &CampaignTotals) -> i64 {
    match shared.version.cmp(&totals.version) {
        std::cmp::Ordering::Less => ahead(&shared.budget, &totals.budget),
        std::cmp::Ordering::Equal if shared.budget.shared() == totals.budget.shared() => 0,
        _ => shared.budget.spent.0.saturating_sub(totals.budget.spent.0).saturating_abs().max(1),
    }
}

/// How far the first is ahead in micros, and at least one when any of its counters is; else zero.
fn ahead(first: &Budget, database: &Budget) -> i64 {
    let counts = |b: &Budget| [b.plays, b.viewers, b.clicks, b.rejected];
    let counters = counts(first).iter().zip(counts(database)).any(|(first, known)| *first > known);
    let micros = first.spent.0.saturating_sub(database.spent.0).max(0);
    micros.max(i64::from(counters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Micros;
    use crate::ports::StoreError;

    fn check(mismatches: u64, drift_micros: i64) -> StoreResult<Vec<Check>> {
        Ok(vec![Check { id: "R1", name: "a rule", rows: 9, mismatches, drift_micros }])
    }

    fn frozen(health: &Health) -> (bool, bool) {
        (health.drift.load(Ordering::Relaxed), health.payouts_frozen.load(Ordering::Relaxed))
    }

    #[test]
    fn payouts_stay_frozen_until_a_full_run_is_clean() {
        let health = Health::default();
        assert!(!judge(&health, Err(StoreError::Unavailable("locked".into())), true));
        assert_eq!(health.payouts(), Payouts::Unchecked, "a restart is no check");
        assert!(judge(&health, check(0, 0), true));
        assert_eq!(health.payouts(), Payouts::Open);
        assert!(judge(&health, check(0, 0), false));
        assert_eq!(frozen(&health), (false, false));
        for (mismatches, drift) in [(1, 0), (0, -5)] {
            assert!(judge(&health, check(mismatches, drift), false));
            assert_eq!(frozen(&health), (true, true));
            assert!(judge(&health, check(0, 0), false), "a run over what is new says nothing of what is old");
            assert_eq!(frozen(&health), (true, true));
            assert!(!judge(&health, Err(StoreError::Unavailable("locked".into())), true));
            assert_eq!(frozen(&health), (true, true));
            assert!(judge(&health, check(0, 0), true));
            assert_eq!(frozen(&health), (false, false));
        }
        assert!(health.is_ready(), "plays go on");
    }

    #[test]
    fn every_streamer_has_a_turn() {
        let max = i64::try_from(STREAMERS_MAX).unwrap();
        let all: BTreeSet<StreamerId> = (1..=max + 10).map(StreamerId).collect();
        let first = next_after(&all, StreamerId(0));
        assert_eq!((first.len(), first.last()), (STREAMERS_MAX, Some(&StreamerId(max))));
        let second = next_after(&all, StreamerId(max));
        assert_eq!((second.len(), second.last()), (STREAMERS_MAX, Some(&StreamerId(max - 10))));
        let seen: BTreeSet<StreamerId> = first.into_iter().chain(second).collect();
        assert_eq!(seen, all);
        let few: BTreeSet<StreamerId> = [StreamerId(3), StreamerId(7)].into();
        assert_eq!(next_after(&few, StreamerId(3)), [StreamerId(7), StreamerId(3)]);
        assert!(next_after(&BTreeSet::new(), StreamerId(3)).is_empty());
    }

    fn totals(version: i64, spent: i64, plays: u64) -> CampaignTotals {
        let budget = Budget { spent: Micros(spent), plays, ..Budget::default() };
        CampaignTotals { version, budget }
    }

    #[test]
    fn older_counters_are_no_drift_and_newer_or_other_ones_are() {
        let database = totals(5, 50, 5);
        assert_eq!(differs(&totals(5, 50, 5), &database), 0);
        assert_eq!(differs(&totals(4, 40, 4), &database), 0);
        assert_eq!(differs(&totals(4, 53, 5), &database), 3, "older and yet ahead");
        assert_eq!(differs(&totals(5, 43, 5), &database), 7, "the same version and another sum");
        let mut dated = database;
        (dated.budget.day, dated.budget.spent_before) = (20_000, Micros(8));
        assert_eq!(
            differs(&database, &dated),
            0,
            "nodes do not tell one another what was spent before today"
        );
        assert_eq!(differs(&totals(5, 50, 4), &database), 1);
        assert_eq!(differs(&totals(6, 50, 5), &database), 1, "a version that there never was");
        assert_eq!(ahead(&totals(0, 50, 6).budget, &database.budget), 1);
        assert_eq!(ahead(&totals(0, 10, 1).budget, &database.budget), 0);
    }
}
