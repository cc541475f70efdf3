//! Keys with scopes, an end and successors; and tickets.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::domain::scope::{Scope, Scopes};
use gametriggers_actors::ports::{KEYS_MAX, KeyRefusal, KeyTerms, NewKey, Principal, StoreError, Successor};

const READ: Scopes = Scopes::of(&[Scope::WalletRead, Scope::CampaignsRead]);

/// A key that is good for a second.
fn short(hash: u8, holder: Principal) -> NewKey {
    NewKey {
        masked: Some(format!("gt_brand_{hash:06}…")),
        scopes: Some(READ),
        expires: Some(NOW + Millis(1000)),
        ..NewKey::whole([hash; 32], holder, "reports")
    }
}

fn after(old: u8, new: u8, overlap: i64) -> Successor {
    Successor {
        old: [old; 32],
        hash: [new; 32],
        masked: Some("gt_brand_next…".to_owned()),
        overlap: Millis(overlap),
    }
}

impl Bench {
    async fn hashes(&self, holder: Principal, now: UnixMillis) -> Vec<u8> {
        let keys = self.store.keys_of(holder, now).await.unwrap();
        keys.iter().map(|key| key.hash[0]).collect()
    }

    async fn deeds(&self, action: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM admin_action WHERE action = '{action}'");
        self.database.numbers(&sql).await[0]
    }
}

async fn a_key_is_what_it_was_made_as_until_its_end(on: On) {
    let bench = Bench::new(on).await;
    let (brand, other) = (Principal::Brand(bench.brand(1).await), Principal::Brand(bench.brand(1).await));
    let new = short(7, brand);
    assert_eq!(bench.store.issue_key(&new, None, NOW).await.unwrap(), Ok(()));
    let keys = bench.store.keys_of(brand, NOW).await.unwrap();
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    let terms = KeyTerms { holder: brand, scopes: READ, expires: new.expires, replaced: None };
    assert_eq!((key.terms, key.label.as_str(), key.created), (terms, "reports", NOW));
    assert_eq!((&key.masked, key.used, key.successor, key.revoked), (&new.masked, None, None, None));
    assert_eq!(bench.store.key([7; 32]).await.unwrap(), Some(terms));
    assert_eq!(bench.store.keys(NOW).await.unwrap(), [([7; 32], terms)]);
    assert!(bench.hashes(other, NOW).await.is_empty(), "it is nobody else's");
    let end = NOW + Millis(1000);
    assert_eq!(bench.hashes(brand, UnixMillis(end.0 - 1)).await, [7]);
    assert!(bench.hashes(brand, end).await.is_empty() && bench.store.keys(end).await.unwrap().is_empty());
    assert!(matches!(bench.store.rename_key([7; 32], "x", None, end).await, Err(StoreError::NotFound)));
    let late = bench.store.rotate_key(&after(7, 8, 0), None, end).await;
    assert!(matches!(late, Err(StoreError::NotFound)), "{late:?}");
    // A newer program wrote a scope that is not known here, and one that no brand may have.
    bench.tamper("UPDATE api_key SET scopes = 'wallet:read moon:write admin'").await;
    let scopes = Scopes::of(&[Scope::WalletRead]);
    assert_eq!(bench.store.key([7; 32]).await.unwrap(), Some(KeyTerms { scopes, ..terms }));
    bench.store.revoke_key([7; 32], None, NOW).await.unwrap();
    assert_eq!(bench.store.key([7; 32]).await.unwrap(), None);
    let nobody = short(9, Principal::Brand(BrandId(99)));
    let refused = bench.store.issue_key(&nobody, None, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
}

async fn a_successor_is_like_the_key_that_it_replaces(on: On) {
    let bench = Bench::new(on).await;
    let brand = Principal::Brand(bench.brand(1).await);
    bench.store.issue_key(&short(1, brand), None, NOW).await.unwrap().unwrap();
    let (then, why) = (NOW + Millis(400), by_hand("why"));
    bench.store.rename_key([1; 32], "nightly", Some(&why), NOW).await.unwrap();
    let next = bench.store.rotate_key(&after(1, 2, 50), Some(&why), then).await.unwrap().unwrap();
    // The same life, from now on.
    let terms = KeyTerms { holder: brand, scopes: READ, expires: Some(then + Millis(1000)), replaced: None };
    assert_eq!((next.hash, next.terms, next.label.as_str()), ([2; 32], terms, "nightly"));
    assert_eq!((next.created, next.masked.as_deref()), (then, Some("gt_brand_next…")));
    let old = bench.store.keys_of(brand, then).await.unwrap().remove(0);
    assert_eq!((old.successor, old.terms.replaced), (Some([2; 32]), Some(then + Millis(50))));
    assert_eq!(bench.hashes(brand, then + Millis(49)).await, [1, 2]);
    assert_eq!(bench.hashes(brand, then + Millis(50)).await, [2]);
    let twice = bench.store.rotate_key(&after(1, 3, 0), None, then).await.unwrap();
    assert_eq!(twice, Err(KeyRefusal::Replaced));
    bench.store.rotate_key(&after(2, 3, 0), None, then).await.unwrap().unwrap();
    assert_eq!(bench.hashes(brand, then).await, [1, 3], "without an overlap the old one is dead at once");
    for (action, times) in [("rename_key", 1), ("rotate_key", 1), ("add_key", 0)] {
        assert_eq!(bench.deeds(action).await, times, "{action}");
    }
    // A key for everything has a successor for everything.
    let whole = NewKey::whole([5; 32], brand, "all");
    bench.store.issue_key(&whole, Some(&why), NOW).await.unwrap().unwrap();
    let next = bench.store.rotate_key(&after(5, 6, 0), None, NOW).await.unwrap().unwrap();
    assert_eq!(next.terms, brand.into());
    assert_eq!(bench.deeds("add_key").await, 1);
}

async fn an_owner_has_so_many_keys_and_those_that_are_over_make_room(on: On) {
    let bench = Bench::new(on).await;
    let streamer = bench.store.add_streamers(&[catalogue::new_streamer(1)], NOW).await.unwrap()[0];
    let (streamer, brand) = (Principal::Streamer(streamer), Principal::Brand(bench.brand(1).await));
    let key = |n: u8, holder| NewKey { expires: None, ..short(n, holder) };
    let most = u8::try_from(KEYS_MAX).unwrap();
    // One came with the streamer; that of the overlay does not count.
    for n in 150..149 + most {
        assert_eq!(bench.store.issue_key(&key(n, streamer), None, NOW).await.unwrap(), Ok(()));
    }
    let one_more = || async { bench.store.issue_key(&key(250, streamer), None, NOW).await.unwrap() };
    assert_eq!(one_more().await, Err(KeyRefusal::TooMany));
    assert_eq!(bench.store.issue_key(&key(2, brand), None, NOW).await.unwrap(), Ok(()));
    let overlap = bench.store.rotate_key(&after(150, 251, 1), None, NOW).await.unwrap();
    assert_eq!(overlap, Err(KeyRefusal::TooMany));
    assert!(bench.store.rotate_key(&after(150, 251, 0), None, NOW).await.unwrap().is_ok());
    assert_eq!(one_more().await, Err(KeyRefusal::TooMany));
    bench.store.revoke_key([151; 32], None, NOW).await.unwrap();
    assert_eq!(one_more().await, Ok(()));
    for n in 3..60 {
        let admin = NewKey::whole([n; 32], Principal::Admin, "x");
        assert_eq!(
            bench.store.issue_key(&admin, None, NOW).await.unwrap(),
            Ok(()),
            "operators have no bound"
        );
    }
}

async fn the_use_of_a_key_is_noted_to_the_hour(on: On) {
    let bench = Bench::new(on).await;
    let brand = Principal::Brand(bench.brand(1).await);
    for n in [1, 2] {
        bench.store.issue_key(&short(n, brand), None, NOW).await.unwrap().unwrap();
    }
    let hour = Millis::minutes(60);
    let used = async || {
        let keys = bench.store.keys_of(brand, NOW).await.unwrap();
        keys.iter().map(|key| key.used).collect::<Vec<_>>()
    };
    bench.store.note_used(&[]).await.unwrap();
    bench.store.note_used(&[([2; 32], NOW), ([9; 32], NOW)]).await.unwrap();
    assert_eq!(used().await, [None, Some(NOW)]);
    bench.store.note_used(&[([1; 32], NOW), ([2; 32], UnixMillis((NOW + hour).0 - 1))]).await.unwrap();
    assert_eq!(used().await, [Some(NOW), Some(NOW)], "another node was as good as this one");
    bench.store.note_used(&[([2; 32], NOW + hour)]).await.unwrap();
    assert_eq!(used().await, [Some(NOW), Some(NOW + hour)]);
}

async fn a_ticket_is_used_once_and_forgotten_when_it_is_long_dead(on: On) {
    let bench = Bench::new(on).await;
    let spend = async |n: u8, expires, now| bench.store.use_ticket([n; 16], expires, now).await.unwrap();
    let end = NOW + Millis::seconds(30);
    assert!(spend(1, end, NOW).await && spend(2, end, NOW).await);
    assert!(!spend(1, end, NOW).await && !spend(1, end, end).await);
    let later = end + Millis::minutes(11);
    assert!(spend(3, later, later).await);
    assert_eq!(bench.database.numbers("SELECT count(*) FROM used_ticket").await, [1]);
}

on_each! {
    a_key_is_what_it_was_made_as_until_its_end;
    a_successor_is_like_the_key_that_it_replaces;
    an_owner_has_so_many_keys_and_those_that_are_over_make_room;
    the_use_of_a_key_is_noted_to_the_hour;
    a_ticket_is_used_once_and_forgotten_when_it_is_long_dead;
}
