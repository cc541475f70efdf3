//! Grants, settlement, leases.

use super::*;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::ports::{Earned, Grant, StoreError, StreamerTotals};

async fn a_batch_settles_once_however_often_it_comes(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 2_000).await;
    let claims: Vec<_> = (0..5).map(|n| ok(debit(n, lease, campaign, 100))).collect();
    assert_eq!(bench.settle(&claims).await, vec![Outcome::Settled; 5]);
    let after = bench.budget(campaign).await;
    assert_eq!((after.funded, after.spent, after.leased), (Micros(5_000), Micros(500), Micros(1_500)));
    assert_eq!((after.plays, after.viewers, after.clicks, after.rejected), (5, 50, 0, 0));
    assert_eq!(bench.settle(&claims).await, vec![Outcome::Duplicate; 5]);
    assert_eq!(bench.budget(campaign).await, after);
    bench.reconciles().await;
}

async fn a_duplicate_inside_a_batch_is_written_once(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 2_000).await;
    let claim = ok(debit(1, lease, campaign, 100));
    assert_eq!(bench.settle(&[claim, claim]).await, [Outcome::Settled, Outcome::Duplicate]);
    assert_eq!(bench.budget(campaign).await.spent, Micros(100));
    bench.reconciles().await;
}

async fn an_empty_batch_writes_nothing(on: On) {
    let (bench, _, _) = Bench::funded(on, 10_000, 5_000).await;
    assert_eq!(bench.settle(&[]).await, []);
    bench.reconciles().await;
}

async fn a_lease_never_pays_more_than_it_was_granted(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 250).await;
    let claims: Vec<_> = (0..3).map(|n| ok(debit(n, lease, campaign, 100))).collect();
    let exhausted = Outcome::Rejected(Reason::LeaseExhausted);
    assert_eq!(bench.settle(&claims).await, [Outcome::Settled, Outcome::Settled, exhausted]);
    // The refusal is as durable as the payment: more room later does not turn it around.
    bench.lease(campaign, 1_000).await;
    assert_eq!(bench.settle(&claims).await, [Outcome::Duplicate, Outcome::Duplicate, exhausted]);
    let budget = bench.budget(campaign).await;
    assert_eq!((budget.spent, budget.rejected), (Micros(200), 1));
    bench.reconciles().await;
}

async fn a_grant_tops_up_the_one_open_lease_and_stops_at_the_budget(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 1_000).await;
    let first = bench.store.grant(campaign, Micros(600), NOW).await.unwrap().unwrap();
    let second = bench.store.grant(campaign, Micros(600), NOW).await.unwrap().unwrap();
    assert_eq!((first.granted, second), (Micros(600), Grant { lease: first.lease, granted: Micros(400) }));
    assert_eq!(bench.store.grant(campaign, Micros(600), NOW).await.unwrap(), None);
    assert_eq!(bench.store.grant(campaign, Micros(0), NOW).await.unwrap(), None);
    assert_eq!(bench.store.grant(campaign, Micros(-5), NOW).await.unwrap(), None);
    let unknown = bench.store.grant(CampaignId(99), Micros(1), NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)));
    bench.reconciles().await;
}

async fn what_a_lease_gives_back_can_be_granted_again(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 1_000).await;
    let lease = bench.lease(campaign, 1_000).await;
    bench.settle(&[ok(debit(1, lease, campaign, 300))]).await;
    let too_much = bench.store.give_back(lease, Micros(701)).await;
    assert!(matches!(too_much, Err(StoreError::Constraint(_))));
    bench.store.give_back(lease, Micros(700)).await.unwrap();
    assert_eq!(bench.budget(campaign).await.leased, Micros(0));
    assert!(matches!(bench.store.give_back(LeaseId(99), Micros(1)).await, Err(StoreError::NotFound)));
    assert!(matches!(bench.store.give_back(lease, Micros(-1)).await, Err(StoreError::Constraint(_))));
    let again = bench.store.grant(campaign, Micros(5_000), NOW).await.unwrap().unwrap();
    assert_eq!(again.granted, Micros(700));
    bench.reconciles().await;
}

async fn after_a_crash_tokens_stay_payable_until_their_lease_closes(on: On) {
    let (mut bench, _, campaign) = Bench::funded(on, 10_000, 1_000).await;
    let old = bench.lease(campaign, 600).await;
    bench.reopen().await;
    assert_eq!(bench.store.open_epoch(NOW, TOKEN_LIFE).await.unwrap(), 2);
    // The old lease still holds its money: only the rest is there to be granted.
    let new = bench.store.grant(campaign, Micros(1_000), NOW).await.unwrap().unwrap();
    assert_eq!(new.granted, Micros(400));
    assert_ne!(new.lease, old);
    let early = [ok(debit(1, old, campaign, 100)), ok(debit(2, new.lease, campaign, 100))];
    assert_eq!(bench.settle(&early).await, [Outcome::Settled, Outcome::Settled]);
    let almost = NOW + TOKEN_LIFE - Millis(1);
    assert_eq!(bench.store.close_due(almost).await.unwrap(), 0);
    assert_eq!(bench.store.close_due(NOW + TOKEN_LIFE).await.unwrap(), 1);
    assert_eq!(bench.store.close_due(NOW + TOKEN_LIFE).await.unwrap(), 0);
    let late = [ok(debit(1, old, campaign, 100)), ok(debit(3, old, campaign, 100))];
    assert_eq!(bench.settle(&late).await, [Outcome::Duplicate, Outcome::Rejected(Reason::LeaseClosed)]);
    let budget = bench.budget(campaign).await;
    assert_eq!((budget.spent, budget.leased), (Micros(200), Micros(300)));
    assert!(matches!(bench.store.give_back(old, Micros(1)).await, Err(StoreError::Constraint(_))));
    bench.reconciles().await;
}

async fn an_ended_campaign_returns_its_money_when_its_leases_are_empty(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 1_000).await;
    let lease = bench.lease(campaign, 500).await;
    bench.settle(&[ok(debit(1, lease, campaign, 200))]).await;
    bench.end(campaign).await;
    assert_eq!(bench.store.grant(campaign, Micros(100), NOW).await.unwrap(), None);
    bench.store.close_due(NOW).await.unwrap();
    assert_eq!(bench.store.available(brand, Currency::INR).await.unwrap(), Micros(9_000));
    bench.store.give_back(lease, Micros(300)).await.unwrap();
    for _ in 0..2 {
        bench.store.close_due(NOW).await.unwrap();
        assert_eq!(bench.store.available(brand, Currency::INR).await.unwrap(), Micros(9_800));
        let budget = bench.budget(campaign).await;
        assert_eq!((budget.funded, budget.spent, budget.leased), (Micros(200), Micros(200), Micros(0)));
    }
    let late = bench.settle(&[ok(debit(2, lease, campaign, 100))]).await;
    assert_eq!(late, [Outcome::Rejected(Reason::LeaseExhausted)]);
    let more = bench.store.fund(campaign, Micros(1), &key("more"), NOW).await;
    assert!(matches!(more, Err(StoreError::Constraint(_))));
    bench.reconciles().await;
}

async fn earnings_are_exact_before_and_after_the_roll_up(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 5_000).await;
    let mut claims: Vec<_> = (0..6).map(|n| ok(debit(n, lease, campaign, 100))).collect();
    let mut free = debit(9, lease, campaign, 0);
    free.viewers = 7;
    let mut click = debit(12, lease, campaign, 50);
    (click.kind, click.play) = (EventKind::Click, play(9));
    claims.extend([ok(free), ok(click)]);
    assert_eq!(bench.settle(&claims).await, vec![Outcome::Settled; 8]);
    let wanted = Earned { currency: Currency::INR, settled: Micros(2 * 80 + 40), plays: 3 };
    assert_eq!(bench.store.earned(StreamerId(1)).await.unwrap(), wanted);
    assert_eq!(bench.store.roll_up(NOW).await.unwrap(), 8);
    assert_eq!(bench.store.roll_up(NOW).await.unwrap(), 0);
    assert_eq!(bench.store.earned(StreamerId(1)).await.unwrap(), wanted);
    bench.settle(&[ok(debit(15, lease, campaign, 100))]).await;
    let more = Earned { settled: Micros(280), plays: 4, ..wanted };
    assert_eq!(bench.store.earned(StreamerId(1)).await.unwrap(), more);
    let nobody = bench.store.earned(StreamerId(77)).await.unwrap();
    assert_eq!((nobody.settled, nobody.plays), (Micros(0), 0));
    let budget = bench.budget(campaign).await;
    assert_eq!((budget.plays, budget.clicks, budget.viewers), (8, 1, 77));
    bench.reconciles().await;
}

async fn a_batch_that_costs_nothing_is_counted_and_rolled_up(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 100).await;
    assert_eq!(bench.settle(&[ok(debit(3, lease, campaign, 0))]).await, [Outcome::Settled]);
    assert_eq!(bench.store.roll_up(NOW).await.unwrap(), 1);
    let earned = bench.store.earned(StreamerId(1)).await.unwrap();
    assert_eq!((earned.settled, earned.plays), (Micros(0), 1));
    bench.reconciles().await;
}

async fn a_refusal_is_written_even_when_nothing_it_names_exists(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 100).await;
    let strange = ok(debit(1, LeaseId(77), CampaignId(88), 10));
    let foreign = ok(debit(2, lease, CampaignId(88), 10));
    let short = Claim { debit: debit(3, lease, campaign, 10), verdict: Err(Reason::TooShort) };
    let wanted = [Reason::LeaseClosed, Reason::BadToken, Reason::TooShort].map(Outcome::Rejected);
    for _ in 0..2 {
        assert_eq!(bench.settle(&[strange, foreign, short]).await, wanted);
    }
    assert_eq!(bench.budget(campaign).await.rejected, 1);
    bench.reconciles().await;
}

async fn one_poisoned_row_refuses_its_own_claims_and_no_others(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let broken = bench.campaign(brand, 1_000).await;
    let (good, bad) = (bench.lease(campaign, 5_000).await, bench.lease(broken, 500).await);
    bench.tamper(&format!("UPDATE campaign_budget SET leased = 0 WHERE campaign_id = {broken}")).await;
    let mut claims: Vec<_> = (0..9).map(|n| ok(debit(n, good, campaign, 100))).collect();
    claims.insert(4, ok(debit(20, bad, broken, 100)));
    // A play that costs nothing is no trouble, even there.
    claims.push(ok(debit(21, bad, broken, 0)));
    let mut wanted = vec![Outcome::Settled; 11];
    wanted[4] = Outcome::Rejected(Reason::LeaseExhausted);
    assert_eq!(bench.settle(&claims).await, wanted);
    assert_eq!(bench.budget(campaign).await.spent, Micros(900));
    let budget = bench.budget(broken).await;
    assert_eq!((budget.spent, budget.plays, budget.rejected), (Micros(0), 1, 1));
    // Nothing else is wrong than what was planted.
    let bad = wrong(bench.store.reconcile(true).await.unwrap());
    assert_eq!(bad.iter().map(|check| (check.id, check.drift_micros)).collect::<Vec<_>>(), [("R4", 500)]);
}

async fn a_claim_in_a_currency_that_the_campaign_does_not_have_costs_nothing(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 500).await;
    let mut foreign = debit(1, lease, campaign, 100);
    foreign.currency = "USD".parse().unwrap();
    let outcomes = bench.settle(&[ok(foreign), ok(debit(2, lease, campaign, 100))]).await;
    assert_eq!(outcomes, [Outcome::Rejected(Reason::LeaseExhausted), Outcome::Settled]);
    bench.reconciles().await;
}

async fn a_roll_up_goes_on_where_it_stopped(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 9_000).await;
    let lease = bench.lease(campaign, 9_000).await;
    for batch in 0..3 {
        let claims: Vec<_> = (0..2_000).map(|n| ok(debit(batch * 2_000 + n, lease, campaign, 1))).collect();
        bench.settle(&claims).await;
    }
    let mut posted = 0;
    loop {
        match bench.store.roll_up(NOW).await.unwrap() {
            0 => break,
            more => posted += more,
        }
        bench.reconciles().await;
    }
    assert_eq!(posted, 6_000);
    assert_eq!(bench.store.earned(StreamerId(1)).await.unwrap().plays, 2_000);
}

async fn the_play_of_a_click_is_kept(on: On) {
    let (bench, _, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let lease = bench.lease(campaign, 500).await;
    let mut click = debit(2, lease, campaign, 50);
    (click.kind, click.event, click.play) = (EventKind::Click, play(1).click(b"a"), play(1));
    for outcome in [Outcome::Settled, Outcome::Duplicate] {
        assert_eq!(bench.settle(&[ok(click), ok(debit(1, lease, campaign, 0))]).await, [outcome; 2]);
        assert_eq!(bench.database.numbers("SELECT count(*) FROM settle_click").await, [1]);
        assert_eq!(bench.store.clicks_billed(play(1), play(1)).await.unwrap(), 1);
        assert_eq!(bench.store.clicks_billed(play(1), click.event).await.unwrap(), 0);
        assert_eq!(bench.store.clicks_billed(play(2), play(2)).await.unwrap(), 0, "of the same time");
    }
    bench.reconciles().await;
}

async fn totals_are_those_of_the_ones_that_were_asked_for(on: On) {
    let (bench, brand, campaign) = Bench::funded(on, 10_000, 5_000).await;
    let other = bench.campaign(brand, 1_000).await;
    let lease = bench.lease(campaign, 2_000).await;
    let mut click = debit(12, lease, campaign, 50);
    (click.kind, click.event, click.play) = (EventKind::Click, play(3).click(b"a"), play(3));
    bench.settle(&[ok(debit(3, lease, campaign, 100)), ok(click), ok(debit(1, lease, campaign, 100))]).await;
    let (before, _) = bench.store.totals(&[campaign], &[]).await.unwrap();
    for _ in 0..2 {
        let wanted = StreamerTotals { plays: 2, earned: Micros(120) };
        let (campaigns, streamers) =
            bench.store.totals(&[campaign, CampaignId(99)], &[StreamerId(1), StreamerId(77)]).await.unwrap();
        assert_eq!(streamers, [(StreamerId(1), wanted)]);
        assert_eq!(campaigns, before);
        bench.store.roll_up(NOW).await.unwrap();
    }
    let [(id, totals)] = before[..] else { panic!("{before:?}") };
    assert_eq!((id, totals.budget), (campaign, bench.budget(campaign).await));
    // Every change of a budget makes its version higher, and no other's.
    let versions = || async {
        let (campaigns, _) = bench.store.totals(&[campaign, other], &[]).await.unwrap();
        campaigns.iter().map(|(_, totals)| totals.version).collect::<Vec<_>>()
    };
    let mut last = versions().await;
    for change in 0..4 {
        match change {
            0 => bench.store.fund(campaign, Micros(10), &key("more"), NOW).await.map(|_| ()).unwrap(),
            1 => bench.store.grant(campaign, Micros(10), NOW).await.map(|_| ()).unwrap(),
            2 => bench.store.give_back(lease, Micros(10)).await.unwrap(),
            _ => assert_eq!(bench.settle(&[ok(debit(4, lease, campaign, 0))]).await, [Outcome::Settled]),
        }
        let now = versions().await;
        assert!(now[0] > last[0] && now[1] == last[1], "{change}: {last:?} {now:?}");
        last = now;
    }
    assert_eq!(bench.store.totals(&[], &[]).await.unwrap(), (Vec::new(), Vec::new()));
}

on_each! {
    a_batch_settles_once_however_often_it_comes;
    a_duplicate_inside_a_batch_is_written_once;
    an_empty_batch_writes_nothing;
    a_lease_never_pays_more_than_it_was_granted;
    a_grant_tops_up_the_one_open_lease_and_stops_at_the_budget;
    what_a_lease_gives_back_can_be_granted_again;
    after_a_crash_tokens_stay_payable_until_their_lease_closes;
    an_ended_campaign_returns_its_money_when_its_leases_are_empty;
    earnings_are_exact_before_and_after_the_roll_up;
    a_batch_that_costs_nothing_is_counted_and_rolled_up;
    a_refusal_is_written_even_when_nothing_it_names_exists;
    one_poisoned_row_refuses_its_own_claims_and_no_others;
    a_claim_in_a_currency_that_the_campaign_does_not_have_costs_nothing;
    a_roll_up_goes_on_where_it_stopped;
    the_play_of_a_click_is_kept;
    totals_are_those_of_the_ones_that_were_asked_for;
}
