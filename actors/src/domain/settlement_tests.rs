//! Batches that balance, whatever is in them and wherever they are cut.

use super::*;
use crate::domain::money::FeeBps;
use proptest::prelude::*;

fn debit(event: u8, lease: i64, campaign: i64, price: i64) -> Debit {
    let play = PlayId::mint(UnixMillis(i64::from(event)), [event; 10]);
    Debit {
        event: play,
        kind: EventKind::Play,
        play,
        lease: LeaseId(lease),
        campaign: CampaignId(campaign),
        streamer: StreamerId(1),
        creative: CreativeId(1),
        currency: Currency::INR,
        split: Split::of(Micros(price), FeeBps::new(2000).unwrap()).unwrap(),
        viewers: 10,
        occurred: UnixMillis(0),
    }
}

fn ok(debit: Debit) -> Claim {
    Claim { debit, verdict: Ok(()) }
}

fn known(granted: i64) -> Known {
    let lease = |campaign| LeaseRow {
        campaign: CampaignId(campaign),
        granted: Micros(granted),
        settled: Micros::ZERO,
        accepts: true,
    };
    Known { leases: [(LeaseId(1), lease(1)), (LeaseId(2), lease(2))].into(), ..Known::default() }
}

#[test]
fn a_duplicate_in_the_batch_or_before_it_is_written_once() {
    let mut before = known(1000);
    before.settled.insert(debit(9, 1, 1, 10).event);
    let posting = plan(&[ok(debit(1, 1, 1, 10)), ok(debit(1, 1, 1, 10)), ok(debit(9, 1, 1, 10))], &before);
    assert_eq!(posting.outcomes, [Outcome::Settled, Outcome::Duplicate, Outcome::Duplicate]);
    assert_eq!(posting.events.len(), 1);
    assert_eq!(posting.leases, [((LeaseId(1), CampaignId(1)), Micros(10))].into());
}

#[test]
fn a_lease_pays_what_it_has_and_not_a_micro_more() {
    let posting =
        plan(&[ok(debit(1, 1, 1, 60)), ok(debit(2, 1, 1, 41)), ok(debit(3, 1, 1, 40))], &known(100));
    assert_eq!(
        posting.outcomes,
        [Outcome::Settled, Outcome::Rejected(Reason::LeaseExhausted), Outcome::Settled]
    );
}

#[test]
fn a_closed_or_foreign_lease_pays_nothing() {
    let mut closed = known(100);
    closed.leases.get_mut(&LeaseId(1)).unwrap().accepts = false;
    let posting = plan(&[ok(debit(1, 1, 1, 1)), ok(debit(2, 7, 1, 1)), ok(debit(3, 2, 1, 1))], &closed);
    let reasons = [Reason::LeaseClosed, Reason::LeaseClosed, Reason::BadToken];
    assert_eq!(posting.outcomes, reasons.map(Outcome::Rejected));
    assert!(posting.lines.is_empty() && posting.events.is_empty());
}

#[test]
fn a_refusal_is_final() {
    let refused = Claim { debit: debit(1, 1, 1, 10), verdict: Err(Reason::TooShort) };
    let first = plan(&[refused, ok(debit(1, 1, 1, 10))], &known(100));
    assert_eq!(first.outcomes, [Outcome::Rejected(Reason::TooShort); 2]);
    assert_eq!(first.rejects.len(), 1);
    let mut later = known(100);
    later.rejected.insert(debit(1, 1, 1, 10).event, Reason::TooShort);
    assert_eq!(plan(&[ok(debit(1, 1, 1, 10))], &later).outcomes, [Outcome::Rejected(Reason::TooShort)]);
}

#[test]
fn a_play_that_pays_per_click_is_counted_and_costs_nothing() {
    let posting = plan(&[ok(debit(1, 1, 1, 0))], &known(100));
    assert_eq!(posting.outcomes, [Outcome::Settled]);
    assert!(posting.lines.is_empty());
    assert_eq!(posting.campaigns.get(&CampaignId(1)).map(|c| (c.plays, c.viewers)), Some((1, 10)));
}

#[test]
fn a_split_that_does_not_add_up_is_refused() {
    let mut bad = debit(1, 1, 1, 100);
    bad.split.earn = Micros(bad.split.earn.0 + 1);
    assert_eq!(plan(&[ok(bad)], &known(1000)).outcomes, [Outcome::Rejected(Reason::BadToken)]);
}

fn claims() -> impl Strategy<Value = Vec<Claim>> {
    let one = (0_u8..20, 1_i64..4, 1_i64..3, 0_i64..300, prop::bool::weighted(0.8), any::<bool>());
    proptest::collection::vec(one, 0..60).prop_map(|list| {
        list.into_iter()
            .map(|(event, lease, campaign, price, good, click)| {
                // The same event always carries the same terms: the token is signed.
                let price = price + i64::from(event);
                let mut debit = debit(event, lease, campaign, price);
                if click {
                    debit.kind = EventKind::Click;
                }
                Claim { debit, verdict: if good { Ok(()) } else { Err(Reason::TooShort) } }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn every_batch_balances_and_stays_inside_its_leases(claims in claims(), granted in 1_i64..3000) {
        let known = known(granted);
        let posting = plan(&claims, &known);
        prop_assert_eq!(posting.outcomes.len(), claims.len());
        prop_assert!(is_balanced(&posting.lines));
        for ((lease, _), taken) in &posting.leases {
            prop_assert!(taken.0 <= known.leases[lease].granted.0);
        }
        let events: i64 = posting.events.iter().map(|d| d.split.price.0).sum();
        let debits: i64 = posting.lines.iter().filter(|l| l.side == Side::Debit).map(|l| l.amount.0).sum();
        prop_assert_eq!(events, debits);
        let counted: i64 = posting.campaigns.values().map(|c| c.price.0).sum();
        prop_assert_eq!(events, counted);
        let mut ids: Vec<_> = posting.events.iter().map(|d| d.event).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), posting.events.len());
    }

    /// Cutting a batch in two, with the first part written, gives the same answers and the same
    /// money: a replay after a crash can not change anything.
    #[test]
    fn a_batch_may_be_cut_anywhere(claims in claims(), cut in 0_usize..60, granted in 1_i64..3000) {
        let whole = plan(&claims, &known(granted));
        let (first, second) = claims.split_at(cut.min(claims.len()));
        let mut state = known(granted);
        let one = plan(first, &state);
        state.settled.extend(one.events.iter().map(|d| d.event));
        state.rejected.extend(one.rejects.iter().map(|(d, r)| (d.event, *r)));
        for ((lease, _), taken) in &one.leases {
            state.leases.get_mut(lease).unwrap().settled.0 += taken.0;
        }
        let two = plan(second, &state);
        let outcomes: Vec<_> = one.outcomes.iter().chain(&two.outcomes).copied().collect();
        prop_assert_eq!(outcomes, whole.outcomes);
        let events: Vec<_> = one.events.iter().chain(&two.events).copied().collect();
        prop_assert_eq!(events, whole.events);
    }
}
