//! Several nodes on one database: each writes under a number of its own, at the same time.

use super::wait_for_waiters;
use crate::store::postgres::{PostgresStore, Target};
use crate::store::tests::database::Database;
use crate::store::tests::postgres::PostgresDatabase;
use crate::store::tests::{NOW, TOKEN_LIFE, inr, key, new_campaign, play, wrong};
use futures_util::future::join_all;
use gametriggers_actors::domain::campaign::Status;
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, DeliveryId, EndpointId, StreamerId};
use gametriggers_actors::domain::money::{Currency, FeeBps, Micros, Split};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{
    AccountStore, AttemptRecord, Attempted, Batch, ByHand, CampaignChange, CampaignQuery, CampaignStore,
    DeliveryState, LedgerStore, Listener, MinuteCounts, MinuteKey, NewEndpoint, Owner, PlayLog, PlayOutcome,
    PlayRecord, Round, RoundEnd, Secret, StoreError, StoreResult, WalletStore, WebhookStore,
};
use std::sync::Arc;

/// Nodes, numbered from one, that have taken their epochs.
struct Nodes {
    database: PostgresDatabase,
    stores: Vec<Arc<PostgresStore>>,
}

impl Nodes {
    async fn new(count: i64) -> Self {
        let database = PostgresDatabase::new().await;
        let mut stores = Vec::new();
        for writer in 1..=count {
            let node = PostgresStore::open(&Target { writer, ..database.target() }).await.unwrap();
            node.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
            stores.push(node);
        }
        Self { database, stores }
    }

    fn first(&self) -> &PostgresStore {
        &self.stores[0]
    }

    /// The same on every node at once; the answers in their order.
    async fn all<'a, T, F: Future<Output = T>>(&'a self, work: impl Fn(&'a PostgresStore) -> F) -> Vec<T> {
        join_all(self.stores.iter().map(|node| work(node))).await
    }

    async fn brand(&self, deposit: i64) -> BrandId {
        let brand = self.first().add_brand("Volt", NOW).await.unwrap().id;
        self.first().deposit(brand, inr(deposit), &key("first"), NOW).await.unwrap();
        brand
    }

    async fn reconciles(&self) {
        let bad = wrong(self.first().reconcile(true).await.unwrap());
        assert!(bad.is_empty(), "{bad:?}");
    }
}

fn hand() -> ByHand {
    ByHand { actor: "0badcafe".to_owned(), reason: "a test".to_owned() }
}

/// The answer, the same from all of them.
fn same<T: PartialEq + std::fmt::Debug>(answers: Vec<StoreResult<T>>) -> T {
    let mut answers: Vec<T> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    let last = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| *answer == last), "{answers:?} {last:?}");
    last
}

#[tokio::test]
async fn a_request_that_every_node_is_given_is_carried_out_once() {
    let nodes = Nodes::new(3).await;
    let brand = nodes.brand(1_000).await;
    let mut available = 1_000;
    for round in 0..10 {
        let (deposit, by_hand) = (key(&format!("d{round}")), key(&format!("h{round}")));
        available += 7;
        let after = same(nodes.all(|node| node.deposit(brand, inr(7), &deposit, NOW)).await);
        assert_eq!(after, Micros(available));
        let (order, create) = (hand(), key(&format!("c{round}")));
        available += 5;
        let wallet = same(nodes.all(|node| node.confirm_deposit(brand, inr(5), &order, &by_hand, NOW)).await);
        assert_eq!(wallet.available, Micros(available));
        available -= 20;
        let new = new_campaign(brand, 20);
        let campaign = same(nodes.all(|node| node.create(&new, &create, NOW)).await).0.id;
        available -= 10;
        let fund = key(&format!("f{round}"));
        let (wallet, budget) = same(nodes.all(|node| node.fund_to(campaign, Micros(30), &fund, NOW)).await);
        assert_eq!((wallet.available, budget.funded), (Micros(available), Micros(30)));
    }
    assert_eq!(nodes.first().list(&CampaignQuery::all(100)).await.unwrap().len(), 10);
    nodes.reconciles().await;
}

#[tokio::test]
async fn nodes_that_move_the_same_money_never_move_more_than_there_is() {
    let nodes = Nodes::new(3).await;
    let brand = nodes.brand(100).await;
    let campaign = nodes.first().create(&new_campaign(brand, 50), &key("c"), NOW).await.unwrap().0.id;
    let settled = nodes
        .all(async |node: &PostgresStore| {
            let mut moved = 0;
            for round in 0..12 {
                let key = |what: &str| key(&format!("{what}{}:{round}", node.writer().unwrap().id()));
                let order = hand();
                let fund = node.fund(campaign, Micros(40), &key("f"), NOW).await.map(drop);
                let release = node.release(campaign, Micros(40), &key("r"), NOW).await.map(drop);
                let take = node.adjust(Owner::Brand(brand), inr(-30), &order, &key("a"), NOW).await.map(drop);
                let give = node.adjust(Owner::Brand(brand), inr(30), &order, &key("g"), NOW).await.map(drop);
                moved += usize::from(take.is_ok());
                for answer in [fund, release, take, give] {
                    let known = matches!(answer, Ok(()) | Err(StoreError::InsufficientFunds { .. }));
                    assert!(known, "{answer:?}");
                }
            }
            moved
        })
        .await;
    let taken: i64 = settled.into_iter().map(|taken| i64::try_from(taken).unwrap()).sum();
    let wallet = nodes.first().wallet(Owner::Brand(brand), Currency::INR).await.unwrap();
    assert_eq!(wallet.available.0 + wallet.reserved.0, 100 + 36 * 30 - taken * 30);
    nodes.reconciles().await;
}

#[tokio::test]
async fn a_campaign_does_not_end_while_another_node_gives_it_money() {
    let nodes = Nodes::new(2).await;
    let brand = nodes.brand(1_000).await;
    let campaign = nodes.first().create(&new_campaign(brand, 10), &key("c"), NOW).await.unwrap().0.id;
    let (one, two) = (Arc::clone(&nodes.stores[0]), Arc::clone(&nodes.stores[1]));
    // Somebody else holds the wallet, so that the first node stands still after it looked at the campaign.
    let (mut other, mut eye) = (nodes.database.connect().await, nodes.database.connect().await);
    let hold = "BEGIN; SELECT FROM ledger_account WHERE owner_kind = 'brand' FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let fund = tokio::spawn(async move { one.fund(campaign, Micros(20), &key("f"), NOW).await });
    wait_for_waiters(&mut eye, "gametriggers writer %", 1, &fund).await;
    let change = CampaignChange { status: Some(Status::Ended), ..CampaignChange::default() };
    let end = tokio::spawn(async move { two.change(campaign, &change, NOW).await });
    // It must not end before its money is there.
    wait_for_waiters(&mut eye, "gametriggers writer %", 2, &end).await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(fund.await.unwrap().unwrap().1.funded, Micros(30));
    assert_eq!(end.await.unwrap().unwrap().0.status, Status::Ended);
    nodes.first().close_due(NOW).await.unwrap();
    assert_eq!(nodes.first().available(brand, Currency::INR).await.unwrap(), Micros(1_000));
    nodes.reconciles().await;
}

#[tokio::test]
async fn of_many_nodes_that_complete_a_campaign_one_does_and_it_is_told_once() {
    let nodes = Nodes::new(4).await;
    let brand = nodes.brand(1_000).await;
    let endpoint = NewEndpoint {
        owner: Listener::Brand(brand),
        url: "https://brand.example/".to_owned(),
        description: String::new(),
        events: vec![EventType::CampaignEnded],
        secret: Secret("whsec_one".to_owned()),
    };
    let endpoint = nodes.first().add_endpoint(&endpoint, NOW).await.unwrap().id;
    let later = NOW + Millis::minutes(90);
    for round in 0..10 {
        let new = new_campaign(brand, 20);
        let campaign = nodes.first().create(&new, &key(&format!("c{round}")), NOW).await.unwrap().0.id;
        let answers = nodes.all(|node| node.complete(campaign, later, later)).await;
        let done = answers.into_iter().filter(|answer| *answer.as_ref().unwrap()).count();
        assert_eq!((done, nodes.first().record(campaign).await.unwrap().version), (1, 2), "round {round}");
    }
    let told = nodes.first().deliveries(endpoint, None, None, 100).await.unwrap();
    assert_eq!(told.len(), 10);
    for back in nodes.all(|node| node.close_due(later)).await {
        back.unwrap();
    }
    assert_eq!(nodes.first().available(brand, Currency::INR).await.unwrap(), Micros(1_000));
    nodes.reconciles().await;
}

#[tokio::test]
async fn a_campaign_whose_flight_another_node_makes_longer_is_not_completed() {
    let nodes = Nodes::new(2).await;
    let brand = nodes.brand(1_000).await;
    let campaign = nodes.first().create(&new_campaign(brand, 10), &key("c"), NOW).await.unwrap().0.id;
    let (one, two) = (Arc::clone(&nodes.stores[0]), Arc::clone(&nodes.stores[1]));
    let later = NOW + Millis::minutes(90);
    // Somebody else holds the wallet, so that the first node stands still with the change half done.
    let (mut other, mut eye) = (nodes.database.connect().await, nodes.database.connect().await);
    let hold = "BEGIN; SELECT FROM ledger_account WHERE owner_kind = 'brand' FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();
    let change = CampaignChange {
        ends: Some(later + Millis(1)),
        budget: Some((Micros(30), key("f"))),
        ..CampaignChange::default()
    };
    let change = tokio::spawn(async move { one.change(campaign, &change, NOW).await });
    wait_for_waiters(&mut eye, "gametriggers writer %", 1, &change).await;
    let end = tokio::spawn(async move { two.complete(campaign, later, later).await });
    wait_for_waiters(&mut eye, "gametriggers writer %", 2, &end).await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(change.await.unwrap().unwrap().0.flight.ends, later + Millis(1));
    assert!(!end.await.unwrap().unwrap(), "its flight goes on");
    assert_eq!(nodes.first().campaign(campaign).await.unwrap().status, Status::Active);
    nodes.reconciles().await;
}

#[tokio::test]
async fn a_statement_runs_over_all_writers() {
    let nodes = Nodes::new(3).await;
    let brand = nodes.brand(100).await;
    for round in 0..9_i64 {
        let node = &nodes.stores[usize::try_from(round * 5 % 3).unwrap()];
        let at = NOW + Millis(round / 2);
        node.deposit(brand, inr(10 + round), &key(&format!("s{round}")), at).await.unwrap();
    }
    let owner = Owner::Brand(brand);
    let whole = nodes.first().statement(owner, Currency::INR, None, 100).await.unwrap();
    assert_eq!(whole.len(), 10);
    let wallet = nodes.first().wallet(owner, Currency::INR).await.unwrap();
    assert_eq!(whole[0].balance, wallet.available);
    for pair in whole.windows(2) {
        assert!(pair[0].position > pair[1].position, "{pair:?}");
        assert_eq!(pair[0].balance.0 - pair[0].amount.0, pair[1].balance.0, "{pair:?}");
    }
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = nodes.first().statement(owner, Currency::INR, before, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        pages.extend(page);
    }
    assert_eq!(pages, whole);
}

#[tokio::test]
async fn nodes_that_count_the_same_minute_at_once_count_it_all() {
    let nodes = Nodes::new(3).await;
    let minute = UnixMillis(NOW.0 - NOW.0 % 60_000);
    let keys: Vec<MinuteKey> = (1..=40)
        .map(|streamer| MinuteKey { minute, campaign: CampaignId(1), streamer: StreamerId(streamer) })
        .collect();
    let counts = MinuteCounts { plays: 1, spend: Micros(3), ..MinuteCounts::default() };
    nodes
        .all(async |node: &PostgresStore| {
            let backwards = node.writer().unwrap().id() % 2 == 0;
            for round in 0..8 {
                let mut minutes: Vec<_> = keys.iter().map(|key| (*key, counts)).collect();
                let mut rejects: Vec<_> = keys.iter().map(|key| (*key, Reason::TooShort, 2)).collect();
                let mut plays: Vec<_> = (0..40).map(|n| shown(n, round)).collect();
                if backwards {
                    minutes.reverse();
                    rejects.reverse();
                    plays.reverse();
                }
                node.append(&Batch {
                    plays: plays.to_vec(),
                    minutes: minutes.to_vec(),
                    rejects: rejects.to_vec(),
                    ..Batch::default()
                })
                .await
                .unwrap();
            }
        })
        .await;
    let series = nodes.first().series(CampaignId(1), minute, minute + Millis::minutes(1), Millis::minutes(1));
    let series = series.await.unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!((series[0].counts.plays, series[0].counts.spend), (3 * 8 * 40, Micros(3 * 8 * 40 * 3)));
    assert_eq!(series[0].rejects, [(Reason::TooShort, 3 * 8 * 40 * 2)]);
    assert_eq!(nodes.first().recent(StreamerId(1), None, 100).await.unwrap().len(), 40);
}

fn shown(n: u32, round: u32) -> PlayRecord {
    PlayRecord {
        play: play(n),
        at: NOW,
        streamer: StreamerId(1),
        campaign: CampaignId(1),
        creative: CreativeId(1),
        outcome: PlayOutcome::Shown,
        reason: None,
        shown: Some(NOW),
        viewers: round,
        currency: Currency::INR,
        split: Split::of(Micros(100), FeeBps::new(2000).unwrap()).unwrap(),
        click_code: None,
        clicks: None,
    }
}

#[tokio::test]
async fn nodes_that_start_together_make_each_rule_of_the_file_once() {
    use gametriggers_actors::ports::RuleStore;
    let nodes = Nodes::new(3).await;
    let brand = nodes.brand(10).await;
    let rules = crate::store::tests::rule::of_each_kind(brand);
    let written = nodes.all(|node| node.configure_rules(&rules, NOW)).await;
    let written: u64 = written.into_iter().map(Result::unwrap).sum();
    assert_eq!(written, 6, "the others found them");
    assert_eq!(nodes.first().rule_page(None, 99).await.unwrap().len(), 6);
}

#[tokio::test]
async fn of_two_approvals_at_the_same_time_one_is_judged_again() {
    use gametriggers_actors::ports::{ParticipationStore, Standing};
    let nodes = Nodes::new(2).await;
    let brand = nodes.brand(100).await;
    let new = crate::store::tests::catalogue::new_streamer(1);
    let streamer = nodes.first().add_streamers(&[new], NOW).await.unwrap()[0];
    for round in 0..10 {
        let mut campaigns = Vec::new();
        for n in 0..2 {
            let once = key(&format!("c{round}{n}"));
            let made = nodes.first().create(&new_campaign(brand, 0), &once, NOW).await.unwrap();
            nodes.first().propose((streamer, made.0.id), Standing::Applied, NOW).await.unwrap();
            campaigns.push(made.0.id);
        }
        let judged: Vec<CampaignId> = {
            let assigned = nodes.first().assigned(streamer, NOW).await.unwrap();
            assigned.into_iter().map(|presence| presence.campaign).collect()
        };
        let (pairs, yes) = (nodes.stores.iter().zip(&campaigns), (Standing::Applied, Standing::Approved));
        let answers = pairs.map(|(node, campaign)| node.move_on((streamer, *campaign), yes, &judged, NOW));
        let answers = join_all(answers).await;
        let approved = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_some()).count();
        assert_eq!(approved, 1, "round {round}");
    }
}

#[tokio::test]
async fn what_rules_said_on_many_nodes_at_once_is_added_up() {
    use gametriggers_actors::domain::campaign::Category;
    use gametriggers_actors::ports::{RuleStore, ViolationCounts, ViolationKey, ViolationOf, ViolationsBy};
    const FLUSHES: u64 = 20;
    let nodes = Nodes::new(3).await;
    let brand = nodes.brand(10).await;
    let new = crate::store::tests::rule::of_each_kind(brand);
    let mut rules = Vec::new();
    for new in &new {
        rules.push(nodes.first().add_rule(new, &hand(), NOW).await.unwrap().rule.id);
    }
    let counts = ViolationCounts { spoken: 3, blocked: 2, overridden: 1 };
    let batch = |turn: u64| {
        let mut order = rules.clone();
        if turn.is_multiple_of(2) {
            order.reverse();
        }
        let category = Category::new("drinks".into());
        let row = |rule| {
            let key =
                ViolationKey { day: 9, rule, brand, category: category.clone(), streamer: StreamerId(1) };
            (key, counts)
        };
        gametriggers_actors::ports::RuleCounts {
            violations: order.iter().copied().map(row).collect(),
            rules: order.iter().map(|rule| (*rule, counts)).collect(),
            overrides: Vec::new(),
        }
    };
    let flush = async |node: &PostgresStore| {
        for turn in 0..FLUSHES {
            node.append(&Batch { rules: batch(turn), ..Batch::default() }).await.unwrap();
        }
    };
    nodes.all(flush).await;
    let times = 3 * FLUSHES;
    for rule in &rules {
        let kept = nodes.first().rule(*rule).await.unwrap();
        assert_eq!((kept.times_triggered, kept.conflicts_blocked), (3 * times, 2 * times));
    }
    let sums = nodes.first().violations((9, 10), ViolationsBy::Day, None, 9).await.unwrap();
    assert_eq!(sums[0].of, ViolationOf::Number(9));
    assert_eq!(sums[0].counts.overridden, times * 6);
}

#[tokio::test]
async fn an_endpoint_is_called_by_one_node_and_a_summary_is_told_once() {
    let nodes = Nodes::new(4).await;
    let brand = nodes.brand(100_000).await;
    let new = NewEndpoint {
        owner: Listener::Brand(brand),
        url: "https://brand.example/".to_owned(),
        description: String::new(),
        events: EventType::ALL.to_vec(),
        secret: Secret("whsec_first".to_owned()),
    };
    let mut endpoints = Vec::new();
    for _ in 0..8 {
        endpoints.push(nodes.first().add_endpoint(&new, NOW).await.unwrap().id);
    }
    let mut campaigns = Vec::new();
    for n in 0..5 {
        let made = nodes.first().create(&new_campaign(brand, 1_000), &key(&format!("c{n}")), NOW).await;
        campaigns.push(made.unwrap().0.id);
    }
    for campaign in &campaigns {
        let lease = nodes.first().grant(*campaign, Micros(500), NOW).await.unwrap().unwrap().lease;
        let n = u32::try_from(campaign.0).unwrap();
        let claim = crate::store::tests::ok(crate::store::tests::debit(n, lease, *campaign, 500));
        nodes.first().settle(&[claim], NOW).await.unwrap();
    }
    let (mut told, mut turns) = (0, 0);
    while told < 10 && turns < 50 {
        let events = nodes.all(async |node| node.summarise(NOW).await.unwrap().0).await;
        (told, turns) = (told + events.iter().sum::<u64>(), turns + 1);
    }
    let counts = "SELECT count(*) FROM webhook_event GROUP BY type ORDER BY type";
    assert_eq!(nodes.database.numbers(counts).await, [5, 5, 5], "thresholds, campaigns and plays, each once");
    // All at once, until everything is delivered: nothing is taken twice while somebody has it.
    let mut delivered: Vec<(EndpointId, DeliveryId)> = Vec::new();
    while delivered.len() < 8 * 15 {
        let taken = nodes.all(async |node| node.take_rounds(3, NOW, NOW + Millis(1)).await.unwrap()).await;
        let mut at_once: Vec<_> = taken.iter().flatten().map(|round| round.endpoint).collect();
        let count = at_once.len();
        at_once.sort();
        at_once.dedup();
        assert!(count > 0 && at_once.len() == count, "{taken:?}");
        let ends = taken.iter().zip(&nodes.stores).map(async |(rounds, node)| {
            let ends: Vec<_> = rounds.iter().map(delivered_round).collect();
            node.end_rounds(&ends, NOW).await.unwrap();
        });
        join_all(ends).await;
        let due = taken.iter().flatten();
        delivered.extend(due.flat_map(|round| round.due.iter().map(|due| (round.endpoint, due.id))));
    }
    delivered.sort();
    delivered.dedup();
    assert_eq!(delivered.len(), 8 * 15);
    assert_eq!(nodes.database.numbers("SELECT count(*) FROM webhook_attempt").await, [8 * 15]);
    nodes.reconciles().await;
}

/// A round of which everything was taken.
fn delivered_round(round: &Round) -> RoundEnd {
    let record =
        AttemptRecord { at: NOW, took: Millis(1), status: Some(204), failure: None, answer: String::new() };
    let attempted = round.due.iter().map(|due| Attempted {
        id: due.id,
        record: record.clone(),
        state: DeliveryState::Delivered,
        due: NOW,
    });
    RoundEnd { endpoint: round.endpoint, attempted: attempted.collect(), held_until: None, gone: false }
}
