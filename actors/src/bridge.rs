//! One per node: the node's inbox on the bus.
//!
//! Owns: the subscription.
//! Receives: events of all nodes, this one included.
//! Sends: `Reload` to the actors that an event concerns.
//! Mailbox: the actor's own stream; events that came too fast are replaced by one full reload.

use crate::domain::id::{StreamerId, UserId};
use crate::domain::pacing::utc_day;
use crate::domain::rotation::Rotation;
use crate::domain::streamer::Streamer;
use crate::domain::time::{Millis, UnixMillis};
use crate::engine::Engine;
use crate::messages::Reload;
use crate::ports::{Event, Heard, KeyHash, StoreResult, Subscription};
use crate::session::{Credential, SessionHandle};
use actix::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// A reload that failed is tried again after this.
const RETRY: Duration = Duration::from_secs(1);
/// The sweeper looks after all other actors, and the bridge after the sweeper.
const WATCH: Duration = Duration::from_secs(1);

/// What creatives achieved is read again this often, while a campaign shows its best.
const COUNTS: Duration = Duration::from_secs(60);

/// Whether past supply is due to be read again is looked at this often.
const LEARN: Duration = Duration::from_secs(60);
/// It is due after this, and when a UTC day begins: then yesterday is one of the past days.
const LEARNED_LIFE: Millis = Millis::minutes(60);

/// Whether keys were used is looked at this often.
const USED: Duration = Duration::from_secs(60);

/// What has to be read again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Again {
    Plans,
    Catalogue,
    Everything,
}

/// The actor of a node.
pub struct BridgeActor {
    engine: Arc<Engine>,
    /// Whether a reload is under way. One at a time: else an older answer could come last.
    reading: bool,
    /// Asked for meanwhile: nodes that come back together ask once each, and are answered once.
    again: Option<Again>,
    /// When past supply was read.
    learned: UnixMillis,
}

impl BridgeActor {
    /// The actor of a node. What happened between it and a lost one that was before is read `again`.
    #[must_use]
    pub fn new(engine: Arc<Engine>, again: bool) -> Self {
        let again = again.then_some(Again::Everything);
        Self { engine, reading: false, again, learned: UnixMillis(0) }
    }

    /// Reads campaigns and rules again and tells the campaigns; streamers and keys as well when accounts
    /// came, or anything may have been missed.
    fn read(&mut self, what: Again, ctx: &mut Context<Self>) {
        if self.reading {
            self.again = self.again.max(Some(what));
            return;
        }
        self.reading = true;
        let engine = Arc::clone(&self.engine);
        let read = async move {
            if what == Again::Plans {
                return engine.learn().await;
            }
            engine.reload_catalogue().await?;
            if what == Again::Everything { everything(&engine).await } else { Ok(()) }
        };
        let began = self.engine.now();
        ctx.spawn(read.into_actor(self).map(move |read, actor, ctx| {
            actor.reading = false;
            match read {
                Ok(()) if what == Again::Plans => actor.learned = began,
                Err(error) if what == Again::Plans => {
                    tracing::warn!(%error, "past supply can not be read; the plans stay");
                }
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
                    ctx.run_later(RETRY, move |actor, ctx| actor.read(what, ctx));
                }
            }
            if let Some(what) = actor.again.take() {
                actor.read(what, ctx);
            }
        }));
    }

    /// Every campaign that may play has its actor, so that its money is known before a slot asks.
    fn wake_campaigns(&self) {
        for entry in self.engine.catalogue.load().entries() {
            let _ = self.engine.directory.campaign(&self.engine, entry.campaign.id);
        }
    }

    fn streamer(&mut self, id: StreamerId, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        let read = async move { engine.ports.accounts.streamer(id).await };
        ctx.spawn(read.into_actor(self).map(move |row, actor, _| {
            let Ok(row) = row else { return };
            changed(&actor.engine, row);
        }));
    }

    /// Reads how a user stands. Tried again until it is known: until then dead tokens are good here.
    fn user(&mut self, id: UserId, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        let read = async move { engine.reload_login(id).await };
        ctx.spawn(read.into_actor(self).map(move |read, actor, ctx| match read {
            Ok(()) => judge(
                &actor.engine,
                |credential| matches!(credential, Credential::Token { user, .. } if user == id),
            ),
            Err(error) => {
                tracing::warn!(%error, "a user can not be read; their dead tokens are good until then");
                ctx.run_later(RETRY, move |actor, ctx| actor.user(id, ctx));
            }
        }));
    }

    /// Reads a key. Tried again until it is known: until then a new one is refused here, and one that was
    /// replaced lives on.
    fn key(&mut self, hash: KeyHash, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        let read = async move { engine.ports.accounts.key(hash).await };
        ctx.spawn(read.into_actor(self).map(move |read, actor, ctx| match read {
            Ok(Some(terms)) => {
                actor.engine.keyring.add([(hash, terms)]);
                judge(&actor.engine, |credential| credential == Credential::Key(hash));
            }
            Ok(None) => revoke(&actor.engine, &hash),
            Err(error) => {
                tracing::warn!(%error, "a key can not be read; it is as it was until then");
                ctx.run_later(RETRY, move |actor, ctx| actor.key(hash, ctx));
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
        if let Some(what) = self.again.take() {
            self.read(what, ctx);
        }
        ctx.run_interval(COUNTS, |actor, ctx| {
            let catalogue = actor.engine.catalogue.load();
            if catalogue.entries().iter().any(|entry| entry.campaign.rotation == Rotation::Best) {
                actor.read(Again::Catalogue, ctx);
            }
        });
        ctx.run_interval(LEARN, |actor, ctx| {
            let (now, learned) = (actor.engine.now(), actor.learned);
            if !actor.reading && (utc_day(now) != utc_day(learned) || now - learned >= LEARNED_LIFE) {
                actor.read(Again::Plans, ctx);
            }
        });
        ctx.run_interval(USED, |actor, ctx| {
            let engine = Arc::clone(&actor.engine);
            let tidy = async move { engine.tidy_keys().await };
            ctx.spawn(tidy.into_actor(actor).map(|tidied, _, _| {
                if let Err(error) = tidied {
                    tracing::debug!(%error, "the use of keys is noted later");
                }
            }));
        });
        ctx.run_interval(WATCH, |actor, _| drop(actor.engine.directory.sweeper(&actor.engine)));
    }
}

impl StreamHandler<Heard> for BridgeActor {
    fn handle(&mut self, heard: Heard, ctx: &mut Self::Context) {
        match heard {
            Heard::Event(Event::CatalogueChanged) => self.read(Again::Catalogue, ctx),
            Heard::Event(Event::StreamerChanged(id)) => self.streamer(id, ctx),
            Heard::Event(Event::KeyRevoked(hash)) => revoke(&self.engine, &hash),
            Heard::Event(Event::KeyChanged(hash)) => self.key(hash, ctx),
            Heard::Event(Event::UserChanged(id)) => self.user(id, ctx),
            Heard::Event(Event::AccountsChanged) | Heard::Missed => self.read(Again::Everything, ctx),
        }
    }
}

/// Reads keys, users and streamers again: who changed is told, and who has no key any more is closed.
async fn everything(engine: &Engine) -> StoreResult<()> {
    // A key that comes while the database is read is not one that went.
    let (before, now) = (engine.keyring.hashes(), engine.now());
    let keys = engine.ports.accounts.keys(now).await?;
    let valid: HashSet<KeyHash> = keys.iter().map(|(hash, _)| *hash).collect();
    engine.keyring.read(keys, now);
    // What is over by itself is not read, and its sockets end by themselves.
    let is_gone = |hash: &&KeyHash| !valid.contains(*hash) && engine.keyring.judge(hash, now).is_ok();
    before.iter().filter(is_gone).for_each(|hash| engine.keyring.revoke(hash, now));
    engine.reload_logins().await?;
    judge(engine, |_| true);
    for row in engine.ports.accounts.streamers().await? {
        changed(engine, row);
    }
    Ok(())
}

/// Takes a streamer's row, and tells the actor if it is another one.
fn changed(engine: &Engine, row: Streamer) {
    let id = row.id;
    let before = engine.streamers.insert(id, row.clone());
    if before.as_ref() != Some(&row)
        && let Some(live) = engine.directory.live_streamer(id)
    {
        let _ = live.try_send(Reload);
    }
}

/// A key is dead, and its sockets with it.
fn revoke(engine: &Engine, hash: &KeyHash) {
    engine.keyring.revoke(hash, engine.now());
    judge(engine, |credential| credential == Credential::Key(*hash));
}

/// Looks again at the sockets whose credential may have become another.
fn judge(engine: &Engine, is_meant: impl Fn(Credential) -> bool) {
    let now = engine.now();
    engine.directory.each_session(|session: &Arc<SessionHandle>| {
        if is_meant(session.credential()) {
            engine.judge_session(session, now);
        }
    });
}
