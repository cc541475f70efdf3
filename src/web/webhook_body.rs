//! Endpoints as the API reads and writes them.

use super::fields::{Fields, line};
use super::problem::Problem;
use super::schema::{Endpoint as EndpointUrl, Id, Moment, OneOf, Words};
use super::wire::{refused, rfc3339};
use crate::web::courier::Allowed;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::webhook::EventType;
use gametriggers_actors::ports::{
    DisabledReason, Endpoint, EndpointChange, Listener, NewEndpoint, Principal, Secret,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names of events in a body, however often one of them stands there.
const NAMES_MAX: usize = 50;
/// Characters of a description.
const DESCRIPTION_MAX: usize = 200;

/// Where events go, and which.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointBody {
    /// An https address.
    #[schemars(with = "EndpointUrl", example = &"https://example.com/hooks/gametriggers")]
    url: String,
    /// Which events.
    #[schemars(
        with = "Vec<OneOf<EventType>>",
        length(min = 1, max = 50),
        example = ["play.settled", "campaign.ended"]
    )]
    events: Vec<String>,
    /// For people.
    #[serde(default)]
    #[schemars(with = "Words<200>", example = &"bookkeeping")]
    description: String,
    /// For an operator: the brand whose endpoint it is. Without brand and streamer it is the platform's own,
    /// and hears of everything.
    #[schemars(with = "Option<Id>")]
    brand_id: Option<i64>,
    /// For an operator: the streamer whose endpoint it is.
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
}

/// A change of an endpoint: what is left out stays as it is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "EndpointChangeBody")]
pub(super) struct ChangeBody {
    /// An https address.
    #[schemars(with = "Option<EndpointUrl>")]
    url: Option<String>,
    /// Which events, all of them.
    #[schemars(with = "Option<Vec<OneOf<EventType>>>", length(min = 1, max = 50))]
    events: Option<Vec<String>>,
    /// For people.
    #[schemars(with = "Option<Words<200>>", example = &"bookkeeping")]
    description: Option<String>,
    /// Whether it is told anything. Switched on again, what is left waiting goes out.
    #[schemars(example = true)]
    enabled: Option<bool>,
}

/// An endpoint as the API shows it. Its secret is shown once, when it is made.
#[derive(Serialize, JsonSchema)]
pub(super) struct EndpointView {
    /// Its number.
    #[schemars(with = "Id")]
    id: i64,
    /// The brand whose it is.
    #[schemars(with = "Option<Id>")]
    brand_id: Option<i64>,
    /// The streamer whose it is.
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// Where events go.
    #[schemars(with = "EndpointUrl", example = &"https://example.com/hooks/gametriggers")]
    url: String,
    /// For people.
    #[schemars(example = &"bookkeeping")]
    description: String,
    /// Which events, each once.
    #[schemars(with = "Vec<OneOf<EventType>>", length(min = 1), example = ["campaign.ended", "play.settled"])]
    events: Vec<&'static str>,
    /// Whether it is told anything.
    enabled: bool,
    /// Since when it is told nothing.
    #[schemars(with = "Option<Moment>")]
    disabled_at: Option<String>,
    /// Why it is told nothing: its owner said so, it answered 410, or it did nothing but fail for days.
    #[schemars(with = "Option<OneOf<DisabledReason>>")]
    disabled_reason: Option<&'static str>,
    /// Since when every attempt fails.
    #[schemars(with = "Option<Moment>")]
    failing_since: Option<String>,
    /// Deliveries that are not done; a few seconds old.
    #[schemars(example = 0)]
    waiting: u64,
    /// Until when the secret before the last rotation signs as well.
    #[schemars(with = "Option<Moment>")]
    old_secret_until: Option<String>,
    /// When it was made.
    #[schemars(with = "Moment")]
    created_at: String,
    /// When it was changed last.
    #[schemars(with = "Moment")]
    updated_at: String,
    /// What signs: shown when it is made or renewed, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^whsec_"), example = &"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: Option<String>,
}

/// Which events: each once, in the order of the list.
fn events(names: &[String]) -> Option<Vec<EventType>> {
    let names = Some(names).filter(|names| names.len() <= NAMES_MAX)?;
    let mut known: Vec<_> = names.iter().map(|name| EventType::from_code(name)).collect::<Option<_>>()?;
    known.sort_unstable();
    known.dedup();
    (!known.is_empty()).then_some(known)
}

fn events_message() -> String {
    let all: Vec<_> = EventType::ALL.iter().map(|event| event.code()).collect();
    format!("at least one of {}", all.join(", "))
}

fn url(fields: &mut Fields, allowed: &Allowed, text: &str) -> Option<String> {
    match allowed.endpoint(text) {
        Ok(url) => Some(url.to_string()),
        Err(message) => fields.need("url", None, message),
    }
}

fn description(fields: &mut Fields, text: &str) -> Option<String> {
    fields.need("description", line(text, 0, DESCRIPTION_MAX), "at most 200 characters")
}

impl EndpointBody {
    /// Whose endpoint it is to be.
    ///
    /// # Errors
    /// The caller acts for somebody else.
    pub(super) fn owner(&self, caller: Principal) -> Result<Listener, Problem> {
        match (caller, self.brand_id, self.streamer_id) {
            (Principal::Brand(own), named, None) if named.is_none_or(|id| id == own.0) => {
                Ok(Listener::Brand(own))
            }
            (Principal::Streamer(own), None, named) if named.is_none_or(|id| id == own.0) => {
                Ok(Listener::Streamer(own))
            }
            (Principal::Admin, Some(id), None) => Ok(Listener::Brand(BrandId(id))),
            (Principal::Admin, None, Some(id)) => Ok(Listener::Streamer(StreamerId(id))),
            (Principal::Admin, None, None) => Ok(Listener::Platform),
            (Principal::Admin, ..) => Err(refused("brand_id", "a brand or a streamer, not both")),
            _ => Err(Problem::forbidden("a brand or a streamer acts for itself only")),
        }
    }

    /// Checks everything.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(
        &self,
        owner: Listener,
        allowed: &Allowed,
        secret: Secret,
    ) -> Result<NewEndpoint, Problem> {
        let mut fields = Fields::default();
        let url = url(&mut fields, allowed, &self.url);
        let events = fields.need("events", events(&self.events), &events_message());
        let description = description(&mut fields, &self.description);
        fields.end()?;
        let all =
            || Some(NewEndpoint { owner, url: url?, description: description?, events: events?, secret });
        all().ok_or_else(|| Problem::malformed("a field is missing"))
    }
}

impl ChangeBody {
    /// Checks everything.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self, allowed: &Allowed) -> Result<EndpointChange, Problem> {
        let mut fields = Fields::default();
        let change = EndpointChange {
            url: self.url.as_deref().and_then(|text| url(&mut fields, allowed, text)),
            description: self.description.as_deref().and_then(|text| description(&mut fields, text)),
            events: self
                .events
                .as_deref()
                .and_then(|names| fields.need("events", events(names), &events_message())),
            enabled: self.enabled,
        };
        fields.end()?;
        Ok(change)
    }
}

impl EndpointView {
    /// An endpoint as the API shows it.
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let (brand_id, streamer_id) = match endpoint.owner {
            Listener::Brand(id) => (Some(id.0), None),
            Listener::Streamer(id) => (None, Some(id.0)),
            Listener::Platform => (None, None),
        };
        Self {
            id: endpoint.id.0,
            brand_id,
            streamer_id,
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            events: endpoint.events.iter().map(|event| event.code()).collect(),
            enabled: endpoint.disabled.is_none(),
            disabled_at: endpoint.disabled.map(|(at, _)| rfc3339(at)),
            disabled_reason: endpoint.disabled.map(|(_, reason)| reason.code()),
            failing_since: endpoint.failing_since.map(rfc3339),
            waiting: endpoint.waiting,
            old_secret_until: endpoint.old_until.map(rfc3339),
            created_at: rfc3339(endpoint.created),
            updated_at: rfc3339(endpoint.updated),
            secret: None,
        }
    }

    /// With the secret, this one time.
    pub(super) fn with_secret(self, secret: Secret) -> Self {
        Self { secret: Some(secret.0), ..self }
    }
}
