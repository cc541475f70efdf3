//! One per node: the node's inbox on the bus.
//!
//! Owns: the subscription.
//! Receives: events of all nodes, this one included.
//! Sends: `Reload` to the actors that an event concerns.
//! Mailbox: the actor's own stream; events that came too fast are replaced by one full reload.

use crate::engine::Engine;
use crate::messages::Reload;
use crate::ports::{Event, Heard, Subscription};
use crate::session::{CloseReason, ToSession};
use actix::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// A reload that failed is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// The actor of a node.
pub struct BridgeActor {
    engine: Arc<Engine>,
}

impl BridgeActor {
    /// The actor of a node.
    #[must_use]
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Reads campaigns and rules again and tells the campaigns.
    fn catalogue(&mut self, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        ctx.spawn(async move { engine.reload_catalogue().await }.into_actor(self).map(|read, actor, ctx| {
            match read {
                Ok(()) => {
                    for campaign in actor.engine.directory.live_campaigns() {
                        let _ = campaign.try_send(Reload);
                    }
                    actor.wake_campaigns();
                }
                Err(error) => {
                    tracing::warn!(
                        %error,
                        "campaigns and rules can not be read; the last ones stay in force",
                    );
                    ctx.run_later(RETRY, |actor, ctx| actor.catalogue(ctx));
                }
            }
        }));
    }

    /// Every campaign that may play has its actor, so that its money is known before a slot asks.
    fn wake_campaigns(&self) {
        for entry in self.engine.catalogue.load().entries() {
            let _ = self.engine.directory.campaign(&self.engine, entry.campaign.id);
        }
    }

    fn streamer(&mut self, id: crate::domain::id::StreamerId, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        let read = async move { engine.ports.accounts.streamer(id).await };
        ctx.spawn(read.into_actor(self).map(move |row, actor, _| {
            let Ok(row) = row else { return };
            let before = actor.engine.streamers.insert(id, row.clone());
            if before.as_ref() != Some(&row)
                && let Some(live) = actor.engine.directory.live_streamer(id)
            {
                let _ = live.try_send(Reload);
            }
        }));
    }
}

impl Actor for BridgeActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let subscription = self.engine.ports.bus.subscribe();
        let events = futures_util::stream::unfold(
            subscription,
            |mut subscription: Box<dyn Subscription>| async move {
                subscription.next().await.map(|heard| (heard, subscription))
            },
        );
        ctx.add_stream(events);
        self.wake_campaigns();
    }
}

impl StreamHandler<Heard> for BridgeActor {
    fn handle(&mut self, heard: Heard, ctx: &mut Self::Context) {
        match heard {
            Heard::Event(Event::CatalogueChanged) => self.catalogue(ctx),
            Heard::Event(Event::StreamerChanged(id)) => self.streamer(id, ctx),
            Heard::Event(Event::KeyRevoked(hash)) => {
                self.engine.keyring.remove(&hash);
                self.engine.directory.each_session(|session| {
                    if session.key == hash {
                        let _ = session.send(ToSession::Close(CloseReason::Revoked));
                    }
                });
            }
            Heard::Missed => {
                self.catalogue(ctx);
                let ids: Vec<_> = self.engine.streamers.iter().map(|row| *row.key()).collect();
                ids.into_iter().for_each(|id| self.streamer(id, ctx));
            }
        }
    }
}
