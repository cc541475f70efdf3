//! Campaigns as the API reads and writes them. Everything that is wrong is named at once.

use super::creative_body::{Assets, CreativeBody};
use super::fields::{Fields, line, word};
use super::problem::Problem;
use super::targeting_body::TargetingBody;
use super::wire::{MoneyBody, moment, rfc3339};
use gametriggers_actors::domain::campaign::{Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::streamer::history::CAP_MAX;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{NewCampaign, NewCreative};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creatives of a campaign, at most.
const CREATIVES_MAX: usize = 10;

/// `POST /api/campaigns`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
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
    /// How the creatives take turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotation: Option<String>,
    creatives: Vec<CreativeBody>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PricingBody {
    #[serde(rename = "type")]
    kind: String,
    rate: MoneyBody,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FlightBody {
    starts_at: String,
    ends_at: String,
}

/// How often a campaign may play on one streamer; zero is no limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CapBody {
    per_hour: u32,
    per_day: u32,
    minimum_gap_s: u32,
}

/// A campaign as the API shows it.
#[derive(Debug, Serialize, JsonSchema)]
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
    rotation: &'static str,
    creatives: Vec<CreativeBody>,
}

/// The modes of pacing, for people.
pub(super) const PACINGS: &str = "even, asap or front_loaded";

/// The rotations, for people.
pub(super) const ROTATIONS: &str = "even, weighted or best";

/// A flight of a campaign that names none.
const FLIGHT: Millis = Millis::minutes(60 * 24 * 30);

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
    /// The assets that its creatives name, as many as there may be.
    pub(super) fn assets(&self) -> impl Iterator<Item = &str> {
        self.creatives.iter().take(CREATIVES_MAX).filter_map(CreativeBody::asset)
    }

    /// Checks everything.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(
        self,
        brand: BrandId,
        assets: &Assets,
        now: UnixMillis,
    ) -> Result<NewCampaign, Problem> {
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
        let targeting = self.targeting.read(&Targeting::default(), &mut fields);
        let rotation = Rotation::from_code(self.rotation.as_deref().unwrap_or("even"));
        let rotation = fields.need("rotation", rotation, ROTATIONS);
        let landing_url = fields.need(
            "landing_url",
            landing(&self.landing_url),
            "an http or https address of at most 500 characters",
        );
        let fits = (1..=CREATIVES_MAX).contains(&self.creatives.len()).then_some(());
        fields.need("creatives", fits, "1 to 10 creatives");
        let per_click = matches!(pricing, Some(Pricing::Cpc(_)));
        let creatives = self.creatives.iter().take(CREATIVES_MAX).enumerate();
        let creatives: Vec<NewCreative> = creatives
            .filter_map(|(at, creative)| creative.read(at, (per_click, assets), &mut fields))
            .collect();
        fields.end()?;
        let all = || {
            let (rate, budget) = (rate?, budget?);
            Some(NewCampaign {
                brand,
                name: name?,
                category: Category::new(category?.into()),
                currency: rate.currency,
                pricing: pricing?,
                flight: flight?,
                pacing: pacing?,
                daily_cap: daily_cap?,
                cap: cap?,
                targeting: targeting?,
                open: self.open.unwrap_or(true),
                landing_url: landing_url?,
                rotation: rotation?,
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
            category: campaign.category.text().to_string(),
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
            rotation: campaign.rotation.code(),
            creatives: campaign.creatives.iter().map(CreativeBody::of).collect(),
        }
    }
}
