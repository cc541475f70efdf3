//! Campaigns as the API reads them. Everything that is wrong is named at once.

use super::creative_body::{Assets, CreativeBody};
use super::fields::{Fields, line, word};
use super::problem::Problem;
use super::targeting_body::TargetingBody;
use super::wire::{MoneyBody, moment};
use gametriggers_actors::domain::campaign::{
    CREATIVES_MAX, Category, Flight, FrequencyCap, PacingMode, Pricing, Requirements,
};
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::money::{Currency, Micros, Money};
use gametriggers_actors::domain::rotation::Rotation;
use gametriggers_actors::domain::streamer::history::CAP_MAX;
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{DraftRow, NewCampaign, NewCreative};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST /api/campaigns` and `PUT /api/campaigns/{id}`. A draft may leave everything open; a campaign that is
/// to run needs a name, a category, pricing, a budget, a landing page and one creative at least.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignBody {
    /// For an operator: whose campaign it is.
    #[serde(default)]
    pub(super) brand_id: Option<i64>,
    /// Makes a draft, which holds no money and does not run before it is submitted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) draft: bool,
    /// 1 to 80 characters.
    pub(super) name: Option<String>,
    /// What it advertises: 1 to 40 of a-z, 0-9 and _.
    pub(super) category: Option<String>,
    /// How it pays.
    pub(super) pricing: Option<PricingBody>,
    /// Moved from the brand's wallet when it is launched.
    pub(super) budget: Option<MoneyBody>,
    /// When it runs: from its launch for thirty days, unless it says otherwise.
    #[serde(default)]
    pub(super) flight: Option<FlightBody>,
    /// even (unless it is named), asap or front_loaded.
    #[serde(default)]
    pub(super) pacing: Option<String>,
    /// What may be spent in a day of UTC at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) daily_cap: Option<MoneyBody>,
    /// How often it may play on one streamer.
    #[serde(default)]
    pub(super) frequency_cap: CapBody,
    /// Which streams it wants.
    #[serde(default)]
    pub(super) targeting: TargetingBody,
    /// Whether every streamer may play it (unless it is named), or only approved participants.
    #[serde(default)]
    pub(super) open: Option<bool>,
    /// Where a click leads: an http or https address of at most 500 characters.
    pub(super) landing_url: Option<String>,
    /// How the creatives take turns: even (unless it is named), weighted or best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rotation: Option<String>,
    /// What it asks of streamers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) requirements: Option<RequirementsBody>,
    /// What may be shown: at most ten.
    pub(super) creatives: Option<Vec<CreativeBody>>,
}

/// How a campaign pays.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PricingBody {
    /// cpm (per thousand viewers of a play), cpc (per click) or flat (per play).
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// What that costs.
    pub(super) rate: MoneyBody,
}

/// When a campaign runs, in RFC 3339.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FlightBody {
    /// The first moment.
    pub(super) starts_at: String,
    /// The moment after the last, at most a year later.
    pub(super) ends_at: String,
}

/// How often a campaign may play on one streamer; zero is no limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CapBody {
    /// Plays in an hour.
    pub(super) per_hour: u32,
    /// Plays in a day.
    pub(super) per_day: u32,
    /// Seconds between two plays.
    pub(super) minimum_gap_s: u32,
}

/// What a campaign asks of streamers, for people: no decision looks at it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RequirementsBody {
    /// At most 2000 characters; may have more than one line.
    text: String,
    /// Point by point: at most 20 lines of at most 200 characters.
    lines: Vec<String>,
}

/// The modes of pacing, for people.
pub(super) const PACINGS: &str = "even, asap or front_loaded";

/// The rotations, for people.
pub(super) const ROTATIONS: &str = "even, weighted or best";

/// The caps, for people.
pub(super) const CAPS: &str = "at most 500 plays, and a gap of at most a day";

/// Characters of a requirement's text, and lines of it, at most.
const TEXT_MAX: usize = 2000;
const LINES_MAX: usize = 20;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(said: &bool) -> bool {
    !*said
}

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

impl RequirementsBody {
    /// What is asked. None when it is refused, which is noted.
    pub(super) fn read(&self, fields: &mut Fields) -> Option<Requirements> {
        let text = self.text.trim();
        let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        let fits = text.chars().count() <= TEXT_MAX && text.chars().all(plain);
        let text = fields.need("requirements.text", fits.then(|| text.into()), "at most 2000 characters");
        let lines =
            self.lines.iter().map(|one| line(one, 1, 200).map(Into::into)).collect::<Option<Vec<_>>>();
        let lines = lines.filter(|lines| lines.len() <= LINES_MAX);
        let lines = fields.need("requirements.lines", lines, "at most 20 lines of 1 to 200 characters");
        Some(Requirements { text: text?, lines: lines? })
    }

    /// What is asked, as the API shows it.
    pub(super) fn of(asked: &Requirements) -> Self {
        let lines = asked.lines.iter().map(ToString::to_string).collect();
        Self { text: asked.text.to_string(), lines }
    }
}

/// Reads the fields of a body. A draft may leave open what a whole campaign needs.
struct Reader {
    fields: Fields,
    whole: bool,
}

impl Reader {
    fn take<S, T>(
        &mut self,
        field: &str,
        said: Option<S>,
        read: impl FnOnce(S) -> Option<T>,
        message: &str,
    ) -> Option<T> {
        match said {
            None if !self.whole => None,
            said => self.fields.need(field, said.and_then(read), message),
        }
    }

    /// The rate, what it means, and the budget: all in one currency.
    fn money(&mut self, body: &CampaignBody) -> (Option<Money>, Option<Pricing>, Option<Money>) {
        const AMOUNT: &str = "an amount above zero in a currency of three capital letters";
        let rate = self.take("pricing.rate", body.pricing.as_ref(), |said| said.rate.positive(), AMOUNT);
        let pricing = rate.zip(body.pricing.as_ref()).and_then(|(rate, said)| {
            let pricing = Pricing::from_code(&said.kind, rate.amount);
            self.fields.need("pricing", pricing, "cpm (a multiple of 1000 micros), cpc or flat")
        });
        let budget = self.take("budget", body.budget.as_ref(), MoneyBody::positive, AMOUNT);
        if let Some((rate, budget)) = rate.zip(budget) {
            let fits = (rate.currency == budget.currency).then_some(());
            self.fields.need("budget.currency", fits, "the currency of the rate");
        }
        (rate, pricing, budget)
    }

    fn creatives(
        &mut self,
        said: Option<&[CreativeBody]>,
        (pricing, assets): (Option<Pricing>, &Assets),
    ) -> Vec<NewCreative> {
        let least = usize::from(self.whole);
        let fits = (least..=CREATIVES_MAX).contains(&said.map_or(0, <[_]>::len)).then_some(());
        self.fields.need("creatives", fits, "1 to 10 creatives");
        let per_click = matches!(pricing, Some(Pricing::Cpc(_)));
        let creatives = said.unwrap_or_default().iter().take(CREATIVES_MAX).enumerate();
        creatives
            .filter_map(|(at, creative)| {
                creative.read(&format!("creatives[{at}]."), (per_click, assets), &mut self.fields)
            })
            .collect()
    }
}

impl CampaignBody {
    /// A body that was kept.
    ///
    /// # Errors
    /// It was kept by a newer server, and can not be read here.
    pub(super) fn kept(text: &str) -> Result<Self, Problem> {
        serde_json::from_str(text).map_err(|error| {
            tracing::error!(%error, "a draft can not be read; is this server older than its writer?");
            Problem::unavailable()
        })
    }

    /// The assets that its creatives name, as many as there may be.
    pub(super) fn assets(&self) -> impl Iterator<Item = &str> {
        let creatives = self.creatives.iter().flatten().take(CREATIVES_MAX);
        creatives.filter_map(CreativeBody::asset)
    }

    /// Checks everything.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(
        &self,
        brand: BrandId,
        assets: &Assets,
        now: UnixMillis,
    ) -> Result<NewCampaign, Problem> {
        self.check(brand, (assets, true), now)?.ok_or_else(|| Problem::malformed("a field is missing"))
    }

    /// Checks what is there, and makes of it what is kept of a draft.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn row(self, brand: BrandId, assets: &Assets, now: UnixMillis) -> Result<DraftRow, Problem> {
        self.check(brand, (assets, false), now)?;
        let flight =
            self.flight.as_ref().and_then(|said| self::flight(Some(said), now, &mut Fields::default()));
        let said = self.creatives.map(|all| all.into_iter().map(CreativeBody::said).collect());
        let kept = Self { brand_id: None, draft: false, creatives: said, ..self };
        let body = serde_json::to_string(&kept).map_err(|error| Problem::malformed(error.to_string()))?;
        let text = |said: Option<String>| said.map(|text| text.trim().to_owned()).unwrap_or_default();
        Ok(DraftRow { name: text(kept.name), category: text(kept.category), flight, body })
    }

    /// The campaign, when nothing is left open.
    fn check(
        &self,
        brand: BrandId,
        (assets, whole): (&Assets, bool),
        now: UnixMillis,
    ) -> Result<Option<NewCampaign>, Problem> {
        let mut reader = Reader { fields: Fields::default(), whole };
        let name = reader.take("name", self.name.as_deref(), |name| line(name, 1, 80), "1 to 80 characters");
        let category = reader.take("category", self.category.as_deref(), word, "1 to 40 of a-z, 0-9 and _");
        let (rate, pricing, budget) = reader.money(self);
        let flight = flight(self.flight.as_ref(), now, &mut reader.fields);
        let pacing = PacingMode::from_code(self.pacing.as_deref().unwrap_or("even"));
        let pacing = reader.fields.need("pacing", pacing, PACINGS);
        let currency = rate.or(budget).map(|money| money.currency);
        let daily_cap = daily_cap(self.daily_cap.as_ref(), currency, &mut reader.fields);
        let cap = reader.fields.need("frequency_cap", self.frequency_cap.read(), CAPS);
        let targeting = self.targeting.read(&Targeting::default(), &mut reader.fields);
        let rotation = Rotation::from_code(self.rotation.as_deref().unwrap_or("even"));
        let rotation = reader.fields.need("rotation", rotation, ROTATIONS);
        let landing_url = reader.take(
            "landing_url",
            self.landing_url.as_deref(),
            landing,
            "an http or https address of at most 500 characters",
        );
        let requirements = self.requirements.as_ref().and_then(|said| said.read(&mut reader.fields));
        let creatives = reader.creatives(self.creatives.as_deref(), (pricing, assets));
        reader.fields.end()?;
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
                requirements,
                creatives,
                budget: budget.amount,
            })
        };
        Ok(all())
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
