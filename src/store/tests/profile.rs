//! What brands and streamers say of themselves, and what becomes of keys and users of who is archived.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::participation::Standing;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::streamer::{Platform, ProfileChange};
use gametriggers_actors::domain::vetting::{Vetted, Vetting};
use gametriggers_actors::ports::{
    ActionFilter, ActionPlace, Archival, Batch, BrandDraft, BrandFilter, BrandRecord, Details, EndedWhy,
    KeyTerms, Login, Mark, NewAccount, NewOwner, NewUser, OnRecord, OverlayKey, Owner, PLAYS_LOOKED_AT,
    PageFrom, PlayFilter, PlayOutcome, PlayRecord, Principal, SessionId, SortKey, StoreError, StreamerDraft,
    StreamerFilter, StreamerRecord, UserChange,
};

const LATER: UnixMillis = UnixMillis(NOW.0 + 1_000);

fn brand_draft(of: &BrandRecord, name: &str, details: &str) -> BrandDraft {
    let (name, details) = (name.into(), Details(details.into()));
    BrandDraft { version: of.version, name, details, vetted: of.vetted.clone() }
}

fn streamer_draft(of: &StreamerRecord, profile: ProfileChange) -> StreamerDraft {
    let (version, details) = (of.version, of.details.clone());
    StreamerDraft { version, details, profile, verification: of.verification, listed: of.listed }
}

fn on_record(action: &'static str) -> OnRecord {
    OnRecord { action, detail: "with this".to_owned(), hand: by_hand("why") }
}

async fn add_brands(bench: &Bench, names: &[&str]) -> Vec<BrandId> {
    let mut ids = Vec::new();
    for (at, name) in names.iter().enumerate() {
        // Some on the same day: the id tells them apart.
        let day = NOW + Millis(i64::try_from(at / 2).unwrap());
        ids.push(bench.store.add_brand(name, day).await.unwrap().id);
    }
    ids
}

async fn a_change_is_made_to_the_version_it_is_meant_for_or_not_at_all(on: On) {
    let bench = Bench::new(on).await;
    let id = bench.store.add_brand("Volt", NOW).await.unwrap().id;
    let first = bench.store.brand_record(id).await.unwrap();
    assert_eq!((first.version, &*first.details.0, first.vetted.clone()), (1, "{}", Vetted::default()));
    assert_eq!((first.created, first.updated, first.archived), (NOW, NOW, None));
    let vetted = Vetted {
        state: Vetting::Rejected,
        requested: Some(NOW),
        decided: Some(LATER),
        reason: Some("no papers".into()),
    };
    let draft =
        BrandDraft { vetted: vetted.clone(), ..brand_draft(&first, "Watt", "{\"profile\":{\"a\":\"é\"}}") };
    let second = bench.store.change_brand(id, &draft, Some(&on_record("verify_brand")), LATER).await.unwrap();
    assert_eq!((&*second.name, second.version, second.updated), ("Watt", 2, LATER));
    assert_eq!((&second.details, &second.vetted), (&draft.details, &vetted));
    assert_eq!(bench.store.brand_record(id).await.unwrap(), second);
    let lost = bench.store.change_brand(id, &draft, Some(&on_record("verify_brand")), LATER).await;
    assert!(matches!(lost, Err(StoreError::Changed)), "{lost:?}");
    assert_eq!(bench.store.brand_record(id).await.unwrap(), second, "nothing of it was written");
    let nobody = bench.store.change_brand(BrandId(99), &draft, None, LATER).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)));
    let recorded = "SELECT count(*) FROM admin_action WHERE action = 'verify_brand'";
    assert_eq!(bench.database.numbers(recorded).await, [1]);
    let large = brand_draft(&second, "Watt", &format!("{{\"a\":\"{}\"}}", "é".repeat(8_190)));
    let refused = bench.store.change_brand(id, &large, None, LATER).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
}

async fn a_streamers_draft_and_settings_share_one_version(on: On) {
    let bench = Bench::new(on).await;
    let id = bench.store.add_streamers(&[catalogue::new_streamer(1)], NOW).await.unwrap()[0];
    let first = bench.store.streamer_record(id).await.unwrap();
    assert_eq!((first.version, first.listed, first.verification), (1, false, Vetting::Unverified));
    assert_eq!(first.streamer, bench.store.streamer(id).await.unwrap());
    let profile =
        ProfileChange { platform: Some(Platform::Kick), followers: Some(77), ..ProfileChange::default() };
    let draft = StreamerDraft {
        verification: Vetting::Verified,
        listed: true,
        details: Details("{\"b\":1}".into()),
        ..streamer_draft(&first, profile)
    };
    let second =
        bench.store.change_streamer(id, &draft, Some(&on_record("verify_channel")), LATER).await.unwrap();
    assert_eq!((second.version, second.listed, second.verification), (2, true, Vetting::Verified));
    assert_eq!(&*second.details.0, "{\"b\":1}");
    let looked_at = &second.streamer.profile;
    assert_eq!((looked_at.platform, looked_at.followers), (Platform::Kick, 77));
    assert_eq!(looked_at.language, first.streamer.profile.language, "what is not named stays");
    let settings = gametriggers_actors::domain::streamer::SettingsChange {
        hourly_max: Some(2),
        ..gametriggers_actors::domain::streamer::SettingsChange::default()
    };
    assert_eq!(bench.store.change_settings(id, &settings, Some(2), LATER).await.unwrap().1, 3);
    let stale = streamer_draft(&second, ProfileChange::default());
    let lost = bench.store.change_streamer(id, &stale, None, LATER).await;
    assert!(matches!(lost, Err(StoreError::Changed)), "{lost:?}");
    let nobody = bench.store.change_streamer(StreamerId(99), &draft, None, LATER).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)));
    assert!(matches!(bench.store.streamer_record(StreamerId(99)).await, Err(StoreError::NotFound)));
}

/// Reads a list page by page; between two pages `meanwhile` is added.
async fn walk(bench: &Bench, of: &BrandFilter, sort: (SortKey, bool), meanwhile: &[&str]) -> Vec<String> {
    let (key, descending) = sort;
    let (mut after, mut seen, mut more) = (None, Vec::new(), meanwhile.iter());
    loop {
        let page =
            bench.store.brand_page(of, &PageFrom { key, descending, after: after.clone() }, 2).await.unwrap();
        seen.extend(page.iter().map(|one| one.name.to_string()));
        let Some(last) = page.last().filter(|_| page.len() == 2) else { return seen };
        let mark = match key {
            SortKey::Id => Mark::Number(last.id.0),
            SortKey::Name => Mark::Text(last.name.clone()),
            SortKey::Created => Mark::Number(last.created.0),
        };
        after = Some((mark, last.id.0));
        if let Some(name) = more.next() {
            bench.store.add_brand(name, LATER).await.unwrap();
        }
    }
}

async fn a_list_neither_skips_nor_repeats_while_others_are_added(on: On) {
    let bench = Bench::new(on).await;
    let names = ["b", "Z", "a", "é", "b", "c", "100%"];
    add_brands(&bench, &names).await;
    let all = BrandFilter::default();
    assert_eq!(walk(&bench, &all, (SortKey::Id, false), &[]).await, names);
    // Byte by byte, on both databases.
    let by_name = ["100%", "Z", "a", "b", "b", "c", "é"];
    assert_eq!(walk(&bench, &all, (SortKey::Name, false), &[]).await, by_name);
    let mut backwards = by_name;
    backwards.reverse();
    assert_eq!(walk(&bench, &all, (SortKey::Name, true), &[]).await, backwards);
    for (key, descending) in [
        (SortKey::Id, false),
        (SortKey::Id, true),
        (SortKey::Name, false),
        (SortKey::Name, true),
        (SortKey::Created, false),
        (SortKey::Created, true),
    ] {
        let before = walk(&bench, &all, (key, descending), &[]).await;
        let new = format!("0 {key:?}{descending}");
        let seen = walk(&bench, &all, (key, descending), &[&new, &new]).await;
        let old: Vec<_> = seen.iter().filter(|name| **name != new).cloned().collect();
        assert_eq!(old, before, "{key:?} {descending}");
    }
}

async fn a_list_has_what_was_asked_for(on: On) {
    let bench = Bench::new(on).await;
    let ids = add_brands(&bench, &["Crisp", "Crunch 50%", "Volt", "Crispy", "10_000"]).await;
    let find = async |part: &str| {
        let of = BrandFilter { part: Some(part.to_owned()), ..BrandFilter::default() };
        walk(&bench, &of, (SortKey::Id, false), &[]).await
    };
    assert_eq!(find("CRISP").await, ["Crisp", "Crispy"]);
    assert_eq!(find("%").await, ["Crunch 50%"]);
    assert_eq!(find("_").await, ["10_000"]);
    assert_eq!(find("\\").await, [""; 0]);
    let record = bench.store.brand_record(ids[0]).await.unwrap();
    let vetted = Vetted { state: Vetting::Pending, ..Vetted::default() };
    let draft = BrandDraft { vetted, ..brand_draft(&record, "Crisp", "{}") };
    bench.store.change_brand(ids[0], &draft, None, LATER).await.unwrap();
    bench.store.set_archived(Owner::Brand(ids[2]), true, &by_hand("why"), LATER).await.unwrap();
    for (verification, archived, wanted) in [
        (Some(Vetting::Pending), None, vec!["Crisp"]),
        (Some(Vetting::Verified), None, vec![]),
        (None, Some(true), vec!["Volt"]),
        (Some(Vetting::Unverified), Some(false), vec!["Crunch 50%", "Crispy", "10_000"]),
    ] {
        let of = BrandFilter { part: None, verification, archived };
        assert_eq!(walk(&bench, &of, (SortKey::Id, false), &[]).await, wanted);
    }
}

async fn a_brand_sees_who_takes_part_and_who_is_listed(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 100, 0).await;
    let rival = bench.brand(10).await;
    let new: Vec<_> = (1..=6).map(catalogue::new_streamer).collect();
    let ids = bench.store.add_streamers(&new, NOW).await.unwrap();
    let [applied, invited, listed, nobody, gone, approved] = ids[..] else { panic!("{ids:?}") };
    for (streamer, standing) in
        [(applied, Standing::Applied), (invited, Standing::Invited), (approved, Standing::Applied)]
    {
        bench.store.propose((streamer, campaign), standing, NOW).await.unwrap();
    }
    let step = (Standing::Applied, Standing::Approved);
    bench.store.move_on((approved, campaign), step, &[], NOW).await.unwrap().unwrap();
    for id in [listed, gone] {
        let record = bench.store.streamer_record(id).await.unwrap();
        let draft = StreamerDraft { listed: true, ..streamer_draft(&record, ProfileChange::default()) };
        bench.store.change_streamer(id, &draft, None, NOW).await.unwrap();
    }
    bench.store.set_archived(Owner::Streamer(gone), true, &by_hand("why"), NOW).await.unwrap();
    let from = PageFrom { key: SortKey::Id, descending: false, after: None };
    let seen = async |brand| {
        let of = StreamerFilter {
            seen_by: Some(brand),
            archived: Some(false),
            language: Some("en".to_owned()),
            ..StreamerFilter::default()
        };
        let page = bench.store.streamer_page(&of, &from, 9).await.unwrap();
        let ids: Vec<_> = page.iter().map(|one| one.streamer.id).collect();
        for id in [applied, invited, listed, nobody, gone, approved] {
            assert_eq!(bench.store.sees(brand, id).await.unwrap(), ids.contains(&id), "{id}");
        }
        ids
    };
    let language = bench.store.streamer(applied).await.unwrap().profile.language.to_string();
    assert_eq!(language, "en");
    assert_eq!(seen(brand).await, [applied, listed, approved]);
    assert_eq!(seen(rival).await, [listed]);
    let all = bench.store.streamer_page(&StreamerFilter::default(), &from, 9).await.unwrap();
    assert_eq!(all.len(), 6);
    let none = StreamerFilter { platform: Some(Platform::Kick), ..StreamerFilter::default() };
    assert!(bench.store.streamer_page(&none, &from, 9).await.unwrap().is_empty());
}

impl Bench {
    /// A user of a brand with a session and a key.
    async fn staffed(&self) -> (BrandId, UserId) {
        let new = NewUser {
            email: "ada@volt.example".to_owned(),
            name: "Ada".to_owned(),
            owner: NewOwner::Brand("Volt".to_owned()),
            password: None,
            link: None,
        };
        let user = self.store.add_user(&new, None, NOW).await.unwrap().unwrap();
        let Principal::Brand(brand) = user.acts_for else { panic!("{user:?}") };
        let login = Login {
            id: SessionId([1; 16]),
            user: user.id,
            hash: [1; 32],
            generation: 0,
            rotated: NOW,
            idle_until: LATER,
            expires: LATER,
            ended: None,
        };
        self.store.begin_session(&login, 9, NOW).await.unwrap();
        self.store.add_key([7; 32], Principal::Brand(brand), "main", NOW).await.unwrap();
        (brand, user.id)
    }
}

async fn who_is_archived_has_no_key_no_user_and_no_session_and_comes_back(on: On) {
    let bench = Bench::new(on).await;
    let (brand, user) = bench.staffed().await;
    let other = bench.store.add_brand("Rival", NOW).await.unwrap().id;
    bench.store.add_key([8; 32], Principal::Brand(other), "main", NOW).await.unwrap();
    let why = by_hand("why");
    let archive = async |archived| bench.store.set_archived(Owner::Brand(brand), archived, &why, LATER).await;
    assert_eq!(archive(true).await.unwrap(), Archival::Done(vec![user]));
    assert_eq!(archive(true).await.unwrap(), Archival::Done(vec![]), "once is enough");
    let record = bench.store.brand_record(brand).await.unwrap();
    assert_eq!((record.archived, record.version), (Some(LATER), 2));
    let keys = bench.store.keys(NOW).await.unwrap();
    assert_eq!(keys, [([8; 32], KeyTerms::from(Principal::Brand(other)))]);
    let standing = bench.store.standing(user).await.unwrap();
    assert_eq!((standing.epoch, standing.disabled), (1, true));
    assert_eq!(bench.store.standings().await.unwrap(), [standing]);
    assert_eq!(bench.store.user(user).await.unwrap().disabled, Some(LATER));
    let found = bench.store.user_by_email("ada@volt.example").await.unwrap().unwrap();
    assert_eq!(found.disabled, Some(LATER));
    let ended = bench.store.session(SessionId([1; 16])).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((LATER, EndedWhy::ByHand)));
    // Nobody gives them another key meanwhile, and no campaign begins.
    let key = NewAccount::Key { holder: Principal::Brand(brand), key: [9; 32] };
    let refused = bench.store.open_account(&key, &why, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    let refused = bench.store.create(&new_campaign(brand, 0), &super::key("c"), NOW).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    // Changing the user does not make the archive theirs.
    let renew = UserChange { forget_second_factor: true, ..UserChange::default() };
    bench.store.change_user(user, &renew, &why, LATER).await.unwrap();
    assert_eq!(archive(false).await.unwrap(), Archival::Done(vec![user]));
    let standing = bench.store.standing(user).await.unwrap();
    assert_eq!((standing.epoch, standing.disabled), (3, false), "tokens of before stay dead");
    assert_eq!(bench.store.user(user).await.unwrap().disabled, None);
    assert_eq!(bench.store.keys(NOW).await.unwrap().len(), 2);
    assert_eq!(bench.store.brand_record(brand).await.unwrap().archived, None);
    let recorded = |action| format!("SELECT count(*) FROM admin_action WHERE action = '{action}'");
    assert_eq!(bench.database.numbers(&recorded("archive")).await, [1]);
    assert_eq!(bench.database.numbers(&recorded("restore")).await, [1]);
    let nobody = bench.store.set_archived(Owner::Brand(BrandId(99)), true, &why, NOW).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)));
}

async fn a_user_who_was_disabled_by_hand_stays_so_when_the_owner_comes_back(on: On) {
    let bench = Bench::new(on).await;
    let (brand, user) = bench.staffed().await;
    let why = by_hand("why");
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    bench.store.change_user(user, &off, &why, NOW).await.unwrap();
    for archived in [true, false] {
        bench.store.set_archived(Owner::Brand(brand), archived, &why, LATER).await.unwrap();
        assert_eq!(bench.store.user(user).await.unwrap().disabled, Some(NOW));
    }
    let on = UserChange { disabled: Some(false), ..UserChange::default() };
    assert_eq!(bench.store.change_user(user, &on, &why, LATER).await.unwrap().disabled, None);
}

async fn a_brand_goes_when_none_of_its_campaigns_is_active_and_none_begins_then(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 100, 50).await;
    let why = by_hand("why");
    let archive = || bench.store.set_archived(Owner::Brand(brand), true, &why, NOW);
    assert_eq!(archive().await.unwrap(), Archival::Active(1));
    assert_eq!(bench.store.brand_record(brand).await.unwrap().archived, None);
    let status = |status| CampaignChange { status: Some(status), ..CampaignChange::default() };
    bench.store.change(campaign, &status(Status::Paused), NOW).await.unwrap();
    assert_eq!(archive().await.unwrap(), Archival::Done(vec![]));
    let again = bench.store.change(campaign, &status(Status::Active), NOW).await;
    assert!(matches!(again, Err(StoreError::Constraint(_))), "{again:?}");
    bench.store.change(campaign, &status(Status::Ended), NOW).await.unwrap();
    bench.reconciles().await;
}

async fn a_streamer_who_is_archived_gets_no_key_for_an_overlay(on: On) {
    let bench = Bench::new(on).await;
    let id = bench.store.add_streamers(&[catalogue::new_streamer(1)], NOW).await.unwrap()[0];
    assert_eq!(bench.store.keys(NOW).await.unwrap().len(), 2);
    let why = by_hand("why");
    bench.store.set_archived(Owner::Streamer(id), true, &why, LATER).await.unwrap();
    assert!(bench.store.keys(NOW).await.unwrap().is_empty());
    let key = OverlayKey { hash: [9; 32], name: "x".to_owned(), masked: None, created: NOW };
    assert!(matches!(bench.store.add_overlay_key(id, &key).await, Err(StoreError::NotFound)));
    bench.store.set_archived(Owner::Streamer(id), false, &why, LATER).await.unwrap();
    bench.store.add_overlay_key(id, &key).await.unwrap();
    assert_eq!(bench.store.keys(NOW).await.unwrap().len(), 3);
}

async fn actions_come_newest_first_each_in_its_block(on: On) {
    let bench = Bench::new(on).await;
    let ids = add_brands(&bench, &["a", "b"]).await;
    let act = async |id, action, at| {
        let record = bench.store.brand_record(id).await.unwrap();
        let draft = brand_draft(&record, "x", "{}");
        bench.store.change_brand(id, &draft, Some(&on_record(action)), at).await.unwrap();
    };
    for (at, id) in [ids[0], ids[1], ids[0]].into_iter().enumerate() {
        act(id, "first", NOW + Millis(i64::try_from(at).unwrap())).await;
    }
    bench.store.seal(NOW).await.unwrap();
    act(ids[0], "second", LATER).await;
    bench.store.seal(NOW).await.unwrap();
    // At the same moment, and not sealed yet.
    act(ids[1], "third", LATER).await;
    let all = bench.store.actions(&ActionFilter::default(), None, 9).await.unwrap();
    let told: Vec<_> =
        all.iter().map(|one| (one.action.seq, one.sealed.map(|sealed| sealed.block))).collect();
    assert_eq!(told, [(5, None), (4, Some(2)), (3, Some(1)), (2, Some(1)), (1, Some(1))]);
    let (second, first) = (all[1].sealed.unwrap(), all[2].sealed.unwrap());
    assert_eq!(second.prev_hash, first.hash, "the chain can be followed");
    assert_eq!(bench.store.verify().await.unwrap().heads, [(1, second.hash)]);
    // Page by page, while others are added.
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = bench.store.actions(&ActionFilter::default(), before, 2).await.unwrap();
        seen.extend(page.iter().map(|one| one.action.seq));
        let Some(last) = page.last().filter(|_| page.len() == 2) else { break };
        before =
            Some(ActionPlace { at: UnixMillis(last.action.at), writer: last.writer, seq: last.action.seq });
        act(ids[0], "meanwhile", LATER + Millis(1)).await;
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let of =
        |kind: &str, id| ActionFilter { subject: Some((kind.to_owned(), id)), ..ActionFilter::default() };
    let find = async |of: ActionFilter| {
        let page = bench.store.actions(&of, None, 99).await.unwrap();
        page.iter().map(|one| one.action.seq).filter(|seq| *seq <= 5).collect::<Vec<_>>()
    };
    assert_eq!(find(of("brand", Some(ids[1].0))).await, [5, 2]);
    assert_eq!(find(of("brand", None)).await, [5, 4, 3, 2, 1]);
    assert_eq!(find(of("bran", None)).await, [0; 0]);
    assert_eq!(find(ActionFilter { action: Some("second".to_owned()), ..of("brand", None) }).await, [4]);
    assert_eq!(
        find(ActionFilter { actor: Some("nobody".to_owned()), ..ActionFilter::default() }).await,
        [0; 0]
    );
    let since = ActionFilter { since: Some(NOW + Millis(1)), until: Some(LATER), ..ActionFilter::default() };
    assert_eq!(find(since).await, [3, 2]);
}

fn played(n: u32, campaign: CampaignId, outcome: PlayOutcome) -> PlayRecord {
    PlayRecord {
        play: play(n),
        at: NOW,
        streamer: StreamerId(1),
        campaign,
        creative: CreativeId(3),
        outcome,
        reason: (outcome == PlayOutcome::Rejected).then_some(Reason::TooShort),
        shown: outcome.was_on_screen().then_some(NOW),
        viewers: 40,
        currency: Currency::INR,
        split: Split::of(Micros(100), FeeBps::new(2000).unwrap()).unwrap(),
        click_code: None,
        clicks: None,
    }
}

async fn plays_of_a_campaign_come_newest_first_and_a_rare_one_reads_a_part_at_a_time(on: On) {
    let bench = Bench::new(on).await;
    let (own, other) = (CampaignId(5), CampaignId(6));
    let most = PLAYS_LOOKED_AT + 3;
    let outcome = |n| if n == 1 { PlayOutcome::Rejected } else { PlayOutcome::Settled };
    let mut plays: Vec<_> = (0..most).map(|n| played(n, own, outcome(n))).collect();
    plays.push(played(most, other, PlayOutcome::Settled));
    bench.store.append(&Batch { plays, ..Batch::default() }).await.unwrap();
    let all = PlayFilter::default();
    let (page, next) = bench.store.of_campaign(own, all, None, 2).await.unwrap();
    let numbers: Vec<_> = page.iter().map(|one| one.play).collect();
    assert_eq!((numbers, next), (vec![play(most - 1), play(most - 2)], Some(play(most - 2))));
    let (page, _) = bench.store.of_campaign(own, all, next, 1).await.unwrap();
    assert_eq!(page[0], played(most - 3, own, PlayOutcome::Settled));
    let rejected = PlayFilter { outcome: Some(PlayOutcome::Rejected), reason: Some(Reason::TooShort) };
    let (page, next) = bench.store.of_campaign(own, rejected, None, 2).await.unwrap();
    assert_eq!((page.len(), next), (0, Some(play(3))), "so many were looked at, and there are more");
    let (page, next) = bench.store.of_campaign(own, rejected, next, 2).await.unwrap();
    assert_eq!((page, next), (vec![played(1, own, PlayOutcome::Rejected)], None));
    let none = PlayFilter { reason: Some(Reason::Length), ..rejected };
    assert_eq!(bench.store.of_campaign(own, none, Some(play(3)), 2).await.unwrap(), (vec![], None));
    let (last, next) = bench.store.of_campaign(own, all, Some(play(2)), 9).await.unwrap();
    assert_eq!((last.len(), next), (2, None));
}

on_each! {
    a_change_is_made_to_the_version_it_is_meant_for_or_not_at_all;
    a_streamers_draft_and_settings_share_one_version;
    a_list_neither_skips_nor_repeats_while_others_are_added;
    a_list_has_what_was_asked_for;
    a_brand_sees_who_takes_part_and_who_is_listed;
    who_is_archived_has_no_key_no_user_and_no_session_and_comes_back;
    a_user_who_was_disabled_by_hand_stays_so_when_the_owner_comes_back;
    a_brand_goes_when_none_of_its_campaigns_is_active_and_none_begins_then;
    a_streamer_who_is_archived_gets_no_key_for_an_overlay;
    actions_come_newest_first_each_in_its_block;
    plays_of_a_campaign_come_newest_first_and_a_rare_one_reads_a_part_at_a_time;
}
