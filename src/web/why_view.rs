//! Answers of `why`, as the API shows them.

use super::conflict_rule_body::HitView;
use super::reason_body::{CountView, NoBidView, ReasonView};
use super::schema::{Id, Listed, Moment, OneOf, PlayText};
use super::wire::{MoneyBody, rfc3339};
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::log::PlayOutcome;
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::pacing::ONE;
use gametriggers_actors::domain::play::Phase;
use gametriggers_actors::domain::streamer::board::Recent;
use gametriggers_actors::domain::streamer::why::{Verdict, Why};
use gametriggers_actors::domain::why::{Check, Checked, Means};
use gametriggers_actors::messages::CampaignLive;
use schemars::JsonSchema;
use serde::Serialize;

/// The slot of this moment.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SlotView {
    /// Whether it could be used, if it were due.
    usable: bool,
    /// Why not.
    reason: Option<NoBidView>,
    /// When the next one falls due; null while no overlay is connected.
    #[schemars(with = "Option<Moment>")]
    next_at: Option<String>,
}

/// A campaign by its name.
#[derive(Debug, Serialize, JsonSchema)]
struct CampaignName {
    /// Its number.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// Its name.
    #[schemars(example = &"Diwali launch")]
    campaign: String,
    /// Whose it is.
    #[schemars(example = &"Voltade")]
    brand: String,
}

/// How far a play came.
struct PhaseName;
impl Listed for PhaseName {
    fn codes() -> Vec<&'static str> {
        vec!["reserving", "preparing", "starting", "on_screen", "ending"]
    }
}

/// What became of a slot: no play, or what became of its play.
struct SlotOutcome;
impl Listed for SlotOutcome {
    fn codes() -> Vec<&'static str> {
        [NO_FILL].into_iter().chain(PlayOutcome::ALL.map(PlayOutcome::code)).collect()
    }
}

const NO_FILL: &str = "no_fill";

/// The play in hand.
#[derive(Debug, Serialize, JsonSchema)]
struct InHandView {
    /// Null for a test.
    campaign: Option<CampaignName>,
    /// How far it came.
    #[schemars(with = "OneOf<PhaseName>", example = &"on_screen")]
    phase: &'static str,
}

/// A campaign that could get the slot.
#[derive(Debug, Serialize, JsonSchema)]
struct CandidateView {
    #[serde(flatten)]
    campaign: CampaignName,
    /// 1 gets the slot; 2 and 3 when those before it have no money at hand.
    #[schemars(range(min = 1), example = 1)]
    rank: Option<usize>,
    /// Value times weight: for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<i64>,
    /// Why it does not get the slot.
    reason: Option<ReasonView>,
}

/// A slot that has passed.
#[derive(Debug, Serialize, JsonSchema)]
struct RecentView {
    /// When it was due.
    #[schemars(with = "Moment")]
    at: String,
    /// Its play, if there was one.
    #[schemars(with = "Option<PlayText>")]
    play_id: Option<String>,
    /// The campaign of that play; null for a test.
    campaign: Option<CampaignName>,
    /// What became of it.
    #[schemars(with = "OneOf<SlotOutcome>", example = &"settled")]
    outcome: &'static str,
    /// Why it stayed empty, or why the play came to nothing.
    reason: Option<NoBidView>,
}

/// What would play now, and why nothing else.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StreamerWhy {
    /// The streamer.
    #[schemars(with = "Id")]
    streamer_id: i64,
    /// When this was so.
    #[schemars(with = "Moment")]
    at: String,
    /// Who is watching; null when the platform has not said so lately.
    #[schemars(example = 840)]
    viewers: Option<u32>,
    /// The slot of this moment.
    slot: SlotView,
    /// Why the slot would stay empty, although it could be used.
    no_fill: Option<NoBidView>,
    /// The play in hand.
    playing: Option<InHandView>,
    /// The campaign that would get the slot, if it were due and could be used.
    #[schemars(with = "Option<Id>", example = 1)]
    winner: Option<i64>,
    /// How many campaigns want the stream.
    #[schemars(example = 7)]
    candidates_total: usize,
    /// The first of them, those that would get it before the others.
    candidates: Vec<CandidateView>,
    /// Those that would not get it, by reason.
    lost: Vec<CountView>,
    /// The last slots, newest first.
    recent: Vec<RecentView>,
}

/// A check of the campaign.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CheckView {
    /// Which one.
    #[schemars(with = "OneOf<Check>", example = &"pacing")]
    pub(super) check: &'static str,
    /// Whether nothing is against it.
    pub(super) passed: bool,
    /// What is against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<ReasonView>,
    /// When it passes, if nothing else happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    pub(super) until: Option<String>,
}

/// A conflict rule that speaks against it now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SpeakingRuleView")]
pub(super) struct RuleView {
    #[serde(flatten)]
    pub(super) hit: HitView,
    /// Silent from then on, if nothing else is shown.
    #[schemars(with = "Option<Moment>")]
    pub(super) until: Option<String>,
}

/// The cap of the day.
#[derive(Debug, Serialize, JsonSchema)]
struct DayView {
    /// What may be spent today.
    #[schemars(example = MoneyBody::rupees(2_000))]
    cap: MoneyBody,
    /// Settled today, or set aside.
    #[schemars(example = MoneyBody::rupees(640))]
    committed: MoneyBody,
}

/// What a server holds of a budget.
#[derive(Debug, Serialize, JsonSchema)]
struct LeaseView {
    /// Not set aside.
    #[schemars(example = MoneyBody::rupees(72))]
    free: MoneyBody,
    /// Set aside for plays that are decided.
    #[schemars(example = MoneyBody::rupees(8))]
    reserved: MoneyBody,
}

/// What the campaign's money says.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MeansView {
    /// Given to the campaign so far.
    #[schemars(example = MoneyBody::rupees(25_000))]
    funded: MoneyBody,
    /// Settled, or set aside for plays that are decided.
    #[schemars(example = MoneyBody::rupees(4_200))]
    committed: MoneyBody,
    /// What the plan allows and is not committed; below zero when the campaign is ahead of it.
    #[schemars(example = MoneyBody::rupees(35))]
    tokens: MoneyBody,
    /// How much of the plan has passed, in millionths.
    #[schemars(range(min = 0), example = 169_400)]
    plan_ppm: i64,
    /// What a play on this stream would set aside.
    #[schemars(example = MoneyBody::rupees(8))]
    price: Option<MoneyBody>,
    /// The cap of the day, if there is one.
    day: Option<DayView>,
    /// What this node holds of the budget; null while it is read.
    lease: Option<LeaseView>,
}

/// Why a campaign plays or does not on one stream.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CampaignWhy {
    /// The campaign.
    #[schemars(with = "Id")]
    pub(super) campaign_id: i64,
    /// The streamer.
    #[schemars(with = "Id")]
    pub(super) streamer_id: i64,
    /// When this was so.
    #[schemars(with = "Moment")]
    pub(super) at: String,
    /// What it comes to.
    #[schemars(extend("enum" = ["playing", "would_play", "lost"]), example = &"lost")]
    pub(super) outcome: &'static str,
    /// How far the play in hand came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OneOf<PhaseName>>")]
    pub(super) phase: Option<&'static str>,
    /// Why it would not run now: what is against this campaign, else what is against any.
    pub(super) reason: Option<ReasonView>,
    /// The slot of this moment.
    pub(super) slot: SlotView,
    /// In the order of a decision.
    pub(super) checks: Vec<CheckView>,
    /// The conflict rules that speak, those that only warn as well.
    pub(super) rules: Vec<RuleView>,
    /// What its money says; null when it has ended.
    pub(super) money: Option<MeansView>,
}

/// What streams said of a campaign.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SurveyView {
    /// Streams that are live on this node.
    #[schemars(example = 120)]
    pub(super) live: usize,
    /// Those that were asked.
    #[schemars(example = 100)]
    pub(super) asked: usize,
    /// Those that answered in time.
    #[schemars(example = 100)]
    pub(super) answered: usize,
    /// Where it is on its way or on screen.
    #[schemars(example = 2)]
    pub(super) playing: u32,
    /// Where it would get the slot of this moment.
    #[schemars(example = 31)]
    pub(super) would_play: u32,
    /// Why it would not get it elsewhere.
    pub(super) lost: Vec<CountView>,
}

/// Why a campaign plays or does not, over all streams.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SummaryWhy {
    /// The campaign.
    #[schemars(with = "Id")]
    pub(super) campaign_id: i64,
    /// When this was so.
    #[schemars(with = "Moment")]
    pub(super) at: String,
    /// What streams said.
    pub(super) streamers: SurveyView,
}

/// Why a campaign plays or does not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "CampaignWhyView")]
pub(super) enum OfCampaign {
    /// Every check, on one stream.
    Stream(Box<CampaignWhy>),
    /// How often each reason lost a slot, on all streams.
    Everywhere(SummaryWhy),
}

impl SlotView {
    pub(super) fn of(why: &Why) -> Self {
        Self {
            usable: why.blocked_by.is_none(),
            reason: why.blocked_by.map(NoBidView::of),
            next_at: why.next_slot.map(rfc3339),
        }
    }
}

impl CampaignName {
    pub(super) fn of(campaign: &Campaign) -> Self {
        Self {
            campaign_id: campaign.id.0,
            campaign: campaign.name.to_string(),
            brand: campaign.brand.name.to_string(),
        }
    }
}

pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Reserving => "reserving",
        Phase::Preparing => "preparing",
        Phase::Starting => "starting",
        Phase::OnScreen => "on_screen",
        Phase::Shown | Phase::Lost(_) => "ending",
    }
}

impl StreamerWhy {
    pub(super) fn of(id: StreamerId, why: &Why, for_operator: bool) -> Self {
        let candidate = |verdict: &Verdict| CandidateView {
            campaign: CampaignName::of(&verdict.campaign),
            rank: verdict.rank.map(|(place, _)| place),
            score: verdict.rank.map(|(_, score)| score).filter(|_| for_operator),
            reason: verdict.lost.map(ReasonView::of),
        };
        let recent = |recent: &Recent| RecentView {
            at: rfc3339(recent.at),
            play_id: recent.play.map(|play| play.to_string()),
            campaign: recent.campaign.as_deref().map(CampaignName::of),
            outcome: recent.outcome.map_or(NO_FILL, |outcome| outcome.code()),
            reason: recent.reason.map(NoBidView::of),
        };
        let playing = why.in_hand.as_ref().map(|(campaign, at)| InHandView {
            campaign: campaign.as_deref().map(CampaignName::of),
            phase: phase(*at),
        });
        Self {
            streamer_id: id.0,
            at: rfc3339(why.now),
            viewers: why.sample.map(|sample| sample.viewers),
            slot: SlotView::of(why),
            no_fill: why.no_fill.filter(|_| why.blocked_by.is_none()).map(NoBidView::of),
            playing,
            winner: why.winner.map(|id| id.0),
            candidates_total: why.total,
            candidates: why.candidates.iter().map(candidate).collect(),
            lost: CountView::list(why.losses.by_reason()),
            recent: why.recent.iter().map(recent).collect(),
        }
    }
}

impl CheckView {
    pub(super) fn of(checked: &Checked) -> Self {
        Self {
            check: checked.check.code(),
            passed: checked.against.is_none(),
            reason: checked.against.map(ReasonView::of),
            until: checked.until.map(rfc3339),
        }
    }
}

impl MeansView {
    pub(super) fn of(means: &Means, live: Option<CampaignLive>, currency: Currency) -> Self {
        let money = |amount: Micros| MoneyBody::of(amount, currency);
        let day = means.budget.day;
        Self {
            funded: money(means.budget.funded),
            committed: money(means.budget.committed),
            tokens: money(means.tokens),
            plan_ppm: means.share * 1_000_000 / ONE,
            price: means.price.map(money),
            day: day.map(|day| DayView { cap: money(day.cap), committed: money(day.committed) }),
            lease: live.map(|live| LeaseView { free: money(live.free), reserved: money(live.reserved) }),
        }
    }
}
