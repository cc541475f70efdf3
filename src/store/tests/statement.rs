//! Statements, and the days on which earnings become available.

use super::operator::by_hand;
use super::*;
use gametriggers_actors::ports::{Owner, Position, StatementLine};

const DAY: Millis = Millis::minutes(24 * 60);

impl Bench {
    async fn page(&self, owner: Owner, before: Option<Position>, limit: u32) -> Vec<StatementLine> {
        self.store.statement(owner, Currency::INR, before, limit).await.unwrap()
    }

    /// One play that earns 80 for the streamer, rolled up at a time.
    async fn earn(&self, n: u32, lease: LeaseId, streamer: StreamerId, at: UnixMillis) {
        let mut debit = debit(n, lease, CampaignId(1), 100);
        debit.streamer = streamer;
        self.settle(&[ok(debit)]).await;
        assert_eq!(self.store.roll_up(at).await.unwrap(), 1);
    }
}

type Shown<'a> = (&'a str, &'a str, i64, i64, Option<CampaignId>, &'a str);

fn shown(line: &StatementLine) -> Shown<'_> {
    let (amount, balance) = (line.amount.0, line.balance.0);
    (&line.kind, &line.account, amount, balance, line.campaign, &line.reference)
}

async fn a_brands_statement_runs_down_its_balance(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 1_000, 400).await;
    let owner = Owner::Brand(brand);
    let other = bench.brand(77).await;
    let later = NOW + Millis(5);
    bench.store.confirm_deposit(brand, inr(50), &by_hand("bank 1"), &key("a"), later).await.unwrap();
    bench.store.release(campaign, Micros(100), &key("b"), later).await.unwrap();
    // A clock that went back does not turn the statement around.
    bench.store.refund(brand, inr(250), &by_hand("asked"), &key("c"), NOW).await.unwrap();
    bench.store.adjust(owner, inr(-9), &by_hand("a slip"), &key("d"), later).await.unwrap();
    let all = bench.page(owner, None, 50).await;
    let wanted: [Shown<'_>; 6] = [
        ("adjust", "available", -9, 491, None, "a slip"),
        ("refund", "available", -250, 500, None, "asked"),
        ("release", "available", 100, 750, Some(campaign), ""),
        ("deposit", "available", 50, 650, None, "bank 1"),
        ("fund", "available", -400, 600, Some(campaign), ""),
        ("deposit", "available", 1_000, 1_000, None, ""),
    ];
    assert_eq!(all.iter().map(shown).collect::<Vec<_>>(), wanted);
    assert!(all.windows(2).all(|pair| pair[0].position > pair[1].position), "{all:?}");
    assert_eq!((all[1].position.at, all[5].position.at), (later, NOW));
    // Pages give the same lines, whatever their size, and whatever comes meanwhile.
    for size in 1..4 {
        let (mut lines, mut before) = (Vec::new(), None);
        loop {
            let page = bench.page(owner, before, size).await;
            assert!(page.len() <= usize::try_from(size).unwrap());
            let Some(last) = page.last() else { break };
            before = Some(last.position);
            lines.extend(page);
            bench.store.deposit(brand, inr(1), &key(&format!("{size} {before:?}")), later).await.unwrap();
        }
        let come = lines.len() - lines.iter().position(|line| line.reference == "a slip").unwrap();
        assert_eq!(come, 6);
        assert_eq!(lines[lines.len() - 6..].iter().map(shown).collect::<Vec<_>>(), wanted);
    }
    assert_eq!(bench.page(Owner::Brand(other), None, 50).await.len(), 1);
    assert_eq!(bench.page(owner, None, 0).await, []);
    let dollars = bench.store.statement(owner, "USD".parse().unwrap(), None, 5).await.unwrap();
    assert_eq!(dollars, []);
}

async fn a_day_is_available_when_its_end_is_the_hold_ago(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let (one, two) = (bench.streamer(1).await, bench.streamer(2).await);
    let lease = bench.lease(campaign, 5_000).await;
    let noon = |day: i64| UnixMillis((19_675 + day) * DAY.0 + DAY.0 / 2);
    let end = |day: i64| UnixMillis((19_675 + day + 1) * DAY.0);
    bench.earn(1, lease, one, noon(0)).await;
    bench.earn(2, lease, two, noon(0)).await;
    bench.earn(3, lease, one, end(0) - Millis(1)).await;
    bench.earn(4, lease, one, end(0)).await;
    let hold = Millis(3 * DAY.0);
    let money = async |streamer| {
        let wallet = bench.wallet(Owner::Streamer(streamer)).await;
        (wallet.available.0, wallet.pending.0)
    };
    let mature = async |at: UnixMillis| bench.store.mature(at, hold).await.unwrap();
    assert_eq!(mature(end(0) + hold - Millis(1)).await, 0);
    assert_eq!(money(one).await, (0, 240));
    assert_eq!(mature(end(0) + hold).await, 2);
    assert_eq!((money(one).await, money(two).await), ((160, 80), (80, 0)));
    assert_eq!(mature(end(0) + hold).await, 0);
    bench.reconciles().await;
    // What was earned all in all is what it was, and a later day follows.
    assert_eq!(bench.store.earned(one).await.unwrap().settled, Micros(240));
    assert_eq!(mature(end(30)).await, 1);
    assert_eq!(money(one).await, (240, 0));
    // A roll-up that comes late for a day that has matured is not lost.
    bench.earn(5, lease, one, noon(0)).await;
    assert_eq!((money(one).await, mature(end(30)).await), ((240, 80), 1));
    assert_eq!(money(one).await, (320, 0));
    bench.reconciles().await;
    let lines = bench.page(Owner::Streamer(two), None, 9).await;
    let wanted: Vec<Shown<'_>> =
        vec![("mature", "available", 80, 80, None, ""), ("mature", "pending", -80, 0, None, "")];
    let mut matured: Vec<_> = lines[..2].iter().map(shown).collect();
    matured.sort_unstable();
    assert_eq!(matured, wanted);
    assert_eq!(shown(&lines[2]), ("roll_up", "pending", 80, 80, None, ""));
    assert_eq!(lines.len(), 3);
}

async fn more_days_than_one_turn_takes_mature_in_one_call(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 9_000).await;
    let lease = bench.lease(campaign, 9_000).await;
    let mut claims = Vec::new();
    for n in 0..2_500 {
        let mut debit = debit(n, lease, campaign, 2);
        debit.streamer = StreamerId(i64::from(n) + 1);
        debit.split = Split::of(Micros(2), FeeBps::new(0).unwrap()).unwrap();
        claims.push(ok(debit));
    }
    bench.settle(&claims).await;
    while bench.store.roll_up(NOW).await.unwrap() > 0 {}
    let later = NOW + Millis(9 * DAY.0);
    assert_eq!(bench.store.mature(later, DAY).await.unwrap(), 2_500);
    assert_eq!(bench.store.mature(later, DAY).await.unwrap(), 0);
    let sql = "SELECT CAST(sum(credits - debits) AS BIGINT) FROM ledger_account
        WHERE owner_kind = 'streamer' AND code = 'available'";
    assert_eq!(bench.database.numbers(sql).await, [5_000]);
    bench.reconciles().await;
}

on_each! {
    a_brands_statement_runs_down_its_balance;
    a_day_is_available_when_its_end_is_the_hold_ago;
    more_days_than_one_turn_takes_mature_in_one_call;
}
