//! `/api/conflict-rules`: an operator keeps the rules that say which campaigns may not meet on one streamer.
//!
//! A change is in force within a second, on every node. A rule that is deleted is out of force for good and
//! is shown no more; what was counted of it stays.

use super::Shared;
use super::account_body::reason;
use super::caller::Caller;
use super::conflict_rule_body::{DryRunBody, DryRunView, RuleBody, RuleChange, RuleView, configured};
use super::etag::{IfMatch, TRIES, versioned};
use super::json::Json;
use super::listing::{is_full, limit};
use super::problem::Problem;
use super::schema::{Id, Line};
use super::wire::PageBody;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::conflict::{NewRule, Replay, Rule};
use gametriggers_actors::domain::id::{PlayId, RuleId};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::engine::Engine;
use gametriggers_actors::ports::{BY_CONFIG, ByHand, Event, StoreError};
use schemars::JsonSchema;
use serde::Deserialize;

/// Plays that a dry run reads at once, and at most.
const DRY_PAGE: u32 = 1000;
const DRY_MAX: u32 = 200_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesQuery {
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    after: Option<i64>,
    /// Rules on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteQuery {
    /// Why, for the record.
    #[schemars(with = "Option<Line<200>>")]
    reason: Option<String>,
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<RulesQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    let limit = limit(query.limit)?;
    let rules = shared.engine.ports.rules.rule_page(query.after.map(RuleId), limit).await?;
    let full = is_full(&rules, limit);
    let next = rules.last().filter(|_| full).map(|record| record.rule.id.to_string());
    Ok(HttpResponse::Ok().json(PageBody { items: rules.iter().map(RuleView::of).collect(), next }))
}

pub(super) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<RuleBody>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (new, why) = body.into_inner().read()?;
    let hand = ByHand { actor, reason: reason(why.as_deref(), "added")? };
    let engine = &shared.engine;
    let added =
        engine.ports.rules.add_rule(&new, &hand, engine.now()).await.map_err(|error| match error {
            StoreError::Constraint(_) => {
                Problem::conflict("too-many-rules", "there are as many rules as there may be; delete one")
            }
            other => other.into(),
        })?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    let location = format!("/api/conflict-rules/{}", added.rule.id);
    let mut created = HttpResponse::Created();
    created.insert_header(("location", location));
    Ok(versioned(&mut created, added.version).json(RuleView::of(&added)))
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    // Its counters grow without another version, so that it is sent whole each time.
    let record = shared.engine.ports.rules.rule(RuleId(*id)).await?;
    Ok(versioned(&mut HttpResponse::Ok(), record.version).json(RuleView::of(&record)))
}

pub(super) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    if_match: IfMatch,
    id: Path<i64>,
    body: Json<RuleChange>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (engine, id) = (&shared.engine, RuleId(*id));
    let hand = ByHand { actor, reason: reason(body.reason.as_deref(), "changed")? };
    let mut tries = TRIES;
    let changed = loop {
        // What is left out is taken from this version: nobody else's change is undone by it.
        let before = engine.ports.rules.rule(id).await?;
        let (new, of) = (body.read(&before)?, (id, Some(if_match.0.unwrap_or(before.version))));
        match engine.ports.rules.change_rule(of, &new, &hand, engine.now()).await {
            Err(StoreError::Changed) if if_match.0.is_none() && tries > 0 => tries -= 1,
            done => break done?,
        }
    };
    engine.ports.bus.publish(Event::CatalogueChanged);
    Ok(versioned(&mut HttpResponse::Ok(), changed.version).json(RuleView::of(&changed)))
}

pub(super) async fn delete(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<DeleteQuery>,
) -> Result<HttpResponse, Problem> {
    let actor = caller.operator()?;
    let (engine, id) = (&shared.engine, RuleId(*id));
    if *engine.ports.rules.rule(id).await?.created_by == *BY_CONFIG {
        return Err(configured());
    }
    let hand = ByHand { actor, reason: reason(query.reason.as_deref(), "deleted")? };
    engine.ports.rules.delete_rule(id, &hand, engine.now()).await?;
    engine.ports.bus.publish(Event::CatalogueChanged);
    Ok(HttpResponse::NoContent().finish())
}

pub(super) async fn dry_run(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<DryRunBody>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    let (new, days) = body.into_inner().read()?;
    let NewRule { kind, severity, priority, .. } = new;
    let rule = Rule { id: RuleId(0), kind, severity, priority };
    let now = shared.engine.now();
    let from = now - Millis::minutes(days * 24 * 60);
    let mut replay = Replay::new(rule, from);
    let stopped = play_again(&shared.engine, &mut replay, DRY_MAX).await?;
    let (to, complete) = (stopped.unwrap_or(now), stopped.is_none());
    let view = DryRunView::of(&replay.end(), (from, to), complete);
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(view))
}

/// Reads the log page by page, `most` plays of it. The moment at which it stopped before its end.
async fn play_again(engine: &Engine, replay: &mut Replay, most: u32) -> Result<Option<UnixMillis>, Problem> {
    let (mut after, mut left) = (PlayId::first_at(replay.begins()), most);
    while left > 0 {
        let limit = left.min(DRY_PAGE);
        let page = engine.ports.log.shown_after(after, limit).await?;
        let read = u32::try_from(page.len()).unwrap_or(u32::MAX);
        let Some(last) = page.last() else { return Ok(None) };
        after = last.play;
        page.into_iter().for_each(|play| replay.take(play));
        if read < limit {
            return Ok(None);
        }
        left = left.saturating_sub(read);
    }
    Ok(Some(after.minted()))
}
