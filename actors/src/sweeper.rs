//! One per node, holding nothing: the beat of the sockets, and the end of what is silent.
//!
//! Liveness is judged from outside: a socket whose peer stopped reading freezes its own actor, and
//! an actor that panicked says nothing. The sweeper sends heartbeats phase by phase, closes sockets that
//! were silent for too long, those whose key or token is over and those whose actor is lost, has lost actors
//! of the node replaced (as the bridge has the sweeper), lets campaigns take back money whose time is up,
//! completes campaigns whose flight is over, and now and then stops actors that nobody needs.

use crate::directory::{PARTS, PHASES};
use crate::domain::id::StreamerId;
use crate::domain::time::UnixMillis;
use crate::engine::Engine;
use crate::flight;
use crate::messages::Sweep;
use crate::session::{CloseReason, ToSession};
use actix::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Chores other than heartbeats, once a second.
const CHORES: Duration = Duration::from_secs(1);
/// Sockets whose key or token is over are looked for.
const ENDS: Duration = Duration::from_millis(250);
/// Idle actors are looked for every so many seconds.
const IDLE_SECONDS: u64 = 15;

/// The actor of a node.
pub struct Sweeper {
    engine: Arc<Engine>,
    phase: usize,
    part: usize,
    seconds: u64,
    /// When flights that are over were last looked for, and whether that goes on.
    completed: UnixMillis,
    completing: bool,
}

impl Sweeper {
    /// The actor of a node.
    #[must_use]
    pub const fn new(engine: Arc<Engine>) -> Self {
        let completed = UnixMillis(0);
        Self { engine, phase: 0, part: 0, seconds: 0, completed, completing: false }
    }

    /// One phase of the sockets: a heartbeat, or the end of those that were silent for too long.
    fn beat(&mut self) {
        let now = self.engine.now();
        let dead_after = self.engine.numbers.dead_after;
        self.phase = (self.phase + 1) % PHASES;
        self.engine.directory.each_session_of(self.phase, |session| {
            let silent = now - session.heard() > dead_after;
            let message = if silent {
                ToSession::Close(CloseReason::HeartbeatMissed)
            } else {
                ToSession::Heartbeat(now)
            };
            let _ = session.send(message);
        });
    }

    /// Sockets whose key or token is over are closed; those for which that has changed go on.
    fn end(&self) {
        let now = self.engine.now();
        for session in self.engine.directory.ended(now) {
            self.engine.judge_session(&session, now);
        }
    }

    /// Streamers without a socket may stop; sockets without an actor come back to a new one.
    fn idle(&self) {
        let mut attached: HashSet<StreamerId> = HashSet::new();
        self.engine.directory.each_session(|session| attached.extend(session.streamer));
        let mut dead = Vec::new();
        self.engine.directory.each_streamer(|id, addr| {
            if !addr.connected() {
                dead.push(id);
            } else if !attached.contains(&id) {
                // Full: it is not idle.
                let _ = addr.try_send(Sweep);
            }
        });
        dead.into_iter().for_each(|id| self.engine.directory.forget_streamer(id));
    }

    /// Campaigns whose flight is over are completed, one turn at a time.
    fn complete(&mut self, ctx: &mut Context<Self>) {
        let now = self.engine.now();
        if self.completing || now - self.completed < flight::EVERY {
            return;
        }
        (self.completing, self.completed) = (true, now);
        let turn = flight::complete(Arc::clone(&self.engine));
        ctx.spawn(turn.into_actor(self).map(|(), actor, _| actor.completing = false));
    }

    /// Sockets of one part of the streamers whose actor is lost have to come back, to a new one.
    fn lost(&mut self) {
        let mut lost: HashSet<StreamerId> = HashSet::new();
        self.part = (self.part + 1) % PARTS;
        self.engine.directory.each_streamer_of(self.part, |id, addr| {
            if !addr.connected() {
                lost.insert(id);
            }
        });
        if lost.is_empty() {
            return;
        }
        self.engine.directory.each_session(|session| {
            if session.streamer.is_some_and(|id| lost.contains(&id)) {
                let _ = session.send(ToSession::Close(CloseReason::ServerError));
            }
        });
    }
}

impl Actor for Sweeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Every socket once in the time between two heartbeats.
        let beat = self.engine.numbers.heartbeat.unsigned() / u64::try_from(PHASES).unwrap_or(1);
        ctx.run_interval(Duration::from_millis(beat.max(1)), |actor, _| actor.beat());
        ctx.run_interval(ENDS, |actor, _| actor.end());
        // Every streamer once in the time between two rounds of the other chores.
        let parts = u32::try_from(PARTS).unwrap_or(1);
        ctx.run_interval(CHORES / parts, |actor, _| actor.lost());
        ctx.run_interval(CHORES, |actor, ctx| {
            actor.seconds += 1;
            actor.engine.directory.watch(&actor.engine);
            for campaign in actor.engine.directory.live_campaigns() {
                let _ = campaign.try_send(Sweep);
            }
            if actor.seconds.is_multiple_of(IDLE_SECONDS) {
                actor.idle();
            }
            actor.complete(ctx);
            #[expect(clippy::as_conversions, reason = "a gauge is a float, and no node has 2^53 sockets")]
            ::metrics::gauge!("gametriggers_sockets").set(actor.engine.directory.sessions() as f64);
        });
    }
}
