//! The end of a campaign whose flight is over: once, and not of one that goes on.

use super::*;
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{DraftRow, Listener, NewDraft, NewEndpoint, Secret, Stage, StoreError};

/// The moment after the last of the campaigns here.
const ENDS: UnixMillis = UnixMillis(NOW.0 + 3_600_000);
const LATER: UnixMillis = UnixMillis(ENDS.0 + 700_000);

impl Bench {
    async fn complete(&self, campaign: CampaignId, over: UnixMillis) -> bool {
        self.store.complete(campaign, over, LATER).await.unwrap()
    }

    /// Status and version of a campaign.
    async fn stands(&self, campaign: CampaignId) -> (Status, i64) {
        let record = self.store.record(campaign).await.unwrap();
        (self.store.campaign(campaign).await.unwrap().status, record.version)
    }

    async fn set(&self, campaign: CampaignId, change: CampaignChange) {
        self.store.change(campaign, &change, NOW).await.unwrap();
    }

    async fn wallet_of(&self, brand: BrandId) -> Micros {
        self.store.available(brand, Currency::INR).await.unwrap()
    }
}

fn status(status: Status) -> CampaignChange {
    CampaignChange { status: Some(status), ..CampaignChange::default() }
}

async fn a_campaign_whose_flight_is_over_ends_once_and_is_told_as_ended_by_hand(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 300).await;
    let other = bench.campaign(brand, 300).await;
    let endpoint = NewEndpoint {
        owner: Listener::Brand(brand),
        url: "https://brand.example/hooks".to_owned(),
        description: String::new(),
        events: EventType::ALL.to_vec(),
        secret: Secret("whsec_first".to_owned()),
    };
    let endpoint = bench.store.add_endpoint(&endpoint, NOW).await.unwrap().id;
    bench.store.change(other, &status(Status::Ended), LATER).await.unwrap();
    assert!(!bench.complete(campaign, UnixMillis(ENDS.0 - 1)).await, "its flight goes on");
    assert_eq!(bench.stands(campaign).await, (Status::Active, 1));
    assert!(bench.complete(campaign, ENDS).await);
    assert!(!bench.complete(campaign, LATER).await, "it is over already");
    assert!(!bench.complete(other, LATER).await, "it was ended by hand");
    assert_eq!(
        (bench.stands(campaign).await, bench.stands(other).await),
        ((Status::Ended, 2), (Status::Ended, 2))
    );
    let updated = async |id| bench.store.record(id).await.unwrap().updated;
    assert_eq!((updated(campaign).await, updated(other).await), (LATER, LATER));
    let rounds = bench.store.take_rounds(10, LATER, LATER).await.unwrap();
    let [round] = &rounds[..] else { panic!("{rounds:?}") };
    assert_eq!((round.endpoint, round.due.len()), (endpoint, 2), "each is told once");
    assert!(round.due.iter().all(|due| due.event == EventType::CampaignEnded), "{round:?}");
    // Apart from whom it is about, both are told the same.
    let said = |at: usize, id: CampaignId| {
        let mut said: serde_json::Value = serde_json::from_str(&round.due[at].data).unwrap();
        assert_eq!(said["campaign_id"].take(), id.0);
        said
    };
    assert_eq!(said(1, campaign), said(0, other));
    bench.store.close_due(LATER).await.unwrap();
    assert_eq!(
        (bench.wallet_of(brand).await, bench.budget(campaign).await.funded),
        (Micros(1_000), Micros(0))
    );
    bench.reconciles().await;
}

async fn a_paused_campaign_ends_too_and_what_never_ran_does_not(on: On) {
    let (bench, brand, paused) = Bench::funded(on, 1_000, 300).await;
    bench.set(paused, status(Status::Paused)).await;
    let mut never = Vec::new();
    for stage in [Stage::Draft, Stage::Review] {
        let row = DraftRow {
            name: "Winter".to_owned(),
            category: String::new(),
            flight: Some(Flight { starts: NOW, ends: ENDS }),
            body: "{}".to_owned(),
        };
        never.push(bench.store.draft(&NewDraft { brand, stage, row }, None, NOW).await.unwrap());
    }
    let end_of_time = UnixMillis(i64::MAX);
    for draft in &never {
        assert!(!bench.complete(draft.id, end_of_time).await);
        assert_eq!(&bench.store.record(draft.id).await.unwrap(), draft, "it is as it was");
    }
    assert!(!bench.complete(CampaignId(99), end_of_time).await);
    assert!(bench.complete(paused, LATER).await);
    assert_eq!(bench.stands(paused).await, (Status::Ended, 3));
    bench.reconciles().await;
}

async fn a_longer_flight_goes_on_and_comes_too_late_after_the_end(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 1_000, 300).await;
    let longer = |ends| CampaignChange { ends: Some(ends), ..CampaignChange::default() };
    bench.set(campaign, longer(LATER)).await;
    assert!(!bench.complete(campaign, UnixMillis(LATER.0 - 1)).await);
    assert_eq!(bench.stands(campaign).await, (Status::Active, 2));
    assert!(bench.complete(campaign, LATER).await);
    let late = bench.store.change(campaign, &longer(LATER + Millis::minutes(60)), LATER).await;
    assert!(matches!(late, Err(StoreError::Constraint(_))), "{late:?}");
    assert_eq!(bench.stands(campaign).await, (Status::Ended, 3), "what is refused changes nothing");
    assert_eq!(bench.store.campaign(campaign).await.unwrap().flight.ends, LATER);
    bench.reconciles().await;
}

async fn what_a_lease_holds_is_still_paid_and_the_rest_comes_back_after_it(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 300).await;
    let lease = bench.lease(campaign, 100).await;
    assert!(bench.complete(campaign, LATER).await);
    assert_eq!(bench.store.grant(campaign, Micros(1), LATER).await.unwrap(), None);
    bench.store.close_due(LATER).await.unwrap();
    assert_eq!(bench.wallet_of(brand).await, Micros(700), "a claim may still cost money");
    let claims = [ok(debit(1, lease, campaign, 40))];
    assert_eq!(bench.settle(&claims).await, [Outcome::Settled]);
    assert_eq!(bench.settle(&claims).await, [Outcome::Duplicate]);
    bench.store.give_back(lease, Micros(60)).await.unwrap();
    for _ in 0..2 {
        bench.store.close_due(LATER).await.unwrap();
        assert_eq!(bench.wallet_of(brand).await, Micros(960));
    }
    let budget = bench.budget(campaign).await;
    assert_eq!((budget.funded, budget.spent, budget.leased), (Micros(40), Micros(40), Micros(0)));
    assert_eq!(bench.database.numbers("SELECT count(*) FROM ledger_tx WHERE kind = 'return'").await, [1]);
    bench.reconciles().await;
}

on_each! {
    a_campaign_whose_flight_is_over_ends_once_and_is_told_as_ended_by_hand;
    a_paused_campaign_ends_too_and_what_never_ran_does_not;
    a_longer_flight_goes_on_and_comes_too_late_after_the_end;
    what_a_lease_holds_is_still_paid_and_the_rest_comes_back_after_it;
}
