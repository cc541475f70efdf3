//! What was shown before the actor started, so that rules, caps and limits outlive it.

use super::StreamerActor;
use crate::domain::streamer::live::Market;
use crate::memory::{self, Memory};
use actix::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// The log is tried again after this, when it could not be read.
const RETRY: Duration = Duration::from_secs(1);

impl StreamerActor {
    /// Reads what was shown before, so that rules and caps outlive a restart. No slot is used
    /// before that.
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        let read = Memory::read(Arc::clone(&self.engine), self.live.streamer());
        ctx.spawn(read.into_actor(self).map(move |read, actor, ctx| match read {
            Ok(memory) => {
                memory.tell(&mut actor.live, &actor.engine.catalogue.load(), actor.engine.now());
                actor.look_back(ctx);
            }
            Err(error) => {
                tracing::warn!(
                    streamer = actor.live.streamer().id.0,
                    %error,
                    "the play log can not be read; no ads until it can",
                );
                ctx.run_later(RETRY, |actor, ctx| actor.load(ctx));
            }
        }));
    }

    /// Reads what was shown as far back as the rules look, campaigns that have ended since included; then
    /// slots are used.
    pub(super) fn look_back(&mut self, ctx: &mut Context<Self>) {
        let (engine, id) = (Arc::clone(&self.engine), self.live.streamer().id);
        let longest = engine.catalogue.load().guide().rules.longest();
        let read = async move { memory::present(&engine, id, longest).await };
        ctx.spawn(read.into_actor(self).map(move |shown, actor, ctx| match shown {
            Ok(shown) => {
                actor.live.remember_present(shown);
                actor.remembers = longest;
                actor.loaded = true;
                actor.step(ctx, |_, _, _| ());
                actor.show();
            }
            Err(error) => {
                tracing::warn!(
                    streamer = actor.live.streamer().id.0,
                    %error,
                    "rules can not look back; no ads until they can",
                );
                ctx.run_later(RETRY, |actor, ctx| actor.look_back(ctx));
            }
        }));
    }
}
