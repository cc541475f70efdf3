//! `/api/campaigns/{id}/participations`: a streamer asks to take part, or is asked, and the other answers.
//!
//! Conflict rules are asked when a streamer asks and when either one says yes: the same rules that are asked
//! before every play, about what was on the streamer's screen, and about what the streamer is assigned to. A
//! campaign that a streamer is approved for occupies its category, its brand and its place from then on,
//! whether or not it was shown yet; only a cooldown needs a play. The answer names every rule that spoke.
//! What was on screen in the last moments may not be in the log yet: before a play the streamer's own
//! memory decides.

use super::Shared;
use super::caller::Caller;
use super::campaign::own;
use super::conflict_rule_body::HitView;
use super::fields::Fields;
use super::json::{Json, MaybeJson};
use super::listing::{is_full, limit};
use super::problem::Problem;
use super::schema::{Id, Listed, Moment, OneOf};
use super::wire::{PageBody, refused, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::conflict::{Contender, Hit, Presence, Standing as Basis};
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::streamer::live::Market;
use gametriggers_actors::domain::violation::Spoken;
use gametriggers_actors::metrics::rules_spoke;
use gametriggers_actors::ports::{
    Event, Participation, ParticipationsOf, Party, Principal, Standing, StoreError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often an approval is judged again when the streamer's other assignments change meanwhile.
const TRIES: usize = 4;

/// Who is to take part. A streamer needs no body; a brand names whom it invites.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposalBody {
    /// The streamer: whom a brand invites.
    #[serde(default)]
    #[schemars(with = "Option<Id>", example = 1)]
    streamer_id: Option<i64>,
}

/// What becomes of a participation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody {
    /// Brands approve, decline and complete; streamers approve, decline and withdraw.
    #[schemars(with = "OneOf<Answer>", example = &"approved")]
    status: String,
}

/// What a participation can be answered with. That it is ended follows from its campaign.
struct Answer;
impl Listed for Answer {
    fn codes() -> Vec<&'static str> {
        Standing::ALL.into_iter().filter(is_answer).map(Standing::code).collect()
    }
}

fn is_answer(standing: &Standing) -> bool {
    !matches!(standing, Standing::Invited | Standing::Applied | Standing::Ended)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ParticipationsQuery")]
pub(super) struct ListQuery {
    /// Only those.
    #[schemars(with = "Option<OneOf<Standing>>")]
    status: Option<String>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    after: Option<i64>,
    /// Items on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// A streamer's part in a campaign.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ParticipationView {
    /// The streamer.
    #[schemars(with = "Id")]
    streamer_id: i64,
    /// The campaign.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// Where it stands.
    #[schemars(with = "OneOf<Standing>", example = &"approved")]
    status: &'static str,
    /// When one asked the other first.
    #[schemars(with = "Moment")]
    applied_at: String,
    /// When it moved last.
    #[schemars(with = "Moment")]
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

/// Who moves a participation, and whose it is.
struct Mover {
    campaign: Campaign,
    streamer: StreamerId,
    party: Party,
}

/// The campaign and the part that the caller has in it.
///
/// # Errors
/// 404 for everybody but the campaign's brand, an operator, and the streamer.
async fn mover(shared: &Shared, caller: Caller, campaign: i64, streamer: i64) -> Result<Mover, Problem> {
    let streamer = StreamerId(streamer);
    match caller.0 {
        Principal::Streamer(own) => {
            caller.is_streamer(streamer)?;
            let campaign = shared.engine.ports.campaigns.campaign(CampaignId(campaign)).await?;
            Ok(Mover { campaign, streamer: own, party: Party::Streamer })
        }
        _ => Ok(Mover { campaign: own(shared, caller, campaign).await?, streamer, party: Party::Brand }),
    }
}

/// A streamer applies, a brand or an operator invites.
pub(super) async fn propose(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: MaybeJson<ProposalBody>,
) -> Result<HttpResponse, Problem> {
    let named = body.0.and_then(|body| body.streamer_id);
    let (streamer, standing) = match (caller.0, named) {
        (Principal::Streamer(own), None) => (own.0, Standing::Applied),
        (Principal::Streamer(own), Some(id)) if own.0 == id => (id, Standing::Applied),
        (Principal::Streamer(_), Some(_)) => {
            return Err(Problem::forbidden("a streamer asks for themselves only"));
        }
        (_, Some(id)) => (id, Standing::Invited),
        (_, None) => {
            own(&shared, caller, *id).await?;
            return Err(refused("streamer_id", "whom it is about; only a streamer asks without it"));
        }
    };
    let mover = mover(&shared, caller, *id, streamer).await?;
    let (engine, of) = (&shared.engine, (mover.streamer, mover.campaign.id));
    let participations = &engine.ports.participations;
    let there = participations.participation(of.0, of.1).await?;
    if let Some(there) = there.filter(|there| !standing.follows(Some(there.standing), mover.party)) {
        return Ok(HttpResponse::Ok().json(ParticipationView::of(&there, Vec::new())));
    }
    if mover.campaign.status == Status::Ended {
        return Err(ended());
    }
    if standing == Standing::Invited {
        engine.ports.accounts.streamer(mover.streamer).await?;
    }
    let (made, rules) = match there {
        Some(there) => step(&shared, &mover, (there.standing, standing)).await?,
        None => {
            let rules = match standing {
                Standing::Applied => {
                    let judged = judge(&shared, &mover.campaign, mover.streamer).await?;
                    verdict(&shared, &judged.hits).await?
                }
                _ => Vec::new(),
            };
            (participations.propose(of, standing, engine.now()).await?, rules)
        }
    };
    Ok(HttpResponse::Created().json(ParticipationView::of(&made, rules)))
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
    let mover = mover(&shared, caller, campaign, streamer).await?;
    let standing = Standing::from_code(&body.status).filter(is_answer);
    let mut fields = Fields::default();
    let standing = fields.need("status", standing, "approved, declined, withdrawn or completed");
    fields.end()?;
    let there = engine.ports.participations.participation(mover.streamer, mover.campaign.id).await?;
    let there = there.ok_or_else(Problem::not_found)?;
    let standing = standing.unwrap_or(there.standing);
    if there.standing == standing {
        return Ok(HttpResponse::Ok().json(ParticipationView::of(&there, Vec::new())));
    }
    if mover.campaign.status == Status::Ended && standing == Standing::Approved {
        return Err(ended());
    }
    if !standing.follows(Some(there.standing), mover.party) {
        let (from, to) = (there.standing.code(), standing.code());
        return Err(Problem::conflict(
            "participation-status",
            format!("what is {from} does not become {to} here"),
        ));
    }
    let (answered, rules) = step(&shared, &mover, (there.standing, standing)).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    Ok(HttpResponse::Ok().json(ParticipationView::of(&answered, rules)))
}

/// Moves it on. A yes is judged by what it is written beside.
async fn step(
    shared: &Shared,
    Mover { campaign, streamer, .. }: &Mover,
    (from, to): (Standing, Standing),
) -> Result<(Participation, Vec<HitView>), Problem> {
    let participations = &shared.engine.ports.participations;
    let of = (*streamer, campaign.id);
    for _ in 0..TRIES {
        let (rules, assigned) = match to {
            Standing::Approved | Standing::Applied => {
                let judged = judge(shared, campaign, *streamer).await?;
                (verdict(shared, &judged.hits).await?, judged.assigned)
            }
            _ => (Vec::new(), Vec::new()),
        };
        let moved = participations.move_on(of, (from, to), &assigned, shared.engine.now()).await?;
        if let Some(moved) = moved {
            return Ok((moved, rules));
        }
        let there = participations.participation(of.0, of.1).await?;
        if there.is_none_or(|there| there.standing != from) {
            return Err(Problem::conflict("participation-status", "somebody else has moved it on meanwhile"));
        }
    }
    Err(StoreError::Unavailable("the streamer's assignments change all the time".to_owned()).into())
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    ids: Path<(i64, i64)>,
) -> Result<HttpResponse, Problem> {
    let (campaign, streamer) = ids.into_inner();
    let mover = mover(&shared, caller, campaign, streamer).await?;
    let participations = &shared.engine.ports.participations;
    let there = participations.participation(mover.streamer, mover.campaign.id).await?;
    let there = there.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(ParticipationView::of(&there, Vec::new())))
}

pub(super) async fn of_campaign(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let campaign = own(&shared, caller, *id).await?;
    page(&shared, ParticipationsOf::Campaign(campaign.id), &query, |one| one.streamer.0).await
}

pub(super) async fn of_streamer(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let streamer = StreamerId(*id);
    caller.is_streamer(streamer)?;
    page(&shared, ParticipationsOf::Streamer(streamer), &query, |one| one.campaign.0).await
}

async fn page(
    shared: &Shared,
    of: ParticipationsOf,
    query: &ListQuery,
    place: impl Fn(&Participation) -> i64,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let standing = query.status.as_deref().map(|status| {
        fields.need(
            "status",
            Standing::from_code(status),
            "invited, applied, approved, declined, withdrawn, completed or ended",
        )
    });
    fields.end()?;
    let limit = limit(query.limit)?;
    let participations = &shared.engine.ports.participations;
    let found = participations.participations(of, standing.flatten(), query.after, limit).await?;
    let full = is_full(&found, limit);
    let next = found.last().filter(|_| full).map(|last| place(last).to_string());
    let items = found.iter().map(|one| ParticipationView::of(one, Vec::new())).collect();
    Ok(HttpResponse::Ok().json(PageBody { items, next }))
}
