//! The life of a play step by step, and in any order of events.

use super::*;
use crate::domain::campaign::Campaign;
use crate::domain::conflict::{Rule, RuleIndex, RuleKind, Severity};
use crate::domain::decision::Bid;
use crate::domain::decision::tests::{campaign, profile};
use crate::domain::id::{LeaseId, RuleId, StreamerId};
use crate::domain::pacing::{BudgetView, Greedy, Plan};
use crate::domain::policy::tests::open;
use crate::domain::settlement::Outcome;
use crate::domain::streamer::command::Command;
use crate::domain::streamer::page::tests::page;
use crate::domain::streamer::page::{Active, HostKind};
use crate::domain::token::tests::keys;
use crate::domain::verification::tests::good;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeSet;

const TERMS: Terms = Terms {
    patience: Patience {
        reserve: Millis(100),
        prepare: Millis(1000),
        start: Millis(1000),
        end: Millis(1000),
    },
    token_life: Millis::seconds(600),
    fee: match FeeBps::new(2000) {
        Some(fee) => fee,
        None => panic!("2000 is a fee"),
    },
    strict: Strictness { require_streaming: true, frames_per_second_min: 10 },
    first_slot: Millis(0),
    first_slot_spread: Millis(0),
    minimum_gap: Millis(2000),
};
const ONE: SessionId = SessionId(1);

struct Shelf {
    campaigns: Vec<Arc<Campaign>>,
    rules: RuleIndex,
    plan: Plan,
    budget: BudgetView,
}

impl Market for Shelf {
    fn guide(&self) -> Guide<'_> {
        Guide { rules: &self.rules, pacing: &Greedy, charge_max_bps: 10_000, offers: false }
    }

    fn candidates(&self, _: &Streamer, viewers: u32) -> Vec<Candidate<'_>> {
        let candidate = |campaign| {
            let campaign: &Arc<Campaign> = campaign;
            let quote = campaign.pricing.quote(viewers);
            let value = quote.map_or(Micros::ZERO, |quote| quote.expected(viewers, 1200));
            Candidate::new(campaign, &self.budget, &self.plan, Bid { quote, value })
        };
        self.campaigns.iter().map(candidate).collect()
    }
}

/// A streamer on air, with a clock that the test turns.
struct Stage {
    live: LiveStreamer,
    shelf: Shelf,
    now: i64,
    on_air: bool,
    seed: u8,
}

impl Stage {
    fn new(campaigns: impl IntoIterator<Item = i64>) -> Self {
        let settings = Settings {
            slot_interval: Millis(10_000),
            hourly_max: 1000,
            first_ad_delay: Millis(0),
            ..Settings::default()
        };
        let streamer =
            Streamer { id: StreamerId(6), profile: Arc::new(profile()), settings: Arc::new(settings) };
        Self {
            live: LiveStreamer::new(streamer),
            shelf: Shelf {
                campaigns: campaigns.into_iter().map(|id| Arc::new(campaign(id))).collect(),
                rules: RuleIndex::default(),
                plan: Plan::uniform(campaign(1).flight),
                budget: BudgetView { funded: Micros(1_000_000), ..BudgetView::default() },
            },
            now: 1_000_000,
            on_air: true,
            seed: 0,
        }
    }

    fn step<R>(
        &mut self,
        take: impl FnOnce(&mut LiveStreamer, &mut World<'_>, &mut Vec<Effect>) -> R,
    ) -> (R, Vec<Effect>) {
        let (mut effects, now) = (Vec::new(), UnixMillis(self.now));
        let seed = &mut self.seed;
        let mut random = |bytes: &mut [u8]| {
            *seed = seed.wrapping_add(1);
            bytes.fill(*seed);
        };
        let policies = Policies::new(vec![open()]).unwrap();
        let mut world = World {
            now,
            sample: Some(Sample { live: self.on_air, viewers: 100, sampled: now }),
            market: &self.shelf,
            attained: &Attainments::default,
            policies: &policies,
            keys: &keys(),
            terms: &TERMS,
            random: &mut random,
        };
        self.live.due(&mut world, &mut effects);
        let result = take(&mut self.live, &mut world, &mut effects);
        (result, effects)
    }

    fn attach(&mut self, page: Page) -> Vec<Effect> {
        self.step(|live, world, effects| live.attach(page, world, effects)).1
    }

    fn say(&mut self, session: SessionId, said: FromPage) -> Vec<Effect> {
        self.step(|live, world, effects| live.heard(session, said, world, effects)).1
    }

    fn wait(&mut self, millis: i64) -> Vec<Effect> {
        self.now += millis;
        self.step(|_, _, _| ()).1
    }

    fn reserved(&mut self, play: PlayId, answer: Result<LeaseId, Reason>) -> Vec<Effect> {
        self.step(|live, world, effects| live.reserved(play, answer, world, effects)).1
    }

    fn command(&mut self, command: Command) -> (Result<(), Reason>, Vec<Effect>) {
        self.step(|live, world, effects| live.command(command, world, effects))
    }

    /// A page that is there, a slot that is due, and money set aside: up to `prepare`.
    fn prepared(&mut self) -> PlayId {
        self.attach(page(1, HostKind::Obs, Active::Active));
        let (_, play) = asked(&self.wait(1)).expect("a campaign is asked for money");
        self.reserved(play, Ok(LeaseId(4)));
        play
    }

    /// Up to the first frame; the token and the nonce of the play.
    fn on_screen(&mut self) -> (PlayId, Vec<u8>, String) {
        let play = self.prepared();
        let (token, nonce) = played(&self.say(ONE, FromPage::Prepared(play))).expect("a token");
        self.say(ONE, FromPage::Started(play));
        (play, token, nonce)
    }
}

fn asked(effects: &[Effect]) -> Option<(CampaignId, PlayId)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Reserve { campaign, want } => Some((*campaign, want.play)),
        _ => None,
    })
}

fn played(effects: &[Effect]) -> Option<(Vec<u8>, String)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(_, ToPage::Play { token: Some(token), nonce, .. }) => {
            Some((token.clone(), nonce.clone()))
        }
        _ => None,
    })
}

fn claimed(effects: &[Effect]) -> Option<(Claim, Option<SessionId>)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Settle { claim, session } => Some((**claim, *session)),
        _ => None,
    })
}

fn refused(effects: &[Effect]) -> Option<Reason> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(_, ToPage::Ack { outcome: Outcome::Rejected(reason), .. }) => Some(*reason),
        _ => None,
    })
}

fn unfilled(effects: &[Effect]) -> Option<Reason> {
    effects.iter().find_map(|effect| if let Effect::NoFill(reason) = effect { Some(*reason) } else { None })
}

fn released(effects: &[Effect]) -> Option<PlayId> {
    effects.iter().find_map(|effect| if let Effect::Release(_, play) = effect { Some(*play) } else { None })
}

#[test]
fn a_play_goes_from_the_slot_to_the_claim_and_is_acked() {
    let mut stage = Stage::new([1]);
    let (play, token, nonce) = stage.on_screen();
    stage.now += 5000;
    stage.say(ONE, FromPage::Ended(play));
    let effects = stage.say(ONE, FromPage::Claim { play, token, nonce, evidence: good() });
    let (claim, session) = claimed(&effects).expect("the claim goes to settlement");
    assert_eq!((claim.verdict, session), (Ok(()), Some(ONE)));
    assert_eq!(
        (claim.debit.play, claim.debit.lease, claim.debit.split.price),
        (play, LeaseId(4), Micros(1000))
    );
    assert_eq!(claim.debit.split.earn, Micros(800));
    let (_, effects) =
        stage.step(|live, _, effects| live.settled(&claim, session, Some(Outcome::Settled), effects));
    let ack = Effect::Send(ONE, ToPage::Ack { play, outcome: Outcome::Settled });
    assert!(effects.contains(&ack));
    assert!(stage.live.money.in_flight.is_empty());
}

#[test]
fn nothing_is_acked_when_settlement_could_not_take_the_claim() {
    let mut stage = Stage::new([1]);
    let (play, token, nonce) = stage.on_screen();
    stage.now += 5000;
    let proof = FromPage::Claim { play, token, nonce, evidence: good() };
    let (claim, session) = claimed(&stage.say(ONE, proof.clone())).unwrap();
    let (_, effects) = stage.step(|live, _, effects| live.settled(&claim, session, None, effects));
    assert!(!effects.iter().any(|e| matches!(e, Effect::Send(_, ToPage::Ack { .. }))));
    assert!(claimed(&stage.say(ONE, proof)).is_some(), "the page sends it again, and it is taken again");
}

#[test]
fn forged_foreign_and_mixed_up_claims_are_refused_at_once() {
    let mut stage = Stage::new([1]);
    let (play, token, nonce) = stage.on_screen();
    let claim = |play, token: &[u8], nonce: &str| FromPage::Claim {
        play,
        token: token.to_vec(),
        nonce: nonce.to_owned(),
        evidence: good(),
    };
    let mut forged = token.clone();
    forged[20] ^= 1;
    let other = PlayId::mint(UnixMillis(5), [9; 10]);
    let mut terms = keys().verify(&token, &nonce).unwrap();
    terms.streamer = StreamerId(7);
    let foreign = keys().sign(&terms);
    assert_eq!(refused(&stage.say(ONE, claim(play, &forged, &nonce))), Some(Reason::BadToken));
    assert_eq!(refused(&stage.say(ONE, claim(play, &token, "guess"))), Some(Reason::BadNonce));
    assert_eq!(refused(&stage.say(ONE, claim(other, &token, &nonce))), Some(Reason::UnknownPlay));
    assert_eq!(refused(&stage.say(ONE, claim(play, &foreign, &nonce))), Some(Reason::ForeignToken));
    assert!(stage.live.money.in_flight.is_empty());
}

#[test]
fn a_claim_of_an_earlier_process_is_settled_from_its_token_alone() {
    let (play, token, nonce) = Stage::new([1]).on_screen();
    let mut later = Stage::new([]);
    later.attach(page(1, HostKind::Obs, Active::Active));
    later.now += 9000;
    let effects = later.say(ONE, FromPage::Claim { play, token, nonce, evidence: good() });
    assert_eq!(claimed(&effects).map(|(claim, _)| claim.verdict), Some(Ok(())));
}

#[test]
fn each_thing_that_is_missing_keeps_the_slot_empty_with_its_reason() {
    let empty = |prepare: fn(&mut Stage), status: fn(&mut PageStatus)| {
        let mut stage = Stage::new([1]);
        let mut page = page(1, HostKind::Obs, Active::Active);
        status(&mut page.status);
        prepare(&mut stage);
        let mut effects = stage.attach(page);
        effects.extend(stage.wait(1));
        unfilled(&effects)
    };
    assert_eq!(empty(|_| (), |_| ()), None);
    assert_eq!(empty(|s| s.on_air = false, |_| ()), Some(Reason::StreamOffline));
    assert_eq!(empty(|s| s.shelf.campaigns.clear(), |_| ()), Some(Reason::NoCandidate));
    assert_eq!(empty(|_| (), |s| s.visible = false), Some(Reason::OverlayHidden));
    assert_eq!(empty(|_| (), |s| s.active = Active::Inactive), Some(Reason::OverlayInactive));
    assert_eq!(empty(|_| (), |s| s.active = Active::Unknown), Some(Reason::OverlayInactive));
    assert_eq!(empty(|_| (), |s| s.streaming = Some(false)), Some(Reason::NotStreaming));
    assert_eq!(empty(|_| (), |s| s.streaming = None), None);
}

#[test]
fn a_rule_that_keeps_a_campaign_off_the_slot_is_heard() {
    let mut stage = Stage::new([1, 2]);
    let kind = RuleKind::CategoryExclusivity { categories: vec![], span: Millis::minutes(5) };
    let rule = Rule { id: RuleId(1), kind, severity: Severity::Blocking, priority: 0 };
    stage.shelf.rules = RuleIndex::new(vec![rule.clone()]);
    stage.attach(page(1, HostKind::Obs, Active::Active));
    stage.live.history.record(&campaign(1), UnixMillis(stage.now));
    let effects = stage.wait(1);
    assert_eq!(asked(&effects).map(|(campaign, _)| campaign), Some(CampaignId(1)));
    assert!(
        effects.contains(&Effect::RulesSpoke(vec![(CampaignId(2), rule.hit())])),
        "its competitor had to wait"
    );
}

#[test]
fn a_campaign_without_money_passes_the_slot_on_and_the_third_refusal_ends_it() {
    let mut stage = Stage::new([1, 2, 3, 4]);
    stage.attach(page(1, HostKind::Obs, Active::Active));
    let mut effects = stage.wait(1);
    for id in 1..=3 {
        let (campaign, play) = asked(&effects).expect("the next one is asked");
        assert_eq!(campaign, CampaignId(id));
        effects = stage.reserved(play, Err(Reason::LeaseEmpty));
    }
    assert_eq!((asked(&effects), unfilled(&effects)), (None, Some(Reason::LeaseEmpty)));
}

/// Candidates that lost, by reason.
fn lost(effects: &[Effect]) -> Vec<(Reason, u32)> {
    let lost = effects.iter().filter_map(|effect| match effect {
        Effect::Lost(losses) => Some(losses.by_reason()),
        _ => None,
    });
    lost.flatten().copied().collect()
}

#[test]
fn each_candidate_of_a_slot_is_counted_once_however_it_ends() {
    let start = || {
        let mut stage = Stage::new([1, 2, 3, 4, 5]);
        Arc::make_mut(&mut stage.shelf.campaigns[4]).targeting.followers_min = 1;
        stage.attach(page(1, HostKind::Obs, Active::Active));
        let effects = stage.wait(1);
        assert_eq!(lost(&effects), [(Reason::Followers, 1), (Reason::Outbid, 1)], "three may still get it");
        (stage, asked(&effects).unwrap().1)
    };
    let (mut stage, play) = start();
    let effects = stage.reserved(play, Err(Reason::LeaseEmpty));
    assert_eq!(lost(&effects), [(Reason::LeaseEmpty, 1)]);
    let effects = stage.reserved(asked(&effects).unwrap().1, Ok(LeaseId(1)));
    assert_eq!(lost(&effects), [(Reason::Outbid, 1)], "the second has it");
    let effects = stage.wait(100_000);
    assert_eq!(
        lost(&effects)[..2],
        [(Reason::Followers, 1), (Reason::Outbid, 1)],
        "and keeps it: the next slot"
    );
    let (mut stage, _) = start();
    let effects = stage.wait(100);
    assert_eq!(lost(&effects), [(Reason::ReserveTimeout, 1), (Reason::Outbid, 2)], "nobody answered");
    let (mut stage, _) = start();
    let (_, effects) = stage.command(Command::Pause);
    assert_eq!(lost(&effects), [(Reason::Paused, 1), (Reason::Outbid, 2)]);
    let (refused, effects) = stage.command(Command::PlayNext);
    assert_eq!((refused, unfilled(&effects)), (Err(Reason::Paused), Some(Reason::Paused)));
    assert_eq!(lost(&effects), [], "nobody was asked");
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken() {
    let mut stage = Stage::new([1]);
    stage.attach(page(1, HostKind::Obs, Active::Active));
    let (_, play) = asked(&stage.wait(1)).unwrap();
    let effects = stage.wait(100);
    assert_eq!(released(&effects), Some(play), "the campaign may have set it aside in the meantime");
    let taken = stage.step(|live, world, effects| live.reserved(play, Ok(LeaseId(1)), world, effects)).0;
    assert!(!taken, "the actor gives the money back");
}

#[test]
fn money_goes_back_at_once_only_while_the_token_is_here() {
    let mut stage = Stage::new([1]);
    let play = stage.prepared();
    assert_eq!(released(&stage.wait(1000)), Some(play), "the page never had it");

    let mut stage = Stage::new([1]);
    let play = stage.prepared();
    stage.say(ONE, FromPage::Prepared(play));
    let effects = stage.wait(1000);
    assert_eq!(
        (released(&effects), claimed(&effects)),
        (None, None),
        "silence proves nothing: the price waits"
    );

    let mut stage = Stage::new([1]);
    let (play, ..) = stage.on_screen();
    let effects = stage.say(ONE, FromPage::Lost(play, Reason::Hidden));
    let (claim, session) = claimed(&effects).expect("a refusal is put on record");
    assert_eq!((claim.verdict, session), (Err(Reason::Hidden), None));
    assert_eq!(released(&effects), None);
}

#[test]
fn a_page_that_comes_back_goes_on_with_its_play() {
    let mut stage = Stage::new([1]);
    let (play, token, nonce) = stage.on_screen();
    stage.step(|live, world, effects| live.detach(ONE, world, effects));
    let mut again = page(2, HostKind::Obs, Active::Active);
    again.instance_id = "instance-1".into();
    stage.attach(again);
    stage.now += 4000;
    stage.say(SessionId(2), FromPage::Ended(play));
    let effects = stage.say(SessionId(2), FromPage::Claim { play, token, nonce, evidence: good() });
    assert!(claimed(&effects).is_some());
    assert_eq!(
        stage.live.recent.back().and_then(|r| r.outcome),
        Some(crate::domain::log::PlayOutcome::Shown)
    );
}

#[test]
fn a_page_that_is_lost_before_the_token_loses_the_play() {
    let mut stage = Stage::new([1]);
    let play = stage.prepared();
    let (_, effects) = stage.step(|live, world, effects| live.detach(ONE, world, effects));
    assert_eq!(released(&effects), Some(play));
    assert!(stage.live.is_idle());
}

#[test]
fn hidden_for_ten_minutes_means_one_ad_afterwards() {
    let mut stage = Stage::new([1]);
    let mut hidden = page(1, HostKind::Obs, Active::Active);
    hidden.status.visible = false;
    stage.attach(hidden);
    for _ in 0..60 {
        assert_eq!(asked(&stage.wait(10_000)), None);
    }
    let shown = PageStatus { active: Active::Active, visible: true, streaming: Some(true) };
    let mut effects = stage.say(ONE, FromPage::Status(shown));
    effects.extend(stage.wait(9_999));
    assert_eq!(asked(&effects), None, "the next slot is due an interval after the last one");
    assert!(asked(&stage.wait(1)).is_some());
}

#[test]
fn pause_skip_and_snooze_take_the_ad_off_and_it_is_not_paid() {
    for command in [Command::Pause, Command::Skip, Command::Snooze(Millis::minutes(5))] {
        let mut stage = Stage::new([1]);
        let (play, token, nonce) = stage.on_screen();
        let (answer, effects) = stage.command(command);
        assert_eq!(answer, Ok(()));
        assert!(effects.contains(&Effect::Send(ONE, ToPage::Stop(play))));
        let (claim, _) = claimed(&effects).expect("the refusal is on record");
        assert!(claim.verdict.is_err());
        // A page that claims all the same: settlement keeps to what is on record.
        assert!(claimed(&stage.say(ONE, FromPage::Claim { play, token, nonce, evidence: good() })).is_some());
    }
}

#[test]
fn play_next_overrides_the_clock_and_nothing_else() {
    let mut stage = Stage::new([1]);
    stage.attach(page(1, HostKind::Obs, Active::Active));
    let (_, play) = asked(&stage.wait(1)).unwrap();
    assert_eq!(stage.command(Command::PlayNext).0, Err(Reason::PlayInHand));
    stage.reserved(play, Err(Reason::Budget));
    let (answer, effects) = stage.command(Command::PlayNext);
    assert_eq!(answer, Ok(()));
    let (_, play) = asked(&effects).expect("an ad now");
    stage.reserved(play, Err(Reason::Budget));
    stage.command(Command::Pause).0.unwrap();
    assert_eq!(stage.command(Command::PlayNext).0, Err(Reason::Paused));
    stage.command(Command::Resume).0.unwrap();
    assert_eq!(stage.command(Command::PlayNext).0, Ok(()));
}

#[test]
fn no_slot_is_used_while_the_store_is_away_and_a_test_needs_none() {
    let mut stage = Stage::new([1]);
    stage.attach(page(1, HostKind::Obs, Active::Active));
    stage.live.store_away(true);
    let effects = stage.wait(1);
    assert!(effects.contains(&Effect::NoFill(Reason::StoreUnavailable)), "{effects:?}");
    assert_eq!(stage.command(Command::PlayNext).0, Err(Reason::StoreUnavailable));
    assert_eq!(stage.command(Command::Test).0, Ok(()));
    stage.command(Command::Skip).0.unwrap();
    stage.live.store_away(false);
    assert!(asked(&stage.wait(10_000)).is_some());
}

#[test]
fn a_page_that_is_reloaded_skips_no_interval() {
    let mut stage = Stage::new([1]);
    let start = stage.now;
    let (play, ..) = stage.on_screen();
    stage.say(ONE, FromPage::Ended(play));
    for session in 2..5 {
        stage.step(|live, world, effects| live.detach(SessionId(session - 1), world, effects));
        stage.attach(page(session, HostKind::Obs, Active::Active));
        assert_eq!(asked(&stage.wait(2500)), None, "page {session}");
    }
    let wait = start + 10_001 - stage.now;
    assert!(asked(&stage.wait(wait)).is_some(), "an interval after the slot of the last ad");
}

#[test]
fn limits_outlive_the_actor() {
    let mut stage = Stage::new([1]);
    let hourly_max = |live: &mut LiveStreamer, max| {
        live.set(|settings| settings.hourly_max = max, &mut Vec::new());
    };
    hourly_max(&mut stage.live, 3);
    let now = stage.now;
    stage.live.remember_slots([now - 3_500_000, now - 60_000, now - 4000].map(UnixMillis));
    stage.attach(page(1, HostKind::Obs, Active::Active));
    assert_eq!(asked(&stage.wait(5000)), None, "the interval of an earlier actor's ad is not over");
    let effects = stage.wait(1000);
    assert!(effects.contains(&Effect::NoFill(Reason::HourlyLimit)), "{effects:?}");
    assert_eq!(stage.command(Command::PlayNext).0, Err(Reason::HourlyLimit));
    assert!(asked(&stage.wait(100_000)).is_some(), "the oldest of the three is an hour old");
}

#[test]
fn play_next_skips_the_interval_and_neither_the_minimum_gap_nor_the_hourly_limit() {
    let mut stage = Stage::new([1]);
    let now = stage.now;
    stage.live.remember_slots([UnixMillis(now - 1000)]);
    stage.attach(page(1, HostKind::Obs, Active::Active));
    assert_eq!(stage.command(Command::PlayNext).0, Err(Reason::MinimumGap));
    stage.wait(1000);
    assert_eq!(stage.command(Command::PlayNext).0, Ok(()));
    stage.command(Command::Skip).0.unwrap();
    stage.live.set(|settings| settings.hourly_max = 1, &mut Vec::new());
    assert_eq!(stage.command(Command::PlayNext).0, Err(Reason::HourlyLimit));
}

#[test]
fn a_test_is_shown_measured_and_never_claimed() {
    let mut stage = Stage::new([]);
    stage.attach(page(1, HostKind::Obs, Active::Active));
    let (answer, effects) = stage.command(Command::Test);
    assert_eq!(answer, Ok(()));
    let play = effects.iter().find_map(|effect| match effect {
        Effect::Send(_, ToPage::Prepare { play, test: true, .. }) => Some(*play),
        _ => None,
    });
    let play = play.expect("a labelled test");
    let effects = stage.say(ONE, FromPage::Prepared(play));
    assert!(effects.iter().any(|e| matches!(e, Effect::Send(_, ToPage::Play { token: None, .. }))));
    stage.now += 40;
    let effects = stage.say(ONE, FromPage::Started(play));
    let measured =
        effects.iter().find_map(|e| if let Effect::Tested(t) = e { Some(t.painted_after) } else { None });
    assert_eq!(measured, Some(Millis(40)));
    let effects = stage.say(ONE, FromPage::Ended(play));
    assert!(claimed(&effects).is_none() && asked(&effects).is_none());
}

#[test]
fn one_page_too_many_is_refused() {
    let mut stage = Stage::new([]);
    for session in 1..=u64::try_from(PAGES_MAX).unwrap() {
        stage.attach(page(session, HostKind::Obs, Active::Active));
    }
    let taken = stage
        .step(|live, world, effects| live.attach(page(99, HostKind::Obs, Active::Active), world, effects))
        .0;
    assert!(!taken);
}

#[derive(Clone, Debug)]
enum Move {
    Attach(u64, bool),
    Detach(u64),
    Wait(i64),
    Answer(bool),
    Say(u64, u8),
    Claim(u64),
    Command(u8),
    Air(bool),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let session = || 1_u64..4;
    proptest::collection::vec(
        prop_oneof![
            (session(), any::<bool>()).prop_map(|(s, a)| Move::Attach(s, a)),
            session().prop_map(Move::Detach),
            (0_i64..12_000).prop_map(Move::Wait),
            any::<bool>().prop_map(Move::Answer),
            (session(), 0_u8..5).prop_map(|(s, what)| Move::Say(s, what)),
            session().prop_map(Move::Claim),
            (0_u8..5).prop_map(Move::Command),
            any::<bool>().prop_map(Move::Air),
        ],
        0..120,
    )
}

/// What a run has seen so far.
#[derive(Default)]
struct Watch {
    /// Plays whose token has left.
    tokens: BTreeSet<PlayId>,
    /// Plays whose money went back at once.
    returned: BTreeSet<PlayId>,
    /// Requests for money that have no answer yet.
    waiting: Vec<PlayId>,
    /// The last token with its nonce.
    last: Option<(PlayId, Vec<u8>, String)>,
}

impl Watch {
    fn act(&mut self, stage: &mut Stage, step: Move) -> Vec<Effect> {
        let current = stage.live.hand.as_ref().map(|hand| hand.play);
        match step {
            Move::Attach(s, _) if stage.live.pages.iter().any(|p| p.session == SessionId(s)) => Vec::new(),
            Move::Attach(s, active) => {
                let state = if active { Active::Active } else { Active::Inactive };
                stage.attach(page(s, HostKind::Obs, state))
            }
            Move::Detach(s) => stage.step(|l, w, e| l.detach(SessionId(s), w, e)).1,
            Move::Wait(millis) => stage.wait(millis),
            Move::Answer(good) => self.waiting.pop().map_or_else(Vec::new, |play| {
                let answer = if good { Ok(LeaseId(1)) } else { Err(Reason::Budget) };
                let (taken, effects) = stage.step(|l, w, e| l.reserved(play, answer, w, e));
                if good && !taken {
                    self.returned.insert(play);
                }
                effects
            }),
            Move::Say(s, what) => current.map_or_else(Vec::new, |play| {
                let said = match what {
                    0 | 1 => FromPage::Prepared(play),
                    2 => FromPage::Started(play),
                    3 => FromPage::Ended(play),
                    _ => FromPage::Lost(play, Reason::Hidden),
                };
                stage.say(SessionId(s), said)
            }),
            Move::Claim(s) => self.last.clone().map_or_else(Vec::new, |(play, token, nonce)| {
                stage.say(SessionId(s), FromPage::Claim { play, token, nonce, evidence: good() })
            }),
            Move::Command(which) => {
                let all = [Command::Pause, Command::Resume, Command::Skip, Command::PlayNext];
                let snooze = Command::Snooze(Millis(3000));
                stage.command(all.get(usize::from(which)).copied().unwrap_or(snooze)).1
            }
            Move::Air(on) => {
                stage.on_air = on;
                Vec::new()
            }
        }
    }

    fn see(&mut self, stage: &Stage, effects: &[Effect]) -> Result<(), TestCaseError> {
        for effect in effects {
            match effect {
                Effect::Reserve { want: Want { play, amount, .. }, .. } => {
                    prop_assert!(amount.is_positive());
                    self.waiting.push(*play);
                }
                Effect::Release(_, play) => {
                    prop_assert!(!self.tokens.contains(play), "its token is out");
                    self.returned.insert(*play);
                }
                Effect::Send(session, ToPage::Play { play, token, nonce, .. }) => {
                    prop_assert!(self.tokens.insert(*play), "a second token for one play");
                    prop_assert!(!self.returned.contains(play), "its money went back");
                    prop_assert_eq!(stage.live.hand.as_ref().map(|h| h.session), Some(*session));
                    self.last = token.clone().map(|token| (*play, token, nonce.clone()));
                }
                Effect::Settle { claim, .. } => prop_assert!(self.tokens.contains(&claim.debit.play)),
                _ => {}
            }
        }
        let attached = |s: SessionId| stage.live.pages.iter().any(|page| page.session == s);
        prop_assert!(stage.live.primary.is_none_or(attached));
        prop_assert!(stage.live.recent.len() <= RECENT_MAX);
        Ok(())
    }
}

proptest! {
    /// Whatever pages, campaigns, the streamer and the clock do, in any order: no token leaves for a
    /// play whose money went back, no money goes back whose token is out, no play has two tokens, and
    /// the page that is told to show it is the one in charge.
    #[test]
    fn no_order_of_events_breaks_a_play(moves in moves()) {
        let (mut stage, mut watch) = (Stage::new([1, 2]), Watch::default());
        for step in moves {
            let effects = watch.act(&mut stage, step);
            watch.see(&stage, &effects)?;
        }
    }
}
