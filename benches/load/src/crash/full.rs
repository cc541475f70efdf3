//! The disk of the database is full for a while, and has room again.

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
const SERVICE_UNAVAILABLE: u16 = 503;

/// What happened when there was no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Full {
    /// How often there was none.
    pub(super) times: u64,
    /// How often the server said that it is not ready.
    pub(super) not_ready: u64,
    /// Acks while it said so.
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
        // What was written before may be on its way.
        sleep(LOOK).await;
        let before = run.witness.log().acks;
        sleep(FULL).await;
        full.acks += run.witness.log().acks - before;
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
