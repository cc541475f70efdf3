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
use super::reason_body::{CountView, ReasonView};
use super::schema::Id;
use super::why_view::{
    CampaignWhy, CheckView, MeansView, OfCampaign, RuleView, SlotView, StreamerWhy, SummaryWhy, SurveyView,
    phase,
};
use super::wire::rfc3339;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::streamer::why::Fate;
use gametriggers_actors::domain::why::{Named, Speaks};
use gametriggers_actors::messages::GetLive;
use gametriggers_actors::ports::Principal;
use gametriggers_actors::question;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a brand may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyQuery {
    /// One stream; without it, all that are live on this node.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    streamer: Option<i64>,
}

/// A streamer asks for all or nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// The rules that speak, by name.
async fn rules(shared: &Shared, named: &Named) -> Result<Vec<RuleView>, Problem> {
    let ids: Vec<_> = named.rules.iter().map(|speaks| speaks.hit.rule).collect();
    let names = if ids.is_empty() { Vec::new() } else { shared.engine.ports.rules.rule_names(&ids).await? };
    let view = |speaks: &Speaks| RuleView {
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
