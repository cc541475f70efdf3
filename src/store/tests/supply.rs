//! What the streams had to give: added up, read as the last week of it, and pruned.

use super::*;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::supply::{Cell, KEPT, Planner, Supplied, SupplyHistory, SupplyRow};
use gametriggers_actors::ports::Batch;

const QUARTER: i64 = 900_000;
const DAY: i64 = 96 * QUARTER;

fn cell(category: &str, mature: bool, band: u32) -> Cell {
    Cell {
        content_category: category.into(),
        language: "en".into(),
        country: "IN".into(),
        platform: Platform::Youtube,
        mature,
        band,
    }
}

fn row(quarter: i64, cell: &Cell, slots: u64, viewers: u64) -> SupplyRow {
    (UnixMillis(quarter * QUARTER), cell.clone(), Supplied { slots, viewers })
}

fn history(rows: &[SupplyRow]) -> SupplyHistory {
    let mut history = SupplyHistory::default();
    rows.iter().cloned().for_each(|(quarter, cell, supplied)| history.add(quarter, cell, supplied));
    history
}

impl Bench {
    async fn supply(&self, rows: &[SupplyRow]) {
        self.store.append(&Batch { supply: rows.to_vec(), ..Batch::default() }).await.unwrap();
    }

    /// From one day up to, and not with, another.
    async fn supplied(&self, from: i64, to: i64) -> SupplyHistory {
        self.store.supply(UnixMillis(from * DAY), UnixMillis(to * DAY)).await.unwrap()
    }
}

async fn supply_adds_up_over_flushes_and_outlives_the_process(on: On) {
    let mut bench = Bench::new(on).await;
    let (games, adult, large) =
        (cell("gaming", false, 7), cell("gaming", true, 7), cell("gaming", false, 20));
    let first = 10 * 96;
    bench.supply(&[row(first, &games, 2, 200), row(first, &adult, 1, 90), row(first, &games, 1, 70)]).await;
    bench.supply(&[row(first, &games, 3, 300), row(first + 1, &large, 1, u64::from(u32::MAX))]).await;
    let expected = history(&[
        row(first, &games, 6, 570),
        row(first, &adult, 1, 90),
        row(first + 1, &large, 1, u64::from(u32::MAX)),
    ]);
    assert_eq!(bench.supplied(0, 11).await, expected);
    assert_eq!(bench.supplied(0, 10).await, SupplyHistory::default(), "up to, and not with");
    assert_eq!(bench.supplied(11, 20).await, SupplyHistory::default());
    bench.reopen().await;
    assert_eq!(bench.supplied(0, 11).await, expected);
}

async fn of_each_quarter_hour_of_the_week_the_last_is_read(on: On) {
    let bench = Bench::new(on).await;
    let (games, music) = (cell("gaming", false, 7), cell("music", false, 7));
    let week = 7 * 96;
    // A step of the week: in the first week both kinds, in the third one; the step after it in the second
    // alone.
    bench.supply(&[row(5, &games, 1, 10), row(5, &music, 1, 20), row(5 + 2 * week, &music, 4, 80)]).await;
    bench.supply(&[row(6 + week, &games, 9, 90)]).await;
    let last = history(&[row(5 + 2 * week, &music, 4, 80), row(6 + week, &games, 9, 90)]);
    assert_eq!(bench.supplied(0, 28).await, last);
    let earlier = history(&[row(5, &games, 1, 10), row(5, &music, 1, 20), row(6 + week, &games, 9, 90)]);
    assert_eq!(bench.supplied(0, 14).await, earlier, "the plan of an earlier day");
}

async fn old_supply_is_pruned_a_quarter_hour_at_a_time(on: On) {
    let bench = Bench::new(on).await;
    let (games, music) = (cell("gaming", false, 7), cell("music", false, 7));
    bench
        .supply(&[row(0, &games, 1, 1), row(0, &music, 1, 1), row(1, &games, 1, 1), row(9, &games, 1, 1)])
        .await;
    let before = UnixMillis(9 * QUARTER);
    let mut pruned = Vec::new();
    for _ in 0..4 {
        pruned.push(bench.store.prune_supply(before).await.unwrap());
    }
    assert_eq!(pruned, [2, 1, 0, 0]);
    assert_eq!(bench.supplied(0, 1).await, history(&[row(9, &games, 1, 1)]));
    let (from, to) = SupplyHistory::days(NOW);
    assert_eq!((to.0 % DAY, (to - from).0), (0, 28 * DAY));
    assert!(to <= NOW && NOW.0 - to.0 < DAY && (NOW - KEPT) < from, "nothing goes that a plan looks at");
}

async fn the_same_rows_give_the_same_plan_on_every_database(on: On) {
    let bench = Bench::new(on).await;
    let brand = bench.brand(10_000).await;
    let id = bench.campaign(brand, 5_000).await;
    let campaign = bench.store.campaign(id).await.unwrap();
    let (from, to) = SupplyHistory::days(NOW);
    let yesterday = (to.0 - DAY) / QUARTER;
    let rows: Vec<_> =
        (0..96).map(|n| row(yesterday + n, &cell("gaming", false, 7), 1, 1 + n.unsigned_abs())).collect();
    for part in rows.chunks(7) {
        bench.supply(part).await;
    }
    let read = bench.store.supply(from, to).await.unwrap();
    assert_eq!(read, history(&rows));
    let plan = Planner::new(&read).plan(&campaign);
    assert_eq!(plan, Planner::new(&history(&rows)).plan(&campaign));
    assert_ne!(plan, gametriggers_actors::domain::pacing::Plan::uniform(campaign.flight));
}

on_each! {
    supply_adds_up_over_flushes_and_outlives_the_process;
    of_each_quarter_hour_of_the_week_the_last_is_read;
    old_supply_is_pruned_a_quarter_hour_at_a_time;
    the_same_rows_give_the_same_plan_on_every_database;
}
