//! Conflict rules as the API reads and shows them.

use super::fields::Fields;
use super::problem::{FieldError, Problem};
use super::wire::rfc3339;
use crate::config::{RuleParameters, RuleText};
use crate::rule;
use gametriggers_actors::domain::conflict::{Hit, NewRule, PlayShown, Replayed};
use gametriggers_actors::domain::id::RuleId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{BY_CONFIG, RuleRecord};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Days that a dry run looks back on at most.
const DAYS_MAX: i64 = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `POST /api/conflict-rules`: a rule, and a reason for the record.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RuleBody(Map<String, Value>);

/// `PATCH /api/conflict-rules/{id}`: what is left out stays as it is. `config` is replaced as a whole.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RuleChange {
    pub(super) reason: Option<String>,
    name: Option<String>,
    description: Option<String>,
    severity: Option<String>,
    priority: Option<i32>,
    is_active: Option<bool>,
    config: Option<RuleParameters>,
}

/// `POST /api/conflict-rules/dry-run`: a rule, and the `days` to look back on.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct DryRunBody(Map<String, Value>);

/// A rule as the API shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RuleView {
    id: i64,
    #[serde(flatten)]
    text: RuleText,
    times_triggered: u64,
    conflicts_blocked: u64,
    created_by: String,
    created_at: String,
    updated_at: String,
}

/// A rule that spoke.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct HitView {
    rule_id: i64,
    name: String,
    severity: &'static str,
    reason: &'static str,
    /// `blocked`, `overridden` or `noted`.
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_id: Option<i64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunCampaign")]
struct OfCampaign {
    campaign_id: i64,
    plays: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunStreamer")]
struct OfStreamer {
    streamer_id: i64,
    plays: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunDay")]
struct OfDay {
    day: String,
    plays: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunExample")]
struct Example {
    play_id: String,
    at: String,
    streamer_id: i64,
    campaign_id: i64,
    brand_id: i64,
    category: String,
}

/// What a rule would have done.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DryRunView {
    from: String,
    to: String,
    /// Whether the replay came to its end; if not, `to` is where it stopped.
    complete: bool,
    plays: u64,
    spoken: u64,
    blocked: u64,
    campaigns: Vec<OfCampaign>,
    streamers: Vec<OfStreamer>,
    days: Vec<OfDay>,
    examples: Vec<Example>,
}

/// The rule, or every field that is wrong with it.
fn checked(text: &RuleText) -> Result<NewRule, Problem> {
    rule::read(text).map_err(|faults| {
        let errors = faults
            .into_iter()
            .map(|fault| FieldError { field: fault.field.to_owned(), message: fault.message.to_owned() });
        Problem::invalid(errors.collect())
    })
}

/// The rest of a body, when what stands beside the rule is taken out: a field that nobody knows is refused.
fn parsed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| Problem::malformed(error.to_string()))
}

impl RuleBody {
    /// The rule, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(mut self) -> Result<(NewRule, Option<String>), Problem> {
        let why = parsed(self.0.remove("reason").unwrap_or_default())?;
        Ok((checked(&parsed(Value::Object(self.0))?)?, why))
    }
}

impl RuleChange {
    /// The rule as it would be afterwards.
    ///
    /// # Errors
    /// Every field that is refused; or it is a rule of the configuration file, and more than its being active
    /// would change.
    pub(super) fn read(&self, record: &RuleRecord) -> Result<NewRule, Problem> {
        let before = rule::text(record);
        let switched = RuleText { is_active: self.is_active.unwrap_or(before.is_active), ..before.clone() };
        let after = RuleText {
            name: self.name.clone().unwrap_or(before.name),
            description: self.description.clone().unwrap_or(before.description),
            severity: self.severity.clone().unwrap_or(before.severity),
            priority: self.priority.unwrap_or(before.priority),
            config: self.config.clone().unwrap_or(before.config),
            ..switched.clone()
        };
        if *record.created_by == *BY_CONFIG && after != switched {
            return Err(configured());
        }
        checked(&after)
    }
}

/// What the configuration file says is not changed here.
pub(super) fn configured() -> Problem {
    Problem::conflict(
        "configured-rule",
        "the rule stands in the configuration file: change it there, or switch it off until the next start",
    )
}

impl DryRunBody {
    /// The rule, and the days.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(mut self) -> Result<(NewRule, i64), Problem> {
        let days: Option<i64> = parsed(self.0.remove("days").unwrap_or_default())?;
        let mut fields = Fields::default();
        let days = fields.need("days", days.filter(|days| (1..=DAYS_MAX).contains(days)), "1 to 30");
        fields.end()?;
        Ok((checked(&parsed(Value::Object(self.0))?)?, days.unwrap_or(DAYS_MAX)))
    }
}

impl RuleView {
    /// A rule as the API shows it.
    pub(super) fn of(record: &RuleRecord) -> Self {
        Self {
            id: record.rule.id.0,
            text: rule::text(record),
            times_triggered: record.times_triggered,
            conflicts_blocked: record.conflicts_blocked,
            created_by: record.created_by.to_string(),
            created_at: rfc3339(record.created),
            updated_at: rfc3339(record.updated),
        }
    }
}

impl HitView {
    /// A rule that spoke, by its name.
    pub(super) fn of(hit: &Hit, names: &[(RuleId, Arc<str>)]) -> Self {
        let name = names.iter().find(|(id, _)| *id == hit.rule).map(|(_, name)| name.to_string());
        let effect = match hit.overridden {
            Some(_) => "overridden",
            None if hit.blocks() => "blocked",
            None => "noted",
        };
        Self {
            rule_id: hit.rule.0,
            name: name.unwrap_or_default(),
            severity: hit.severity.code(),
            reason: hit.reason.code(),
            effect,
            override_id: hit.overridden.map(|id| id.0),
        }
    }
}

impl DryRunView {
    /// What was found between two moments.
    pub(super) fn of(found: &Replayed, (from, to): (UnixMillis, UnixMillis), complete: bool) -> Self {
        let example = |play: &PlayShown| Example {
            play_id: play.play.to_string(),
            at: rfc3339(play.play.minted()),
            streamer_id: play.streamer.0,
            campaign_id: play.campaign.0,
            brand_id: play.brand.0,
            category: play.category.text().to_string(),
        };
        Self {
            from: rfc3339(from),
            to: rfc3339(to),
            complete,
            plays: found.plays,
            spoken: found.spoken,
            blocked: found.blocked,
            campaigns: found
                .campaigns
                .iter()
                .map(|(id, plays)| OfCampaign { campaign_id: id.0, plays: *plays })
                .collect(),
            streamers: found
                .streamers
                .iter()
                .map(|(id, plays)| OfStreamer { streamer_id: id.0, plays: *plays })
                .collect(),
            days: found.days.iter().map(|(day, plays)| OfDay { day: date(*day), plays: *plays }).collect(),
            examples: found.examples.iter().map(example).collect(),
        }
    }
}

/// A UTC day, counted from 1970, as RFC 3339 writes a date.
pub(super) fn date(day: i64) -> String {
    let text = rfc3339(UnixMillis(day.saturating_mul(DAY_MS)));
    text.get(..10).unwrap_or_default().to_owned()
}
