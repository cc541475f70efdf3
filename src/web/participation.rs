//! `/api/campaigns/{id}/participations`: a streamer asks to take part, and the brand answers.
//!
//! Conflict rules are asked at both: the same rules that are asked before every play, about what was on the
//! streamer's screen, and about what the streamer is assigned to. A campaign that a streamer is approved for
//! occupies its category, its brand and its place from then on, whether or not it was shown yet; only a
//! cooldown needs a play. The answer names every rule that spoke. What was on screen in the last moments may
//! not be in the log yet: before a play the streamer's own memory decides.

use super::Shared;
use super::caller::Caller;
use super::campaign::own;
use super::conflict_rule_body::HitView;
use super::fields::Fields;
use super::problem::Problem;
use super::wire::rfc3339;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::conflict::{Contender, Hit, Presence, Standing as Basis};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::streamer::live::Market;
use gametriggers_actors::domain::violation::Spoken;
use gametriggers_actors::metrics::rules_spoke;
use gametriggers_actors::ports::{Event, Participation, Principal, Standing, StoreError};
use serde::{Deserialize, Serialize};

/// How often an approval is judged again when the streamer's other assignments change meanwhile.
const TRIES: usize = 4;

/// `PATCH /api/campaigns/{id}/participations/{streamer_id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody {
    status: String,
}

#[derive(Debug, Serialize)]
struct ParticipationView {
    streamer_id: i64,
    campaign_id: i64,
    status: &'static str,
    applied_at: String,
    updated_at: String,
    /// Every rule that spoke, the highest priority first.
    rules: Vec<HitView>,
}

/// What rules say of an assignment, and the assignments that they looked at.
struct Judged {
    hits: Vec<Hit>,
    assigned: Vec<CampaignId>,
}

impl ParticipationView {
    fn of(participation: &Participation, rules: Vec<HitView>) -> Self {
        Self {
            streamer_id: participation.streamer.0,
            campaign_id: participation.campaign.0,
            status: participation.standing.code(),
            applied_at: rfc3339(participation.created),
            updated_at: rfc3339(participation.updated),
            rules,
        }
    }
}

/// Asks the rules, which counts what they say.
async fn judge(shared: &Shared, campaign: &Campaign, streamer: StreamerId) -> Result<Judged, Problem> {
    let (engine, now) = (&shared.engine, shared.engine.now());
    let catalogue = engine.catalogue.load_full();
    let since = now - catalogue.guide().rules.longest();
    let newest = |presence: &Presence| std::cmp::Reverse(presence.last_shown);
    let mut shown = engine.ports.log.shown_since(streamer, since).await?;
    shown.sort_by_key(newest);
    let mut with_assigned = engine.ports.participations.assigned(streamer, now).await?;
    let assigned: Vec<CampaignId> = with_assigned.iter().map(|presence| presence.campaign).collect();
    let is_new = |presence: &&Presence| !assigned.contains(&presence.campaign);
    with_assigned.extend(shown.iter().filter(is_new).cloned());
    with_assigned.sort_by_key(newest);
    let contender =
        Contender { campaign: campaign.id, brand: campaign.brand.id, category: &campaign.category, streamer };
    let basis = Basis { shown: &shown, with_assigned: &with_assigned };
    let hits = catalogue.guide().rules.spoken(contender, basis, now);
    let (brand, category) = (campaign.brand.id, &campaign.category);
    let spoken = hits.iter().map(|hit| Spoken { hit: *hit, brand, category: category.clone() });
    rules_spoke(engine, streamer, spoken.collect());
    Ok(Judged { hits, assigned })
}

/// The rules that spoke, by name; or the problem that names them when one of them blocks.
async fn verdict(shared: &Shared, hits: &[Hit]) -> Result<Vec<HitView>, Problem> {
    let ids: Vec<_> = hits.iter().map(|hit| hit.rule).collect();
    let names = if ids.is_empty() { Vec::new() } else { shared.engine.ports.rules.rule_names(&ids).await? };
    let views = hits.iter().map(|hit| HitView::of(hit, &names)).collect();
    if hits.iter().any(Hit::blocks) { Err(Problem::blocked(views)) } else { Ok(views) }
}

pub(super) async fn apply(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let Principal::Streamer(streamer) = caller.0 else {
        return Err(Problem::forbidden("a streamer's key is needed"));
    };
    let (engine, campaign) = (&shared.engine, CampaignId(*id));
    let campaign = engine.ports.campaigns.campaign(campaign).await?;
    let participations = &engine.ports.participations;
    if let Some(there) = participations.participation(streamer, campaign.id).await? {
        return Ok(HttpResponse::Ok().json(ParticipationView::of(&there, Vec::new())));
    }
    if campaign.status == Status::Ended {
        return Err(ended());
    }
    let judged = judge(&shared, &campaign, streamer).await?;
    let rules = verdict(&shared, &judged.hits).await?;
    let applied = participations.apply(streamer, campaign.id, engine.now()).await?;
    Ok(HttpResponse::Created().json(ParticipationView::of(&applied, rules)))
}

fn ended() -> Problem {
    Problem::conflict("campaign-ended", "nobody takes part in an ended campaign any more")
}

pub(super) async fn answer(
    shared: Data<Shared>,
    caller: Caller,
    ids: Path<(i64, i64)>,
    body: Json<AnswerBody>,
) -> Result<HttpResponse, Problem> {
    let (engine, (campaign, streamer)) = (&shared.engine, ids.into_inner());
    let (campaign, streamer) = (own(&shared, caller, campaign).await?, StreamerId(streamer));
    let standing = match body.status.as_str() {
        "approved" => Some(Standing::Approved),
        "declined" => Some(Standing::Declined),
        _ => None,
    };
    let mut fields = Fields::default();
    let standing = fields.need("status", standing, "approved or declined");
    fields.end()?;
    let there = engine.ports.participations.participation(streamer, campaign.id).await?;
    let there = there.ok_or_else(Problem::not_found)?;
    let standing = standing.unwrap_or(there.standing);
    if there.standing == standing {
        return Ok(HttpResponse::Ok().json(ParticipationView::of(&there, Vec::new())));
    }
    if campaign.status == Status::Ended && standing == Standing::Approved {
        return Err(ended());
    }
    let (answered, rules) = settle(&shared, (&campaign, streamer), standing).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    Ok(HttpResponse::Ok().json(ParticipationView::of(&answered, rules)))
}

/// Writes the answer. An approval is judged by what it is written beside.
async fn settle(
    shared: &Shared,
    (campaign, streamer): (&Campaign, StreamerId),
    standing: Standing,
) -> Result<(Participation, Vec<HitView>), Problem> {
    let participations = &shared.engine.ports.participations;
    let of = (streamer, campaign.id);
    for _ in 0..TRIES {
        let (rules, assigned) = match standing {
            Standing::Approved => {
                let judged = judge(shared, campaign, streamer).await?;
                (verdict(shared, &judged.hits).await?, judged.assigned)
            }
            _ => (Vec::new(), Vec::new()),
        };
        let answered = participations.answer(of, standing, &assigned, shared.engine.now()).await;
        if let Some(answered) = answered? {
            return Ok((answered, rules));
        }
    }
    Err(StoreError::Unavailable("the streamer's assignments change all the time".to_owned()).into())
}
