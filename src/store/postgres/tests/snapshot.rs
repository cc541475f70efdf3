//! Reads whose caller goes away.

use super::*;
use crate::store::tests::NOW;
use futures_util::FutureExt;
use gametriggers_actors::ports::{AccountStore, CampaignStore};
use std::time::Duration;

#[tokio::test]
async fn a_read_that_is_given_up_leaves_no_old_rows_to_the_next_one() {
    let (_database, store) = opened().await;
    let mut brands = 0;
    for round in 0..60 {
        // Given up a little further on its way each time: while it connects, while it begins, while it reads.
        let mut read = store.catalogue();
        for _ in 0..round % 15 {
            if (&mut read).now_or_never().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(read);
        for _ in 0..2 {
            store.add_brand("Volt", NOW).await.unwrap();
            brands += 1;
            assert_eq!(store.brands().await.unwrap().len(), brands, "in round {round}");
        }
    }
}
