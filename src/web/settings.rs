//! `/api/streamers/{id}/settings`: what a streamer allows.

use super::Shared;
use super::caller::Caller;
use super::campaign_body::{Fields, word};
use super::problem::Problem;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::{Corner, Motion, Settings, SettingsChange};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::ports::Event;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Seconds of a day: no interval and no delay is longer.
const DAY_S: i64 = 86_400;
/// Seconds between two slots at least.
const INTERVAL_S_MIN: i64 = 10;
/// Ads in an hour at most.
const HOURLY_MAX: i64 = 360;
/// Brands, and categories, that can be blocked.
const BLOCKED_MAX: usize = 500;

/// The settings, or, what is there of them, the change.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SettingsBody {
    volume_percent: Option<i64>,
    slot_interval_s: Option<i64>,
    hourly_max: Option<i64>,
    first_ad_delay_s: Option<i64>,
    corner: Option<String>,
    motion: Option<String>,
    allow_video: Option<bool>,
    blocked_brands: Option<Vec<i64>>,
    blocked_categories: Option<Vec<String>>,
}

impl SettingsBody {
    fn of(settings: &Settings) -> Self {
        Self {
            volume_percent: Some(settings.volume_percent.into()),
            slot_interval_s: Some(settings.slot_interval.0 / 1000),
            hourly_max: Some(settings.hourly_max.into()),
            first_ad_delay_s: Some(settings.first_ad_delay.0 / 1000),
            corner: Some(settings.corner.code().to_owned()),
            motion: Some(settings.motion.code().to_owned()),
            allow_video: Some(settings.allow_video),
            blocked_brands: Some(settings.blocked_brands.iter().map(|brand| brand.0).collect()),
            blocked_categories: Some(settings.blocked_categories.iter().map(ToString::to_string).collect()),
        }
    }

    /// The change.
    ///
    /// # Errors
    /// Every field that is refused.
    fn read(&self) -> Result<SettingsChange, Problem> {
        let mut fields = Fields::default();
        let number = |value: i64, least, most| (least..=most).contains(&value).then_some(value);
        let volume = self
            .volume_percent
            .and_then(|value| fields.need("volume_percent", number(value, 0, 100), "0 to 100; 0 is silent"));
        let interval = self.slot_interval_s.and_then(|value| {
            fields.need("slot_interval_s", number(value, INTERVAL_S_MIN, DAY_S), "10 to 86400 seconds")
        });
        let hourly = self
            .hourly_max
            .and_then(|value| fields.need("hourly_max", number(value, 0, HOURLY_MAX), "0 to 360"));
        let delay = self
            .first_ad_delay_s
            .and_then(|value| fields.need("first_ad_delay_s", number(value, 0, DAY_S), "0 to 86400 seconds"));
        let corner = self.corner.as_deref().and_then(|code| {
            let corners = "top_left, top_right, bottom_left or bottom_right";
            fields.need("corner", Corner::from_code(code), corners)
        });
        let motion = self
            .motion
            .as_deref()
            .and_then(|code| fields.need("motion", Motion::from_code(code), "full or reduced"));
        let brands = self.blocked_brands.as_ref().and_then(|brands| {
            let fits = brands.len() <= BLOCKED_MAX && brands.iter().all(|id| *id > 0);
            let brands = fits.then(|| brands.iter().map(|id| BrandId(*id)).collect());
            fields.need("blocked_brands", brands, "at most 500 ids of brands")
        });
        let categories = self.blocked_categories.as_ref().and_then(|names| {
            let read = names.iter().map(|name| word(name).map(Arc::from)).collect::<Option<Vec<_>>>();
            let read = read.filter(|names| names.len() <= BLOCKED_MAX);
            fields.need("blocked_categories", read, "at most 500, each 1 to 40 of a-z, 0-9 and _")
        });
        fields.end()?;
        Ok(SettingsChange {
            slot_interval: interval.map(Millis::seconds),
            hourly_max: hourly.and_then(|value| value.try_into().ok()),
            first_ad_delay: delay.map(Millis::seconds),
            corner,
            volume_percent: volume.and_then(|value| value.try_into().ok()),
            motion,
            allow_video: self.allow_video,
            blocked_brands: brands,
            blocked_categories: categories,
        })
    }
}

fn answer(settings: &Settings) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(SettingsBody::of(settings))
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    caller.is_streamer(StreamerId(*id))?;
    Ok(answer(&shared.engine.ports.accounts.streamer(StreamerId(*id)).await?.settings))
}

/// The bridge of every node hears of it and tells the streamer's actor.
pub(super) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<SettingsBody>,
) -> Result<HttpResponse, Problem> {
    let (id, engine) = (StreamerId(*id), &shared.engine);
    caller.is_streamer(id)?;
    let changed = engine.ports.accounts.change_settings(id, &body.read()?, engine.now()).await?;
    engine.ports.bus.publish(Event::StreamerChanged(id));
    Ok(answer(&changed.settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json};

    fn read(body: Value) -> Option<SettingsChange> {
        from_value::<SettingsBody>(body).ok()?.read().ok()
    }

    #[test]
    fn a_change_names_what_it_changes_and_settings_read_back() {
        assert_eq!(read(json!({})), Some(SettingsChange::default()));
        let volume = SettingsChange { volume_percent: Some(40), ..SettingsChange::default() };
        assert_eq!(read(json!({ "volume_percent": 40 })), Some(volume));
        let whole = serde_json::to_value(SettingsBody::of(&Settings::default())).unwrap();
        assert_eq!(read(whole).unwrap().slot_interval, Some(Settings::default().slot_interval));
        for bad in [
            json!({ "volume_percent": 101 }),
            json!({ "volume_percent": -1 }),
            json!({ "volume_percent": "loud" }),
            json!({ "slot_interval_s": 9 }),
            json!({ "slot_interval_s": i64::MAX }),
            json!({ "hourly_max": 361 }),
            json!({ "first_ad_delay_s": 86_401 }),
            json!({ "corner": "middle" }),
            json!({ "motion": "wild" }),
            json!({ "blocked_brands": [0] }),
            json!({ "blocked_categories": ["Two words"] }),
            json!({ "blocked_categories": vec!["a"; 501] }),
            json!({ "paused": true }),
        ] {
            assert!(read(bad.clone()).is_none(), "{bad}");
        }
    }
}
