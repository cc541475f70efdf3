//! A rule as it is written by people, and everything that can be wrong with it.

use super::{RuleKind, Scope, Severity};
use crate::domain::campaign::Category;
use crate::domain::id::BrandId;
use crate::domain::time::Millis;
use std::collections::HashSet;

/// Characters of a name at most.
pub const NAME_MAX: usize = 80;
/// Characters of a description at most.
pub const DESCRIPTION_MAX: usize = 500;
/// Entries of a list at most.
pub const LIST_MAX: usize = 100;
/// Priorities go from minus this to this.
pub const PRIORITY_MAX: i32 = 1000;
/// The longest that a play may count.
pub const SPAN_MAX: Millis = Millis::minutes(60 * 24 * 30);
/// Campaigns of a limit at most.
const CAMPAIGNS_MAX: i64 = 1000;
const DAY_S: i64 = 24 * 60 * 60;

/// A rule as the API and the configuration file write it. Which parameters belong to which type is checked,
/// not assumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// One of the four types.
    pub kind: String,
    /// `blocking`, `warning` or `advisory`.
    pub severity: String,
    /// The higher one speaks first.
    pub priority: i32,
    /// Whether it is in force.
    pub active: bool,
    /// What a cooldown or a limit looks at.
    pub scope: Option<String>,
    /// Categories that it is about.
    pub categories: Vec<String>,
    /// Brands that it is about.
    pub brands: Vec<i64>,
    /// Whom exclusive brands keep out.
    pub competitors: Vec<i64>,
    /// How long a play counts, in seconds.
    pub span_s: Option<i64>,
    /// The same for a cooldown, in days.
    pub cooldown_days: Option<i64>,
    /// Campaigns of a limit.
    pub campaigns_max: Option<i64>,
}

/// A rule that can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it forbids.
    pub kind: RuleKind,
    /// What a hit does.
    pub severity: Severity,
    /// The higher one speaks first.
    pub priority: i32,
    /// Whether it is in force.
    pub active: bool,
}

/// A field that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the field, such as `config.span_s`.
    pub field: &'static str,
    /// What it has to be.
    pub message: &'static str,
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn refuse(&mut self, when: bool, field: &'static str, message: &'static str) {
        if when {
            self.0.push(Fault { field, message });
        }
    }

    fn need<T>(&mut self, value: Option<T>, field: &'static str, message: &'static str) -> Option<T> {
        self.refuse(value.is_none(), field, message);
        value
    }
}

const SCOPE: &str = "config.scope";
const CATEGORIES: &str = "config.categories";
const BRANDS: &str = "config.brands";
const COMPETITORS: &str = "config.competitors";
const SPAN: &str = "config.span_s";
const DAYS: &str = "config.cooldown_days";
const CAMPAIGNS: &str = "config.campaigns_max";

impl Draft {
    /// Checks everything.
    ///
    /// # Errors
    /// Every field that is wrong, in order.
    pub fn check(&self) -> Result<NewRule, Vec<Fault>> {
        let mut faults = Faults::default();
        let name = self.name.trim();
        let is_line = |text: &str| !text.chars().any(char::is_control);
        let fits = (1..=NAME_MAX).contains(&name.chars().count()) && is_line(name);
        faults.refuse(!fits, "name", "1 to 80 characters");
        let description = self.description.trim();
        let fits = description.chars().count() <= DESCRIPTION_MAX && is_line(description);
        faults.refuse(!fits, "description", "at most 500 characters");
        let severity = Severity::from_code(&self.severity);
        let severity = faults.need(severity, "severity", "blocking, warning or advisory");
        let fits = (-PRIORITY_MAX..=PRIORITY_MAX).contains(&self.priority);
        faults.refuse(!fits, "priority", "-1000 to 1000; the higher one speaks first");
        let kind = self.kind(&mut faults);
        match (kind, severity, faults.0) {
            (Some(kind), Some(severity), faults) if faults.is_empty() => Ok(NewRule {
                name: name.to_owned(),
                description: description.to_owned(),
                kind,
                severity,
                priority: self.priority,
                active: self.active,
            }),
            (_, _, faults) => Err(faults),
        }
    }

    fn kind(&self, faults: &mut Faults) -> Option<RuleKind> {
        let categories = self.categories(faults);
        let brands = list(&self.brands, BRANDS, faults);
        let competitors = list(&self.competitors, COMPETITORS, faults);
        let span = self.span(faults);
        let limit = self.kind == "simultaneous_limit";
        let scoped = limit || self.kind == "cooldown_period";
        faults.refuse(
            self.kind != "brand_exclusivity" && !competitors.is_empty(),
            COMPETITORS,
            "only brand_exclusivity has competitors",
        );
        faults.refuse(
            !limit && self.campaigns_max.is_some(),
            CAMPAIGNS,
            "only simultaneous_limit has a number of campaigns",
        );
        faults.refuse(
            !scoped && self.scope.is_some(),
            SCOPE,
            "only cooldown_period and simultaneous_limit have a scope",
        );
        match self.kind.as_str() {
            "category_exclusivity" => {
                faults.refuse(!brands.is_empty(), BRANDS, "category_exclusivity is about categories");
                Some(RuleKind::CategoryExclusivity { categories, span: span? })
            }
            "brand_exclusivity" => {
                faults.refuse(!categories.is_empty(), CATEGORIES, "brand_exclusivity is about brands");
                faults.refuse(brands.is_empty(), BRANDS, "at least one brand that is exclusive");
                let alone = matches!((&*brands, &*competitors), ([one], [other]) if one == other);
                faults.refuse(alone, COMPETITORS, "no brand competes with itself");
                Some(RuleKind::BrandExclusivity { brands, competitors, span: span? })
            }
            "cooldown_period" => Some(RuleKind::CooldownPeriod {
                scope: self.scope((categories, brands), faults)?,
                span: span?,
            }),
            "simultaneous_limit" => {
                let scope = self.scope((categories, brands), faults);
                let most = self.campaigns_max.filter(|most| (1..=CAMPAIGNS_MAX).contains(most));
                let most = most.and_then(|most| u32::try_from(most).ok());
                let campaigns_max = faults.need(most, CAMPAIGNS, "1 to 1000 campaigns")?;
                Some(RuleKind::SimultaneousLimit { scope: scope?, campaigns_max, span: span? })
            }
            _ => {
                let all = "category_exclusivity, brand_exclusivity, cooldown_period or simultaneous_limit";
                faults.refuse(true, "type", all);
                None
            }
        }
    }

    fn categories(&self, faults: &mut Faults) -> Vec<Category> {
        let is_word = |word: &String| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            (1..=40).contains(&word.len()) && word.chars().all(fits)
        };
        let words = &self.categories;
        let fits = words.len() <= LIST_MAX && words.iter().all(is_word) && are_distinct(words);
        faults.refuse(!fits, CATEGORIES, "at most 100, each once, each 1 to 40 of a-z, 0-9 and _");
        words.iter().take(LIST_MAX).map(|word| Category::new(word.as_str().into())).collect()
    }

    /// In seconds; for a cooldown in days as well, but not in both.
    fn span(&self, faults: &mut Faults) -> Option<Millis> {
        let days = self.cooldown_days;
        if self.kind != "cooldown_period" {
            faults.refuse(days.is_some(), DAYS, "only cooldown_period has it; give span_s");
        } else if days.is_some() {
            faults.refuse(self.span_s.is_some(), DAYS, "either this or span_s");
            let days = days.filter(|days| (1..=SPAN_MAX.0 / 1000 / DAY_S).contains(days));
            return faults.need(days, DAYS, "1 to 30 days").map(|days| Millis::seconds(days * DAY_S));
        }
        let span = self.span_s.filter(|span| (1..=SPAN_MAX.0 / 1000).contains(span));
        faults.need(span, SPAN, "how long a play counts: 1 to 2592000 seconds").map(Millis::seconds)
    }

    /// The scope that is named, or the one of the list that is given. A limit without either is the
    /// streamer's.
    fn scope(
        &self,
        (categories, brands): (Vec<Category>, Vec<BrandId>),
        faults: &mut Faults,
    ) -> Option<Scope> {
        let named = self.scope.as_deref();
        let meant = match named {
            Some(named) => named,
            None if !categories.is_empty() => "category",
            None if !brands.is_empty() => "brand",
            None if self.kind == "simultaneous_limit" => "streamer",
            None => "",
        };
        let by_another = "the scope is another one";
        faults.refuse(meant != "category" && !categories.is_empty(), CATEGORIES, by_another);
        faults.refuse(meant != "brand" && !brands.is_empty(), BRANDS, by_another);
        faults.need(Scope::from_code(meant, categories, brands), SCOPE, "category, brand or streamer")
    }
}

fn list(ids: &[i64], field: &'static str, faults: &mut Faults) -> Vec<BrandId> {
    let fits = ids.len() <= LIST_MAX && ids.iter().all(|id| *id > 0) && are_distinct(ids);
    faults.refuse(!fits, field, "at most 100 ids of brands, each once");
    ids.iter().take(LIST_MAX).copied().map(BrandId).collect()
}

fn are_distinct<T: Eq + std::hash::Hash>(all: &[T]) -> bool {
    let mut seen = HashSet::new();
    all.iter().take(LIST_MAX + 1).all(|one| seen.insert(one))
}

impl RuleKind {
    /// The parameters, as a draft that reads back as this kind.
    #[must_use]
    pub fn draft(&self) -> Draft {
        let names = |all: &[Category]| all.iter().map(|category| category.text().to_string()).collect();
        let ids = |all: &[BrandId]| all.iter().map(|brand| brand.0).collect();
        let mut draft =
            Draft { kind: self.code().to_owned(), span_s: Some(self.span().0 / 1000), ..Draft::default() };
        let scope = match self {
            Self::CategoryExclusivity { categories, .. } => {
                draft.categories = names(categories);
                None
            }
            Self::BrandExclusivity { brands, competitors, .. } => {
                (draft.brands, draft.competitors) = (ids(brands), ids(competitors));
                None
            }
            Self::CooldownPeriod { scope, .. } => Some(scope),
            Self::SimultaneousLimit { scope, campaigns_max, .. } => {
                draft.campaigns_max = Some(i64::from(*campaigns_max));
                Some(scope)
            }
        };
        match scope {
            Some(Scope::Category(only)) => draft.categories = names(only),
            Some(Scope::Brand(only)) => draft.brands = ids(only),
            Some(Scope::Streamer) | None => {}
        }
        draft.scope = scope.map(|scope| scope.code().to_owned());
        draft
    }
}

impl NewRule {
    /// The whole rule in one line, for the record of who made it.
    #[must_use]
    pub fn summary(&self) -> String {
        use std::fmt::Write;
        let draft = self.kind.draft();
        let state = if self.active { "active" } else { "inactive" };
        let mut text = format!(
            "{}: {} {}, priority {}, {state}, {} ms",
            self.name,
            self.severity.code(),
            draft.kind,
            self.priority,
            self.kind.span().0,
        );
        let mut add = |name: &str, list: String| {
            if !list.is_empty() {
                let _ = write!(text, ", {name} {list}");
            }
        };
        let ids = |all: &[i64]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        add("scope", draft.scope.unwrap_or_default());
        add("categories", draft.categories.join(" "));
        add("brands", ids(&draft.brands));
        add("competitors", ids(&draft.competitors));
        add("campaigns at most", draft.campaigns_max.map(|most| most.to_string()).unwrap_or_default());
        text
    }
}
