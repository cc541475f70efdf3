//! What a message to an actor costs, there and back, from one thread to another.
//!
//! `echo` is an actor that does nothing: the price of actix's mailbox and of waking two threads.
//! `reserve` is the same round trip to a real `CampaignActor` of a running server on SQLite, which
//! takes the price of a play from its lease; its ratio to `echo` is what the engine adds. Both
//! actors live on an arbiter of their own, as campaigns do. `burst` sends 64 at once and waits for
//! all of them: what is left when nobody sleeps between messages. `reserve_in_flight` is `reserve`
//! while the campaign already holds money for `IN_FLIGHT` plays. `cargo bench --bench mailbox`
//!
//! One message alone mostly measures how long a sleeping core takes to wake: 4 µs on a machine that is
//! busy with other things, 70 µs on the same machine when it is quiet. Read the ratio of the bursts.

use actix::prelude::*;
use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use gametriggers::app::App;
use gametriggers::config::{Config, Sources};
use gametriggers_actors::campaign::CampaignActor;
use gametriggers_actors::domain::campaign::account::Want;
use gametriggers_actors::domain::campaign::{Category, Flight, FrequencyCap, PacingMode, Pricing};
use gametriggers_actors::domain::creative::{Content, CreativeStatus, Placement};
use gametriggers_actors::domain::id::{LeaseId, PlayId};
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::messages::{Release, Reserve};
use gametriggers_actors::ports::{Idempotency, NewCampaign, NewCreative};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Messages of one burst; far below the bound of both mailboxes.
const BURST: u16 = 64;
/// Plays on screen at once, for one campaign that 100 000 streamers show every ten minutes.
const IN_FLIGHT: u64 = 2500;
const PRICE: Micros = Micros(20_000);

/// As large as a `Reserve`, and as large an answer.
#[derive(Message)]
#[rtype(result = "Result<LeaseId, Reason>")]
struct Ask(Reserve);

struct Echo;

impl Actor for Echo {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
    }
}

impl Handler<Ask> for Echo {
    type Result = Result<LeaseId, Reason>;

    fn handle(&mut self, Ask(ask): Ask, _: &mut Self::Context) -> Self::Result {
        Ok(LeaseId(ask.0.amount.0))
    }
}

/// A play that nobody has asked for before.
fn ask(engine: &Engine, number: u64) -> Reserve {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    let now = engine.now();
    Reserve(Want {
        play: PlayId::mint(now, [a, b, c, d, e, f, g, h, 0, 0]),
        amount: PRICE,
        value: PRICE,
        returns: now + Millis::minutes(10),
        standing: 0,
    })
}

fn config(folder: &Path) -> Config {
    let at = |name: &str| folder.join(name).display().to_string();
    let variables = [
        ("GAMETRIGGERS__SERVER__BIND", "127.0.0.1:0".to_owned()),
        ("GAMETRIGGERS__DATABASE__URL", format!("sqlite:{}", at("bench.db"))),
        ("GAMETRIGGERS__ASSETS__DIR", at("assets")),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Config::load(&Sources { variables, ..Sources::default() }).expect("the defaults load")
}

/// The actor of a campaign with more money than a bench can set aside.
async fn campaign(engine: &Arc<Engine>) -> Addr<CampaignActor> {
    let now = engine.now();
    let brand = engine.ports.accounts.add_brand("Bench", now).await.expect("the brand is added");
    let budget = Micros(1_000_000_000_000);
    let once = |key: &str| Idempotency { key: key.to_owned(), fingerprint: [0; 32] };
    let money = Money { amount: budget, currency: Currency::INR };
    engine
        .ports
        .ledger
        .deposit(brand.id, money, &once("deposit"), now)
        .await
        .expect("the deposit is written");
    let new = NewCampaign {
        brand: brand.id,
        name: "Bench".to_owned(),
        category: Category::new("bench".into()),
        currency: Currency::INR,
        pricing: Pricing::Flat(PRICE),
        flight: Flight { starts: now - Millis::minutes(1), ends: now + Millis::minutes(600) },
        pacing: PacingMode::Asap,
        daily_cap: None,
        cap: FrequencyCap::default(),
        targeting: Targeting::default(),
        open: true,
        landing_url: "https://bench.example".to_owned(),
        rotation: Rotation::Even,
        requirements: None,
        creatives: vec![NewCreative {
            status: CreativeStatus::Active,
            content: Content::Text { headline: "Hello".into(), body: "".into() },
            placement: Placement::Corner,
            duration: Millis::seconds(8),
            accent: "#ffffff".to_owned(),
            sound: false,
            weight: 1,
        }],
        budget,
    };
    let (made, _) =
        engine.ports.campaigns.create(&new, &once("campaign"), now).await.expect("the campaign is made");
    engine.reload_catalogue().await.expect("the catalogue is read");
    engine.directory.campaign(engine, made.id)
}

/// The time of the round trips alone: the money goes back between them, unmeasured.
async fn reserve(engine: &Engine, actor: &Addr<CampaignActor>, rounds: u64, burst: u16) -> Duration {
    let mut total = Duration::ZERO;
    for round in 0..rounds {
        let asks = (0..u64::from(burst)).map(|number| ask(engine, round << 8 | number));
        let (plays, asks): (Vec<_>, Vec<_>) = asks.map(|ask| (ask.0.play, ask)).unzip();
        let start = WallTime.start();
        let answers = join_all(asks.into_iter().map(|ask| actor.send(ask))).await;
        total += WallTime.end(start);
        assert!(answers.iter().all(|answer| matches!(answer, Ok(Ok(_)))), "every play finds its money");
        for play in plays {
            actor.send(Release(play)).await.expect("the campaign lives");
        }
    }
    total
}

async fn echo(engine: &Engine, actor: &Addr<Echo>, rounds: u64, burst: u16) -> Duration {
    let mut total = Duration::ZERO;
    for round in 0..rounds {
        let asks: Vec<_> =
            (0..u64::from(burst)).map(|number| Ask(ask(engine, round << 8 | number))).collect();
        let start = WallTime.start();
        let answers = join_all(asks.into_iter().map(|ask| actor.send(ask))).await;
        total += WallTime.end(start);
        assert!(answers.iter().all(|answer| matches!(answer, Ok(Ok(_)))));
    }
    total
}

fn mailbox(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let system = System::new();
    let app = system.block_on(App::start(&config(folder.path()))).expect("the server starts");
    let engine = &app.engine;
    let arbiter = Arbiter::new();
    let plain = Echo::start_in_arbiter(&arbiter.handle(), |_| Echo);
    let actor = system.block_on(campaign(engine));
    let mut group = criterion.benchmark_group("mailbox");
    for (name, burst) in [("", 1), ("_burst", BURST)] {
        group.throughput(Throughput::Elements(u64::from(burst)));
        group.bench_function(format!("echo{name}"), |bench| {
            bench.iter_custom(|rounds| system.block_on(echo(engine, &plain, rounds, burst)));
        });
        group.bench_function(format!("reserve{name}"), |bench| {
            bench.iter_custom(|rounds| system.block_on(reserve(engine, &actor, rounds, burst)));
        });
    }
    system.block_on(async {
        for number in 0..IN_FLIGHT {
            let answer = actor.send(ask(engine, u64::MAX - number)).await;
            assert!(matches!(answer, Ok(Ok(_))), "every play finds its money");
        }
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("reserve_in_flight", |bench| {
        bench.iter_custom(|rounds| system.block_on(reserve(engine, &actor, rounds, 1)));
    });
    group.finish();
    arbiter.stop();
    system.block_on(app.stop());
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .without_plots();
    targets = mailbox
}
criterion_main!(benches);
