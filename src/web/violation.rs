//! `/api/conflict-rules/violations`: how often rules spoke, by rule, category, brand, streamer or day.
//!
//! Counted is each time that a rule speaks against a candidate of a slot, or against an application or an
//! approval; so a campaign that waits out a rule counts at every slot. Written within a second or so.

use super::Shared;
use super::caller::Caller;
use super::conflict_rule_body::date;
use super::fields::word;
use super::listing::is_full;
use super::problem::Problem;
use super::schema::{Date, Id, Listed, OneOf, Word};
use super::wire::{PageBody, limit, moment, refused};
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{ViolationOf, ViolationSum, ViolationsBy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sums on a page, unless asked otherwise.
const PAGE: u32 = 100;
/// Sums on a page at most.
const PAGE_MAX: u32 = 500;
/// Days at most.
const DAYS_MAX: i64 = 366;
/// Days, when no start is named.
const DAYS: i64 = 7;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SumsQuery {
    /// The first day of UTC; six days before the last one unless it says otherwise.
    #[schemars(with = "Option<Date>")]
    from: Option<String>,
    /// The last one; today unless it says otherwise. Not more than a year after the first.
    #[schemars(with = "Option<Date>")]
    to: Option<String>,
    /// What is summed up; `rule` unless it says otherwise.
    #[schemars(with = "Option<OneOf<By>>")]
    by: Option<String>,
    /// The `next` of the page before, which was summed up by the same.
    #[schemars(with = "Option<Word>")]
    after: Option<String>,
    /// Sums on a page; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

/// By what violations are summed up.
struct By;
impl Listed for By {
    fn codes() -> Vec<&'static str> {
        BY.iter().map(|(name, _)| *name).collect()
    }
}

const BY: [(&str, ViolationsBy); 5] = [
    ("rule", ViolationsBy::Rule),
    ("category", ViolationsBy::Category),
    ("brand", ViolationsBy::Brand),
    ("streamer", ViolationsBy::Streamer),
    ("day", ViolationsBy::Day),
];

/// How often rules spoke about one thing: which, says the one field of the first five that is there.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SumView {
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>", example = 1)]
    rule_id: Option<i64>,
    /// The category of the campaigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Word>")]
    category: Option<String>,
    /// The brand of the campaigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>")]
    brand_id: Option<i64>,
    /// The streamer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// The day of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Date>")]
    day: Option<String>,
    /// What it is called, if it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Energy drinks keep apart")]
    name: Option<String>,
    /// How often a rule spoke.
    #[schemars(example = 412)]
    spoken: u64,
    /// How often that kept a campaign away.
    #[schemars(example = 390)]
    blocked: u64,
    /// How often an override let it pass.
    #[schemars(example = 4)]
    overridden: u64,
}

/// The day of a date, or of a moment, counted from 1970.
fn day(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let at = moment(text).or_else(|| moment(&format!("{text}T00:00:00Z")));
    let wrong = || refused(name, "a date of UTC, such as 2026-11-24");
    Ok(Some(at.ok_or_else(wrong)?.0.div_euclid(DAY_MS)))
}

impl SumsQuery {
    /// The days, the last one included.
    fn days(&self, now: UnixMillis) -> Result<(i64, i64), Problem> {
        let to = day("to", self.to.as_deref())?.unwrap_or(now.0.div_euclid(DAY_MS));
        let from = day("from", self.from.as_deref())?.unwrap_or(to - DAYS + 1);
        match to - from {
            0..DAYS_MAX => Ok((from, to + 1)),
            ..0 => Err(refused("from", "not after to")),
            _ => Err(refused("from", "at most 366 days before to")),
        }
    }

    fn by(&self) -> Result<ViolationsBy, Problem> {
        let by = self.by.as_deref().unwrap_or("rule");
        let found = BY.into_iter().find(|(name, _)| *name == by).map(|(_, by)| by);
        found.ok_or_else(|| refused("by", "rule, category, brand, streamer or day"))
    }

    fn after(&self, by: ViolationsBy) -> Result<Option<ViolationOf>, Problem> {
        let wrong = || refused("after", "the next of the page before");
        let Some(after) = self.after.as_deref() else { return Ok(None) };
        word(after).ok_or_else(wrong)?;
        if by == ViolationsBy::Category {
            return Ok(Some(ViolationOf::Name(after.into())));
        }
        let number = after.parse().map(ViolationOf::Number);
        number.map(Some).map_err(|_| wrong())
    }
}

impl SumView {
    fn of(sum: ViolationSum, by: ViolationsBy) -> Self {
        let number = match &sum.of {
            ViolationOf::Number(number) => Some(*number),
            ViolationOf::Name(_) => None,
        };
        let only = |wanted| number.filter(|_| by == wanted);
        Self {
            rule_id: only(ViolationsBy::Rule),
            brand_id: only(ViolationsBy::Brand),
            streamer_id: only(ViolationsBy::Streamer),
            day: only(ViolationsBy::Day).map(date),
            category: match sum.of {
                ViolationOf::Name(name) => Some(name.to_string()),
                ViolationOf::Number(_) => None,
            },
            name: sum.name.map(|name| name.to_string()),
            spoken: sum.counts.spoken,
            blocked: sum.counts.blocked,
            overridden: sum.counts.overridden,
        }
    }
}

pub(super) async fn sums(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<SumsQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    let engine = &shared.engine;
    let (days, by) = (query.days(engine.now())?, query.by()?);
    let after = query.after(by)?;
    let limit = limit(query.limit, (PAGE, PAGE_MAX))?;
    let sums = engine.ports.rules.violations(days, by, after.as_ref(), limit).await?;
    let full = is_full(&sums, limit);
    let next = sums.last().filter(|_| full).map(|sum| match &sum.of {
        ViolationOf::Number(number) => number.to_string(),
        ViolationOf::Name(name) => name.to_string(),
    });
    let items = sums.into_iter().map(|sum| SumView::of(sum, by)).collect();
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(PageBody { items, next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_in_order_and_not_too_many() {
        let now = UnixMillis(20_000 * DAY_MS + 5);
        let days = |from: Option<&str>, to: Option<&str>| {
            let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
            SumsQuery { from, to, by: None, after: None, limit: None }.days(now).ok()
        };
        assert_eq!(days(None, None), Some((19_994, 20_001)), "a week with today");
        assert_eq!(days(Some("1970-01-02"), Some("1970-01-02")), Some((1, 2)));
        assert_eq!(days(Some("1970-01-02T23:59:59+00:00"), Some("1970-01-03")), Some((1, 3)));
        assert_eq!(days(Some("1970-01-03"), Some("1970-01-02")), None);
        assert_eq!(days(Some("1970-01-01"), Some("1971-01-01")), Some((0, 366)));
        assert_eq!(days(Some("1970-01-01"), Some("1971-01-02")), None);
        assert_eq!(days(Some("yesterday"), None), None);
        assert_eq!((date(0), date(20_000)), ("1970-01-01".to_owned(), "2024-10-04".to_owned()));
    }
}
