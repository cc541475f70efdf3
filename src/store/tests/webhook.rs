//! Endpoints: what they are told, once and by one process at a time, and what becomes of it.

use super::*;
use gametriggers_actors::domain::id::{DeliveryId, EndpointId};
use gametriggers_actors::domain::webhook::{EventType, FAILING_MAX, OVERLAP};
use gametriggers_actors::ports::{
    AttemptRecord, Attempted, DeliveryState, DisabledReason, Due, ENDPOINTS_MAX, EndpointChange, Listener,
    NewEndpoint, ROUND, Round, RoundEnd, Secret, Standing, StoreError,
};
use serde_json::Value;

const MINUTE: Millis = Millis::minutes(1);

fn endpoint(owner: Listener, events: &[EventType]) -> NewEndpoint {
    NewEndpoint {
        owner,
        url: "https://brand.example/hooks".to_owned(),
        description: "the one".to_owned(),
        events: events.to_vec(),
        secret: Secret("whsec_first".to_owned()),
    }
}

fn attempted(due: &Due, at: UnixMillis, state: DeliveryState) -> Attempted {
    let status = if state == DeliveryState::Delivered { 204 } else { 500 };
    let failure = (status == 500).then(|| "status".to_owned());
    let record =
        AttemptRecord { at, took: Millis(7), status: Some(status), failure, answer: "é".to_owned() };
    Attempted { id: due.id, record, state, due: at + MINUTE }
}

fn ended(round: &Round, at: UnixMillis, state: DeliveryState) -> RoundEnd {
    let attempted = round.due.iter().map(|due| attempted(due, at, state)).collect();
    RoundEnd { endpoint: round.endpoint, attempted, held_until: None, gone: false }
}

impl Bench {
    async fn listen(&self, owner: Listener) -> EndpointId {
        self.store.add_endpoint(&endpoint(owner, &EventType::ALL), NOW).await.unwrap().id
    }

    async fn rounds(&self, now: UnixMillis) -> Vec<Round> {
        let mut rounds = self.store.take_rounds(10, now, now + MINUTE).await.unwrap();
        rounds.sort_by_key(|round| round.endpoint);
        rounds
    }

    /// Whether it disabled the endpoint.
    async fn end_round(&self, end: &RoundEnd, now: UnixMillis) -> bool {
        !self.store.end_rounds(std::slice::from_ref(end), now).await.unwrap().is_empty()
    }

    /// What an endpoint was told, in order.
    async fn told(&self, endpoint: EndpointId) -> Vec<&'static str> {
        let page = self.store.deliveries(endpoint, None, None, 1000).await.unwrap();
        page.iter().rev().map(|delivery| delivery.event.code()).collect()
    }

    /// What waits for an endpoint is delivered; what it said.
    async fn deliver(&self, endpoint: EndpointId, now: UnixMillis) -> Vec<(&'static str, Value)> {
        let mut said = Vec::new();
        loop {
            let rounds = self.rounds(now).await;
            if rounds.is_empty() {
                return said;
            }
            for round in &rounds {
                if round.endpoint == endpoint {
                    let read = |due: &Due| (due.event.code(), serde_json::from_str(&due.data).unwrap());
                    said.extend(round.due.iter().map(read));
                }
                self.end_round(&ended(round, now, DeliveryState::Delivered), now).await;
            }
        }
    }

    async fn change(&self, campaign: CampaignId, change: CampaignChange) -> Campaign {
        self.store.change(campaign, &change, NOW).await.unwrap().0
    }

    async fn count(&self, table: &str) -> i64 {
        self.database.numbers(&format!("SELECT count(*) FROM {table}")).await[0]
    }
}

async fn a_campaign_is_told_to_its_brand_and_the_platform_once_for_each_change(on: On) {
    let bench = Bench::new(on).await;
    bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
    let (brand, other) = (bench.brand(10_000).await, bench.brand(10_000).await);
    bench.campaign(brand, 10).await;
    assert_eq!(bench.count("webhook_event").await, 0, "nobody listens");
    let own = bench.listen(Listener::Brand(brand)).await;
    let strange = bench.listen(Listener::Brand(other)).await;
    let platform = bench.listen(Listener::Platform).await;
    let some = endpoint(Listener::Brand(brand), &[EventType::CampaignPaused]);
    let some = bench.store.add_endpoint(&some, NOW).await.unwrap().id;
    for _ in 0..2 {
        bench.store.create(&new_campaign(brand, 100), &key("again"), NOW).await.unwrap();
    }
    let id = bench.campaigns_after(Some(brand), None, 10).await[1].id;
    let status = |status| CampaignChange { status: Some(status), ..CampaignChange::default() };
    for _ in 0..2 {
        bench.change(id, status(Status::Paused)).await;
    }
    bench.change(id, CampaignChange { name: Some("Winter".to_owned()), ..status(Status::Active) }).await;
    bench.store.fund(id, Micros(50), &key("f"), NOW).await.unwrap();
    bench.store.fund(id, Micros(50), &key("f"), NOW).await.unwrap();
    bench.store.fund_to(id, Micros(150), &key("t"), NOW).await.unwrap();
    bench.store.release(id, Micros(30), &key("r"), NOW).await.unwrap();
    assert!(bench.store.release(id, Micros(1_000), &key("r2"), NOW).await.is_err());
    bench.change(id, status(Status::Ended)).await;
    assert!(bench.store.change(id, &status(Status::Active), NOW).await.is_err());
    let changed = "campaign.changed";
    let all = ["campaign.created", "campaign.paused", changed, changed, changed, "campaign.ended"];
    assert_eq!(bench.told(own).await, all);
    assert_eq!(bench.told(platform).await, all);
    assert_eq!(bench.told(some).await, ["campaign.paused"]);
    assert!(bench.told(strange).await.is_empty());
    assert_eq!(bench.count("webhook_event").await, 6);
    let said = bench.deliver(own, NOW).await;
    let budgets: Vec<_> = said.iter().map(|(_, data)| data["budget"]["amount_micros"].as_i64()).collect();
    assert_eq!(budgets, [100, 100, 100, 150, 120, 120].map(Some));
    assert_eq!((&said[2].1["name"], &said[2].1["campaign_id"]), (&"Winter".into(), &id.0.into()));
    assert_eq!(said[5].1["status"], "completed");
}

async fn a_participation_is_told_to_both_sides(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    let new = [catalogue::new_streamer(2), catalogue::new_streamer(3)];
    let streamers = bench.store.add_streamers(&new, NOW).await.unwrap();
    let own = bench.listen(Listener::Brand(brand)).await;
    let first = bench.listen(Listener::Streamer(streamers[0])).await;
    let second = bench.listen(Listener::Streamer(streamers[1])).await;
    let of = (streamers[0], campaign);
    for _ in 0..2 {
        bench.store.propose(of, Standing::Applied, NOW).await.unwrap();
    }
    let step = async |from, to, judged: &[CampaignId]| {
        bench.store.move_on(of, (from, to), judged, NOW).await.unwrap().is_some()
    };
    // Judged by another list, or from where it is no more: nothing is written, and nothing told.
    assert!(!step(Standing::Applied, Standing::Approved, &[CampaignId(99)]).await);
    assert!(!step(Standing::Declined, Standing::Approved, &[]).await);
    for (from, to) in [
        (Standing::Applied, Standing::Declined),
        (Standing::Declined, Standing::Declined),
        (Standing::Declined, Standing::Invited),
        (Standing::Invited, Standing::Approved),
        (Standing::Approved, Standing::Withdrawn),
        (Standing::Withdrawn, Standing::Completed),
    ] {
        assert!(step(from, to, &[]).await, "{from:?} {to:?}");
    }
    let all = ["applied", "rejected", "invited", "approved", "withdrawn", "completed"];
    let all = all.map(|what| format!("participation.{what}"));
    assert_eq!(bench.told(own).await, all);
    assert_eq!(bench.told(first).await, all);
    assert!(bench.told(second).await.is_empty());
    let said = bench.deliver(first, NOW).await;
    assert_eq!(
        (said[0].1["streamer_id"].as_i64(), said[0].1["brand_id"].as_i64()),
        (Some(of.0.0), Some(brand.0))
    );
}

fn counted(said: &[(&'static str, Value)]) -> Vec<(i64, i64, i64)> {
    let number = |value: &Value| value.as_i64().unwrap();
    let settled = said.iter().filter(|(event, _)| *event == "play.settled");
    settled
        .map(|(_, data)| {
            let spent = number(&data["spent"]["amount_micros"]);
            (number(&data["plays"]), spent, number(&data["total"]["plays"]))
        })
        .collect()
}

fn shares(said: &[(&'static str, Value)]) -> Vec<i64> {
    let told = said.iter().filter(|(event, _)| *event == "budget.threshold");
    told.map(|(_, data)| data["percent"].as_i64().unwrap()).collect()
}

async fn summaries_add_up_to_what_was_settled_and_shares_are_told_once(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let lease = bench.lease(campaign, 100).await;
    bench.settle(&[ok(debit(1, lease, campaign, 10))]).await;
    // What was before is not told.
    let own = bench.listen(Listener::Brand(brand)).await;
    assert_eq!(bench.store.summarise(NOW).await.unwrap().0, 0);
    let later = NOW + MINUTE;
    bench.settle(&[ok(debit(2, lease, campaign, 20)), ok(debit(3, lease, campaign, 19))]).await;
    assert_eq!(bench.store.summarise(later).await.unwrap().0, 1);
    assert_eq!(bench.store.summarise(later).await.unwrap(), (0, 1));
    bench.settle(&[ok(debit(4, lease, campaign, 1)), ok(debit(4, lease, campaign, 1))]).await;
    assert_eq!(bench.store.summarise(later).await.unwrap().0, 2);
    bench.settle(&[ok(debit(5, lease, campaign, 30))]).await;
    assert_eq!(bench.store.summarise(later).await.unwrap().0, 2);
    let said = bench.deliver(own, later).await;
    assert_eq!(counted(&said), [(2, 39, 3), (1, 1, 4), (1, 30, 5)]);
    assert_eq!(shares(&said), [50, 80]);
    assert_eq!(
        (&said[0].1["from"], &said[0].1["to"]),
        (&"2023-11-14T22:13:20Z".into(), &"2023-11-14T22:14:20Z".into())
    );
    // A higher budget: half of it is still spent, 80 % are told again when they are.
    bench.store.fund_to(campaign, Micros(125), &key("t"), NOW).await.unwrap();
    bench.store.summarise(later).await.unwrap();
    bench.settle(&[ok(debit(6, lease, campaign, 20))]).await;
    bench.store.summarise(later).await.unwrap();
    assert_eq!(shares(&bench.deliver(own, later).await), [80]);
    // The end gives back what is left, and that is no spending.
    bench.end(campaign).await;
    bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
    bench.store.close_due(NOW + TOKEN_LIFE).await.unwrap();
    assert_eq!(bench.budget(campaign).await.funded, Micros(100), "returned");
    bench.store.summarise(later).await.unwrap();
    assert_eq!(shares(&bench.deliver(own, later).await), Vec::<i64>::new());
    bench.reconciles().await;
}

async fn what_is_spent_to_the_end_is_told_also_when_the_campaign_ended_meanwhile(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let own = bench.listen(Listener::Brand(brand)).await;
    let lease = bench.lease(campaign, 100).await;
    bench.settle(&[ok(debit(1, lease, campaign, 85))]).await;
    bench.end(campaign).await;
    bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
    bench.store.close_due(NOW + TOKEN_LIFE).await.unwrap();
    assert_eq!(bench.budget(campaign).await.funded, Micros(85));
    bench.store.summarise(NOW).await.unwrap();
    let said = bench.deliver(own, NOW).await;
    assert_eq!((shares(&said), counted(&said)), (vec![50, 80], vec![(1, 85, 1)]));
    bench.store.summarise(NOW).await.unwrap();
    assert!(bench.deliver(own, NOW).await.is_empty());
}

async fn an_endpoint_is_called_by_one_process_at_a_time(on: On) {
    let (mut bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let own = bench.listen(Listener::Brand(brand)).await;
    for n in 0..6 {
        bench.store.fund(campaign, Micros(1), &key(&format!("f{n}")), NOW).await.unwrap();
    }
    let first = bench.rounds(NOW).await;
    let [round] = &first[..] else { panic!("{first:?}") };
    assert_eq!((round.endpoint, round.due.len()), (own, usize::try_from(ROUND).unwrap()));
    assert_eq!(round.secrets, [Secret("whsec_first".to_owned())]);
    assert!(bench.rounds(NOW + Millis(59_999)).await.is_empty(), "taken");
    assert_eq!(bench.rounds(NOW + MINUTE).await, first, "the lease is over, and nothing was written");
    // A process that comes back has no other than itself to wait for.
    bench.reopen().await;
    bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
    assert_eq!(bench.rounds(NOW).await, first, "the same again, with the same ids");
    let end = ended(round, NOW, DeliveryState::Delivered);
    assert!(!bench.end_round(&end, NOW).await);
    let next = bench.rounds(NOW).await;
    assert_eq!(next[0].due.len(), 2, "the lease went with the round");
    assert!(next[0].due[0].id > round.due[3].id);
}

async fn what_fails_comes_again_when_it_is_due_and_is_kept_in_the_log(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let own = bench.listen(Listener::Brand(brand)).await;
    bench.store.fund(campaign, Micros(1), &key("f"), NOW).await.unwrap();
    let round = bench.rounds(NOW).await.remove(0);
    let id = round.due[0].id;
    bench.end_round(&ended(&round, NOW, DeliveryState::Waiting), NOW).await;
    assert_eq!(bench.store.endpoint(own).await.unwrap().failing_since, Some(NOW));
    assert!(bench.rounds(NOW + Millis(59_999)).await.is_empty());
    let (late, again) = (NOW + MINUTE, bench.rounds(NOW + MINUTE).await.remove(0));
    assert_eq!((again.due[0].attempts, &again.due[0].message), (1, &round.due[0].message));
    bench.end_round(&ended(&again, late, DeliveryState::Failed), late).await;
    assert!(bench.rounds(late + MINUTE).await.is_empty(), "done with");
    let delivery = bench.store.delivery(own, id).await.unwrap();
    assert_eq!((delivery.state, delivery.attempts, delivery.log.len()), (DeliveryState::Failed, 2, 2));
    assert_eq!((delivery.log[0].at, delivery.log[1].at), (late, NOW), "newest first");
    assert_eq!((delivery.log[0].status, &*delivery.log[0].answer), (Some(500), "é"));
    let failed = bench.store.deliveries(own, Some(DeliveryState::Failed), None, 10).await.unwrap();
    assert_eq!((failed.len(), failed[0].log.len()), (1, 1));
    // Again from the start; the log goes on.
    assert_eq!(bench.store.replay_failed(own, NOW + MINUTE, late).await.unwrap(), 0, "it is older");
    assert_eq!(bench.store.replay_failed(own, NOW, late).await.unwrap(), 1);
    let third = bench.rounds(late).await.remove(0);
    assert_eq!((third.due[0].attempts, &third.due[0].message), (0, &round.due[0].message));
    bench.end_round(&ended(&third, late, DeliveryState::Delivered), late).await;
    assert_eq!(bench.store.endpoint(own).await.unwrap().failing_since, None);
    assert_eq!(bench.store.replay(own, id, late).await.unwrap().state, DeliveryState::Waiting);
    let fourth = bench.rounds(late).await.remove(0);
    bench.end_round(&ended(&fourth, late, DeliveryState::Delivered), late).await;
    assert_eq!(bench.store.delivery(own, id).await.unwrap().log.len(), 4);
    for (owner, delivery) in [(own, DeliveryId(999)), (EndpointId(999), id)] {
        let missing = bench.store.replay(owner, delivery, late).await;
        assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    }
}

async fn an_endpoint_that_is_gone_or_only_fails_is_told_nothing_and_the_others_hear_so(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let gone = bench.listen(Listener::Brand(brand)).await;
    let failing = bench.listen(Listener::Brand(brand)).await;
    let witness = endpoint(Listener::Brand(brand), &[EventType::EndpointDisabled]);
    let witness = bench.store.add_endpoint(&witness, NOW).await.unwrap().id;
    for n in 0..5 {
        bench.store.fund(campaign, Micros(1), &key(&format!("f{n}")), NOW).await.unwrap();
    }
    let rounds = bench.rounds(NOW).await;
    assert_eq!(rounds.len(), 2);
    let end = RoundEnd { gone: true, ..ended(&rounds[0], NOW, DeliveryState::Failed) };
    assert!(bench.end_round(&end, NOW).await);
    assert!(!bench.end_round(&ended(&rounds[1], NOW, DeliveryState::Waiting), NOW).await);
    let disabled = bench.store.endpoint(gone).await.unwrap();
    assert_eq!(disabled.disabled, Some((NOW, DisabledReason::Gone)));
    let failed = bench.store.deliveries(gone, Some(DeliveryState::Failed), None, 10).await.unwrap();
    assert_eq!(failed.len(), 5, "what waited for it as well");
    for (late, over) in [(NOW + FAILING_MAX - Millis(1), false), (NOW + FAILING_MAX, true)] {
        let rounds = bench.rounds(late).await;
        let round = rounds.iter().find(|round| round.endpoint == failing).unwrap();
        let end = ended(round, late - MINUTE, DeliveryState::Waiting);
        assert_eq!(bench.end_round(&end, late).await, over);
        // The witness was taken as well.
        bench.tamper("UPDATE webhook_endpoint SET leased_until = 0").await;
    }
    assert_eq!(bench.store.endpoint(failing).await.unwrap().disabled.unwrap().1, DisabledReason::Failing);
    let said = bench.deliver(witness, NOW + FAILING_MAX).await;
    let why: Vec<_> = said.iter().map(|(_, data)| (&data["reason"], data["webhook_id"].as_i64())).collect();
    assert_eq!(why, [(&"gone".into(), Some(gone.0)), (&"failing".into(), Some(failing.0))]);
    let refused = bench.store.replay_failed(gone, NOW, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    let enable = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
    assert_eq!(bench.store.change_endpoint((gone, None), &enable, NOW).await.unwrap().disabled, None);
    assert_eq!(bench.store.replay_failed(gone, NOW, NOW).await.unwrap(), 5);
}

async fn a_pause_that_an_endpoint_asked_for_holds_all_of_its_deliveries(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    bench.listen(Listener::Brand(brand)).await;
    bench.store.fund(campaign, Micros(1), &key("a"), NOW).await.unwrap();
    let round = bench.rounds(NOW).await.remove(0);
    let held = RoundEnd { held_until: Some(NOW + MINUTE), ..ended(&round, NOW, DeliveryState::Delivered) };
    bench.end_round(&held, NOW).await;
    bench.store.fund(campaign, Micros(1), &key("b"), NOW).await.unwrap();
    assert!(bench.rounds(NOW + Millis(59_999)).await.is_empty());
    assert_eq!(bench.rounds(NOW + MINUTE).await.len(), 1);
}

async fn endpoints_are_kept_by_their_owner_and_bounded(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let nobody = endpoint(Listener::Brand(BrandId(99)), &EventType::ALL);
    let missing = bench.store.add_endpoint(&nobody, NOW).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    let platform = bench.listen(Listener::Platform).await;
    let mut own = Vec::new();
    for _ in 0..ENDPOINTS_MAX {
        own.push(bench.listen(Listener::Brand(brand)).await);
    }
    let full = bench.store.add_endpoint(&endpoint(Listener::Brand(brand), &EventType::ALL), NOW).await;
    assert!(matches!(full, Err(StoreError::Constraint(_))), "{full:?}");
    let ids = async |owner, after| {
        let page = bench.store.endpoints(owner, after, 15).await.unwrap();
        page.iter().map(|endpoint| endpoint.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some(Listener::Brand(brand)), None).await, own[..15]);
    assert_eq!(ids(Some(Listener::Brand(brand)), Some(own[14])).await, own[15..]);
    assert_eq!(ids(Some(Listener::Platform), None).await, [platform]);
    assert_eq!(ids(None, None).await[0], platform);
    let change = EndpointChange {
        url: Some("https://other.example/".to_owned()),
        events: Some(vec![EventType::CampaignEnded]),
        ..EndpointChange::default()
    };
    let changed = bench.store.change_endpoint((own[0], None), &change, NOW + MINUTE).await.unwrap();
    assert_eq!((&*changed.url, &*changed.description), ("https://other.example/", "the one"));
    assert_eq!((changed.events, changed.updated), (vec![EventType::CampaignEnded], NOW + MINUTE));
    bench.store.fund(campaign, Micros(1), &key("a"), NOW).await.unwrap();
    bench.store.delete_endpoint(own[1], NOW).await.unwrap();
    for gone in [bench.store.delete_endpoint(own[1], NOW).await, bench.store.endpoint(own[1]).await.map(drop)]
    {
        assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    }
    let kept = "SELECT count(*) FROM webhook_endpoint WHERE deleted_at IS NOT NULL AND secret = ''";
    assert_eq!(bench.database.numbers(kept).await, [1], "its secret is not kept");
    let waits = "SELECT count(*) FROM webhook_delivery WHERE state = 'waiting'";
    assert_eq!(bench.database.numbers(waits).await, [i64::from(ENDPOINTS_MAX) + 1 - 2]);
}

async fn after_a_rotation_both_secrets_sign_for_a_day(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let own = bench.listen(Listener::Brand(brand)).await;
    let second = Secret("whsec_second".to_owned());
    let rotated = bench.store.rotate_secret(own, &second, NOW).await.unwrap();
    assert_eq!(rotated.old_until, Some(NOW + OVERLAP));
    bench.store.fund(campaign, Micros(1), &key("a"), NOW).await.unwrap();
    let both = [second.clone(), Secret("whsec_first".to_owned())];
    assert_eq!(bench.rounds(NOW + OVERLAP - Millis(1)).await[0].secrets, both);
    assert_eq!(bench.rounds(NOW + OVERLAP + MINUTE).await[0].secrets, [second]);
}

async fn what_was_done_with_long_ago_is_forgotten_and_what_waits_is_not(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 100).await;
    let (own, other) = (bench.listen(Listener::Brand(brand)).await, bench.listen(Listener::Platform).await);
    for n in 0..3 {
        bench.store.fund(campaign, Micros(1), &key(&format!("f{n}")), NOW).await.unwrap();
    }
    let rounds = bench.rounds(NOW).await;
    let round = rounds.iter().find(|round| round.endpoint == own).unwrap();
    bench.end_round(&ended(round, NOW, DeliveryState::Delivered), NOW).await;
    assert_eq!(bench.store.prune_deliveries(NOW).await.unwrap(), 0);
    assert_eq!(bench.store.prune_deliveries(NOW + Millis(1)).await.unwrap(), 3);
    assert_eq!((bench.told(own).await.len(), bench.told(other).await.len()), (0, 3));
    assert_eq!((bench.count("webhook_event").await, bench.count("webhook_attempt").await), (3, 0));
    let rounds = bench.rounds(NOW + MINUTE).await;
    bench.end_round(&ended(&rounds[0], NOW, DeliveryState::Failed), NOW).await;
    assert_eq!(bench.store.prune_deliveries(NOW + Millis(1)).await.unwrap(), 3);
    assert_eq!(bench.count("webhook_event").await, 0);
}

async fn an_endpoint_with_too_much_waiting_is_told_nothing_new_and_summaries_wait(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 1_000).await;
    let own = bench.listen(Listener::Brand(brand)).await;
    let lease = bench.lease(campaign, 100).await;
    bench.settle(&[ok(debit(1, lease, campaign, 10))]).await;
    bench.tamper("UPDATE webhook_endpoint SET waiting = 1000").await;
    // Wrong on purpose: the next count mends it, and that is the first thing a summary does.
    bench.store.fund(campaign, Micros(1), &key("a"), NOW).await.unwrap();
    assert_eq!(bench.told(own).await, ["campaign.changed"], "what no later event holds is told");
    bench.tamper("UPDATE webhook_endpoint SET waiting = 10000").await;
    bench.store.fund(campaign, Micros(1), &key("b"), NOW).await.unwrap();
    assert_eq!(bench.told(own).await.len(), 1, "full");
    assert_eq!(bench.store.summarise(NOW).await.unwrap(), (1, 1));
    assert_eq!(bench.store.endpoint(own).await.unwrap().waiting, 1);
    assert_eq!(counted(&bench.deliver(own, NOW).await), [(1, 10, 1)]);
}

on_each! {
    a_campaign_is_told_to_its_brand_and_the_platform_once_for_each_change;
    a_participation_is_told_to_both_sides;
    summaries_add_up_to_what_was_settled_and_shares_are_told_once;
    what_is_spent_to_the_end_is_told_also_when_the_campaign_ended_meanwhile;
    an_endpoint_is_called_by_one_process_at_a_time;
    what_fails_comes_again_when_it_is_due_and_is_kept_in_the_log;
    an_endpoint_that_is_gone_or_only_fails_is_told_nothing_and_the_others_hear_so;
    a_pause_that_an_endpoint_asked_for_holds_all_of_its_deliveries;
    endpoints_are_kept_by_their_owner_and_bounded;
    after_a_rotation_both_secrets_sign_for_a_day;
    what_was_done_with_long_ago_is_forgotten_and_what_waits_is_not;
    an_endpoint_with_too_much_waiting_is_told_nothing_new_and_summaries_wait;
}
