//! `/api/admin/streamers/{id}/platforms/{platform}/verification`: an operator says whether a channel is the
//! streamer's, and how large it is. Targeting follows within a second.

use super::details::Audience;
use super::{details, draft, edit, known};
use crate::web::Shared;
use crate::web::caller::Caller;
use crate::web::etag::IfMatch;
use crate::web::fields::{Fields, line};
use crate::web::patch::merge;
use crate::web::problem::Problem;
use crate::web::wallet_body::REASON_MAX;
use crate::web::wire::moment;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::streamer::channel::{Channel, Reach};
use gametriggers_actors::domain::streamer::{Platform, ProfileChange};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::vetting::Vetting;
use gametriggers_actors::ports::{ByHand, OnRecord, StreamerRecord};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What an operator found out about a channel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ChannelDecisionBody {
    /// `verified`, `rejected` or `unverified`.
    status: String,
    /// Followers; `verified` needs it.
    followers: Option<u32>,
    /// Viewers of a stream on average.
    average_viewers: Option<u32>,
    /// When the numbers were so: RFC 3339, not in the future; now when it is left out.
    as_of: Option<String>,
    /// The language of the streams, ISO 639-1: targeting goes by it from now on.
    language: Option<String>,
    /// Whether the streams carry the platform's label for grown-ups: targeting goes by it from now on.
    mature: Option<bool>,
    /// Who watches, as the operator saw it; takes the place of what was verified before.
    demographics: Option<Audience>,
    /// Why: 1 to 200 characters for the record.
    reason: String,
}

/// What was decided.
struct Decision {
    state: Vetting,
    reach: Option<Reach>,
    profile: ProfileChange,
    reason: String,
}

impl ChannelDecisionBody {
    fn read(&self, now: UnixMillis) -> Result<Decision, Problem> {
        let mut fields = Fields::default();
        let state = Vetting::from_code(&self.status).filter(|state| *state != Vetting::Pending);
        let state = fields.need("status", state, "verified, rejected or unverified");
        let seen = match &self.as_of {
            Some(text) => {
                let seen = moment(text).filter(|seen| (UnixMillis(0)..=now).contains(seen));
                fields.need("as_of", seen, "a time of RFC 3339, not in the future").unwrap_or(now)
            }
            None => now,
        };
        let is_verified = state == Some(Vetting::Verified);
        if is_verified && self.followers.is_none() {
            fields.need::<()>("followers", None, "a channel that is verified has followers, be it none");
        }
        if !is_verified && (self.followers.is_some() || self.average_viewers.is_some()) {
            fields.need::<()>("followers", None, "only a channel that is verified has numbers");
        }
        if let Some(language) = &self.language {
            let fits = super::super::brand::language(language).then_some(());
            fields.need("language", fits, "two small letters of ISO 639-1, such as en");
        }
        if let Some(audience) = &self.demographics {
            audience.check("demographics", &mut fields);
        }
        let reason = fields.need("reason", line(&self.reason, 1, REASON_MAX), "1 to 200 characters");
        fields.end()?;
        let reach =
            self.followers.map(|followers| Reach { followers, average_viewers: self.average_viewers, seen });
        let language = self.language.as_deref().map(Arc::from);
        let profile = ProfileChange { language, mature: self.mature, ..ProfileChange::default() };
        let (state, reason) = state.zip(reason).ok_or_else(Problem::not_found)?;
        Ok(Decision { state, reach, profile, reason })
    }
}

pub(in crate::web) async fn decide(
    shared: Data<Shared>,
    caller: Caller,
    if_match: IfMatch,
    path: Path<(i64, String)>,
    body: Json<ChannelDecisionBody>,
) -> Result<HttpResponse, Problem> {
    let (actor, now) = (caller.operator()?, shared.engine.now());
    let (id, platform) = path.into_inner();
    let platform = Platform::from_code(&platform).ok_or_else(Problem::not_found)?;
    let decision = body.read(now)?;
    let numbers = decision.reach.map_or_else(String::new, |reach| format!(", {} followers", reach.followers));
    let detail = format!("{} {}{numbers}", platform.code(), decision.state.code());
    let hand = ByHand { actor, reason: decision.reason.clone() };
    let record = OnRecord { action: "verify_channel", detail, hand };
    let decided = |before: &StreamerRecord| {
        let was = known(&details(before)?);
        let mut is = was.clone();
        let channel = is.iter_mut().find(|channel| channel.platform == platform);
        let channel: &mut Channel = channel.ok_or_else(Problem::not_found)?;
        (channel.state, channel.reach, channel.decided) = (decision.state, decision.reach, Some(now));
        let mut value: Value = serde_json::from_str(&before.details.0).unwrap_or_default();
        if let Some(audience) = &body.demographics {
            // As a whole: what was verified of another day is not mixed into it.
            merge(&mut value, &json!({ "demographics": { "verified": null } }));
            merge(&mut value, &json!({ "demographics": { "verified": audience } }));
        }
        let mut draft = draft(before, (&was, &is), value)?;
        draft.profile.language.clone_from(&decision.profile.language);
        draft.profile.mature = decision.profile.mature;
        Ok(draft)
    };
    edit(&shared, StreamerId(id), (if_match, Some(&record)), decided).await
}
