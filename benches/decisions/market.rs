//! The brands, rules, campaigns and streams of the trials: made up, and alike in both parts.
//!
//! Streams fall into places: a content category, a language and a country. Each campaign wants the streams of
//! one place, so that how many campaigns a stream matches does not depend on how many there are.

use gametriggers_actors::domain::area::Drawn;
use gametriggers_actors::domain::campaign::{
    Brand, Campaign, Category, Flight, FrequencyCap, PacingMode, Pricing, Status,
};
use gametriggers_actors::domain::conflict::{Rule, RuleKind, Scope, Severity};
use gametriggers_actors::domain::creative::{Content, Creative, CreativeStatus, Placement};
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, RuleId};
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::rotation::{CreativeCounts, Rotation};
use gametriggers_actors::domain::streamer::history::History;
use gametriggers_actors::domain::streamer::{Platform, Profile, Settings};
use gametriggers_actors::domain::targeting::Targeting;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use std::sync::Arc;

/// Brands; each has campaigns in several places.
pub(crate) const BRANDS: i64 = 50;
/// What is advertised.
const ADVERTISED: [&str; 12] = [
    "energy_drink",
    "headset",
    "keyboard",
    "chair",
    "snack",
    "mobile_game",
    "shoes",
    "bank",
    "phone",
    "film",
    "course",
    "delivery",
];
/// Places: 40 content categories, 10 languages and 5 countries.
pub(crate) const PLACES_MAX: i64 = 2_000;
const LANGUAGES: [&str; 10] = ["en", "hi", "ta", "te", "bn", "mr", "pt", "es", "de", "fr"];
const COUNTRIES: [&str; 5] = ["IN", "US", "BR", "DE", "GB"];
/// What is asked for beside it and no stream of the trials has: a list of one word would be too easy.
const ELSEWHERE: ([&str; 2], [&str; 2], [&str; 3]) =
    (["chess_boxing", "ice_fishing"], ["fo", "rm"], ["FO", "LI", "NU"]);

/// A number without a pattern, from one with.
pub(crate) fn mixed(number: i64) -> i64 {
    (number.wrapping_add(1).wrapping_mul(0x5851_f42d_4c95_7f2d) >> 20) & 0x7fff_ffff
}

/// The words of a place. Every place has other ones, and neighbours differ in all of them.
fn words(place: i64) -> (Arc<str>, Arc<str>, Arc<str>) {
    let (row, block) = (place / 40, place / 400);
    let of = |list: &[&'static str], at: i64| -> Arc<str> {
        let at = usize::try_from(at).unwrap_or(0) % list.len();
        list.get(at).copied().unwrap_or_default().into()
    };
    (
        format!("category_{}", place % 40).into(),
        of(&LANGUAGES, row + place),
        of(&COUNTRIES, block + place * 3),
    )
}

/// A streamer of a place.
pub(crate) fn profile(number: i64, place: i64) -> Profile {
    let (content_category, language, country) = words(place);
    Profile {
        name: format!("Streamer {number}").into(),
        content_category,
        language,
        country,
        platform: Platform::Other,
        followers: 900,
        mature: false,
    }
}

/// What streamers allow: some of them not everything.
pub(crate) fn settings(number: i64) -> Settings {
    let blocked = |one_in: i64| number % one_in == 0;
    Settings {
        slot_interval: Millis::minutes(5),
        hourly_max: 30,
        first_ad_delay: Millis(0),
        blocked_brands: if blocked(5) { vec![BrandId(1 + number % BRANDS)] } else { Vec::new() },
        blocked_categories: if blocked(7) { vec!["bank".into(), "film".into()] } else { Vec::new() },
        ..Settings::default()
    }
}

fn creatives(number: i64) -> Vec<Creative> {
    let one = |at: i64| {
        let content = match (number + at) % 3 {
            0 => Content::Image { asset: format!("{number:064x}.webp").into(), width: 960, height: 270 },
            1 => Content::Text {
                headline: "Two for one".into(),
                body: "Until Sunday, wherever you are.".into(),
            },
            _ => Content::Qr { headline: "Scan for a free can".into(), body: "Pick a flavour.".into() },
        };
        let id = CreativeId(number * 2 + at);
        Creative {
            id,
            drawn: Drawn::of(&content, Placement::Corner),
            content,
            placement: Placement::Corner,
            sound: false,
            weight: 1,
            status: CreativeStatus::Active,
            counts: CreativeCounts::default(),
            duration: Millis::seconds(8),
            accent: "#d9ff3d".into(),
        }
    };
    vec![one(0), one(1)]
}

/// The campaign of a number, which wants the streams of a place.
pub(crate) fn campaign(number: i64, place: i64, now: UnixMillis) -> Campaign {
    let (category, language, country) = words(place);
    let (categories, languages, countries) = ELSEWHERE;
    let list = |own: Arc<str>, others: &[&'static str]| -> Vec<Arc<str>> {
        // Its own word is not always the first one.
        let mut list: Vec<Arc<str>> = others.iter().map(|word| Arc::from(*word)).collect();
        list.insert(usize::try_from(number).unwrap_or(0) % (others.len() + 1), own);
        list
    };
    // Campaigns of one place are as different as any others.
    let any = mixed(number);
    let advertised = usize::try_from(any / BRANDS).unwrap_or(0) % ADVERTISED.len();
    let rate = Micros(1000 * (100_000 + any % 150_000));
    let brand = 1 + any % BRANDS;
    Campaign {
        id: CampaignId(number),
        brand: Brand { id: BrandId(brand), name: format!("Brand {brand}").into() },
        name: format!("Campaign {number}").into(),
        status: Status::Active,
        category: Category::new(ADVERTISED.get(advertised).copied().unwrap_or_default().into()),
        currency: Currency::INR,
        pricing: match any % 4 {
            0 => Pricing::Flat(Micros(rate.0 / 7)),
            1 => Pricing::Cpc(Micros(rate.0)),
            _ => Pricing::Cpm(rate),
        },
        flight: Flight { starts: now - Millis::minutes(600), ends: now + Millis::minutes(6000) },
        pacing: if any % 2 == 0 { PacingMode::Even } else { PacingMode::Asap },
        daily_cap: (any % 3 == 0).then_some(Micros(1_000_000_000_000)),
        cap: FrequencyCap { per_hour: 3, per_day: 12, minimum_gap: Millis::minutes(4 + any % 20) },
        targeting: Targeting {
            categories: list(category, &categories),
            languages: list(language, &languages),
            countries: list(country, &countries),
            viewers_min: u32::try_from(any % 50).unwrap_or(0),
            followers_min: u32::try_from(any % 800).unwrap_or(0),
            ..Targeting::default()
        },
        rotation: Rotation::Even,
        open: true,
        landing_url: format!("https://brand-{brand}.example/{number}").into(),
        creatives: creatives(number),
    }
}

/// Three rules of each type. Spans are short enough that a slot is filled after each.
pub(crate) fn rules() -> Vec<Rule> {
    let category = |name: &str| Category::new(name.into());
    let brands = |from: i64| (from..from + 4).map(BrandId).collect::<Vec<_>>();
    let apart = |names: &[&str], minutes| RuleKind::CategoryExclusivity {
        categories: names.iter().map(|name| category(name)).collect(),
        span: Millis::minutes(minutes),
    };
    let rival = |from: i64, minutes| RuleKind::BrandExclusivity {
        brands: brands(from),
        competitors: brands(from + 4),
        span: Millis::minutes(minutes),
    };
    let cool = |scope, minutes| RuleKind::CooldownPeriod { scope, span: Millis::minutes(minutes) };
    let crowd = |scope, campaigns_max| RuleKind::SimultaneousLimit {
        scope,
        campaigns_max,
        span: Millis::minutes(60),
    };
    let all = [
        (apart(&["energy_drink", "snack"], 15), Severity::Blocking, 90),
        (apart(&["bank"], 30), Severity::Blocking, 80),
        (apart(&["film", "course"], 10), Severity::Warning, 20),
        (rival(1, 20), Severity::Blocking, 70),
        (rival(11, 20), Severity::Blocking, 60),
        (rival(21, 10), Severity::Advisory, 10),
        (cool(Scope::Brand(vec![]), 6), Severity::Blocking, 50),
        (cool(Scope::Category(vec![]), 2), Severity::Blocking, 40),
        (cool(Scope::Streamer, 1), Severity::Advisory, 5),
        (crowd(Scope::Streamer, 40), Severity::Blocking, 45),
        (crowd(Scope::Brand(vec![]), 3), Severity::Blocking, 35),
        (crowd(Scope::Category(vec![]), 6), Severity::Warning, 15),
    ];
    let rule = |(id, (kind, severity, priority))| Rule { id: RuleId(id), kind, severity, priority };
    (1..).zip(all).map(rule).collect()
}

/// A stream that has shown twelve of these campaigns in the last hour, one every five minutes, and eight
/// others earlier.
pub(crate) fn history(shown: &[Arc<Campaign>], now: UnixMillis) -> History {
    let mut history = History::default();
    for (at, campaign) in (0..).zip(shown.iter().rev()) {
        let before = if at < 8 { Millis::minutes(240 - at * 10) } else { Millis::minutes((20 - at) * 5) };
        history.record(campaign, now - before);
    }
    history
}
