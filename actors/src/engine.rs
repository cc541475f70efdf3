//! What every actor shares: the ports, the snapshot of the catalogue and the directory.

use crate::catalogue::Catalogue;
use crate::directory::Directory;
use crate::domain::id::{StreamerId, UserId};
use crate::domain::pacing::Attainments;
use crate::domain::policy::Policies;
use crate::domain::streamer::Streamer;
use crate::domain::streamer::live::Terms;
use crate::domain::supply::SupplyHistory;
use crate::domain::time::{Millis, UnixMillis};
use crate::domain::token::TokenKeys;
use crate::keyring::Keyring;
use crate::logins::{LoginEnd, Logins};
use crate::ports::{
    AccountStore, AssetStore, AuditStore, Bus, CampaignStore, CatalogueRows, Clock, Courier, Entropy, KeyEnd,
    LedgerStore, LiveCounters, ParticipationStore, Platform, PlayLog, ProfileStore, RuleStore, StoreResult,
    UserStore, WalletStore, WebhookStore,
};
use crate::session::{CloseReason, Credential, SessionHandle, ToSession};
use crate::webhook::WebhookNumbers;
use arc_swap::ArcSwap;
use dashmap::DashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A database that fails for no longer than this stops no slot.
const STORE_GRACE: Millis = Millis::seconds(30);
/// A socket that has to go, and does not, is told again after this.
const TOLD_AGAIN: Millis = Millis::seconds(1);

/// The world, as ports.
pub struct Ports {
    /// The money.
    pub ledger: Arc<dyn LedgerStore>,
    /// Campaigns.
    pub campaigns: Arc<dyn CampaignStore>,
    /// Conflict rules.
    pub rules: Arc<dyn RuleStore>,
    /// Who takes part in which campaign.
    pub participations: Arc<dyn ParticipationStore>,
    /// Brands, streamers and keys.
    pub accounts: Arc<dyn AccountStore>,
    /// What brands and streamers say of themselves.
    pub profiles: Arc<dyn ProfileStore>,
    /// Uploads.
    pub assets: Arc<dyn AssetStore>,
    /// Who signs in.
    pub users: Arc<dyn UserStore>,
    /// Plays and counters.
    pub log: Arc<dyn PlayLog>,
    /// Wallets.
    pub wallets: Arc<dyn WalletStore>,
    /// The hash chain.
    pub audit: Arc<dyn AuditStore>,
    /// Endpoints and what they are told.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Sends it.
    pub courier: Arc<dyn Courier>,
    /// Counters that every node can read.
    pub live: Arc<dyn LiveCounters>,
    /// Events between nodes.
    pub bus: Arc<dyn Bus>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The streaming platforms.
    pub platform: Arc<dyn Platform>,
}

/// The numbers of an installation.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// What a streamer's steps depend on.
    pub terms: Terms,
    /// Time between heartbeats on a socket.
    pub heartbeat: Millis,
    /// Silence after which a socket is closed.
    pub dead_after: Millis,
    /// Claims in one transaction, at most.
    pub batch_max: usize,
    /// How long a claim may wait for others.
    pub batch_wait: Millis,
    /// Claims that may wait at all.
    pub claims_max: usize,
    /// The ledger is checked against itself this often.
    pub reconcile_every: Millis,
    /// And this often over everything, with the hash chain.
    pub verify_every: Millis,
    /// What streamers earned can be paid after this.
    pub payable_after: Millis,
    /// How endpoints are called.
    pub webhooks: WebhookNumbers,
    /// What the platforms allow.
    pub policies: Arc<Policies>,
    /// Whether the demo's keys are taken.
    pub demo: bool,
}

/// How the engine is doing.
#[derive(Debug, Default)]
pub struct Health {
    /// Since when the database can not be written, in unix millis, until the claims that waited are
    /// written; zero while it can.
    failing_since: AtomicI64,
    /// A newer process owns the database: this one must stop.
    pub fenced: AtomicBool,
    /// The server drains.
    pub draining: AtomicBool,
    /// The last reconciliation found the books to disagree.
    pub drift: AtomicBool,
    /// No money leaves: nothing becomes payable and nothing is refunded until a full reconciliation is clean.
    pub payouts_frozen: AtomicBool,
    /// This process has looked at the whole books; before that no money leaves either.
    pub checked: AtomicBool,
}

/// Whether money may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payouts {
    /// It may.
    Open,
    /// The books were not checked since the start.
    Unchecked,
    /// The books disagree.
    Frozen,
}

impl Health {
    /// Whether new work may come. Drift stops payouts, not plays.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        !self.store_failing() && !is(&self.fenced) && !is(&self.draining)
    }

    /// Whether money may leave.
    #[must_use]
    pub fn payouts(&self) -> Payouts {
        if self.payouts_frozen.load(Ordering::Relaxed) {
            Payouts::Frozen
        } else if self.checked.load(Ordering::Relaxed) {
            Payouts::Open
        } else {
            Payouts::Unchecked
        }
    }

    /// A write failed. Whether it is the first.
    pub fn store_fails(&self, now: UnixMillis) -> bool {
        self.failing_since.compare_exchange(0, now.0.max(1), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Everything that waited for the database is written.
    pub fn store_works(&self) {
        self.failing_since.store(0, Ordering::Relaxed);
    }

    /// Whether claims wait for a database that can not be written.
    #[must_use]
    pub fn store_failing(&self) -> bool {
        self.failing_since.load(Ordering::Relaxed) != 0
    }

    /// Whether they have waited for longer than `span`.
    fn store_failing_for(&self, span: Millis, now: UnixMillis) -> bool {
        let since = self.failing_since.load(Ordering::Relaxed);
        since != 0 && now - UnixMillis(since) > span
    }
}

/// What all streamers of this node earned today of what they could have earned.
#[derive(Debug, Default)]
pub struct Attained(Mutex<Attainments>);

impl Attained {
    /// Now.
    pub fn read(&self) -> Attainments {
        self.lock().clone()
    }

    /// Changes it.
    pub fn change(&self, change: impl FnOnce(&mut Attainments)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Attainments> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shared by all actors of a node.
pub struct Engine {
    /// The world.
    pub ports: Ports,
    /// The numbers of this installation.
    pub numbers: Numbers,
    /// Sign and verify debit tokens.
    pub tokens: TokenKeys,
    /// Campaigns and rules, replaced whole.
    pub catalogue: ArcSwap<Catalogue>,
    /// What its streamers earned of what they could have.
    pub attained: Attained,
    /// Streamers by id.
    pub streamers: DashMap<StreamerId, Streamer>,
    /// Keys by hash.
    pub keyring: Keyring,
    /// Which access tokens are dead before their time.
    pub logins: Logins,
    /// Actors and sockets by id.
    pub directory: Directory,
    /// How it is doing.
    pub health: Health,
}

impl Engine {
    /// Takes the next epoch of the ledger and reads everything that decisions need.
    ///
    /// # Errors
    /// The database can not be read or written.
    pub async fn start(
        ports: Ports,
        numbers: Numbers,
        tokens: TokenKeys,
        arbiter: actix::ArbiterHandle,
    ) -> StoreResult<Arc<Self>> {
        let now = ports.clock.now();
        // Leases of an earlier process may still see claims until the last token is dead.
        ports.ledger.open_epoch(now, numbers.terms.money_returns_after()).await?;
        // Who comes back often must not keep money waiting that nobody can claim any more.
        ports.ledger.close_due(now).await?;
        // Plans are spread as they were before a restart; without a history for as long as it can not be
        // read.
        let supply = supply(&ports).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "past supply can not be read; plans are uniform until it can");
            SupplyHistory::default()
        });
        let rows = catalogue(&ports).await?;
        let first = Catalogue::learned(rows, &Catalogue::default(), Arc::new(supply));
        let engine = Arc::new(Self {
            attained: Attained::default(),
            catalogue: ArcSwap::from_pointee(first),
            streamers: ports.accounts.streamers().await?.into_iter().map(|s| (s.id, s)).collect(),
            keyring: Keyring::new(numbers.demo),
            logins: Logins::default(),
            directory: Directory::new(arbiter),
            health: Health::default(),
            ports,
            numbers,
            tokens,
        });
        engine.keyring.add(engine.ports.accounts.keys(now).await?);
        engine.reload_logins().await?;
        Ok(engine)
    }

    /// Reads which access tokens are dead before their time.
    ///
    /// # Errors
    /// The database can not be read; what is known stays.
    pub async fn reload_logins(&self) -> StoreResult<()> {
        let (now, users) = (self.now(), &self.ports.users);
        self.logins.learn(users.standings().await?);
        self.logins.end(users.ended_since(None, Logins::since(now)).await?, now);
        Ok(())
    }

    /// The same for one user: here at once, on other nodes when they hear of it.
    ///
    /// # Errors
    /// The database can not be read.
    pub async fn reload_login(&self, id: UserId) -> StoreResult<()> {
        let (now, users) = (self.now(), &self.ports.users);
        self.logins.learn([users.standing(id).await?]);
        self.logins.end(users.ended_since(Some(id), Logins::since(now)).await?, now);
        Ok(())
    }

    /// Whether a credential is good now, and until when if it ends by itself.
    ///
    /// # Errors
    /// Why the sockets that came with it are closed.
    pub fn judge(&self, credential: &Credential, now: UnixMillis) -> Result<Option<UnixMillis>, CloseReason> {
        match *credential {
            Credential::Key(hash) => {
                self.keyring.judge(&hash, now).map(|terms| terms.ends()).map_err(|end| match end {
                    KeyEnd::Expired => CloseReason::Expired,
                    KeyEnd::Revoked => CloseReason::Revoked,
                })
            }
            Credential::Token { user, epoch, login, expires } => {
                match self.logins.judge(user, epoch, login) {
                    Err(LoginEnd::Ended) => Err(CloseReason::Revoked),
                    Err(LoginEnd::Outdated) => Err(CloseReason::TokenOver),
                    Ok(()) if expires <= now => Err(CloseReason::TokenOver),
                    Ok(()) => Ok(Some(expires)),
                }
            }
        }
    }

    /// Looks again whether a socket's credential is good: the socket is closed, or ends when that does.
    pub fn judge_session(&self, session: &SessionHandle, now: UnixMillis) {
        let until = match self.judge(&session.credential(), now) {
            Ok(until) => until,
            // Its outbox may be full: it is told again until it is gone.
            Err(reason) => {
                let _ = session.send(ToSession::Close(reason));
                Some(now + TOLD_AGAIN)
            }
        };
        self.directory.end_at(session, until);
    }

    /// Writes down which keys were used, as far as that is worth it, and forgets those that are over.
    ///
    /// # Errors
    /// The database can not be written; it is tried again at the next call.
    pub async fn tidy_keys(&self) -> StoreResult<()> {
        let notes = self.keyring.tidy(self.now());
        if !notes.is_empty() {
            self.ports.accounts.note_used(&notes).await?;
            self.keyring.noted(&notes);
        }
        Ok(())
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.ports.clock.now()
    }

    /// Whether the database has been failing for so long that no slot is used. A play that begins before
    /// can still be claimed by its page when this process ends without having written a thing.
    #[must_use]
    pub fn store_is_away(&self, now: UnixMillis) -> bool {
        let Terms { patience, token_life, .. } = &self.numbers.terms;
        let play = patience.reserve.0 + patience.prepare.0 + patience.start.0 + patience.end.0;
        self.health.store_failing_for(Millis(token_life.0 - play).min(STORE_GRACE), now)
    }

    /// Reads campaigns and rules again.
    ///
    /// # Errors
    /// The database can not be read; the old snapshot stays.
    pub async fn reload_catalogue(&self) -> StoreResult<()> {
        let rows = catalogue(&self.ports).await?;
        let next = Catalogue::new(rows, &self.catalogue.load());
        self.catalogue.store(Arc::new(next));
        Ok(())
    }

    /// Reads what the streams had to give on past days, and plans every campaign anew when that is news.
    /// The actors of campaigns take their new plans when they are swept.
    ///
    /// # Errors
    /// The database can not be read; the plans stay.
    pub async fn learn(&self) -> StoreResult<()> {
        let supply = supply(&self.ports).await?;
        if *self.catalogue.load().supply() != supply {
            let rows = catalogue(&self.ports).await?;
            let next = Catalogue::learned(rows, &self.catalogue.load(), Arc::new(supply));
            self.catalogue.store(Arc::new(next));
        }
        Ok(())
    }
}

/// What the streams had to give on the days that plans are learned from.
async fn supply(ports: &Ports) -> StoreResult<SupplyHistory> {
    let (from, to) = SupplyHistory::days(ports.clock.now());
    ports.log.supply(from, to).await
}

/// Everything a decision may need. An override that expires meanwhile is dead without being read again.
async fn catalogue(ports: &Ports) -> StoreResult<CatalogueRows> {
    let overrides = ports.rules.overrides(ports.clock.now()).await?;
    Ok(CatalogueRows { overrides, ..ports.campaigns.catalogue().await? })
}
