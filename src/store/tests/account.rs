//! Accounts and keys that an operator opens and revokes: in one transaction with the record of it.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::ports::{NewAccount, Principal, StoreError, key_id};

const RECORDED: &str = "SELECT count(*) FROM admin_action WHERE actor = '0badcafe' AND reason = 'why'";

impl Bench {
    async fn recorded(&self, action: &str, subject: &str, detail: &str) -> bool {
        let sql =
            format!("{RECORDED} AND action = '{action}' AND subject = '{subject}' AND detail = '{detail}'");
        self.database.numbers(&sql).await == [1]
    }
}

async fn what_an_operator_opens_is_on_record_and_in_the_chain(on: On) {
    let bench = Bench::new(on).await;
    let why = by_hand("why");
    let brand = NewAccount::Brand { name: "Volt".to_owned(), key: [1; 32] };
    let holders = bench.store.open_account(&brand, &why, NOW).await.unwrap();
    let [Principal::Brand(id)] = holders[..] else { panic!("{holders:?}") };
    assert_eq!(bench.store.brands().await.unwrap()[0].id, id);
    assert!(bench.recorded("add_account", &format!("brand:{id}"), "Volt, key 0101010101010101").await);
    let two = vec![catalogue::new_streamer(2), catalogue::new_streamer(3)];
    let holders = bench.store.open_account(&NewAccount::Streamers(two), &why, NOW).await.unwrap();
    let [Principal::Streamer(first), Principal::Streamer(last)] = holders[..] else { panic!("{holders:?}") };
    let name = catalogue::new_streamer(2).profile.name;
    let (subject, detail) = (format!("streamer:{first} to streamer:{last}"), format!("{name}, 2 in all"));
    assert!(bench.recorded("add_account", &subject, &detail).await);
    let admin = NewAccount::Key { holder: Principal::Admin, key: [9; 32] };
    assert_eq!(bench.store.open_account(&admin, &why, NOW).await.unwrap(), [Principal::Admin]);
    assert!(bench.recorded("add_key", "admin", "key 0909090909090909").await);
    assert_eq!(bench.store.keys(NOW).await.unwrap().len(), 6);
    assert_eq!(bench.store.seal(NOW).await.unwrap(), 1);
    let chain = bench.store.verify().await.unwrap();
    assert_eq!((chain.actions, chain.first_bad), (3, None));
}

async fn what_can_not_be_opened_leaves_nothing(on: On) {
    let bench = Bench::new(on).await;
    let why = by_hand("why");
    let nobody = NewAccount::Key { holder: Principal::Brand(BrandId(99)), key: [1; 32] };
    let refused = bench.store.open_account(&nobody, &why, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    let brand = NewAccount::Brand { name: "Volt".to_owned(), key: [1; 32] };
    bench.store.open_account(&brand, &why, NOW).await.unwrap();
    let refused = bench.store.open_account(&brand, &why, NOW).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    assert_eq!(bench.store.brands().await.unwrap().len(), 1);
    assert_eq!(bench.database.numbers(RECORDED).await, [1]);
}

async fn a_revoked_key_stays_in_the_list_and_is_on_record_once(on: On) {
    let bench = Bench::new(on).await;
    let (why, revoke) = (by_hand("why"), "SELECT count(*) FROM admin_action WHERE action = 'revoke_key'");
    for n in [3, 1, 2] {
        let key = NewAccount::Key { holder: Principal::Admin, key: [n; 32] };
        bench.store.open_account(&key, &why, NOW).await.unwrap();
    }
    for _ in 0..2 {
        bench.store.revoke_key([2; 32], Some(&why), NOW).await.unwrap();
    }
    assert_eq!(bench.database.numbers(revoke).await, [1]);
    assert!(bench.recorded("revoke_key", "admin", "key 0202020202020202").await);
    // A streamer's own doing is no operator's.
    bench.store.revoke_key([3; 32], None, NOW).await.unwrap();
    assert_eq!(bench.database.numbers(revoke).await, [1]);
    let missing = bench.store.revoke_key([7; 32], Some(&why), NOW).await;
    assert!(matches!(missing, Err(StoreError::NotFound)));
    let first = bench.store.key_page(None, 2).await.unwrap();
    let rest = bench.store.key_page(Some(first[1].hash), 2).await.unwrap();
    let all: Vec<_> = first.iter().chain(&rest).map(|key| (key.hash[0], key.revoked)).collect();
    assert_eq!(all, [(1, None), (2, Some(NOW)), (3, Some(NOW))]);
    assert_eq!((key_id(&rest[0].hash).as_str(), rest[0].created), ("0303030303030303", NOW));
    assert_eq!(bench.store.keys(NOW).await.unwrap(), [([1; 32], Principal::Admin.into())]);
}

on_each! {
    what_an_operator_opens_is_on_record_and_in_the_chain;
    what_can_not_be_opened_leaves_nothing;
    a_revoked_key_stays_in_the_list_and_is_on_record_once;
}
