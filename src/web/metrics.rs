//! `/api/campaigns/{id}/metrics`: what a campaign did, as a series. Not money: that is in the wallet.

use super::Shared;
use super::caller::Caller;
use super::campaign::own;
use super::problem::Problem;
use super::schema::{ByReason, Id, Listed, Moment, OneOf};
use super::wire::{MoneyBody, moment, refused, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::money::Currency;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{MinuteCounts, SeriesPoint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Points of a series at most.
const POINTS_MAX: i64 = 1500;
/// A series that names no start goes back so far.
const SPAN: Millis = Millis::minutes(60);

/// The steps by name, finest first.
const STEPS: [(&str, Millis); 5] = [
    ("1m", Millis::minutes(1)),
    ("5m", Millis::minutes(5)),
    ("15m", Millis::minutes(15)),
    ("1h", Millis::minutes(60)),
    ("1d", Millis::minutes(60 * 24)),
];

/// What a client asks for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesQuery {
    /// The first moment; an hour before `to` unless it says otherwise.
    #[schemars(with = "Option<Moment>")]
    from: Option<String>,
    /// The last one; now unless it says otherwise.
    #[schemars(with = "Option<Moment>")]
    to: Option<String>,
    /// From one point to the next; `1m` unless it says otherwise. A series has at most 1500 points.
    #[schemars(with = "Option<OneOf<Step>>")]
    step: Option<String>,
}

/// The steps by name.
struct Step;
impl Listed for Step {
    fn codes() -> Vec<&'static str> {
        STEPS.iter().map(|(name, _)| *name).collect()
    }
}

/// Whole steps from a moment up to, and not with, another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: UnixMillis,
    to: UnixMillis,
    step: Millis,
    name: &'static str,
}

/// Clicks by where they came from.
#[derive(Debug, Serialize, JsonSchema)]
struct ClicksView {
    /// A short link.
    #[schemars(example = 3)]
    link: u64,
    /// A code on screen.
    #[schemars(example = 21)]
    qr: u64,
    /// A command in the chat.
    #[schemars(example = 5)]
    chat: u64,
}

/// What was counted in a time.
#[derive(Debug, Serialize, JsonSchema)]
struct CountsView {
    /// Plays that came on screen.
    #[schemars(example = 64)]
    plays: u64,
    /// Plays that were settled.
    #[schemars(example = 61)]
    impressions: u64,
    /// Viewers of those, summed up.
    #[schemars(example = 51_200)]
    viewer_impressions: u64,
    /// Clicks.
    clicks: ClicksView,
    /// Slots that went to another campaign, or to none.
    #[schemars(example = 12)]
    lost: u64,
    /// What the brand paid.
    #[schemars(example = MoneyBody::rupees(4_120))]
    spend: MoneyBody,
    /// What streamers got of it.
    #[schemars(example = MoneyBody::rupees(2_884))]
    earnings: MoneyBody,
    /// How often a play was lost or refused, by reason; a reason that never was is left out.
    #[schemars(with = "ByReason", example = ByReason::example())]
    rejects: BTreeMap<&'static str, u64>,
}

/// A point of a series.
#[derive(Debug, Serialize, JsonSchema)]
struct PointView {
    /// When it begins.
    #[schemars(with = "Moment")]
    at: String,
    #[serde(flatten)]
    counts: CountsView,
}

/// What a campaign did, step by step.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SeriesView {
    /// The campaign.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// When the first point begins.
    #[schemars(with = "Moment")]
    from: String,
    /// When the last one ends.
    #[schemars(with = "Moment", example = &"2026-12-01T19:00:00Z")]
    to: String,
    /// From one point to the next.
    #[schemars(with = "OneOf<Step>")]
    step: &'static str,
    /// Every step, whether or not something was counted in it.
    points: Vec<PointView>,
    /// All of it.
    totals: CountsView,
}

impl SeriesQuery {
    /// The span, widened to whole steps: the minute that is running is shown as far as it came.
    fn read(&self, now: UnixMillis) -> Result<Span, Problem> {
        let wanted = self.step.as_deref().unwrap_or("1m");
        let (name, step) = STEPS
            .into_iter()
            .find(|(name, _)| *name == wanted)
            .ok_or_else(|| refused("step", "1m, 5m, 15m, 1h or 1d"))?;
        let to = time("to", self.to.as_deref())?.unwrap_or(now);
        let from = time("from", self.from.as_deref())?.unwrap_or(UnixMillis(to.0 - SPAN.0));
        if from >= to {
            return Err(refused("from", "before to"));
        }
        let down = |at: i64| at - at.rem_euclid(step.0);
        let span =
            Span { from: UnixMillis(down(from.0)), to: UnixMillis(down(to.0 + step.0 - 1)), step, name };
        match span.points() {
            ..=POINTS_MAX => Ok(span),
            many => {
                let message =
                    format!("this asks for {many} points; at most {POINTS_MAX} are given: a larger one");
                Err(refused("step", &message))
            }
        }
    }
}

impl Span {
    const fn points(&self) -> i64 {
        (self.to.0 - self.from.0) / self.step.0
    }

    /// Every step, whether or not something was counted in it.
    fn starts(&self) -> impl Iterator<Item = UnixMillis> {
        let (from, step) = (self.from.0, self.step.0);
        (0..self.points()).map(move |point| UnixMillis(from + point * step))
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<UnixMillis>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // A plus that was not encoded arrives as a space.
    let read = moment(text)
        .or_else(|| text.rsplit_once(' ').and_then(|(time, offset)| moment(&format!("{time}+{offset}"))));
    let wrong = || refused(name, "a time of RFC 3339, such as 2026-11-24T12:00:00Z");
    read.map(Some).ok_or_else(wrong)
}

impl CountsView {
    fn of(
        counts: &MinuteCounts,
        rejects: impl IntoIterator<Item = (Reason, u64)>,
        currency: Currency,
    ) -> Self {
        Self {
            plays: counts.plays,
            impressions: counts.impressions,
            viewer_impressions: counts.viewers,
            clicks: ClicksView { link: counts.clicks_link, qr: counts.clicks_qr, chat: counts.clicks_chat },
            lost: counts.lost,
            spend: MoneyBody::of(counts.spend, currency),
            earnings: MoneyBody::of(counts.earn, currency),
            rejects: rejects.into_iter().map(|(reason, times)| (reason.code(), times)).collect(),
        }
    }
}

/// What was counted over all points.
fn totals(series: &[SeriesPoint]) -> (MinuteCounts, BTreeMap<Reason, u64>) {
    let mut sum = MinuteCounts::default();
    let mut rejects = BTreeMap::new();
    for point in series {
        sum.add(&point.counts);
        for (reason, times) in &point.rejects {
            *rejects.entry(*reason).or_default() += times;
        }
    }
    (sum, rejects)
}

pub(super) async fn series(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<SeriesQuery>,
) -> Result<HttpResponse, Problem> {
    let campaign = own(&shared, caller, *id).await?;
    let engine = &shared.engine;
    let span = query.read(engine.now())?;
    let series = engine.ports.log.series(campaign.id, span.from, span.to, span.step).await?;
    let (sum, rejects) = totals(&series);
    let mut found: HashMap<UnixMillis, SeriesPoint> =
        series.into_iter().map(|point| (point.at, point)).collect();
    let point = |at| {
        let (counts, rejects) = found.remove(&at).map_or_else(Default::default, |p| (p.counts, p.rejects));
        PointView { at: rfc3339(at), counts: CountsView::of(&counts, rejects, campaign.currency) }
    };
    let view = SeriesView {
        campaign_id: campaign.id.0,
        from: rfc3339(span.from),
        to: rfc3339(span.to),
        step: span.name,
        points: span.starts().map(point).collect(),
        totals: CountsView::of(&sum, rejects, campaign.currency),
    };
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(view))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: Option<&str>, to: Option<&str>, step: Option<&str>) -> Option<Span> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        SeriesQuery { from: text(from), to: text(to), step: text(step) }.read(at("2026-11-24T12:34:56Z")).ok()
    }

    fn at(text: &str) -> UnixMillis {
        moment(text).unwrap()
    }

    #[test]
    fn a_span_is_the_last_hour_and_made_of_whole_steps() {
        let hour = read(None, None, None).unwrap();
        assert_eq!((hour.from, hour.to), (at("2026-11-24T11:34:00Z"), at("2026-11-24T12:35:00Z")));
        assert_eq!(hour.starts().count(), 61);
        let days = read(Some("2026-11-22T23:59:59Z"), None, Some("1d")).unwrap();
        assert_eq!((days.from, days.to), (at("2026-11-22T00:00:00Z"), at("2026-11-25T00:00:00Z")));
        let whole = read(Some("2026-11-24T11:00:00Z"), Some("2026-11-24T12:00:00Z"), Some("15m")).unwrap();
        assert_eq!((whole.points(), whole.to), (4, at("2026-11-24T12:00:00Z")));
    }

    #[test]
    fn an_offset_counts_even_when_its_plus_was_not_encoded() {
        for from in ["2026-11-24T17:00:00+05:30", "2026-11-24T17:00:00 05:30", "2026-11-24T11:30:00Z"] {
            assert_eq!(read(Some(from), None, None).unwrap().from, at("2026-11-24T11:30:00Z"), "{from}");
        }
    }

    #[test]
    fn what_can_not_be_shown_is_refused() {
        let noon = Some("2026-11-24T12:00:00Z");
        for (from, to, step) in [
            (Some("yesterday"), None, None),
            (Some(""), None, None),
            (None, Some("2026-13-01T00:00:00Z"), None),
            (None, None, Some("2m")),
            (None, None, Some("")),
            (noon, noon, None),
            (Some("2026-11-24T12:00:01Z"), noon, None),
            (Some("2026-11-23T10:59:00Z"), noon, Some("1m")),
            (Some("-009999-01-01T00:00:00Z"), Some("9999-12-30T00:00:00Z"), Some("1d")),
        ] {
            assert_eq!(read(from, to, step), None, "{from:?} {to:?} {step:?}");
        }
        assert_eq!(read(Some("2026-11-23T11:00:00Z"), noon, Some("1m")).unwrap().points(), POINTS_MAX);
    }
}
