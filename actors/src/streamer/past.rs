//! What was shown before the actor started, so that rules, caps and limits outlive it.

use super::StreamerActor;
use crate::domain::streamer::board::Recent;
use crate::domain::streamer::live::{Market, RECENT_MAX};
use crate::domain::time::Millis;
use crate::ports::StoreError;
use actix::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Plays of the log that are read when the actor starts: what rules and caps may look back on, and as many
/// more as the streamer allows an hour, up to `LOOK_BACK_MAX`.
const LOOK_BACK: u32 = 200;
const LOOK_BACK_MAX: u32 = 1000;
const SHOWN_MAX: u32 = 24 * 360;
/// A play counts from its first frame, and is found by its slot, which was a little before.
const SLACK: Millis = Millis::minutes(1);
/// What came on screen within this time is read whole, for caps by the hour and by the day; of one stream
/// that is at most as many ads as a streamer may allow.
const DAY: Millis = Millis::minutes(24 * 60);
/// The log is tried again after this, when it could not be read.
const RETRY: Duration = Duration::from_secs(1);

impl StreamerActor {
    /// Reads what was shown before, so that rules and caps outlive a restart. No slot is used
    /// before that.
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        let (engine, id) = (Arc::clone(&self.engine), self.live.streamer().id);
        let hourly_max = self.live.streamer().settings.hourly_max;
        let look_back = LOOK_BACK.saturating_add(hourly_max).min(LOOK_BACK_MAX);
        let since = engine.now() - DAY;
        let read = async move {
            let plays = engine.ports.log.recent(id, None, look_back).await?;
            Ok::<_, StoreError>((plays, engine.ports.log.plays_since(id, since, SHOWN_MAX).await?))
        };
        ctx.spawn(read.into_actor(self).map(move |read, actor, ctx| match read {
            Ok((mut plays, day)) => {
                plays.reverse();
                let catalogue = actor.engine.catalogue.load_full();
                let known = |id| catalogue.entry(id).map(|e| Arc::clone(&e.campaign));
                let shown = plays.iter().filter(|p| p.outcome.was_on_screen());
                // `at` is the time of the claim by now, which may have come late.
                let now = actor.engine.now();
                actor.live.remember_slots(shown.clone().map(|p| p.play.minted().min(now)));
                // Cooldowns look back further than a day, and caps need every play of it.
                let older = shown.filter(|p| p.play.minted() < since).map(|p| (p.campaign, p.at));
                let all = older.chain(day);
                actor.live.remember(all.filter_map(|(campaign, at)| Some((known(campaign)?, at))));
                let skip = plays.len().saturating_sub(RECENT_MAX);
                let last = plays.iter().skip(skip);
                let recents = last.map(|play| Recent::from_log(play, known(play.campaign)));
                actor.live.recall(recents);
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
        let read = async move {
            if longest.0 == 0 {
                return Ok(Vec::new());
            }
            engine.ports.log.shown_since(id, engine.now() - longest - SLACK).await
        };
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
