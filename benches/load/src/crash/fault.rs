//! What is broken besides the server, one fault at a time.

use super::options::{Database, Kind, Options};
use super::stage::Cluster;
use super::witness::Witness;
use crate::failure::Failure;
use crate::proxy::Cut;
use crate::site::DATABASE;
use gametriggers_simulated_overlay::Random;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;

/// Claims come all the time: a COMMIT to cut does too.
const CUT_MAX: Duration = Duration::from_secs(10);
/// From the end of a fault to the next ack: Postgres may have to read its log again first.
const RECOVERY_MAX: Duration = Duration::from_secs(120);
/// How long a database is away, at most.
const AWAY_MS: u64 = 400;
/// How long a slow or silent network lasts.
const BAD_MS: (u64, u64) = (100, 1_500);
const LATENCY_MS: (u64, u64) = (1, 60);

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    DatabaseStop,
    BackendKill,
    RedisKill,
    RedisFlush,
    Latency,
    Stall,
    Reset,
    RedisStall,
    CutAnswer,
    CutAtOnce,
    CutCommit,
}

impl Fault {
    /// Those that the options ask for.
    pub(super) fn chosen(options: &Options) -> Vec<Self> {
        let wanted = |kind| options.faults.contains(&kind) || options.faults.contains(&Kind::All);
        let mut chosen = Vec::new();
        if options.db == Database::Sqlite {
            return chosen;
        }
        for (kind, faults) in [
            (Kind::Database, &[Self::DatabaseStop][..]),
            (Kind::Backend, &[Self::BackendKill]),
            (Kind::Redis, &[Self::RedisKill, Self::RedisFlush]),
            (
                Kind::Proxy,
                &[
                    Self::Latency,
                    Self::Stall,
                    Self::Reset,
                    Self::RedisStall,
                    Self::CutAnswer,
                    Self::CutAtOnce,
                    Self::CutCommit,
                ],
            ),
        ] {
            if wanted(kind) {
                chosen.extend_from_slice(faults);
            }
        }
        chosen
    }

    const fn name(self) -> &'static str {
        match self {
            Self::DatabaseStop => "database_stop",
            Self::BackendKill => "backend_kill",
            Self::RedisKill => "redis_kill",
            Self::RedisFlush => "redis_flush",
            Self::Latency => "latency",
            Self::Stall => "stall",
            Self::Reset => "reset",
            Self::RedisStall => "redis_stall",
            Self::CutAnswer => "cut_answer",
            Self::CutAtOnce => "cut_at_once",
            Self::CutCommit => "cut_commit",
        }
    }
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage {
    by_name: BTreeMap<&'static str, u64>,
    /// Databases stopped and backends killed.
    pub(super) db_kills: u64,
    /// From the end of a fault to the next ack.
    pub(super) recoveries: Vec<Duration>,
}

impl Damage {
    /// Counts of each.
    pub(super) fn line(&self) -> String {
        let each: Vec<String> = self.by_name.iter().map(|(name, count)| format!("{name}={count}")).collect();
        each.join(" ")
    }

    fn count(&mut self, fault: Fault) {
        *self.by_name.entry(fault.name()).or_default() += 1;
        self.db_kills += u64::from(matches!(fault, Fault::DatabaseStop | Fault::BackendKill));
    }
}

/// Does it, while the overlays play. The world is whole again afterwards, and claims are acked again
/// unless `hasty`: then the server is to be killed in the middle of it.
pub(super) async fn strike(
    fault: Fault,
    cluster: &mut Cluster,
    (witness, damage): (&Witness, &mut Damage),
    hasty: bool,
    random: &mut Random,
) -> Result<(), Failure> {
    let happened = strike_once(fault, cluster, random).await?;
    if !happened {
        return Ok(());
    }
    damage.count(fault);
    if hasty {
        return Ok(());
    }
    match witness.acked(RECOVERY_MAX).await {
        Some(wait) => damage.recoveries.push(wait),
        None => return Err(Failure::Late(format!("no ack came after {}", fault.name()))),
    }
    Ok(())
}

async fn strike_once(fault: Fault, cluster: &mut Cluster, random: &mut Random) -> Result<bool, Failure> {
    let Cluster { postgres, redis, database, cache } = cluster;
    let away = Duration::from_millis(random.below(AWAY_MS));
    let bad = Duration::from_millis(random.between(BAD_MS.0, BAD_MS.1));
    match fault {
        Fault::DatabaseStop => {
            postgres.stop_at_once().await?;
            sleep(away).await;
            postgres.restart().await?;
        }
        Fault::BackendKill => return postgres.kill_backend(DATABASE, random).await,
        Fault::RedisKill => {
            redis.kill().await?;
            sleep(away).await;
            redis.restart().await?;
        }
        Fault::RedisFlush => redis.flush().await?,
        Fault::Latency => {
            let latency = Duration::from_millis(random.between(LATENCY_MS.0, LATENCY_MS.1));
            database.delay(latency);
            cache.delay(latency);
            sleep(bad).await;
            database.delay(Duration::ZERO);
            cache.delay(Duration::ZERO);
        }
        Fault::Stall => {
            database.stall(true);
            sleep(bad).await;
            database.stall(false);
        }
        Fault::Reset => {
            database.reset();
            cache.reset();
        }
        Fault::RedisStall => {
            cache.stall(true);
            sleep(bad).await;
            cache.stall(false);
        }
        Fault::CutAnswer => return Ok(database.cut(Cut::Answer, CUT_MAX).await),
        Fault::CutAtOnce => return Ok(database.cut(Cut::AtOnce, CUT_MAX).await),
        Fault::CutCommit => return Ok(database.cut(Cut::Commit, CUT_MAX).await),
    }
    Ok(true)
}
