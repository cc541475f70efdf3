//! The composition root: the only file that knows every part.

use crate::blob::Blobs;
use crate::bus::memory::{MemoryBus, OwnLive};
use crate::bus::redis::Redis;
use crate::config::{Config, MADE_KEY, Mode, PlatformKind};
use crate::identity::setup::identity;
use crate::policy;
use crate::rule;
use crate::session::frame::Pace;
use crate::session::request_id::RequestIds;
use crate::session::seat::{Limits, Seats};
use crate::session::upgrade::Door;
use crate::store::{self, Stores};
use crate::telemetry;
use crate::web::courier::{Allowed, HttpCourier};
use crate::web::{self, Allowance, Allowances, AssetLimits, Gate, Library, Rates, Shared, Studio};
use crate::world::{NoPlatform, SimulatedPlatform, SystemClock, SystemEntropy, random_hex, token_key};
use actix_http::HttpService;
use actix_server::{Server, ServerHandle};
use actix_service::{fn_service, map_config};
use actix_web::App as WebApp;
use actix_web::dev::AppConfig;
use gametriggers_actors::domain::money::FeeBps;
use gametriggers_actors::domain::play::Patience;
use gametriggers_actors::domain::streamer::Platform as StreamPlatform;
use gametriggers_actors::domain::streamer::live::Terms;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::domain::token::{SigningKey, TokenKeys};
use gametriggers_actors::domain::verification::Strictness;
use gametriggers_actors::engine::{Engine, Numbers, Ports};
use gametriggers_actors::messages::Drain;
use gametriggers_actors::ports::{Bus, Entropy, Event, LiveCounters, Platform};
use gametriggers_actors::session::{CloseReason, ToSession};
use gametriggers_actors::webhook::WebhookNumbers;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Connections of services of the same house.
const INTERNAL_CONNECTIONS_MAX: usize = 256;

/// Why the server does not start.
pub type StartError = Box<dyn std::error::Error>;

/// A server that runs.
pub struct App {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where it listens for services of the same house.
    pub internal_addr: Option<SocketAddr>,
    /// What links start with.
    pub public_url: String,
    /// Where uploaded files are.
    pub blobs: Blobs,
    stores: Stores,
    servers: Vec<ServerHandle>,
    drain: Duration,
    arbiter: actix::Arbiter,
    _redis: Option<Redis>,
}

impl App {
    /// Opens the database, starts the actors and listens. Has to run inside an actix system.
    ///
    /// # Errors
    /// The database is owned by another process or can not be opened, or the port is taken.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let metrics = telemetry::metric::start()?;
        let rules = rule::configured(config)?;
        let stores = store::open(config).await?;
        let arbiter = actix::Arbiter::new();
        let tokens = token_keys(config)?;
        let redis = redis(config)?;
        let ports = ports(config, &stores, redis.as_ref())?;
        let changed = ports.rules.configure_rules(&rules, ports.clock.now()).await?;
        let engine = Engine::start(ports, numbers(config)?, tokens, arbiter.handle()).await?;
        if changed > 0 {
            tracing::info!(changed, "the rules of the configuration are others than before");
            engine.ports.bus.publish(Event::CatalogueChanged);
        }
        engine.directory.watch(&engine);
        for platform in StreamPlatform::ALL {
            let policy = engine.numbers.policies.of(platform);
            let (name, version) = (&*policy.name, policy.version);
            tracing::info!(platform = platform.code(), policy = name, version, "a policy is in force");
        }
        // Alive from the start: one posts what an earlier process left, the other tells other nodes of it.
        let _ = (engine.directory.settlement(&engine), engine.directory.live(&engine));
        let library = library(config)?;
        let listener = TcpListener::bind(config.server.bind)
            .map_err(|error| format!("{}: {error}; is another server running?", config.server.bind))?;
        let addr = listener.local_addr()?;
        let public_url = public_url(config, addr);
        let shared = Shared {
            engine: Arc::clone(&engine),
            identity: Arc::new(identity(config, &auth_keys(config)?, &public_url)?),
            metrics,
            library: library.clone(),
            public_url: public_url.clone(),
            endpoints: Arc::new(allowed(config)),
            trusted_proxies: config.server.trusted_proxies.clone().into(),
            request_ids: Arc::new(request_ids()),
            rates: rates(config, &engine),
            cors_origins: config.cors.allowed_origins.clone().into(),
            clicks: Arc::default(),
            written_at: Arc::default(),
            review: config.campaigns.review,
        };
        let (internal, internal_addr) = internal(config, &shared)?.unzip();
        let server = listen(config, listener, shared)?;
        let servers: Vec<ServerHandle> = internal.iter().chain([&server]).map(Server::handle).collect();
        internal.into_iter().chain([server]).for_each(|server| drop(actix_rt::spawn(server)));
        let drain = Duration::from_millis(u64::from(config.server.drain_ms));
        Ok(Self {
            engine,
            addr,
            internal_addr,
            public_url,
            blobs: library.blobs,
            stores,
            servers,
            drain,
            arbiter,
            _redis: redis,
        })
    }

    /// Waits until a newer process has taken the database over.
    pub async fn fenced(&self) {
        while !self.engine.health.fenced.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Stops in order: no new work, sockets told to come back, claims written, leases given back.
    pub async fn stop(self) {
        let engine = &self.engine;
        engine.health.draining.store(true, Ordering::Relaxed);
        tracing::info!(sockets = engine.directory.sessions(), "draining");
        engine.directory.each_streamer(|_, streamer| {
            let _ = streamer.try_send(Drain);
        });
        self.close_sockets().await;
        let finish = async {
            let _ = engine.directory.settlement(engine).send(Drain).await;
            for campaign in engine.directory.live_campaigns() {
                let _ = campaign.send(Drain).await;
            }
            let _ = engine.directory.webhook(engine).send(Drain).await;
            let _ = engine.directory.metrics(engine).send(Drain).await;
            let _ = engine.directory.live(engine).send(Drain).await;
        };
        if tokio::time::timeout(Duration::from_secs(10), finish).await.is_err() {
            tracing::warn!(
                "the database did not take the last writes in time; what was not acked will be claimed again"
            );
        }
        for server in &self.servers {
            server.stop(false).await;
        }
        self.stores.close().await;
        // With its actors, whose timers would go on asking the closed store.
        self.arbiter.stop();
        tracing::info!("stopped");
    }

    /// In steps over the drain time, so that not everybody comes back at once.
    async fn close_sockets(&self) {
        let engine = &self.engine;
        let spread = u32::try_from(self.drain.as_millis()).unwrap_or(u32::MAX);
        engine.directory.each_session(|session| {
            let share = u32::try_from(session.id.0 % 1000).unwrap_or(0);
            let delay = u64::from(spread) * u64::from(share) / 1000;
            let _ =
                session.send(ToSession::Drain(u32::try_from(delay).unwrap_or(spread).saturating_add(500)));
        });
        let steps = 10;
        for step in 0..steps {
            engine.directory.each_session(|session| {
                if session.id.0 % steps == step {
                    let _ = session.send(ToSession::Close(CloseReason::Shutdown));
                }
            });
            if engine.directory.sessions() == 0 {
                return;
            }
            tokio::time::sleep(self.drain / u32::try_from(steps).unwrap_or(10)).await;
        }
    }
}

/// Where uploads go.
fn library(config: &Config) -> Result<Library, StartError> {
    let assets = &config.assets;
    let millis = |value: u32| Duration::from_millis(u64::from(value));
    Ok(Library {
        blobs: Blobs::open(assets)?,
        studio: Studio::new(assets.decoded_at_once)?,
        gate: Gate::new(assets.uploads_max, assets.uploads_per_brand),
        limits: AssetLimits {
            image: assets.image_bytes_max,
            video: assets.video_bytes_max,
            brand: assets.brand_bytes_max,
            stall: millis(assets.stall_ms),
            whole: millis(assets.upload_ms),
        },
    })
}

/// What requests are called in this process.
fn request_ids() -> RequestIds {
    let mut random = [0; 12];
    SystemEntropy.fill(&mut random);
    RequestIds::new(random)
}

/// How many requests are answered.
fn rates(config: &Config, engine: &Engine) -> Arc<Rates> {
    let limits = &config.limits;
    let allowance = |per_minute, burst| Allowance { per_minute, burst };
    let rates = Arc::new(Rates::new(&Allowances {
        key: allowance(limits.key_per_minute, limits.key_burst),
        user: allowance(limits.user_per_minute, limits.user_burst),
        address: allowance(limits.address_per_minute, limits.address_burst),
        write: allowance(limits.write_per_minute, limits.write_burst),
        remembered_max: limits.remembered_max,
    }));
    rates.keep_small(Arc::clone(&engine.ports.clock));
    rates
}

/// Redis, when there is one. It need not answer yet.
fn redis(config: &Config) -> Result<Option<Redis>, StartError> {
    if config.redis.url.is_empty() {
        return Ok(None);
    }
    let mut node = [0; 8];
    SystemEntropy.fill(&mut node);
    Ok(Some(Redis::start(&config.redis.url, &config.redis.prefix, u64::from_be_bytes(node))?))
}

/// What endpoints may be called besides those that are public.
fn allowed(config: &Config) -> Allowed {
    let webhooks = &config.webhooks;
    Allowed { networks: webhooks.allowed_networks.clone(), http_hosts: webhooks.http_hosts.clone() }
}

fn ports(config: &Config, stores: &Stores, redis: Option<&Redis>) -> Result<Ports, StartError> {
    let (bus, live): (Arc<dyn Bus>, Arc<dyn LiveCounters>) = match redis {
        Some(redis) => (Arc::clone(&redis.bus), Arc::clone(&redis.live)),
        None => (Arc::new(MemoryBus::default()), Arc::new(OwnLive)),
    };
    let platform: Arc<dyn Platform> = match config.platform.kind {
        PlatformKind::None => Arc::new(NoPlatform),
        PlatformKind::Simulated => Arc::new(SimulatedPlatform),
    };
    let timeout = Duration::from_secs(u64::from(config.webhooks.timeout_s));
    Ok(Ports {
        ledger: Arc::clone(&stores.ledger),
        campaigns: Arc::clone(&stores.campaigns),
        rules: Arc::clone(&stores.rules),
        participations: Arc::clone(&stores.participations),
        accounts: Arc::clone(&stores.accounts),
        profiles: Arc::clone(&stores.profiles),
        assets: Arc::clone(&stores.assets),
        users: Arc::clone(&stores.users),
        log: Arc::clone(&stores.log),
        wallets: Arc::clone(&stores.wallets),
        audit: Arc::clone(&stores.audit),
        webhooks: Arc::clone(&stores.webhooks),
        courier: Arc::new(HttpCourier::start(allowed(config), timeout)?),
        live,
        bus,
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
        platform,
    })
}

fn numbers(config: &Config) -> Result<Numbers, StartError> {
    let (play, session, settlement) = (&config.play, &config.session, &config.settlement);
    let millis = |value: u32| Millis(i64::from(value));
    Ok(Numbers {
        terms: Terms {
            patience: Patience {
                reserve: millis(play.reserve_timeout_ms),
                prepare: millis(play.prepare_timeout_ms),
                start: millis(play.start_timeout_ms),
                end: millis(play.end_grace_ms),
            },
            token_life: Millis::seconds(i64::from(play.token_life_s)),
            fee: FeeBps::new(play.fee_bps).ok_or("play.fee_bps: 0 to 10000")?,
            strict: Strictness {
                require_streaming: play.require_streaming,
                frames_per_second_min: play.frames_per_second_min,
            },
            first_slot: millis(play.first_slot_ms),
            first_slot_spread: millis(play.first_slot_spread_ms),
            minimum_gap: millis(play.minimum_gap_ms),
        },
        heartbeat: millis(session.heartbeat_ms),
        dead_after: millis(session.dead_after_ms),
        batch_max: settlement.batch_max,
        batch_wait: millis(settlement.batch_wait_ms),
        claims_max: settlement.claims_max,
        reconcile_every: Millis::seconds(i64::from(settlement.reconcile_s)),
        verify_every: Millis::seconds(i64::from(settlement.verify_s)),
        payable_after: Millis::minutes(24 * 60 * i64::from(settlement.payable_after_days)),
        webhooks: WebhookNumbers {
            timeout: Millis::seconds(i64::from(config.webhooks.timeout_s)),
            rounds_max: config.webhooks.endpoints_at_once,
            summary_every: Millis::seconds(i64::from(config.webhooks.summary_s)),
        },
        policies: policy::load(&config.policy.file)?.into(),
        demo: config.mode == Mode::Demo,
    })
}

/// The configured keys; outside production one is made and kept beside the SQLite file, or else beside the
/// folder of the assets, so that what they signed outlives a restart. Nodes of one database need the same
/// keys.
fn secret_keys(config: &Config, lines: &[String], kept: &str) -> Result<Vec<SigningKey>, StartError> {
    let mut lines = lines.to_vec();
    if lines.is_empty() {
        let beside = store::sqlite_path(&config.database.url).unwrap_or(&config.assets.dir);
        let path = beside.with_extension(kept);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        if !path.exists() {
            let random: String = random_hex().chars().skip(MADE_KEY.len()).collect();
            secret_file(&path, &format!("1:{MADE_KEY}{random}\n"))?;
        }
        lines.push(std::fs::read_to_string(&path)?.trim().to_owned());
    }
    let keys = lines.iter().map(|line| token_key(line).ok_or("a key is ID:64 hex digits"));
    Ok(keys.collect::<Result<_, _>>()?)
}

fn auth_keys(config: &Config) -> Result<Vec<SigningKey>, StartError> {
    secret_keys(config, &config.secrets.auth_keys, "auth-key")
}

fn token_keys(config: &Config) -> Result<TokenKeys, StartError> {
    let mut keys = secret_keys(config, &config.secrets.token_keys, "token-key")?.into_iter();
    Ok(TokenKeys::new(keys.next().ok_or("no token key")?, keys.collect()))
}

/// Writes a file that only this user can read, whole or not at all.
///
/// # Errors
/// The folder can not be written.
pub fn secret_file(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let part = path.with_extension("part");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

fn public_url(config: &Config, addr: SocketAddr) -> String {
    if config.server.public_url.is_empty() {
        format!("http://{addr}")
    } else {
        config.server.public_url.trim_end_matches('/').to_owned()
    }
}

/// A second listener for services of the same house, when one is wanted: plain requests, and few of them.
fn internal(config: &Config, shared: &Shared) -> Result<Option<(Server, SocketAddr)>, StartError> {
    if config.server.internal_bind.is_empty() {
        return Ok(None);
    }
    let bind: SocketAddr = config.server.internal_bind.parse()?;
    let listener = TcpListener::bind(bind).map_err(|error| format!("{bind}: {error}"))?;
    let addr = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let shared = shared.clone();
    let server = Server::build()
        .workers(1)
        .max_concurrent_connections(INTERNAL_CONNECTIONS_MAX)
        .disable_signals()
        .shutdown_timeout(1)
        .listen("internal", listener, move || {
            let shared = shared.clone();
            let app =
                WebApp::new().wrap_fn(web::entered).configure(move |app| web::internal_routes(app, &shared));
            let config = |()| AppConfig::default();
            HttpService::build()
                .keep_alive(Duration::from_secs(15))
                .finish(map_config(actix_service::IntoServiceFactory::into_factory(app), config))
                .tcp()
        })?
        .run();
    Ok(Some((server, addr)))
}

/// The application and the upgrade service on one listener.
fn listen(config: &Config, listener: TcpListener, shared: Shared) -> std::io::Result<Server> {
    listener.set_nonblocking(true)?;
    let (origins, session) = (config.server.allowed_origins.clone(), config.session.clone());
    let server = &config.server;
    let sockets_max = server.sockets_max;
    let (per_address, per_key) = (server.sockets_per_address, server.sockets_per_key);
    let seats = Seats::new(Limits { all: sockets_max, per_address, per_key });
    Server::build()
        .workers(config.server.workers)
        .backlog(4096)
        .max_concurrent_connections(sockets_max)
        .disable_signals()
        .shutdown_timeout(1)
        .listen("gametriggers", listener, move || {
            let door = Door {
                engine: Arc::clone(&shared.engine),
                identity: Arc::clone(&shared.identity),
                overlay_build: web::overlay_build().into(),
                public_url: shared.public_url.as_str().into(),
                origins: origins.clone().into(),
                pace: Pace { frames_per_second: session.frames_per_second, burst: session.burst },
                trusted_proxies: Arc::clone(&shared.trusted_proxies),
                request_ids: Arc::clone(&shared.request_ids),
                seats: Arc::clone(&seats),
            };
            let upgrade = fn_service(move |request| {
                let door = door.clone();
                async move {
                    door.open(request).await;
                    Ok::<_, Infallible>(())
                }
            });
            let shared = shared.clone();
            let app = WebApp::new().wrap_fn(web::entered).configure(move |app| web::routes(app, &shared));
            let config = |()| AppConfig::default();
            HttpService::build()
                .keep_alive(Duration::from_secs(15))
                .upgrade(upgrade)
                .finish(map_config(actix_service::IntoServiceFactory::into_factory(app), config))
                .tcp()
        })
        .map(actix_server::ServerBuilder::run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn production_refuses_a_token_key_that_a_server_made_for_itself_wherever_it_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("demo.db").display());
        let load = |more: &[(&str, &str)]| {
            let all = [("DATABASE__URL", url.as_str())].into_iter().chain(more.iter().copied());
            let variables = all.map(|(name, value)| (format!("GAMETRIGGERS__{name}"), value.to_owned()));
            Config::load(&Sources { variables: variables.collect(), ..Sources::default() })
        };
        token_keys(&load(&[]).unwrap()).unwrap();
        auth_keys(&load(&[]).unwrap()).unwrap();
        assert!(folder.path().join("demo.auth-key").exists());
        let made = std::fs::read_to_string(folder.path().join("demo.token-key")).unwrap();
        let made = made.trim();
        assert!(token_key(made).is_some(), "{made}");
        for line in [made.to_owned(), made.replacen("1:", "2:", 1), made.to_uppercase()] {
            let keys = format!("[\"{line}\"]");
            for area in ["TOKEN_KEYS", "AUTH_KEYS"] {
                let name = format!("SECRETS__{area}");
                let error = load(&[("MODE", "production"), (&name, &keys)]).unwrap_err();
                let why = format!("secrets.{}: a key that a demo", area.to_lowercase());
                assert!(error.to_string().contains(&why), "{error}");
            }
        }
        let own = || format!("[\"1:{}\"]", random_hex());
        let (tokens, auth) = (own(), own());
        load(&[("MODE", "production"), ("SECRETS__TOKEN_KEYS", &tokens), ("SECRETS__AUTH_KEYS", &auth)])
            .unwrap();
    }
}
