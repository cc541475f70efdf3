//! Users, their sessions and their second factors.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::ports::{
    EndedWhy, FactorChange, Link, Login, NewOwner, NewUser, NextToken, PasswordHash, Principal, Provider,
    SessionId, StoreError, TokenStanding, User, UserChange,
};

fn volt(email: &str) -> NewUser {
    NewUser {
        email: email.to_owned(),
        name: "Ada".to_owned(),
        owner: NewOwner::Brand("Volt".to_owned()),
        password: Some(PasswordHash("$argon2id$1".to_owned())),
        link: None,
    }
}

fn twitch(subject: &str) -> Link {
    Link { provider: Provider::Twitch, subject: subject.to_owned() }
}

fn login(user: UserId, id: u8) -> Login {
    Login {
        id: SessionId([id; 16]),
        user,
        hash: [id; 32],
        generation: 0,
        rotated: NOW,
        idle_until: NOW + Millis::minutes(60),
        expires: NOW + Millis::minutes(600),
        ended: None,
    }
}

/// The session with the number nine shows a code.
fn confirm(step: i64, recovery: Vec<[u8; 32]>) -> FactorChange {
    FactorChange::Confirm { step, recovery, keep: SessionId([9; 16]) }
}

impl Bench {
    async fn ada(&self) -> User {
        self.store.add_user(&volt("ada@volt.example"), None, NOW).await.unwrap().unwrap()
    }

    async fn open_sessions(&self, user: UserId) -> Vec<i64> {
        let sql = format!(
            "SELECT created_at FROM user_session WHERE user_id = {user} AND ended_at IS NULL
             ORDER BY created_at"
        );
        self.database.numbers(&sql).await.into_iter().map(|at| at - NOW.0).collect()
    }
}

async fn a_user_is_found_by_each_of_their_names_and_by_no_other(on: On) {
    let bench = Bench::new(on).await;
    let new = NewUser { link: Some(twitch("77")), ..volt("ada@volt.example") };
    let ada = bench.store.add_user(&new, None, NOW).await.unwrap().unwrap();
    assert!(matches!(ada.acts_for, Principal::Brand(_)));
    assert_eq!((ada.password.clone(), ada.epoch, ada.created), (new.password.clone(), 0, NOW));
    let streamer = NewUser {
        owner: NewOwner::Streamer(Box::new(catalogue::new_streamer(5))),
        ..volt("bo@stream.example")
    };
    let bo = bench.store.add_user(&streamer, None, NOW).await.unwrap().unwrap();
    assert!(matches!(bo.acts_for, Principal::Streamer(_)));
    assert_eq!(bench.store.user(ada.id).await.unwrap(), ada);
    assert_eq!(bench.store.user_by_email("ada@volt.example").await.unwrap(), Some(ada.clone()));
    assert_eq!(bench.store.user_by_link(&twitch("77")).await.unwrap(), Some(ada.clone()));
    for none in [twitch("7"), Link { provider: Provider::Google, subject: "77".to_owned() }] {
        assert_eq!(bench.store.user_by_link(&none).await.unwrap(), None);
    }
    assert_eq!(bench.store.user_by_email("Ada@volt.example").await.unwrap(), None);
    assert!(bench.store.add_link(bo.id, &twitch("78"), NOW).await.unwrap());
    assert!(!bench.store.add_link(ada.id, &twitch("78"), NOW).await.unwrap(), "it is Bo's");
    assert_eq!(bench.store.links(bo.id).await.unwrap(), [twitch("78")]);
    assert_eq!(bench.store.user_page(None, 1).await.unwrap(), std::slice::from_ref(&ada));
    assert_eq!(bench.store.user_page(Some(ada.id), 9).await.unwrap(), [bo]);
    assert!(matches!(bench.store.user(UserId(99)).await, Err(StoreError::NotFound)));
}

async fn an_address_or_an_account_that_is_taken_makes_nobody(on: On) {
    let bench = Bench::new(on).await;
    let linked = NewUser { link: Some(twitch("77")), ..volt("ada@volt.example") };
    bench.store.add_user(&linked, None, NOW).await.unwrap().unwrap();
    for again in [volt("ada@volt.example"), NewUser { email: "other@volt.example".to_owned(), ..linked }] {
        assert_eq!(bench.store.add_user(&again, None, NOW).await.unwrap(), None);
    }
    assert_eq!(bench.store.brands().await.unwrap().len(), 1, "no brand without its user");
    let nobody =
        NewUser { owner: NewOwner::Existing(Principal::Brand(BrandId(99))), ..volt("eve@volt.example") };
    let refused = bench.store.add_user(&nobody, None, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    let overlay = NewUser { owner: NewOwner::Existing(Principal::Overlay(StreamerId(1))), ..nobody };
    assert!(bench.store.add_user(&overlay, None, NOW).await.is_err());
    assert_eq!(bench.database.numbers("SELECT count(*) FROM user_login").await, [1]);
}

async fn a_refresh_token_is_followed_once_and_a_session_ends_once(on: On) {
    let bench = Bench::new(on).await;
    let ada = bench.ada().await;
    let first = login(ada.id, 1);
    bench.store.begin_session(&first, 10, NOW).await.unwrap();
    assert_eq!(bench.store.session(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(bench.store.session(SessionId([9; 16])).await.unwrap(), None);
    let later = NOW + Millis::minutes(1);
    let next = NextToken { after: 0, hash: [2; 32], idle_until: later + Millis::minutes(60) };
    assert!(bench.store.rotate(first.id, &next, later).await.unwrap());
    assert!(!bench.store.rotate(first.id, &next, later).await.unwrap(), "the same token twice");
    let now = bench.store.session(first.id).await.unwrap().unwrap();
    assert_eq!((now.generation, now.hash, now.rotated), (1, [2; 32], later));
    assert_eq!((now.idle_until, now.expires), (next.idle_until, first.expires));
    assert!(bench.store.end_session(first.id, EndedWhy::Reused, later).await.unwrap());
    assert!(!bench.store.end_session(first.id, EndedWhy::SignedOut, later).await.unwrap());
    let next = NextToken { after: 1, ..next };
    assert!(!bench.store.rotate(first.id, &next, later).await.unwrap(), "it has ended");
    let ended = bench.store.session(first.id).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((later, EndedWhy::Reused)));
    let since = |at| bench.store.ended_since(None, at);
    assert_eq!(since(NOW).await.unwrap(), [(first.id, later)]);
    assert_eq!(since(later).await.unwrap(), []);
    assert_eq!(bench.store.ended_since(Some(UserId(99)), NOW).await.unwrap(), []);
    assert_eq!(bench.store.ended_since(Some(ada.id), NOW).await.unwrap(), [(first.id, later)]);
}

async fn the_oldest_session_makes_room_and_old_families_are_forgotten(on: On) {
    let bench = Bench::new(on).await;
    let ada = bench.ada().await;
    for n in 1..=4_u8 {
        bench.store.begin_session(&login(ada.id, n), 3, NOW + Millis(i64::from(n))).await.unwrap();
    }
    assert_eq!(bench.open_sessions(ada.id).await, [2, 3, 4]);
    let why = bench.store.session(SessionId([1; 16])).await.unwrap().unwrap().ended;
    assert_eq!(why, Some((NOW + Millis(4), EndedWhy::TooMany)));
    let much_later = NOW + Millis::minutes(40 * 24 * 60);
    let new = Login { expires: much_later + Millis(1), ..login(ada.id, 9) };
    bench.store.begin_session(&new, 3, much_later).await.unwrap();
    assert_eq!(bench.database.numbers("SELECT count(*) FROM user_session").await, [1]);
}

async fn a_new_password_ends_every_other_session_and_all_tokens(on: On) {
    let bench = Bench::new(on).await;
    let ada = bench.ada().await;
    for n in 1..=3 {
        bench.store.begin_session(&login(ada.id, n), 9, NOW + Millis(i64::from(n))).await.unwrap();
    }
    let password = PasswordHash("$argon2id$2".to_owned());
    let keep = Some(SessionId([2; 16]));
    let after = bench.store.set_password(ada.id, &password, keep, NOW).await.unwrap();
    assert_eq!((after.password, after.epoch), (Some(password), 1));
    assert_eq!(bench.open_sessions(ada.id).await, [2]);
    bench.store.end_sessions(ada.id, EndedWhy::SignedOut, NOW).await.unwrap();
    assert_eq!(bench.open_sessions(ada.id).await, Vec::<i64>::new());
    let standing = TokenStanding { user: ada.id, epoch: 2, disabled: false };
    assert_eq!(bench.store.standing(ada.id).await.unwrap(), standing);
    assert_eq!(bench.store.standings().await.unwrap(), [standing]);
}

async fn what_an_operator_does_to_a_user_is_on_record(on: On) {
    let bench = Bench::new(on).await;
    let (ada, why) = (bench.ada().await, by_hand("she moved"));
    bench.store.begin_session(&login(ada.id, 1), 9, NOW).await.unwrap();
    bench.store.change_factor(ada.id, &FactorChange::Enrol(vec![1]), NOW).await.unwrap();
    assert!(bench.store.change_factor(ada.id, &confirm(5, vec![[7; 32]]), NOW).await.unwrap());
    let change =
        UserChange { acts_for: Some(Principal::Admin), disabled: Some(true), forget_second_factor: true };
    let after = bench.store.change_user(ada.id, &change, &why, NOW).await.unwrap();
    assert_eq!((after.acts_for, after.disabled, after.totp.clone()), (Principal::Admin, Some(NOW), None));
    assert_eq!(after.epoch, 1);
    assert_eq!(bench.open_sessions(ada.id).await, Vec::<i64>::new());
    assert!(!bench.store.change_factor(ada.id, &FactorChange::Recover([7; 32]), NOW).await.unwrap());
    let nobody = UserChange { acts_for: Some(Principal::Brand(BrandId(99))), ..UserChange::default() };
    let refused = bench.store.change_user(ada.id, &nobody, &why, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    assert_eq!(bench.store.user(ada.id).await.unwrap(), after);
    let missing = bench.store.change_user(UserId(99), &change, &why, NOW).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    let eve = NewUser { owner: NewOwner::Existing(Principal::Admin), ..volt("eve@volt.example") };
    bench.store.add_user(&eve, Some(&why), NOW).await.unwrap().unwrap();
    for (action, detail) in [
        ("change_user", "acts for admin, disabled, second factor reset"),
        ("add_user", "eve@volt.example, admin"),
    ] {
        let sql = format!(
            "SELECT count(*) FROM admin_action WHERE action = '{action}' AND detail = '{detail}'
             AND reason = 'she moved'"
        );
        assert_eq!(bench.database.numbers(&sql).await, [1], "{action}");
    }
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 1);
    let chain = bench.store.verify().await.unwrap();
    assert_eq!((chain.actions, chain.first_bad), (2, None));
}

async fn a_code_works_once_and_only_what_was_proved_is_in_force(on: On) {
    let bench = Bench::new(on).await;
    let ada = bench.ada().await;
    let change = async |change: FactorChange| bench.store.change_factor(ada.id, &change, NOW).await.unwrap();
    assert!(!change(confirm(1, vec![])).await, "there is no secret");
    assert!(!change(FactorChange::Use(1)).await);
    assert!(!change(FactorChange::Replace(vec![[1; 32]])).await);
    assert!(change(FactorChange::Enrol(vec![1])).await && change(FactorChange::Enrol(vec![2])).await);
    let enrolled = bench.store.user(ada.id).await.unwrap();
    assert!(!enrolled.has_second_factor() && enrolled.totp.unwrap().sealed == [2]);
    assert!(!change(FactorChange::Use(10)).await, "not in force yet");
    for n in [1, 9] {
        bench.store.begin_session(&login(ada.id, n), 9, NOW + Millis(i64::from(n))).await.unwrap();
    }
    assert!(change(confirm(10, vec![[1; 32], [2; 32]])).await);
    assert!(bench.store.user(ada.id).await.unwrap().has_second_factor());
    assert_eq!(bench.open_sessions(ada.id).await, [9], "what began without it goes on nowhere");
    assert!(!change(FactorChange::Enrol(vec![3])).await, "one is in force");
    for (step, good) in [(10, false), (9, false), (11, true), (11, false), (13, true), (12, false)] {
        assert_eq!(change(FactorChange::Use(step)).await, good, "step {step}");
    }
    assert!(change(FactorChange::Recover([1; 32])).await);
    assert!(!change(FactorChange::Recover([1; 32])).await, "twice");
    assert!(!change(FactorChange::Recover([9; 32])).await);
    assert!(change(FactorChange::Replace(vec![[3; 32]])).await);
    assert!(!change(FactorChange::Recover([2; 32])).await, "replaced");
    assert!(change(FactorChange::Recover([3; 32])).await);
    assert!(change(FactorChange::Forget).await && !change(FactorChange::Forget).await);
}

on_each! {
    a_user_is_found_by_each_of_their_names_and_by_no_other;
    an_address_or_an_account_that_is_taken_makes_nobody;
    a_refresh_token_is_followed_once_and_a_session_ends_once;
    the_oldest_session_makes_room_and_old_families_are_forgotten;
    a_new_password_ends_every_other_session_and_all_tokens;
    what_an_operator_does_to_a_user_is_on_record;
    a_code_works_once_and_only_what_was_proved_is_in_force;
}
