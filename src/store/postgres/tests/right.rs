//! What the role of a server may do, and what not.

use super::*;
use crate::store::tests::{NOW, TOKEN_LIFE, debit, ok};
use gametriggers_actors::domain::id::CreativeId;
use gametriggers_actors::domain::rotation::CreativeCounts;
use gametriggers_actors::domain::settlement::Outcome;
use gametriggers_actors::domain::streamer::{ProfileChange, SettingsChange};
use gametriggers_actors::ports::LedgerStore;

/// A database that its owner has migrated, as a member of the server's role may open it.
pub(super) async fn restricted() -> (PostgresDatabase, Target) {
    let database = PostgresDatabase::new().await;
    PostgresStore::migrate(&database.target()).await.unwrap();
    let (address, name) = database.url.rsplit_once('/').unwrap();
    let role = format!("member_{name}");
    run(
        &mut database.connect().await,
        &format!("CREATE ROLE {role} LOGIN PASSWORD 'x' IN ROLE gametriggers_app"),
    )
    .await;
    let host = address.rsplit_once('@').unwrap().1;
    let target =
        Target { url: format!("postgres://{role}:x@{host}/{name}"), production: true, ..database.target() };
    (database, target)
}

#[tokio::test]
async fn a_member_of_the_role_does_all_of_the_servers_work() {
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    let short = gametriggers_actors::domain::reason::Reason::TooShort;
    let refused = gametriggers_actors::domain::settlement::Claim {
        debit: debit(7, lease, campaign, 10),
        verdict: Err(short),
    };
    let outcomes = bench.settle(&[ok(debit(1, lease, campaign, 10)), refused]).await;
    assert_eq!(outcomes, [Outcome::Settled, Outcome::Rejected(short)]);
    assert_eq!(store.roll_up(NOW).await.unwrap(), 1);
    store.give_back(lease, gametriggers_actors::domain::money::Micros(100)).await.unwrap();
    assert_eq!(store.open_epoch(NOW, TOKEN_LIFE).await.unwrap(), 2);
    store.close_due(NOW + TOKEN_LIFE).await.unwrap();
    store.probe().await.unwrap();
    bench.end(campaign).await;
    store.close_due(NOW + TOKEN_LIFE).await.unwrap();
    bench.reconciles().await;
}

#[tokio::test]
async fn a_member_of_the_role_keeps_accounts_wallets_the_chain_and_the_log() {
    use gametriggers_actors::domain::id::CampaignId;
    use gametriggers_actors::domain::money::{Currency, Micros};
    use gametriggers_actors::domain::reason::Reason;
    use gametriggers_actors::domain::streamer::{Platform, Profile, Settings};
    use gametriggers_actors::domain::time::{Millis, UnixMillis};
    use gametriggers_actors::ports::{
        AccountStore, AuditStore, Batch, ByHand, MinuteCounts, MinuteKey, NewStreamer, Owner, PlayLog,
        WalletStore,
    };
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let bench = bench(database, &store);
    let (brand, campaign) = bench.fund(10_000, 5_000).await;
    let profile = Profile {
        name: "Nova".into(),
        content_category: "gaming".into(),
        language: "en".into(),
        country: "IN".into(),
        platform: Platform::Other,
        followers: 0,
        mature: false,
    };
    let settings = Settings::default();
    let new = NewStreamer { profile, settings: settings.clone(), key: [1; 32], overlay_key: [2; 32] };
    let streamer = store.add_streamers(&[new], NOW).await.unwrap()[0];
    store.save_pause(streamer, &settings, NOW).await.unwrap();
    store.change_settings(streamer, &SettingsChange::default(), None, NOW).await.unwrap();
    let hand = ByHand { actor: "0badcafe".to_owned(), reason: "a test".to_owned() };
    store.change_profile(streamer, &ProfileChange::default(), &hand, NOW).await.unwrap();
    store.revoke_key([1; 32], None, NOW).await.unwrap();
    let lease = bench.lease(campaign, 1_000).await;
    let earned = gametriggers_actors::domain::settlement::Debit { streamer, ..debit(1, lease, campaign, 10) };
    bench.settle(&[ok(earned)]).await;
    store.roll_up(NOW).await.unwrap();
    assert_eq!(store.mature(NOW + Millis::minutes(3 * 24 * 60), Millis(0)).await.unwrap(), 1);
    let inr = |amount| crate::store::tests::inr(amount);
    let key = |text| crate::store::tests::key(text);
    store.confirm_deposit(brand, inr(5), &hand, &key("d"), NOW).await.unwrap();
    store.set_credit_limit(brand, inr(50), &hand, &key("l"), NOW).await.unwrap();
    store.fund_to(campaign, Micros(5_050), &key("f"), NOW).await.unwrap();
    store.release(campaign, Micros(20), &key("r"), NOW).await.unwrap();
    store.adjust(Owner::Streamer(streamer), inr(-3), &hand, &key("a"), NOW).await.unwrap();
    let wallet = store.wallet(Owner::Streamer(streamer), Currency::INR).await.unwrap();
    assert_eq!((wallet.available, wallet.pending), (Micros(5), Micros(0)));
    assert_eq!(store.seal(NOW).await.unwrap(), 1);
    assert_eq!(store.verify().await.unwrap().first_bad, None);
    let minute = MinuteKey { minute: UnixMillis(0), campaign: CampaignId(1), streamer };
    let counts = [(minute, MinuteCounts::default())];
    let achieved = [(CreativeId(1), CreativeCounts::default())];
    store
        .append(&Batch {
            minutes: counts.to_vec(),
            rejects: vec![(minute, Reason::TooShort, 1)],
            creatives: achieved.to_vec(),
            ..Batch::default()
        })
        .await
        .unwrap();
    store
        .append(&Batch {
            minutes: counts.to_vec(),
            rejects: vec![(minute, Reason::TooShort, 1)],
            creatives: achieved.to_vec(),
            ..Batch::default()
        })
        .await
        .unwrap();
    bench.reconciles().await;
}

#[tokio::test]
async fn a_member_of_the_role_keeps_blocklists() {
    use gametriggers_actors::domain::id::StreamerId;
    use gametriggers_actors::ports::{ByHand, CampaignStore};
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let (brand, _) = bench(database, &store).fund(10, 5).await;
    let hand = ByHand { actor: "0badcafe".to_owned(), reason: "a test".to_owned() };
    for list in [[StreamerId(7)].as_slice(), &[]] {
        store.set_blocklist(brand, list, Some(&hand), NOW).await.unwrap();
        let campaigns = store.catalogue().await.unwrap().campaigns;
        assert_eq!(campaigns[0].targeting.blocked_streamers, list);
    }
}

#[tokio::test]
async fn a_member_of_the_role_keeps_supply_and_prunes_it() {
    use gametriggers_actors::domain::supply::{Cell, Supplied, SupplyHistory};
    use gametriggers_actors::domain::time::UnixMillis;
    use gametriggers_actors::ports::{Batch, PlayLog};
    let (_database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let cell = Cell::of(&crate::store::tests::catalogue::new_streamer(1).profile, 10);
    for viewers in [10, 12] {
        let supply = vec![(UnixMillis(0), cell.clone(), Supplied { slots: 1, viewers })];
        store.append(&Batch { supply, ..Batch::default() }).await.unwrap();
    }
    let read = async || store.supply(UnixMillis(0), UnixMillis(1)).await.unwrap();
    assert_ne!(read().await, SupplyHistory::default());
    assert_eq!(store.prune_supply(UnixMillis(0)).await.unwrap(), 0);
    assert_eq!(store.prune_supply(UnixMillis(1)).await.unwrap(), 1);
    assert_eq!(read().await, SupplyHistory::default());
}

#[tokio::test]
async fn a_member_of_the_role_keeps_rules_overrides_and_participations() {
    use crate::store::tests::rule::{hand, of_each_kind};
    use gametriggers_actors::domain::time::Millis;
    use gametriggers_actors::ports::{
        AccountStore, NewOverride, NewStreamer, ParticipationStore, PlayLog, RuleStore, Standing,
        ViolationCounts, ViolationKey,
    };
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let bench = bench(database, &store);
    let (brand, campaign) = bench.fund(10, 0).await;
    let new = NewStreamer { key: [1; 32], ..crate::store::tests::catalogue::new_streamer(1) };
    let streamer = store.add_streamers(&[new], NOW).await.unwrap()[0];
    let rules = of_each_kind(brand);
    assert_eq!(store.configure_rules(&rules[1..], NOW).await.unwrap(), 5);
    let rule = store.add_rule(&rules[0], &hand(), NOW).await.unwrap().rule.id;
    store.change_rule((rule, None), &rules[1], &hand(), NOW).await.unwrap();
    let wide = NewOverride { campaign, streamer: None, rule: None, expires: NOW + Millis(5) };
    let granted = store.grant_override(&wide, &hand(), NOW).await.unwrap().terms.id;
    store.revoke_override(granted, &hand(), NOW).await.unwrap();
    store.propose((streamer, campaign), Standing::Applied, NOW).await.unwrap();
    let yes = (Standing::Applied, Standing::Approved);
    store.move_on((streamer, campaign), yes, &[], NOW).await.unwrap().unwrap();
    let counts = ViolationCounts { spoken: 1, blocked: 1, overridden: 0 };
    let category = gametriggers_actors::domain::campaign::Category::new("drinks".into());
    let batch = gametriggers_actors::ports::RuleCounts {
        violations: vec![(ViolationKey { day: 1, rule, brand, category, streamer }, counts)],
        rules: vec![(rule, counts)],
        overrides: vec![(granted, 1)],
    };
    for _ in 0..2 {
        store
            .append(&gametriggers_actors::ports::Batch { rules: batch.clone(), ..Default::default() })
            .await
            .unwrap();
    }
    assert_eq!(store.rule(rule).await.unwrap().times_triggered, 2);
    store.delete_rule(rule, &hand(), NOW).await.unwrap();
}

#[tokio::test]
async fn a_member_of_the_role_can_not_take_anything_back() {
    use sqlx::Connection;
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    bench.settle(&[ok(debit(1, lease, campaign, 10))]).await;
    let mut member = PgConnection::connect(&target.url).await.unwrap();
    let tables = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p')
        AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'settle_event_%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut member).await.unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let kept = ["ledger_tx", "ledger_entry", "settle_event", "settle_click", "settle_reject", "admin_action"];
    let mut refused = 0;
    for table in &tables {
        let mut statements = vec![
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("ALTER TABLE {table} ADD COLUMN more TEXT"),
            format!("DROP TABLE {table}"),
        ];
        if kept.contains(&table.as_str()) {
            statements.push(format!("UPDATE {table} SET seq = 1"));
            statements.push(format!("ALTER TABLE {table} DISABLE TRIGGER ALL"));
        }
        for statement in statements {
            let error = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut member).await;
            let error = error.expect_err(&statement).to_string();
            let denied = ["permission denied", "must be owner"].iter().any(|words| error.contains(words));
            // Two of them have no such column, which is asked first.
            assert!(denied || error.contains("column \"seq\""), "{statement}: {error}");
            refused += 1;
        }
    }
    assert!(refused > 80, "{refused}");
    for event in ["settle_event_20231114", "settle_event"] {
        let delete = AssertSqlSafe(format!("DELETE FROM {event}"));
        assert!(sqlx::query(delete).execute(&mut member).await.is_err());
    }
}

#[tokio::test]
async fn a_member_of_the_role_keeps_endpoints_and_tells_them() {
    use gametriggers_actors::domain::money::Micros;
    use gametriggers_actors::domain::time::Millis;
    use gametriggers_actors::domain::webhook::EventType;
    use gametriggers_actors::ports::{
        EndpointChange, Listener, NewEndpoint, RoundEnd, Secret, WalletStore, WebhookStore,
    };
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let bench = bench(database, &store);
    let (brand, campaign) = bench.fund(10_000, 5_000).await;
    let new = NewEndpoint {
        owner: Listener::Brand(brand),
        url: "https://brand.example/".to_owned(),
        description: String::new(),
        events: EventType::ALL.to_vec(),
        secret: Secret("whsec_first".to_owned()),
    };
    let endpoint = store.add_endpoint(&new, NOW).await.unwrap().id;
    store.rotate_secret(endpoint, &Secret("whsec_second".to_owned()), NOW).await.unwrap();
    store.fund(campaign, Micros(1), &crate::store::tests::key("f"), NOW).await.unwrap();
    let lease = bench.lease(campaign, 1_000).await;
    bench.settle(&[ok(debit(1, lease, campaign, 10))]).await;
    assert_eq!(store.summarise(NOW).await.unwrap().0, 1);
    let rounds = store.take_rounds(1, NOW, NOW + Millis(1)).await.unwrap();
    assert_eq!(rounds[0].due.len(), 2);
    let end = RoundEnd { endpoint, attempted: Vec::new(), held_until: None, gone: false };
    store.end_rounds(&[end], NOW).await.unwrap();
    let off = EndpointChange { enabled: Some(false), ..EndpointChange::default() };
    store.change_endpoint((endpoint, None), &off, NOW).await.unwrap();
    assert_eq!(store.prune_deliveries(NOW + Millis(1)).await.unwrap(), 2);
    store.delete_endpoint(endpoint, NOW).await.unwrap();
}

#[tokio::test]
async fn production_refuses_a_role_that_may_do_more_than_the_servers_work() {
    let (database, target) = restricted().await;
    let superuser = Target { production: true, ..database.target() };
    let error = PostgresStore::open(&superuser).await.err().unwrap().to_string();
    assert!(error.contains("superuser") && error.contains("member of gametriggers_app"), "{error}");
    PostgresStore::open(&target).await.unwrap().close().await;
    // A member of the owner is as good as the owner.
    let name = database.url.rsplit_once('/').unwrap().1;
    let give = format!(
        "CREATE ROLE owner_{name}; ALTER TABLE ledger_tx OWNER TO owner_{name};
         GRANT owner_{name} TO member_{name}"
    );
    run(&mut database.connect().await, &give).await;
    let error = PostgresStore::open(&target).await.err().unwrap().to_string();
    assert!(error.contains(&format!("member_{name} is an owner of the tables")), "{error}");
    PostgresStore::open_read_only(&target).await.unwrap();
}

#[tokio::test]
async fn not_even_the_owner_changes_what_is_written() {
    let (database, store) = opened().await;
    let mut owner = database.connect().await;
    let bench = bench(database, &store);
    let (_, campaign) = bench.fund(10_000, 5_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    bench.settle(&[ok(debit(1, lease, campaign, 10))]).await;
    for statement in [
        "UPDATE settle_event SET price = 0, fee = 0",
        "UPDATE settle_event_20231114 SET price = 0, fee = 0",
        "DELETE FROM settle_event",
        "TRUNCATE settle_event",
        "TRUNCATE settle_event_20231114",
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_tx CASCADE",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_tx SET kind = 'fund'",
        "TRUNCATE audit_block",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&mut owner).await;
        assert!(refused.unwrap_err().to_string().contains("append-only"), "{statement}");
    }
}

#[tokio::test]
async fn a_member_of_the_role_keeps_users_and_forgets_old_sessions_and_deletes_nobody() {
    use gametriggers_actors::domain::time::Millis;
    use gametriggers_actors::ports::{
        EndedWhy, FactorChange, Link, Login, NewOwner, NewUser, NextToken, PasswordHash, Principal, Provider,
        SessionId, UserChange, UserStore,
    };
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let link = |subject: &str| Link { provider: Provider::Google, subject: subject.to_owned() };
    let new = NewUser {
        email: "eve@ops.example".to_owned(),
        name: "Eve".to_owned(),
        owner: NewOwner::Existing(Principal::Admin),
        password: None,
        link: Some(link("1")),
    };
    let hand = gametriggers_actors::ports::ByHand { actor: "0badcafe".to_owned(), reason: "why".to_owned() };
    let user = store.add_user(&new, Some(&hand), NOW).await.unwrap().unwrap().id;
    assert!(store.add_link(user, &link("2"), NOW).await.unwrap());
    let (id, hash) = (SessionId([1; 16]), [2; 32]);
    let (idle_until, expires) = (NOW + Millis(10), NOW + Millis(20));
    let login = Login { id, user, hash, generation: 0, rotated: NOW, idle_until, expires, ended: None };
    store.begin_session(&login, 1, NOW).await.unwrap();
    assert!(store.rotate(id, &NextToken { after: 0, hash, idle_until }, NOW).await.unwrap());
    store.set_password(user, &PasswordHash("x".to_owned()), Some(id), NOW).await.unwrap();
    let confirm = FactorChange::Confirm { step: 1, recovery: vec![[3; 32]], keep: id };
    for change in [FactorChange::Enrol(vec![1]), confirm, FactorChange::Replace(vec![[4; 32]])] {
        assert!(store.change_factor(user, &change, NOW).await.unwrap(), "{change:?}");
    }
    assert!(store.end_session(id, EndedWhy::SignedOut, NOW).await.unwrap());
    let change = UserChange { forget_second_factor: true, ..UserChange::default() };
    store.change_user(user, &change, &hand, NOW).await.unwrap();
    let later = NOW + Millis::minutes(31 * 24 * 60);
    let next = Login { id: SessionId([2; 16]), expires: later + Millis(1), ..login };
    store.begin_session(&next, 1, later).await.unwrap();
    assert!(store.session(id).await.unwrap().is_none(), "the function of the owner forgets it");
    store.close().await;
    let bench = database.open().await;
    assert_eq!(bench.user_page(None, 9).await.unwrap().len(), 1);
    let mut member = <PgConnection as sqlx::Connection>::connect(&target.url).await.unwrap();
    for table in ["user_login", "user_link", "user_session", "user_recovery"] {
        let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table}"));
        let refused = sqlx::query(delete).execute(&mut member).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{table}: {refused}");
    }
}

#[tokio::test]
async fn a_member_of_the_role_keeps_keys_and_tickets() {
    use gametriggers_actors::domain::time::Millis;
    use gametriggers_actors::ports::{AccountStore, NewKey, Principal, Successor, UserStore};
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let (brand, _) = bench(database, &store).fund(10, 5).await;
    let new = NewKey::whole([1; 32], Principal::Brand(brand), "reports");
    let hand = gametriggers_actors::ports::ByHand { actor: "0badcafe".to_owned(), reason: "why".to_owned() };
    store.issue_key(&new, Some(&hand), NOW).await.unwrap().unwrap();
    store.rename_key([1; 32], "nightly", Some(&hand), NOW).await.unwrap();
    let next = Successor { old: [1; 32], hash: [2; 32], masked: None, overlap: Millis(9) };
    store.rotate_key(&next, Some(&hand), NOW).await.unwrap().unwrap();
    store.note_used(&[([1; 32], NOW), ([2; 32], NOW)]).await.unwrap();
    store.revoke_key([1; 32], None, NOW).await.unwrap();
    assert!(store.use_ticket([1; 16], NOW, NOW).await.unwrap());
    assert!(store.use_ticket([2; 16], NOW, NOW + Millis::minutes(11)).await.unwrap());
    assert!(store.use_ticket([1; 16], NOW, NOW).await.unwrap(), "the function of the owner forgot it");
}

#[tokio::test]
async fn a_member_of_the_role_changes_profiles_archives_and_reads_the_record() {
    use gametriggers_actors::domain::vetting::{Vetted, Vetting};
    use gametriggers_actors::ports::{
        AccountStore, ActionFilter, Archival, AuditStore, BrandDraft, BrandFilter, ByHand, CampaignStore,
        Details, NewOwner, NewUser, OnRecord, Owner, PageFrom, PlayFilter, PlayLog, Principal, ProfileStore,
        SortKey, StreamerDraft, StreamerFilter, UserStore,
    };
    let (database, target) = restricted().await;
    let store = PostgresStore::open(&target).await.unwrap();
    let bench = bench(database, &store);
    let (brand, campaign) = bench.fund(10, 0).await;
    let new = NewUser {
        email: "ada@volt.example".to_owned(),
        name: "Ada".to_owned(),
        owner: NewOwner::Existing(Principal::Brand(brand)),
        password: None,
        link: None,
    };
    let user = store.add_user(&new, None, NOW).await.unwrap().unwrap().id;
    let hand = ByHand { actor: "0badcafe".to_owned(), reason: "a test".to_owned() };
    let record = OnRecord { action: "verify_brand", detail: "verified".to_owned(), hand: hand.clone() };
    let vetted = Vetted { state: Vetting::Verified, ..Vetted::default() };
    let draft = BrandDraft { version: 1, name: "Watt".into(), details: Details("{}".into()), vetted };
    store.change_brand(brand, &draft, Some(&record), NOW).await.unwrap();
    let streamer =
        store.add_streamers(&[crate::store::tests::catalogue::new_streamer(1)], NOW).await.unwrap()[0];
    let draft = StreamerDraft {
        version: 1,
        details: Details("{}".into()),
        profile: ProfileChange::default(),
        verification: Vetting::Verified,
        listed: true,
    };
    store.change_streamer(streamer, &draft, None, NOW).await.unwrap();
    assert!(store.sees(brand, streamer).await.unwrap());
    let paused = gametriggers_actors::ports::CampaignChange {
        status: Some(gametriggers_actors::domain::campaign::Status::Paused),
        ..Default::default()
    };
    store.change(campaign, &paused, NOW).await.unwrap();
    for archived in [true, false] {
        for (owner, users) in [(Owner::Brand(brand), vec![user]), (Owner::Streamer(streamer), vec![])] {
            let done = store.set_archived(owner, archived, &hand, NOW).await.unwrap();
            assert_eq!(done, Archival::Done(users));
        }
        assert_eq!(store.user(user).await.unwrap().disabled.is_some(), archived);
        assert_eq!(store.keys(NOW).await.unwrap().is_empty(), archived);
    }
    let from = PageFrom { key: SortKey::Name, descending: false, after: None };
    assert_eq!(store.brand_page(&BrandFilter::default(), &from, 9).await.unwrap().len(), 1);
    assert_eq!(store.streamer_page(&StreamerFilter::default(), &from, 9).await.unwrap().len(), 1);
    assert_eq!(store.actions(&ActionFilter::default(), None, 9).await.unwrap().len(), 5);
    assert_eq!(store.of_campaign(campaign, PlayFilter::default(), None, 9).await.unwrap(), (vec![], None));
}
