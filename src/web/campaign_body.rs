//! Campaigns as the API reads and writes them. Everything that is wrong is named at once.

use super::problem::{FieldError, Problem};
use super::wire::{MoneyBody, moment, rfc3339};
use gametriggers_actors::domain::campaign::{Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing};
use gametriggers_actors::domain::creative::{Content, Creative, DURATION_MAX, DURATION_MIN, Placement};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::streamer::history::CAP_MAX;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{NewCampaign, NewCreative};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// `POST /api/campaigns`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignBody {
    /// For an admin: whose campaign it is.
    #[serde(default)]
    pub(super) brand_id: Option<i64>,
    name: String,
    category: String,
    pricing: PricingBody,
    budget: MoneyBody,
    /// From now on for thirty days, unless it says otherwise.
    #[serde(default)]
    flight: Option<FlightBody>,
    #[serde(default)]
    pacing: Option<String>,
    /// What may be spent in a day of UTC at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_cap: Option<MoneyBody>,
    #[serde(default)]
    frequency_cap: CapBody,
    #[serde(default)]
    targeting: TargetingBody,
    #[serde(default)]
    open: Option<bool>,
    landing_url: String,
    creatives: Vec<CreativeBody>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PricingBody {
    #[serde(rename = "type")]
    kind: String,
    rate: MoneyBody,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FlightBody {
    starts_at: String,
    ends_at: String,
}

/// How often a campaign may play on one streamer; zero is no limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CapBody {
    per_hour: u32,
    per_day: u32,
    minimum_gap_s: u32,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct TargetingBody {
    categories: Vec<String>,
    languages: Vec<String>,
    countries: Vec<String>,
    viewers_min: u32,
    viewers_max: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CreativeBody {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    id: Option<i64>,
    kind: String,
    placement: String,
    duration_ms: i64,
    accent: String,
    /// For an image or a video: the name that `POST /api/assets` gave.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    asset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    headline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    body: Option<String>,
}

/// A campaign as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct CampaignView {
    id: i64,
    brand_id: i64,
    brand: String,
    name: String,
    status: &'static str,
    category: String,
    pricing: PricingBody,
    flight: FlightBody,
    pacing: &'static str,
    daily_cap: Option<MoneyBody>,
    frequency_cap: CapBody,
    targeting: TargetingBody,
    open: bool,
    landing_url: String,
    creatives: Vec<CreativeBody>,
}

/// The modes of pacing, for people.
pub(super) const PACINGS: &str = "even, asap or front_loaded";

/// A flight of a campaign that names none.
const FLIGHT: Millis = Millis::minutes(60 * 24 * 30);

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Fields(Vec<FieldError>);

impl Fields {
    /// Takes a value, or notes what is wrong with its field.
    pub(super) fn need<T>(&mut self, field: &str, value: Option<T>, message: &str) -> Option<T> {
        if value.is_none() {
            self.0.push(FieldError { field: field.to_owned(), message: message.to_owned() });
        }
        value
    }

    /// The problem, if anything was wrong.
    ///
    /// # Errors
    /// Everything that was noted.
    pub(super) fn end(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

/// Text of `least` to `most` characters without control characters.
pub(super) fn line(text: &str, least: usize, most: usize) -> Option<String> {
    let text = text.trim();
    let fits = (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// The name of a category.
pub(super) fn word(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ((1..=40).contains(&text.len()) && text.chars().all(is_word)).then_some(text)
}

impl CapBody {
    /// The cap; none when it is above what can be kept.
    pub(super) fn read(self) -> Option<FrequencyCap> {
        let fits = self.per_hour <= CAP_MAX && self.per_day <= CAP_MAX && self.minimum_gap_s <= 86_400;
        fits.then_some(FrequencyCap {
            per_hour: self.per_hour,
            per_day: self.per_day,
            minimum_gap: Millis::seconds(i64::from(self.minimum_gap_s)),
        })
    }
}

impl CampaignBody {
    /// Checks everything.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(self, brand: BrandId, assets: &Path, now: UnixMillis) -> Result<NewCampaign, Problem> {
        let mut fields = Fields::default();
        let name = fields.need("name", line(&self.name, 1, 80), "1 to 80 characters");
        let category = fields.need("category", word(&self.category), "1 to 40 of a-z, 0-9 and _");
        let (rate, pricing, budget) = self.money(&mut fields);
        let flight = flight(self.flight.as_ref(), now, &mut fields);
        let pacing = PacingMode::from_code(self.pacing.as_deref().unwrap_or("even"));
        let pacing = fields.need("pacing", pacing, PACINGS);
        let currency = rate.as_ref().map(|rate| rate.currency);
        let daily_cap = daily_cap(self.daily_cap.as_ref(), currency, &mut fields);
        let cap = fields.need(
            "frequency_cap",
            self.frequency_cap.read(),
            "at most 500 plays, and a gap of at most a day",
        );
        let targeting = fields.need(
            "targeting",
            self.targeting.read(),
            "at most 50 entries of at most 40 characters each",
        );
        let landing_url = fields.need(
            "landing_url",
            landing(&self.landing_url),
            "an http or https address of at most 500 characters",
        );
        let fits = (1..=10).contains(&self.creatives.len()).then_some(());
        fields.need("creatives", fits, "1 to 10 creatives");
        let per_click = matches!(pricing, Some(Pricing::Cpc(_)));
        let creatives = self.creatives.iter().take(10).enumerate();
        let creatives: Vec<NewCreative> = creatives
            .filter_map(|(at, creative)| creative.read(at, (per_click, assets), &mut fields))
            .collect();
        fields.end()?;
        let all = || {
            let (rate, budget) = (rate?, budget?);
            Some(NewCampaign {
                brand,
                name: name?,
                category: Category(category?.into()),
                currency: rate.currency,
                pricing: pricing?,
                flight: flight?,
                pacing: pacing?,
                daily_cap: daily_cap?,
                cap: cap?,
                targeting: targeting?,
                open: self.open.unwrap_or(true),
                landing_url: landing_url?,
                creatives,
                budget: budget.amount,
            })
        };
        all().ok_or_else(|| Problem::malformed("a field is missing"))
    }

    /// The rate, what it means, and the budget: all in one currency.
    fn money(&self, fields: &mut Fields) -> (Option<Money>, Option<Pricing>, Option<Money>) {
        let rate = fields.need(
            "pricing.rate",
            self.pricing.rate.positive(),
            "an amount above zero in a currency of three capital letters",
        );
        let pricing = rate.and_then(|rate| {
            let pricing = Pricing::from_code(&self.pricing.kind, rate.amount);
            fields.need("pricing", pricing, "cpm (a multiple of 1000 micros), cpc or flat")
        });
        let budget = fields.need(
            "budget",
            self.budget.positive(),
            "an amount above zero in a currency of three capital letters",
        );
        let one_currency =
            matches!((&rate, &budget), (Some(rate), Some(budget)) if rate.currency == budget.currency);
        if rate.is_some() && budget.is_some() {
            fields.need("budget.currency", one_currency.then_some(()), "the currency of the rate");
        }
        (rate, pricing, budget)
    }
}

fn flight(body: Option<&FlightBody>, now: UnixMillis, fields: &mut Fields) -> Option<Flight> {
    let Some(body) = body else { return Some(Flight { starts: now, ends: now + FLIGHT }) };
    let starts = fields.need("flight.starts_at", moment(&body.starts_at), "a time of RFC 3339");
    let ends = fields.need("flight.ends_at", moment(&body.ends_at), "a time of RFC 3339");
    let (starts, ends) = (starts?, ends?);
    let fits = ends > starts && ends > now && (ends - starts) <= Millis::minutes(60 * 24 * 366);
    fields.need("flight", fits.then_some(()), "it ends after it starts, in the future, within a year")?;
    Some(Flight { starts, ends })
}

/// The cap that a body names, or that it names none; none outside when it is refused. Without a currency to
/// compare with, something else was refused already.
pub(super) fn daily_cap(
    body: Option<&MoneyBody>,
    currency: Option<Currency>,
    fields: &mut Fields,
) -> Option<Option<Micros>> {
    let Some(body) = body else { return Some(None) };
    let cap = body.positive().filter(|cap| currency.is_none_or(|currency| currency == cap.currency));
    let cap = fields.need("daily_cap", cap, "null, or an amount above zero in the campaign's currency");
    cap.map(|cap| Some(cap.amount))
}

fn landing(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && url.as_str().len() <= 500;
    (fits && url.username().is_empty() && url.password().is_none()).then(|| url.to_string())
}

impl TargetingBody {
    fn read(&self) -> Option<Targeting> {
        let list = |words: &[String]| -> Option<Vec<Arc<str>>> {
            let words: Option<Vec<_>> = words.iter().map(|word| line(word, 1, 40).map(Arc::from)).collect();
            words.filter(|words| words.len() <= 50)
        };
        Some(Targeting {
            categories: list(&self.categories)?,
            languages: list(&self.languages)?,
            countries: list(&self.countries)?,
            viewers_min: self.viewers_min,
            viewers_max: self.viewers_max,
        })
    }

    fn of(targeting: &Targeting) -> Self {
        let list = |words: &[Arc<str>]| words.iter().map(ToString::to_string).collect();
        Self {
            categories: list(&targeting.categories),
            languages: list(&targeting.languages),
            countries: list(&targeting.countries),
            viewers_min: targeting.viewers_min,
            viewers_max: targeting.viewers_max,
        }
    }
}

impl CreativeBody {
    fn read(
        &self,
        at: usize,
        (per_click, assets): (bool, &Path),
        fields: &mut Fields,
    ) -> Option<NewCreative> {
        let field = |name: &str| format!("creatives[{at}].{name}");
        let content = self.content(assets);
        let content = fields.need(
            &field("kind"),
            content,
            "text or qr with a headline of 1 to 60 and a body of at most 120 characters, \
             or image or video with the asset of POST /api/assets",
        );
        let placement = fields.need(
            &field("placement"),
            Placement::from_code(&self.placement),
            "lower_third, corner or ticker",
        );
        let duration = Some(Millis(self.duration_ms)).filter(|d| (DURATION_MIN..=DURATION_MAX).contains(d));
        let duration = fields.need(&field("duration_ms"), duration, "3000 to 30000");
        let accent =
            fields.need(&field("accent"), is_color(&self.accent).then(|| self.accent.clone()), "#rrggbb");
        let content = content?;
        // Nobody can click a picture on a stream: a click needs a code to scan.
        let clickable = !per_click || matches!(content, Content::Qr { .. });
        fields.need(
            &field("kind"),
            clickable.then_some(()),
            "a campaign that pays per click shows qr creatives",
        )?;
        Some(NewCreative { content, placement: placement?, duration: duration?, accent: accent? })
    }

    fn content(&self, assets: &Path) -> Option<Content> {
        let words = || {
            let headline = line(self.headline.as_deref()?, 1, 60)?;
            let body = line(self.body.as_deref().unwrap_or_default(), 0, 120)?;
            Some((Arc::from(headline), Arc::from(body)))
        };
        match self.kind.as_str() {
            "text" => words().map(|(headline, body)| Content::Text { headline, body }),
            "qr" => words().map(|(headline, body)| Content::Qr { headline, body }),
            "image" | "video" => {
                let stored = super::asset::stored(assets, self.asset.as_deref()?)?;
                let (asset, width, height) = (Arc::from(stored.name), stored.width, stored.height);
                match (self.kind.as_str(), stored.video) {
                    ("image", false) => Some(Content::Image { asset, width, height }),
                    ("video", true) => Some(Content::Video { asset, width, height }),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn of(creative: &Creative) -> Self {
        let (mut asset, mut headline, mut body) = (None, None, None);
        match &creative.content {
            Content::Image { asset: name, .. } | Content::Video { asset: name, .. } => {
                asset = Some(name.to_string())
            }
            Content::Text { headline: h, body: b } | Content::Qr { headline: h, body: b } => {
                (headline, body) = (Some(h.to_string()), Some(b.to_string()));
            }
        }
        Self {
            id: Some(creative.id.0),
            kind: creative.content.code().to_owned(),
            placement: creative.placement.code().to_owned(),
            duration_ms: creative.duration.0,
            accent: creative.accent.to_string(),
            asset,
            headline,
            body,
        }
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl CampaignView {
    /// A campaign as the API shows it.
    pub(super) fn of(campaign: &Campaign) -> Self {
        let rate: (Micros, Currency) = (campaign.pricing.rate(), campaign.currency);
        Self {
            id: campaign.id.0,
            brand_id: campaign.brand.id.0,
            brand: campaign.brand.name.to_string(),
            name: campaign.name.to_string(),
            status: campaign.status.code(),
            category: campaign.category.0.to_string(),
            pricing: PricingBody {
                kind: campaign.pricing.code().to_owned(),
                rate: MoneyBody::of(rate.0, rate.1),
            },
            flight: FlightBody {
                starts_at: rfc3339(campaign.flight.starts),
                ends_at: rfc3339(campaign.flight.ends),
            },
            pacing: campaign.pacing.code(),
            daily_cap: campaign.daily_cap.map(|cap| MoneyBody::of(cap, campaign.currency)),
            frequency_cap: CapBody {
                per_hour: campaign.cap.per_hour,
                per_day: campaign.cap.per_day,
                minimum_gap_s: u32::try_from(campaign.cap.minimum_gap.0 / 1000).unwrap_or(0),
            },
            targeting: TargetingBody::of(&campaign.targeting),
            open: campaign.open,
            landing_url: campaign.landing_url.to_string(),
            creatives: campaign.creatives.iter().map(CreativeBody::of).collect(),
        }
    }
}
