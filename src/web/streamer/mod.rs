//! `/api/streamers`: who streams. A streamer says what they are; what brands and targeting rely on an
//! operator verifies, channel by channel.

mod details;
mod plays;
mod vetting;
mod view;

use self::details::{Consent, KeptChannel, StreamerDetails, channels};
use self::view::details;
use super::Shared;
use super::archive::{ArchiveBody, set_archived};
use super::brand::{archived, by_hand, document, groups, private, vetting as vetting_of};
use super::caller::Caller;
use super::etag::{IfMatch, TRIES, answer, versioned};
use super::fields::Fields;
use super::listing::{Sort, begin, limit, page, part};
use super::patch::{Patch, merge};
use super::problem::Problem;
use super::schema::{LanguageCode, Line, OneOf, Text};
use super::wire::PageBody;
use crate::web::json::Json;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::streamer::channel::{Channel, retarget, standing};
use gametriggers_actors::domain::streamer::{Platform, ProfileChange};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::vetting::Vetting;
use gametriggers_actors::ports::{
    Event, OnRecord, Owner, Principal, StoreError, StreamerDraft, StreamerFilter, StreamerRecord,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::details::StreamerPatch;
pub(super) use self::plays::{PlayView, PlaysQuery, plays};
pub(super) use self::vetting::{ChannelDecisionBody, decide};
pub(super) use self::view::{PublicView, StreamerAnswer, StreamerLine, StreamerView};

/// Which streamers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct StreamersQuery {
    /// Part of the name.
    #[schemars(with = "Option<Line<80>>")]
    q: Option<String>,
    /// Where the stream runs, as targeting has it.
    #[schemars(with = "Option<OneOf<Platform>>")]
    platform: Option<String>,
    /// ISO 639-1, as targeting has it.
    #[schemars(with = "Option<LanguageCode>")]
    language: Option<String>,
    /// For operators: only those that came so far.
    #[schemars(with = "Option<OneOf<Vetting>>")]
    verification: Option<String>,
    /// For operators: only those that are archived, or only the others; all when it is left out.
    #[schemars(extend("enum" = ["active", "archived"]))]
    status: Option<String>,
    /// The order, with a minus for the largest first; `id` when it is left out.
    #[schemars(with = "Option<OneOf<Sort>>")]
    sort: Option<String>,
    /// The `next` of the page before, in the same order.
    #[serde(alias = "cursor")]
    #[schemars(with = "Option<Text<1024>>")]
    after: Option<String>,
    /// Streamers on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

impl StreamersQuery {
    fn filter(&self, fields: &mut Fields) -> StreamerFilter {
        let platform = self.platform.as_deref().and_then(|code| {
            fields.need("platform", Platform::from_code(code), "twitch, youtube, kick or other")
        });
        let language = self.language.as_ref().and_then(|code| {
            let fits = super::brand::language(code).then(|| code.clone());
            fields.need("language", fits, "two small letters of ISO 639-1, such as en")
        });
        StreamerFilter {
            part: part(self.q.as_deref(), fields),
            platform,
            language,
            verification: vetting_of(self.verification.as_deref(), fields),
            archived: archived(self.status.as_deref(), fields),
            seen_by: None,
        }
    }
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<StreamersQuery>,
) -> Result<HttpResponse, Problem> {
    let profiles = &shared.engine.ports.profiles;
    let mut fields = Fields::default();
    let mut of = query.filter(&mut fields);
    let from = begin(query.sort.as_deref(), query.after.as_deref(), &mut fields);
    fields.end()?;
    let (from, limit) = (from.ok_or_else(Problem::not_found)?, limit(query.limit)?);
    if let Principal::Streamer(own) = caller.0 {
        let items = vec![StreamerLine::of(&profiles.streamer_record(own).await?)];
        return Ok(private(&PageBody { items, next: None }));
    }
    let place = |one: &StreamerRecord| (one.streamer.id.0, one.streamer.profile.name.clone(), one.created);
    if let Principal::Brand(brand) = caller.0 {
        // Whether somebody is verified or gone is between them and operators.
        of = StreamerFilter { verification: None, archived: Some(false), seen_by: Some(brand), ..of };
        let streamers = profiles.streamer_page(&of, &from, limit).await?;
        return Ok(private(&page(&streamers, (&from, limit), place, PublicView::of)));
    }
    caller.operator()?;
    let streamers = profiles.streamer_page(&of, &from, limit).await?;
    Ok(private(&page(&streamers, (&from, limit), place, StreamerLine::of)))
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let (id, profiles) = (StreamerId(*id), &shared.engine.ports.profiles);
    if let Principal::Brand(brand) = caller.0 {
        if !profiles.sees(brand, id).await? {
            return Err(Problem::not_found());
        }
        let view = PublicView::of(&profiles.streamer_record(id).await?);
        return Ok(private(&StreamerAnswer::Public(view)));
    }
    caller.is_streamer(id)?;
    let record = profiles.streamer_record(id).await?;
    let view = StreamerAnswer::Whole(Box::new(StreamerView::of(&record)?));
    Ok(answer(&request, record.version, view))
}

fn shown(record: &StreamerRecord) -> Result<HttpResponse, Problem> {
    Ok(versioned(&mut HttpResponse::Ok(), record.version).json(StreamerView::of(record)?))
}

/// Changes a streamer: `edit` says what is to become of what is there. When somebody else changes it
/// meanwhile, it is asked again, unless the change is meant for one version only. The bridge of every node
/// hears of it and tells the streamer's actor.
async fn edit(
    shared: &Shared,
    id: StreamerId,
    (if_match, record): (IfMatch, Option<&OnRecord>),
    edit: impl Fn(&StreamerRecord) -> Result<StreamerDraft, Problem>,
) -> Result<HttpResponse, Problem> {
    let (engine, profiles) = (&shared.engine, &shared.engine.ports.profiles);
    for _ in 0..TRIES {
        let before = profiles.streamer_record(id).await?;
        if if_match.0.is_some_and(|version| version != before.version) {
            return Err(Problem::changed());
        }
        match profiles.change_streamer(id, &edit(&before)?, record, engine.now()).await {
            Err(StoreError::Changed) if if_match.0.is_none() => {}
            done => {
                let after = done?;
                engine.ports.bus.publish(Event::StreamerChanged(id));
                return shown(&after);
            }
        }
    }
    Err(Problem::unavailable())
}

/// The channels that are kept.
fn known(details: &StreamerDetails) -> Vec<Channel> {
    details.channels.iter().filter_map(KeptChannel::channel).collect()
}

/// The streamer with other channels: targeting follows from those that are verified.
fn draft(
    before: &StreamerRecord,
    (was, is): (&[Channel], &[Channel]),
    mut value: Value,
) -> Result<StreamerDraft, Problem> {
    let kept: Vec<_> = is.iter().map(KeptChannel::of).collect();
    merge(&mut value, &json!({ "channels": kept }));
    Ok(StreamerDraft {
        version: before.version,
        details: document(&value)?,
        profile: if was == is { ProfileChange::default() } else { retarget(was, is) },
        verification: standing(is),
        listed: before.listed,
    })
}

pub(super) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    if_match: IfMatch,
    id: Path<i64>,
    body: Json<Patch<StreamerPatch>>,
) -> Result<HttpResponse, Problem> {
    let id = StreamerId(*id);
    caller.is_streamer(id)?;
    let usual = ("change_streamer", "a changed streamer");
    let record = by_hand(caller, body.read.reason.as_deref(), usual, groups(&body.sent))?;
    let now = shared.engine.now();
    edit(&shared, id, (if_match, record.as_ref()), |before| patched(before, &body, now)).await
}

/// What a patch makes of a streamer.
fn patched(
    before: &StreamerRecord,
    Patch { sent, read }: &Patch<StreamerPatch>,
    now: UnixMillis,
) -> Result<StreamerDraft, Problem> {
    let was = details(before)?;
    let mut value: Value = serde_json::from_str(&before.details.0).unwrap_or_default();
    let named = json!({ "display_name": *before.streamer.profile.name });
    merge(&mut value, &json!({ "profile": named }));
    merge(&mut value, &json!({ "profile": { "listed": before.listed } }));
    for group in ["profile", "demographics"] {
        if let Some(patch) = sent.get(group) {
            // Cleared is what the streamer says, and nothing that was verified.
            let cleared = json!({ "stated": null });
            let patch = if patch.is_null() && group == "demographics" { &cleared } else { patch };
            merge(&mut value, &json!({ group: patch }));
        }
    }
    if sent.get("profile").is_some_and(Value::is_null) {
        // All of it is cleared but the name: there is no streamer without one.
        merge(&mut value, &json!({ "profile": named }));
    }
    let mut is: StreamerDetails =
        serde_json::from_value(value.clone()).map_err(|error| Problem::malformed(error.to_string()))?;
    let mut fields = Fields::default();
    is.profile.check(&mut fields);
    if let Some(stated) = &is.demographics.stated {
        stated.check("demographics.stated", &mut fields);
    }
    if let Some(patch) = sent.get("payout") {
        is.payout = match &read.payout {
            Some(payout) => payout.apply(&was.payout, patch, &mut fields),
            None => details::Payout::default(),
        };
    }
    if sent.get("consent").is_some() {
        let data_sharing = read.consent.as_ref().and_then(|consent| consent.data_sharing).unwrap_or(false);
        if data_sharing != was.consent.data_sharing {
            is.consent = Consent { data_sharing, data_sharing_at: Some(now.0) };
        }
    }
    let channels_before = known(&was);
    let channels_after = match sent.get("platforms") {
        Some(_) => channels(read.platforms.as_deref().unwrap_or_default(), &channels_before, &mut fields),
        None => channels_before.clone(),
    };
    fields.end()?;
    merge(&mut value, &json!({ "payout": is.payout, "consent": is.consent }));
    if let Some(profile) = value.get_mut("profile").and_then(Value::as_object_mut) {
        profile.remove("display_name");
        profile.remove("listed");
    }
    let mut draft = draft(before, (&channels_before, &channels_after), value)?;
    draft.listed = is.profile.listed.unwrap_or(false);
    draft.profile.name = is.profile.display_name.map(Into::into);
    Ok(draft)
}

pub(super) async fn archive(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<ArchiveBody>,
) -> Result<HttpResponse, Problem> {
    put_away(&shared, caller, (*id, true), &body).await
}

pub(super) async fn restore(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<ArchiveBody>,
) -> Result<HttpResponse, Problem> {
    put_away(&shared, caller, (*id, false), &body).await
}

async fn put_away(
    shared: &Shared,
    caller: Caller,
    (id, archived): (i64, bool),
    body: &ArchiveBody,
) -> Result<HttpResponse, Problem> {
    let hand = body.read(caller)?;
    set_archived(shared, Owner::Streamer(StreamerId(id)), archived, &hand).await?;
    shown(&shared.engine.ports.profiles.streamer_record(StreamerId(id)).await?)
}
