//! Conflict rules as the API reads and shows them.

use super::fields::Fields;
use super::problem::{FieldError, Problem};
use super::schema::{Date, Id, Line, Moment, OneOf, PlayText, RuleScope, RuleType, Word, Words};
use super::wire::rfc3339;
use crate::config::{RuleParameters, RuleText};
use crate::rule;
use gametriggers_actors::domain::conflict::{Hit, NewRule, PlayShown, Replayed, Severity};
use gametriggers_actors::domain::id::RuleId;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{BY_CONFIG, RuleRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Days that a dry run looks back on at most.
const DAYS_MAX: i64 = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A rule, and a reason for the record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleBody {
    /// For people.
    #[schemars(with = "Line<80>", example = &"Energy drinks keep apart")]
    name: String,
    /// For people.
    #[serde(default)]
    #[schemars(with = "Words<500>", example = &"One brand of energy drinks at a time.")]
    description: String,
    /// What it forbids. Which parameters belong to which type stands beside each of them.
    #[serde(rename = "type")]
    #[schemars(with = "OneOf<RuleType>", example = &"category_exclusivity")]
    kind: String,
    /// What a hit does: `blocking` keeps the campaign away, the others only say so.
    #[schemars(with = "OneOf<Severity>", example = &"blocking")]
    severity: String,
    /// The higher one speaks first.
    #[serde(default)]
    #[schemars(range(min = -1000, max = 1000), example = 100)]
    priority: i32,
    /// Whether it is in force.
    #[serde(default = "yes")]
    is_active: bool,
    /// The parameters of its type.
    #[serde(default)]
    #[schemars(example = ParametersBody::example())]
    config: ParametersBody,
    /// Why, for the record.
    #[schemars(with = "Option<Line<200>>", example = &"agreed with both brands")]
    reason: Option<String>,
}

/// The parameters of a rule. What a type does not have is refused with it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "RuleParameters")]
pub(super) struct ParametersBody {
    /// What a `cooldown_period` or a `simultaneous_limit` looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OneOf<RuleScope>>")]
    scope: Option<String>,
    /// Categories that it is about; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Word>", length(max = 100), extend("uniqueItems" = true))]
    categories: Vec<String>,
    /// Brands that it is about; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Id>", length(max = 100), extend("uniqueItems" = true))]
    brands: Vec<i64>,
    /// Whom the brands of a `brand_exclusivity` keep out; all others when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Id>", length(max = 100), extend("uniqueItems" = true))]
    competitors: Vec<i64>,
    /// How long a play counts, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_592_000))]
    span_s: Option<i64>,
    /// The same for a `cooldown_period`, in days; not beside `span_s`.
    #[serde(skip_serializing_if = "Option::is_none", alias = "cooldown_period_days")]
    #[schemars(range(min = 1, max = 30))]
    cooldown_days: Option<i64>,
    /// How many campaigns a `simultaneous_limit` allows.
    #[serde(skip_serializing_if = "Option::is_none", alias = "max_simultaneous_campaigns")]
    #[schemars(range(min = 1, max = 1000))]
    campaigns_max: Option<i64>,
}

/// A change of a rule: what is left out stays as it is, and `config` is replaced as a whole.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RuleChange {
    /// Why, for the record.
    #[schemars(with = "Option<Line<200>>", example = &"the campaign of the other brand is over")]
    pub(super) reason: Option<String>,
    /// For people.
    #[schemars(with = "Option<Line<80>>")]
    name: Option<String>,
    /// For people.
    #[schemars(with = "Option<Words<500>>")]
    description: Option<String>,
    /// What a hit does.
    #[schemars(with = "Option<OneOf<Severity>>")]
    severity: Option<String>,
    /// The higher one speaks first.
    #[schemars(range(min = -1000, max = 1000))]
    priority: Option<i32>,
    /// Whether it is in force. A rule of the configuration file changes in nothing else.
    #[schemars(example = true)]
    is_active: Option<bool>,
    /// The parameters of its type, all of them.
    config: Option<ParametersBody>,
}

/// A rule to be tried out, and how far to look back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DryRunBody {
    /// How many days to look back.
    #[schemars(range(min = 1, max = 30), example = 7)]
    days: i64,
    /// For people.
    #[schemars(with = "Line<80>", example = &"Energy drinks keep apart")]
    name: String,
    /// For people.
    #[serde(default)]
    #[schemars(with = "Words<500>")]
    description: String,
    /// What it forbids.
    #[serde(rename = "type")]
    #[schemars(with = "OneOf<RuleType>", example = &"category_exclusivity")]
    kind: String,
    /// What a hit does.
    #[schemars(with = "OneOf<Severity>", example = &"blocking")]
    severity: String,
    /// The higher one speaks first.
    #[serde(default)]
    #[schemars(range(min = -1000, max = 1000))]
    priority: i32,
    /// Whether it would be in force; one that would not be says what it would have done all the same.
    #[serde(default = "yes")]
    is_active: bool,
    /// The parameters of its type.
    #[serde(default)]
    #[schemars(example = ParametersBody::example())]
    config: ParametersBody,
}

const fn yes() -> bool {
    true
}

/// A rule, and what it did so far.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RuleView {
    /// Its number.
    #[schemars(with = "Id")]
    id: i64,
    /// For people.
    #[schemars(with = "Line<80>", example = &"Energy drinks keep apart")]
    name: String,
    /// For people.
    #[schemars(with = "Words<500>", example = &"One brand of energy drinks at a time.")]
    description: String,
    /// What it forbids.
    #[serde(rename = "type")]
    #[schemars(with = "OneOf<RuleType>")]
    kind: String,
    /// What a hit does.
    #[schemars(with = "OneOf<Severity>", example = &"blocking")]
    severity: String,
    /// The higher one speaks first.
    #[schemars(range(min = -1000, max = 1000), example = 100)]
    priority: i32,
    /// Whether it is in force.
    is_active: bool,
    /// The parameters of its type.
    #[schemars(example = ParametersBody::example())]
    config: ParametersBody,
    /// How often it spoke.
    #[schemars(example = 412)]
    times_triggered: u64,
    /// How often it kept a campaign away.
    #[schemars(example = 390)]
    conflicts_blocked: u64,
    /// Who made it: the start of an operator's key's hash, `user:` and a number, or `config`.
    #[schemars(example = &"config")]
    created_by: String,
    /// When it was made.
    #[schemars(with = "Moment")]
    created_at: String,
    /// When it was changed last.
    #[schemars(with = "Moment")]
    updated_at: String,
}

/// A rule that spoke.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct HitView {
    /// The rule.
    #[schemars(with = "Id")]
    rule_id: i64,
    /// Its name; empty when it was deleted meanwhile.
    #[schemars(example = &"Energy drinks keep apart")]
    name: String,
    /// What its hits do.
    #[schemars(with = "OneOf<Severity>", example = &"blocking")]
    severity: &'static str,
    /// What it said.
    #[schemars(with = "OneOf<Reason>", example = &"category_exclusivity")]
    reason: &'static str,
    /// What came of it: `blocked`, `overridden` by an operator, or only `noted`.
    #[schemars(extend("enum" = ["blocked", "overridden", "noted"]))]
    effect: &'static str,
    /// The override that let it pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>")]
    override_id: Option<i64>,
}

/// Plays of a campaign that a rule would have kept away.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunCampaign")]
struct OfCampaign {
    /// The campaign.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// How many.
    #[schemars(example = 31)]
    plays: u64,
}

/// Plays on a stream that a rule would have kept away.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunStreamer")]
struct OfStreamer {
    /// The streamer.
    #[schemars(with = "Id")]
    streamer_id: i64,
    /// How many.
    #[schemars(example = 31)]
    plays: u64,
}

/// Plays of a day that a rule would have kept away.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunDay")]
struct OfDay {
    /// The day of UTC.
    #[schemars(with = "Date")]
    day: String,
    /// How many.
    #[schemars(example = 31)]
    plays: u64,
}

/// A play that a rule would have kept away.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunExample")]
struct Example {
    /// The play.
    #[schemars(with = "PlayText")]
    play_id: String,
    /// When it was decided.
    #[schemars(with = "Moment")]
    at: String,
    /// On whose stream.
    #[schemars(with = "Id")]
    streamer_id: i64,
    /// Of which campaign.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// Of which brand.
    #[schemars(with = "Id")]
    brand_id: i64,
    /// The campaign's category.
    #[schemars(with = "Word", example = &"energy_drink")]
    category: String,
}

/// What a rule would have done.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DryRunView {
    /// The plays were read from here on.
    #[schemars(with = "Moment")]
    from: String,
    /// Up to here.
    #[schemars(with = "Moment")]
    to: String,
    /// Whether the replay came to its end; if not, `to` is where it stopped.
    complete: bool,
    /// Plays that were read.
    #[schemars(example = 1840)]
    plays: u64,
    /// Plays that the rule would have spoken against.
    #[schemars(example = 62)]
    spoken: u64,
    /// Plays that it would have kept away.
    #[schemars(example = 62)]
    blocked: u64,
    /// The same by campaign, those with most first.
    campaigns: Vec<OfCampaign>,
    /// The same by streamer, those with most first.
    streamers: Vec<OfStreamer>,
    /// The same by day.
    days: Vec<OfDay>,
    /// The first of them.
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

impl ParametersBody {
    fn example() -> Self {
        Self { categories: vec!["energy_drink".to_owned()], span_s: Some(1800), ..Self::default() }
    }

    fn of(parameters: RuleParameters) -> Self {
        let RuleParameters { scope, categories, brands, competitors, span_s, cooldown_days, campaigns_max } =
            parameters;
        Self { scope, categories, brands, competitors, span_s, cooldown_days, campaigns_max }
    }

    fn parameters(self) -> RuleParameters {
        let Self { scope, categories, brands, competitors, span_s, cooldown_days, campaigns_max } = self;
        RuleParameters { scope, categories, brands, competitors, span_s, cooldown_days, campaigns_max }
    }
}

impl RuleBody {
    /// The rule, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(self) -> Result<(NewRule, Option<String>), Problem> {
        let Self { name, description, kind, severity, priority, is_active, config, reason } = self;
        let config = config.parameters();
        let text = RuleText { name, description, kind, severity, priority, is_active, config };
        Ok((checked(&text)?, reason))
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
            config: self.config.clone().map_or(before.config, ParametersBody::parameters),
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
    pub(super) fn read(self) -> Result<(NewRule, i64), Problem> {
        let Self { days, name, description, kind, severity, priority, is_active, config } = self;
        let mut fields = Fields::default();
        fields.need("days", (1..=DAYS_MAX).contains(&days).then_some(()), "1 to 30");
        fields.end()?;
        let config = config.parameters();
        let text = RuleText { name, description, kind, severity, priority, is_active, config };
        Ok((checked(&text)?, days))
    }
}

impl RuleView {
    /// A rule as the API shows it.
    pub(super) fn of(record: &RuleRecord) -> Self {
        let RuleText { name, description, kind, severity, priority, is_active, config } = rule::text(record);
        Self {
            id: record.rule.id.0,
            name,
            description,
            kind,
            severity,
            priority,
            is_active,
            config: ParametersBody::of(config),
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
