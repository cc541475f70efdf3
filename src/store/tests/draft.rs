//! Campaigns before their launch and after their end: what they may not do, versions, creatives, lists.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::domain::campaign::{CREATIVES_MAX, Requirements};
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{
    CampaignRecord, CampaignSort, CampaignState, CreativeChange, Draft, DraftRow, DraftStep, Launch,
    NewDraft, NewEndpoint, Owner, Place, SortBy, Stage, StoreError, StoreResult,
};

fn row(name: &str) -> DraftRow {
    let body = format!("{{\"name\":\"{name}\",\"category\":null}}");
    DraftRow { name: name.to_owned(), category: String::new(), flight: None, body }
}

fn launch(draft: &CampaignRecord, budget: i64) -> Launch {
    let Recorded::Draft(Draft { stage, .. }) = draft.what else { panic!("{draft:?}") };
    let new = new_campaign(draft.brand.id, budget);
    Launch { campaign: draft.id, stage, version: draft.version, new, by: None }
}

fn is_changed<T: std::fmt::Debug>(result: StoreResult<T>) {
    assert!(matches!(result, Err(StoreError::Changed)), "{result:?}");
}

fn is_refused<T: std::fmt::Debug>(result: StoreResult<T>) {
    assert!(matches!(result, Err(StoreError::Constraint(_))), "{result:?}");
}

impl Bench {
    async fn draft(&self, brand: BrandId, name: &str) -> CampaignRecord {
        let new = NewDraft { brand, stage: Stage::Draft, row: row(name) };
        self.store.draft(&new, None, NOW).await.unwrap()
    }

    async fn step(&self, draft: &CampaignRecord, step: DraftStep) -> StoreResult<CampaignRecord> {
        self.store.step_draft(draft.id, draft.version, &step, NOW + Millis(1)).await
    }

    async fn available(&self, brand: BrandId) -> i64 {
        self.store.wallet(Owner::Brand(brand), Currency::INR).await.unwrap().available.0
    }

    async fn names(&self, query: &CampaignQuery) -> Vec<String> {
        let listed = self.store.list(query).await.unwrap();
        let name = |(record, _): &(CampaignRecord, Place)| match &record.what {
            Recorded::Campaign(campaign) => campaign.name.to_string(),
            Recorded::Draft(draft) => serde_json::from_str::<serde_json::Value>(&draft.body).unwrap()["name"]
                .as_str()
                .unwrap()
                .into(),
        };
        listed.iter().map(name).collect()
    }

    async fn sound(&self) {
        for check in self.store.reconcile(true).await.unwrap() {
            assert_eq!((check.mismatches, check.drift_micros), (0, 0), "{check:?}");
        }
    }
}

async fn a_draft_holds_no_money_and_is_nothing_to_the_engine(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    let draft = bench.draft(brand, "Winter").await;
    assert!(draft.id > campaign, "ids are of one kind");
    assert_eq!((draft.version, draft.state(), draft.archived), (1, CampaignState::Draft, None));
    let later = bench.campaign(brand, 0).await;
    assert!(later > draft.id);
    let store = &bench.store;
    let known: Vec<_> = store.catalogue().await.unwrap().campaigns.iter().map(|one| one.id).collect();
    assert_eq!(known, [campaign, later]);
    assert!(matches!(store.campaign(draft.id).await, Err(StoreError::NotFound)));
    assert!(matches!(store.budget(draft.id).await, Err(StoreError::NotFound)));
    assert!(!matches!(store.grant(draft.id, Micros(1), NOW).await, Ok(Some(_))));
    let change = CampaignChange { status: Some(Status::Active), ..CampaignChange::default() };
    assert!(matches!(store.change(draft.id, &change, NOW).await, Err(StoreError::NotFound)));
    assert!(store.fund(draft.id, Micros(1), &key("f"), NOW).await.is_err());
    assert!(store.fund_to(draft.id, Micros(1), &key("t"), NOW).await.is_err());
    let creative = new_campaign(brand, 0).creatives.remove(0);
    assert!(store.add_creative((draft.id, None), &creative, NOW).await.is_err());
    // The schema says the same to everybody.
    for sql in [
        format!("INSERT INTO campaign_budget (campaign_id, currency) VALUES ({}, 'INR')", draft.id),
        format!("UPDATE campaign SET status = 'active' WHERE id = {}", draft.id),
        format!("UPDATE campaign SET status = 'paused' WHERE id = {}", draft.id),
        format!("UPDATE campaign SET stage = 'draft' WHERE id = {campaign}"),
        format!("UPDATE campaign SET draft = '{{}}' WHERE id = {campaign}"),
        format!("UPDATE campaign SET archived_at = 1 WHERE id = {campaign}"),
    ] {
        assert!(bench.database.try_sql(&sql).await.is_err(), "{sql}");
    }
    assert_eq!(store.record(draft.id).await.unwrap(), draft);
    assert_eq!(bench.available(brand).await, 900);
    bench.sound().await;
}

async fn a_draft_moves_on_by_its_version_and_what_an_operator_does_is_on_record(on: On) {
    let (bench, brand, _) = Bench::funded(on, 1_000, 100).await;
    let first = bench.draft(brand, "Winter").await;
    let second = bench.step(&first, DraftStep::Change(row("Spring"))).await.unwrap();
    assert_eq!((second.version, second.updated), (2, NOW + Millis(1)));
    assert!(matches!(&second.what, Recorded::Draft(draft) if draft.body.contains("Spring")));
    is_changed(bench.step(&first, DraftStep::Change(row("Late"))).await);
    is_changed(bench.step(&second, DraftStep::Withdraw).await);
    is_changed(bench.step(&second, DraftStep::Reject(by_hand("no"))).await);
    let handed_in = bench.step(&second, DraftStep::Submit).await.unwrap();
    assert_eq!(handed_in.state(), CampaignState::Review);
    is_changed(bench.step(&handed_in, DraftStep::Change(row("Other"))).await);
    is_refused(bench.store.archive_campaign(handed_in.id, None, NOW).await);
    let back = bench.step(&handed_in, DraftStep::Withdraw).await.unwrap();
    let again = bench.step(&back, DraftStep::Submit).await.unwrap();
    let rejected = bench.step(&again, DraftStep::Reject(by_hand("say more"))).await.unwrap();
    let shown = |record: &CampaignRecord| match &record.what {
        Recorded::Draft(draft) => {
            (draft.stage, draft.submitted, draft.rejection.as_deref().map(str::to_owned))
        }
        Recorded::Campaign(_) => panic!("{record:?}"),
    };
    assert_eq!(shown(&again), (Stage::Review, Some(NOW + Millis(1)), None));
    assert_eq!(shown(&rejected), (Stage::Draft, None, Some("say more".to_owned())));
    let kept = bench.step(&rejected, DraftStep::Change(row("More"))).await.unwrap();
    assert_eq!(shown(&kept).2.as_deref(), Some("say more"), "until it is handed in again");
    let actions = "SELECT count(*) FROM admin_action WHERE action = 'reject_campaign'
        AND actor = '0badcafe' AND reason = 'say more'";
    assert_eq!(bench.database.numbers(actions).await, [1]);
    let unknown = bench.store.step_draft(CampaignId(99), 1, &DraftStep::Submit, NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)));
    let strange = NewDraft { brand: BrandId(99), stage: Stage::Draft, row: row("x") };
    assert!(matches!(bench.store.draft(&strange, None, NOW).await, Err(StoreError::NotFound)));
    let (once, new) = (key("once"), NewDraft { brand, stage: Stage::Review, row: row("Direct") });
    let made = bench.store.draft(&new, Some(&once), NOW).await.unwrap();
    assert_eq!(bench.store.draft(&new, Some(&once), NOW).await.unwrap(), made, "once for a key");
    assert_eq!(made.state(), CampaignState::Review);
    bench.sound().await;
}

async fn a_launch_sets_the_budget_aside_once_or_changes_nothing(on: On) {
    let (bench, brand, _) = Bench::funded(on, 1_000, 100).await;
    let draft = bench.draft(brand, "Winter").await;
    let short = bench.store.launch(&launch(&draft, 901), &key("go"), NOW).await;
    assert!(
        matches!(short, Err(StoreError::InsufficientFunds { available }) if available.0 == 900),
        "{short:?}"
    );
    assert_eq!(bench.store.record(draft.id).await.unwrap(), draft, "nothing happened");
    assert_eq!(bench.store.launched(draft.id, &key("go")).await.unwrap(), None);
    let order = launch(&draft, 400);
    let stale = Launch { version: 7, ..order.clone() };
    is_changed(bench.store.launch(&stale, &key("go"), NOW).await);
    let in_review = Launch { stage: Stage::Review, ..order.clone() };
    is_changed(bench.store.launch(&in_review, &key("go"), NOW).await);
    let foreign = bench.store.add_brand("Other", NOW).await.unwrap().id;
    let stolen = Launch { new: new_campaign(foreign, 0), ..order.clone() };
    is_changed(bench.store.launch(&stolen, &key("go"), NOW).await);
    let bare = Launch { new: NewCampaign { creatives: Vec::new(), ..order.new.clone() }, ..order.clone() };
    is_refused(bench.store.launch(&bare, &key("go"), NOW).await);
    // Twice with one key at once, and once with another.
    let go = key("go");
    let (one, two) = tokio::join!(bench.store.launch(&order, &go, NOW), bench.store.launch(&order, &go, NOW));
    let (campaign, funds) = one.unwrap();
    assert_eq!(two.unwrap(), (campaign.clone(), funds));
    is_changed(bench.store.launch(&order, &key("other"), NOW).await);
    assert_eq!((campaign.id, campaign.status, funds.1.funded), (draft.id, Status::Active, Micros(400)));
    assert_eq!(bench.available(brand).await, 500);
    assert_eq!(bench.store.launched(draft.id, &key("go")).await.unwrap(), Some((campaign.clone(), funds)));
    assert!(matches!(
        bench.store.launched(draft.id, &Idempotency { fingerprint: [9; 32], ..key("go") }).await,
        Err(StoreError::IdempotencyConflict)
    ));
    let same = NewCampaign { ..new_campaign(brand, 400) };
    let (made, _) = bench.store.create(&same, &key("made"), NOW).await.unwrap();
    let plain = Campaign { id: campaign.id, creatives: campaign.creatives.clone(), ..made };
    assert_eq!(campaign, plain, "a launched draft is like any other");
    let record = bench.store.record(draft.id).await.unwrap();
    assert_eq!((record.version, record.created), (draft.version + 1, draft.created));
    assert!(bench.store.catalogue().await.unwrap().campaigns.contains(&campaign));
    bench.lease(campaign.id, 100).await;
    // With the word of an operator.
    let waits = NewDraft { brand, stage: Stage::Review, row: row("Reviewed") };
    let waits = bench.store.draft(&waits, None, NOW).await.unwrap();
    let order = Launch { by: Some(by_hand("fine")), ..launch(&waits, 50) };
    bench.store.launch(&order, &key("yes"), NOW).await.unwrap();
    bench.store.launch(&order, &key("yes"), NOW).await.unwrap();
    let actions = "SELECT count(*) FROM admin_action WHERE action = 'approve_campaign' AND reason = 'fine'";
    assert_eq!((bench.database.numbers(actions).await, bench.available(brand).await), (vec![1], 50));
    bench.sound().await;
}

async fn nothing_is_made_or_launched_for_a_brand_that_is_archived(on: On) {
    let (bench, brand, running) = Bench::funded(on, 100, 40).await;
    let draft = bench.draft(brand, "early").await;
    let pause = CampaignChange { status: Some(Status::Paused), ..CampaignChange::default() };
    bench.store.change(running, &pause, NOW).await.unwrap();
    let why = by_hand("why");
    bench.store.set_archived(Owner::Brand(brand), true, &why, NOW).await.unwrap();
    is_refused(bench.store.launch(&launch(&draft, 10), &key("one"), NOW).await);
    let new = NewDraft { brand, stage: Stage::Draft, row: row("late") };
    let made = bench.store.draft(&new, None, NOW).await;
    assert!(matches!(made, Err(StoreError::NotFound)), "{made:?}");
    assert_eq!(bench.available(brand).await, 60);
    bench.store.set_archived(Owner::Brand(brand), false, &why, NOW).await.unwrap();
    bench.store.launch(&launch(&draft, 10), &key("one"), NOW).await.unwrap();
    bench.sound().await;
}

async fn of_two_changes_of_one_version_one_is_made(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 1_000, 100).await;
    let named = |name: &str, version| CampaignChange {
        name: Some(name.to_owned()),
        version,
        ..CampaignChange::default()
    };
    for round in 1..8 {
        let (a, b) = (named("A", Some(round)), named("B", Some(round)));
        let (one, two) =
            tokio::join!(bench.store.change(campaign, &a, NOW), bench.store.change(campaign, &b, NOW));
        let won: Vec<_> = [one, two]
            .into_iter()
            .filter_map(|made| match made {
                Ok((campaign, _)) => Some(campaign.name),
                Err(error) => {
                    assert!(matches!(error, StoreError::Changed), "{error}");
                    None
                }
            })
            .collect();
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(bench.store.campaign(campaign).await.unwrap().name, won[0]);
        assert_eq!(bench.store.record(campaign).await.unwrap().version, round + 1);
    }
    // Whoever names no version changes what is there, and raises it as well.
    bench.store.change(campaign, &named("C", None), NOW).await.unwrap();
    assert_eq!(bench.store.record(campaign).await.unwrap().version, 9);
    // Budget and change are one: neither without the other.
    let raise = |total, once: &str| Some((Micros(total), key(once)));
    let dear = CampaignChange { budget: raise(5_000, "dear"), ..named("D", Some(9)) };
    assert!(matches!(
        bench.store.change(campaign, &dear, NOW).await,
        Err(StoreError::InsufficientFunds { .. })
    ));
    let stale = CampaignChange { budget: raise(500, "stale"), ..named("D", Some(8)) };
    is_changed(bench.store.change(campaign, &stale, NOW).await);
    assert_eq!(bench.budget(campaign).await.funded, Micros(100));
    let good = CampaignChange { budget: raise(500, "good"), ..named("D", Some(9)) };
    let (_, funds) = bench.store.change(campaign, &good, NOW).await.unwrap();
    bench.store.change(campaign, &named("E", None), NOW).await.unwrap();
    let (after, again) = bench.store.change(campaign, &good, NOW).await.unwrap();
    assert_eq!((after.name.as_ref(), again), ("E", funds), "a repeated key does nothing a second time");
    assert_eq!(bench.store.record(campaign).await.unwrap().version, 11);
    let asked = Requirements { text: "Be kind".into(), lines: vec!["Twice".into()] };
    let asks = CampaignChange { requirements: Some(Some(asked.clone())), ..CampaignChange::default() };
    bench.store.change(campaign, &asks, NOW).await.unwrap();
    bench.store.change(campaign, &named("F", None), NOW).await.unwrap();
    assert_eq!(bench.store.record(campaign).await.unwrap().requirements, Some(asked));
    let none = CampaignChange { requirements: Some(None), ..CampaignChange::default() };
    bench.store.change(campaign, &none, NOW).await.unwrap();
    assert_eq!(bench.store.record(campaign).await.unwrap().requirements, None);
    bench.sound().await;
}

async fn what_is_put_away_is_a_draft_or_over_and_stays_so(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    let draft = bench.draft(brand, "Winter").await;
    is_changed(bench.store.archive_campaign(draft.id, Some(7), NOW).await);
    let put_away = bench.store.archive_campaign(draft.id, Some(1), NOW).await.unwrap();
    assert_eq!(
        (put_away.state(), put_away.version, put_away.archived),
        (CampaignState::Archived, 2, Some(NOW))
    );
    is_refused(bench.store.archive_campaign(draft.id, None, NOW).await);
    is_changed(bench.step(&put_away, DraftStep::Change(row("Again"))).await);
    is_changed(bench.store.launch(&launch(&put_away, 10), &key("go"), NOW).await);
    is_refused(bench.store.archive_campaign(campaign, None, NOW).await);
    bench.end(campaign).await;
    let over = bench.store.archive_campaign(campaign, None, NOW).await.unwrap();
    assert_eq!(over.state(), CampaignState::Archived);
    // Its money goes back as that of any other that is over.
    bench.store.close_due(NOW + TOKEN_LIFE + Millis(1)).await.unwrap();
    assert_eq!(bench.available(brand).await, 1_000);
    let all = CampaignQuery::all(10);
    assert!(bench.names(&all).await.is_empty());
    let archived = CampaignQuery { states: Some(vec![CampaignState::Archived]), ..all };
    assert_eq!(bench.names(&archived).await, ["Summer", "Winter"]);
    bench.sound().await;
}

async fn a_campaign_keeps_a_creative_and_shows_the_active_ones(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 100).await;
    let store = &bench.store;
    let new = new_campaign(brand, 0).creatives.remove(0);
    let of = async || store.campaign(campaign).await.unwrap().creatives;
    let live = async || {
        let campaigns = store.catalogue().await.unwrap().campaigns;
        campaigns[0].creatives.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let status = |status| CreativeChange { status: Some(status), ..CreativeChange::default() };
    let first = of().await[0].id;
    let set =
        async |id, change: CreativeChange| store.change_creative((campaign, None), id, &change, NOW).await;
    is_refused(set(first, status(CreativeStatus::Paused)).await);
    is_refused(set(first, status(CreativeStatus::Archived)).await);
    assert_eq!((live().await, of().await[0].status), (vec![first], CreativeStatus::Active));
    assert_eq!(store.record(campaign).await.unwrap().version, 1, "what is refused changes nothing");
    let second = store.add_creative((campaign, Some(1)), &new, NOW).await.unwrap();
    is_changed(store.add_creative((campaign, Some(1)), &new, NOW).await);
    assert_eq!(live().await, [first, second]);
    let heavy = CreativeChange { weight: Some(9), ..status(CreativeStatus::Paused) };
    set(first, heavy).await.unwrap();
    assert_eq!((live().await, of().await[0].weight), (vec![second], 9));
    is_refused(set(second, status(CreativeStatus::Paused)).await);
    set(first, status(CreativeStatus::Active)).await.unwrap();
    set(second, status(CreativeStatus::Archived)).await.unwrap();
    is_refused(set(second, status(CreativeStatus::Active)).await);
    let waits = NewCreative { status: CreativeStatus::Review, ..new.clone() };
    let waits = store.add_creative((campaign, None), &waits, NOW).await.unwrap();
    is_refused(set(first, status(CreativeStatus::Paused)).await);
    assert_eq!(live().await, [first]);
    set(waits, CreativeChange { by: Some(by_hand("fine")), ..status(CreativeStatus::Active) }).await.unwrap();
    let actions = "SELECT count(*) FROM admin_action WHERE action = 'approve_creative' AND reason = 'fine'";
    assert_eq!((live().await, bench.database.numbers(actions).await), (vec![first, waits], vec![1]));
    for _ in 2..CREATIVES_MAX {
        store.add_creative((campaign, None), &new, NOW).await.unwrap();
    }
    is_refused(store.add_creative((campaign, None), &new, NOW).await);
    assert_eq!(of().await.len(), CREATIVES_MAX + 1, "the archived one takes no place");
    let missing = set(CreativeId(99), status(CreativeStatus::Paused)).await;
    assert!(matches!(missing, Err(StoreError::NotFound)));
    bench.end(campaign).await;
    is_refused(store.add_creative((campaign, None), &new, NOW).await);
    is_refused(set(waits, status(CreativeStatus::Archived)).await);
}

const fn by(by: SortBy, descending: bool) -> CampaignSort {
    CampaignSort { by, descending }
}

async fn lists_are_filtered_and_sorted(on: On) {
    let bench = Bench::new(on).await;
    bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap();
    let (brand, other) = (bench.brand(1_000).await, bench.brand(1_000).await);
    for (n, name, starts, ends, category) in
        [(1, "beta 100%", 30, 50, "food"), (2, "Alpha", 20, 90, "food"), (3, "gamma_x", 10, 60, "drinks")]
    {
        let flight = Flight { starts: NOW + Millis(starts), ends: NOW + Millis(ends) };
        let category = Category::new(category.into());
        let new = NewCampaign { name: name.to_owned(), flight, category, ..new_campaign(brand, 0) };
        let made = NOW + Millis(n);
        bench.store.create(&new, &key(name), made).await.unwrap();
    }
    let draft = bench.draft(brand, "Delta").await;
    bench.store.create(&new_campaign(other, 0), &key("other"), NOW).await.unwrap();
    let own = CampaignQuery { brand: Some(brand), ..CampaignQuery::all(10) };
    let sorted = async |sort| bench.names(&CampaignQuery { sort, ..own.clone() }).await;
    let (a, b, c, d) = ("Alpha", "beta 100%", "gamma_x", "Delta");
    assert_eq!(sorted(by(SortBy::Id, false)).await, [b, a, c, d]);
    assert_eq!(sorted(by(SortBy::Id, true)).await, [d, c, a, b]);
    assert_eq!(sorted(by(SortBy::Name, false)).await, [a, b, d, c]);
    assert_eq!(sorted(by(SortBy::Name, true)).await, [c, d, b, a]);
    assert_eq!(sorted(by(SortBy::Starts, false)).await, [d, c, a, b]);
    assert_eq!(sorted(by(SortBy::Starts, true)).await, [b, a, c, d]);
    assert_eq!(sorted(by(SortBy::Ends, false)).await, [b, c, a, d]);
    assert_eq!(sorted(by(SortBy::Ends, true)).await, [d, a, c, b]);
    assert_eq!(bench.names(&CampaignQuery::all(10)).await, [b, a, c, d, "Summer"]);
    let filtered = async |change: &dyn Fn(&mut CampaignQuery)| {
        let mut query = own.clone();
        change(&mut query);
        bench.names(&query).await
    };
    assert_eq!(filtered(&|q| q.name = Some("ALPHA".to_owned())).await, [a]);
    assert_eq!(filtered(&|q| q.name = Some("%".to_owned())).await, [b], "no pattern");
    assert_eq!(filtered(&|q| q.name = Some("_".to_owned())).await, [c]);
    assert_eq!(filtered(&|q| q.category = Some("food".to_owned())).await, [b, a]);
    assert_eq!(filtered(&|q| q.created_after = Some(NOW + Millis(2))).await, [a, c]);
    assert_eq!(filtered(&|q| q.created_before = Some(NOW + Millis(2))).await, [b, d]);
    assert_eq!(filtered(&|q| q.starts_before = Some(NOW + Millis(20))).await, [c, d]);
    assert_eq!(filtered(&|q| q.ends_after = Some(NOW + Millis(60))).await, [a, d]);
    assert_eq!(filtered(&|q| q.states = Some(vec![CampaignState::Draft])).await, [d]);
    let alpha = bench.campaigns_after(Some(brand), None, 2).await[1].id;
    bench.end(alpha).await;
    let states = |q: &mut CampaignQuery| {
        q.states = Some(vec![CampaignState::Completed, CampaignState::Draft, CampaignState::Review]);
    };
    assert_eq!(filtered(&states).await, [a, d]);
    bench.step(&draft, DraftStep::Submit).await.unwrap();
    assert_eq!(filtered(&|q| q.states = Some(vec![CampaignState::Review])).await, [d]);
    assert!(filtered(&|q| q.states = Some(Vec::new())).await.is_empty());
}

/// Whoever is there from the first page to the last, and keeps its place, is seen once, whatever else comes
/// and goes.
async fn pages_neither_skip_nor_repeat_while_others_come_and_move(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(1_000).await;
    let mut stay = Vec::new();
    for n in 0..12 {
        // Two of each name and of each flight: the id tells them apart.
        let flight = Flight { starts: NOW + Millis(n / 2), ends: NOW + Millis(1_000 + n / 2) };
        let new = NewCampaign { name: format!("stays {}", n / 2), flight, ..new_campaign(brand, 0) };
        stay.push(bench.store.create(&new, &key(&format!("s{n}")), NOW).await.unwrap().0.id);
    }
    for sort in [SortBy::Id, SortBy::Name, SortBy::Starts, SortBy::Ends]
        .into_iter()
        .flat_map(|value| [by(value, false), by(value, true)])
    {
        let mover = bench.draft(brand, "aaa").await;
        let (mut mover, mut seen, mut after, mut pages) = (mover, Vec::new(), None, 0);
        loop {
            let query = CampaignQuery { brand: Some(brand), sort, after, ..CampaignQuery::all(3) };
            let listed = bench.store.list(&query).await.unwrap();
            seen.extend(listed.iter().map(|(record, _)| record.id).filter(|id| stay.contains(id)));
            after = listed.last().map(|(_, place)| place.clone());
            if after.is_none() {
                break;
            }
            pages += 1;
            if pages > 10 {
                continue;
            }
            bench.draft(brand, &format!("stays {}", pages % 6)).await;
            let name = if pages % 2 == 0 { "aaa" } else { "zzz" };
            let flight = Flight { starts: NOW + Millis(pages), ends: NOW + Millis(1_000 + pages) };
            let step = DraftStep::Change(DraftRow { flight: Some(flight), ..row(name) });
            mover = bench.step(&mover, step).await.unwrap();
            assert!(pages < 100, "{sort:?}: no end");
        }
        let mut once = seen.clone();
        once.sort_unstable();
        assert_eq!(once, stay, "{sort:?}: {seen:?}");
        // The drafts are put away, so that the next order does not see them.
        let states = Some(vec![CampaignState::Draft]);
        for (draft, _) in
            bench.store.list(&CampaignQuery { states, ..CampaignQuery::all(200) }).await.unwrap()
        {
            bench.store.archive_campaign(draft.id, None, NOW).await.unwrap();
        }
    }
}

async fn the_way_to_a_launch_is_told(on: On) {
    let (bench, brand, _) = Bench::funded(on, 1_000, 0).await;
    let new = NewEndpoint {
        owner: gametriggers_actors::ports::Listener::Brand(brand),
        url: "https://listener.example/".to_owned(),
        description: String::new(),
        events: EventType::ALL.to_vec(),
        secret: gametriggers_actors::ports::Secret("whsec_x".to_owned()),
    };
    bench.store.add_endpoint(&new, NOW).await.unwrap();
    let draft = bench.draft(brand, "Winter").await;
    let submitted = bench.step(&draft, DraftStep::Submit).await.unwrap();
    let rejected = bench.step(&submitted, DraftStep::Reject(by_hand("say more"))).await.unwrap();
    let again = bench.step(&rejected, DraftStep::Submit).await.unwrap();
    let order = Launch { by: Some(by_hand("fine")), ..launch(&again, 10) };
    bench.store.launch(&order, &key("yes"), NOW).await.unwrap();
    bench.end(draft.id).await;
    bench.store.archive_campaign(draft.id, None, NOW).await.unwrap();
    for (event, count) in [
        ("campaign.submitted", 2),
        ("campaign.rejected", 1),
        ("campaign.created", 1),
        ("campaign.approved", 1),
        ("campaign.archived", 1),
    ] {
        let sql = format!("SELECT count(*) FROM webhook_event WHERE type = '{event}'");
        assert_eq!(bench.database.numbers(&sql).await, [count], "{event}");
    }
    let told = "SELECT count(*) FROM webhook_event WHERE type = 'campaign.rejected'
        AND data LIKE '%say more%' AND data LIKE '%\"draft\"%' AND data LIKE '%Winter%'";
    assert_eq!(bench.database.numbers(told).await, [1]);
}

on_each! {
    a_draft_holds_no_money_and_is_nothing_to_the_engine;
    a_draft_moves_on_by_its_version_and_what_an_operator_does_is_on_record;
    a_launch_sets_the_budget_aside_once_or_changes_nothing;
    nothing_is_made_or_launched_for_a_brand_that_is_archived;
    of_two_changes_of_one_version_one_is_made;
    what_is_put_away_is_a_draft_or_over_and_stays_so;
    a_campaign_keeps_a_creative_and_shows_the_active_ones;
    lists_are_filtered_and_sorted;
    pages_neither_skip_nor_repeat_while_others_come_and_move;
    the_way_to_a_launch_is_told;
}
