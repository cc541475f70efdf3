//! `/api/streamers/{id}/why` and `/api/campaigns/{id}/why`: why something did not run, from live state.
//!
//! A streamer sees every campaign that could run on their stream. A brand sees its own campaign and nothing
//! of the others, neither their names nor what they pay: of a campaign that was worth more it is told that
//! there is one.

use super::Shared;
use super::caller::Caller;
use super::campaign::own;
use super::conflict_rule_body::HitView;
use super::problem::Problem;
use super::reason_body::{CountView, NoBidView, ReasonView};
use super::wire::{MoneyBody, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::pacing::ONE;
use gametriggers_actors::domain::play::Phase;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::streamer::board::Recent;
use gametriggers_actors::domain::streamer::why::{Fate, Verdict, Why};
use gametriggers_actors::domain::why::{Checked, Means, Named};
use gametriggers_actors::messages::{CampaignLive, GetLive};
use gametriggers_actors::ports::Principal;
use gametriggers_actors::question;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a brand may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyQuery {
    /// One stream; without it, all that are live on this node.
    streamer: Option<i64>,
}

/// A streamer asks for all or nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// The slot of this moment.
#[derive(Debug, Serialize, JsonSchema)]
struct SlotView {
    /// Whether it could be used, if it were due.
    usable: bool,
    /// Why not.
    reason: Option<NoBidView>,
    /// When the next one falls due; null while no overlay is connected.
    next_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CampaignName {
    campaign_id: i64,
    campaign: String,
    brand: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct InHandView {
    /// Null for a test.
    campaign: Option<CampaignName>,
    phase: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CandidateView {
    #[serde(flatten)]
    campaign: CampaignName,
    /// 1 gets the slot; 2 and 3 when those before it have no money at hand.
    rank: Option<usize>,
    /// Value times weight: for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<i64>,
    reason: Option<ReasonView>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RecentView {
    at: String,
    play_id: Option<String>,
    campaign: Option<CampaignName>,
    outcome: &'static str,
    reason: Option<NoBidView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StreamerWhy {
    streamer_id: i64,
    at: String,
    /// Null when the platform has not said so lately.
    viewers: Option<u32>,
    slot: SlotView,
    /// Why the slot would stay empty, although it could be used.
    no_fill: Option<NoBidView>,
    playing: Option<InHandView>,
    /// The campaign that would get the slot, if it were due and could be used.
    winner: Option<i64>,
    candidates_total: usize,
    candidates: Vec<CandidateView>,
    /// Those that would not get it, by reason.
    lost: Vec<CountView>,
    /// The last slots, newest first.
    recent: Vec<RecentView>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CheckView {
    check: &'static str,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonView>,
    /// When it passes, if nothing else happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SpeakingRuleView")]
struct RuleView {
    #[serde(flatten)]
    hit: HitView,
    until: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct DayView {
    cap: MoneyBody,
    committed: MoneyBody,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LeaseView {
    free: MoneyBody,
    reserved: MoneyBody,
}

#[derive(Debug, Serialize, JsonSchema)]
struct MeansView {
    funded: MoneyBody,
    /// Settled, or set aside for plays that are decided.
    committed: MoneyBody,
    /// What the plan allows and is not committed; below zero when the campaign is ahead of it.
    tokens: MoneyBody,
    /// How much of the plan has passed, in millionths.
    plan_ppm: i64,
    /// What a play on this stream would set aside.
    price: Option<MoneyBody>,
    day: Option<DayView>,
    /// What this node holds of the budget; null while it is read.
    lease: Option<LeaseView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CampaignWhy {
    campaign_id: i64,
    streamer_id: i64,
    at: String,
    /// `playing`, `would_play` or `lost`.
    outcome: &'static str,
    /// Where the play is that is in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    /// Why it would not run now: what is against this campaign, else what is against any.
    reason: Option<ReasonView>,
    slot: SlotView,
    /// In the order of a decision.
    checks: Vec<CheckView>,
    /// The conflict rules that speak, those that only warn as well.
    rules: Vec<RuleView>,
    money: Option<MeansView>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SurveyView {
    live: usize,
    asked: usize,
    answered: usize,
    playing: u32,
    would_play: u32,
    lost: Vec<CountView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SummaryWhy {
    campaign_id: i64,
    at: String,
    streamers: SurveyView,
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
    fn of(why: &Why) -> Self {
        Self {
            usable: why.blocked_by.is_none(),
            reason: why.blocked_by.map(NoBidView::of),
            next_at: why.next_slot.map(rfc3339),
        }
    }
}

impl CampaignName {
    fn of(campaign: &Campaign) -> Self {
        Self {
            campaign_id: campaign.id.0,
            campaign: campaign.name.to_string(),
            brand: campaign.brand.name.to_string(),
        }
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Reserving => "reserving",
        Phase::Preparing => "preparing",
        Phase::Starting => "starting",
        Phase::OnScreen => "on_screen",
        Phase::Shown | Phase::Lost(_) => "ending",
    }
}

impl StreamerWhy {
    fn of(id: StreamerId, why: &Why, for_operator: bool) -> Self {
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
            outcome: recent.outcome.map_or("no_fill", |outcome| outcome.code()),
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
    fn of(checked: &Checked) -> Self {
        Self {
            check: checked.check.code(),
            passed: checked.against.is_none(),
            reason: checked.against.map(ReasonView::of),
            until: checked.until.map(rfc3339),
        }
    }
}

impl MeansView {
    fn of(means: &Means, live: Option<CampaignLive>, currency: Currency) -> Self {
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

/// The rules that speak, by name.
async fn rules(shared: &Shared, named: &Named) -> Result<Vec<RuleView>, Problem> {
    let ids: Vec<_> = named.rules.iter().map(|speaks| speaks.hit.rule).collect();
    let names = if ids.is_empty() { Vec::new() } else { shared.engine.ports.rules.rule_names(&ids).await? };
    let view = |speaks: &gametriggers_actors::domain::why::Speaks| RuleView {
        hit: HitView::of(&speaks.hit, &names),
        until: speaks.until.map(rfc3339),
    };
    Ok(named.rules.iter().map(view).collect())
}

fn answer(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(body)
}

pub(super) async fn of_streamer(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    _: Query<NoQuery>,
) -> Result<HttpResponse, Problem> {
    let id = StreamerId(*id);
    caller.is_streamer(id)?;
    let why = question::why(&shared.engine, id, None).await?.ok_or_else(Problem::not_found)?;
    Ok(answer(&StreamerWhy::of(id, &why, caller.0 == Principal::Admin)))
}

pub(super) async fn of_campaign(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<WhyQuery>,
) -> Result<HttpResponse, Problem> {
    let campaign = own(&shared, caller, *id).await?;
    Ok(answer(&match query.streamer {
        Some(streamer) => OfCampaign::Stream(on_stream(&shared, &campaign, StreamerId(streamer)).await?),
        None => OfCampaign::Everywhere(everywhere(&shared, campaign.id).await?),
    }))
}

async fn on_stream(
    shared: &Shared,
    campaign: &Campaign,
    streamer: StreamerId,
) -> Result<Box<CampaignWhy>, Problem> {
    let engine = &shared.engine;
    let why = question::why(engine, streamer, Some(campaign.id)).await?.ok_or_else(Problem::not_found)?;
    let fate = why.fate(campaign.id);
    if why.named.is_none() && campaign.status != Status::Ended {
        // Made a moment ago: decisions do not know it yet.
        return Err(Problem::unavailable());
    }
    let mut view = CampaignWhy {
        campaign_id: campaign.id.0,
        streamer_id: streamer.0,
        at: rfc3339(why.now),
        outcome: "lost",
        phase: None,
        reason: None,
        slot: SlotView::of(&why),
        checks: Vec::new(),
        rules: Vec::new(),
        money: None,
    };
    match fate {
        Fate::Playing(at) => (view.outcome, view.phase) = ("playing", Some(phase(at))),
        Fate::Wins => view.outcome = "would_play",
        Fate::Loses(reason) => view.reason = Some(ReasonView::of(reason)),
    }
    if let Some(named) = &why.named {
        view.checks = named.checks.iter().map(CheckView::of).collect();
        view.rules = rules(shared, named).await?;
        let asked = engine.directory.campaign(engine, campaign.id).send(GetLive { shared: false }).await;
        view.money = Some(MeansView::of(&named.means, asked.ok().flatten(), campaign.currency));
    } else {
        let ended = ReasonView::of(Reason::CampaignEnded);
        view.checks.push(CheckView { check: "status", passed: false, reason: Some(ended), until: None });
    }
    Ok(Box::new(view))
}

async fn everywhere(shared: &Shared, campaign: CampaignId) -> Result<SummaryWhy, Problem> {
    let survey = question::survey(&shared.engine, campaign).await?;
    Ok(SummaryWhy {
        campaign_id: campaign.0,
        at: rfc3339(shared.engine.now()),
        streamers: SurveyView {
            live: survey.live,
            asked: survey.asked,
            answered: survey.answered,
            playing: survey.playing,
            would_play: survey.wins,
            lost: CountView::list(survey.losses.by_reason()),
        },
    })
}
