//! Conflict rules as a file, or the API, writes them. What goes together is checked by the engine.

use serde::{Deserialize, Serialize};

/// A conflict rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// For people. In a file it is what the rule is known by.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// One of the four types.
    #[serde(rename = "type")]
    pub kind: String,
    /// `blocking`, `warning` or `advisory`.
    pub severity: String,
    /// The higher one speaks first.
    #[serde(default)]
    pub priority: i32,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// The parameters of its type.
    #[serde(default)]
    pub config: RuleParameters,
}

/// The parameters of a rule. Which of them belong to which type says `Draft` of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleParameters {
    /// What a cooldown or a limit looks at: `category`, `brand` or `streamer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Categories that it is about; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Brands that it is about; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brands: Vec<i64>,
    /// Whom exclusive brands keep out; all others when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub competitors: Vec<i64>,
    /// How long a play counts, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_s: Option<i64>,
    /// The same for a cooldown, in days.
    #[serde(skip_serializing_if = "Option::is_none", alias = "cooldown_period_days")]
    pub cooldown_days: Option<i64>,
    /// Campaigns of a limit.
    #[serde(skip_serializing_if = "Option::is_none", alias = "max_simultaneous_campaigns")]
    pub campaigns_max: Option<i64>,
}

const fn yes() -> bool {
    true
}
