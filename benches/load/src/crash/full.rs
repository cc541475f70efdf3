//! The disk of the database is full for a while, and has room again.

use super::disk::SmallDisk;
use super::kills::Run;
use crate::failure::Failure;
use crate::http::get;
use crate::server::Server;
use gametriggers_simulated_overlay::now;
use std::time::Duration;
use tokio::time::sleep;

/// From the moment without room to the moment at which nothing is acked any more: the log has room for
/// some commits within what it has.
const NOTICED_MAX: Duration = Duration::from_secs(60);
/// How long it stays like that.
const FULL: Duration = Duration::from_secs(2);
/// From room to the next ack, and to readiness.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
/// A server that is ready in between may ack, and should not be missed.
const LOOK_CLOSELY: Duration = Duration::from_millis(5);
const SERVICE_UNAVAILABLE: u16 = 503;

/// What happened when there was no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Full {
    /// How often there was none.
    pub(super) times: u64,
    /// How often the server said that it is not ready.
    pub(super) not_ready: u64,
    /// Acks while there was none and it said so.
    pub(super) acks: u64,
    /// How often it acked again, and was ready, without a restart of its own.
    pub(super) recovered: u64,
}

/// Fills the disk under a server that takes claims, watches it, and gives the room back.
pub(super) async fn fill(run: &mut Run, server: &Server, full: &mut Full) -> Result<(), Failure> {
    let Some(disk) = &run.stage.disk else { return Ok(()) };
    if run.witness.acked(RECOVERY_MAX).await.is_none() {
        return Err(Failure::Late(format!("no ack before the disk is full; {}", server.last_words())));
    }
    disk.fill()?;
    full.times += 1;
    if until(NOTICED_MAX, || async { ready(server).await == Some(SERVICE_UNAVAILABLE) }).await {
        full.not_ready += 1;
        full.acks += acks_while_full(run, disk, server).await?;
    }
    disk.relieve()?;
    if let Some(cluster) = &mut run.stage.cluster {
        // Postgres gives up when its own log has no room. An operator starts it again.
        cluster.postgres.revive().await?;
    }
    let acked = run.witness.acked(RECOVERY_MAX).await.is_some();
    let ready = until(RECOVERY_MAX, || async { ready(server).await == Some(200) }).await;
    full.recovered += u64::from(acked && ready);
    Ok(())
}

/// Acks of a server that says that it is not ready before them and after them, on a disk without room at
/// both times. One that finds room and says so may ack, and one that an earlier commit let go may be on its
/// way when the server says it for the first time.
async fn acks_while_full(run: &Run, disk: &SmallDisk, server: &Server) -> Result<u64, Failure> {
    let began = now().at;
    let (mut acks, mut refused_at) = (0, None);
    while now().at.saturating_duration_since(began) < FULL {
        let before = run.witness.acks();
        let refuses = ready(server).await == Some(SERVICE_UNAVAILABLE);
        // What has become free is taken again.
        let is_full = !disk.fill()?;
        if refuses && is_full {
            acks += refused_at.map_or(0, |refused_at| before - refused_at);
        }
        refused_at = (refuses && is_full).then(|| run.witness.acks());
        sleep(LOOK_CLOSELY).await;
    }
    Ok(acks)
}

async fn ready(server: &Server) -> Option<u16> {
    get(server.address(), "/health/ready").await
}

async fn until<F: Future<Output = bool>>(limit: Duration, mut is: impl FnMut() -> F) -> bool {
    let began = now().at;
    while !is().await {
        if now().at.saturating_duration_since(began) > limit {
            return false;
        }
        sleep(LOOK).await;
    }
    true
}
