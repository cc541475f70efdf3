//! `/api/streamers/{id}/settings`: what a streamer allows.

use super::Shared;
use super::caller::Caller;
use super::etag::{IfMatch, answer, versioned};
use super::fields::{Fields, word};
use super::problem::Problem;
use super::wire::{present, rfc3339};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::creative::{DURATION_MAX, DURATION_MIN, Format, LengthCaps};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::policy::Policy;
use gametriggers_actors::domain::streamer::{Corner, Motion, OptIn, Settings, SettingsChange};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::Event;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
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
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SettingsBody {
    volume_percent: Option<i64>,
    slot_interval_s: Option<i64>,
    hourly_max: Option<i64>,
    first_ad_delay_s: Option<i64>,
    corner: Option<String>,
    motion: Option<String>,
    /// In short for video among the blocked formats.
    allow_video: Option<bool>,
    blocked_formats: Option<Vec<String>>,
    allow_sound: Option<bool>,
    /// The longest time on screen by format; what is left out of it stays.
    length_max_ms: Option<LengthsBody>,
    blocked_brands: Option<Vec<i64>>,
    blocked_categories: Option<Vec<String>>,
    /// The policy of the platform that the streamer agrees to; null takes their word back.
    #[serde(deserialize_with = "present", serialize_with = "as_there")]
    policy_opt_in: Option<Option<OptInBody>>,
}

/// Milliseconds by format; 0 is no cap.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct LengthsBody {
    image: Option<i64>,
    video: Option<i64>,
    text: Option<i64>,
    qr: Option<i64>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OptInBody {
    policy: String,
    /// When they agreed. The server says so, and reads no other.
    #[serde(default)]
    at: Option<String>,
}

/// What the platform of a streamer allows, and whether they have agreed to it.
#[derive(Serialize, JsonSchema)]
pub(super) struct PolicyView<'a> {
    platform: &'static str,
    policy: &'a str,
    version: u32,
    enabled: bool,
    opt_in_required: bool,
    disclosure_required: bool,
    opted_in_at: Option<String>,
}

fn as_there<S: Serializer>(body: &Option<Option<OptInBody>>, to: S) -> Result<S::Ok, S::Error> {
    body.as_ref().and_then(Option::as_ref).serialize(to)
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
            allow_video: Some(!settings.blocked_formats.contains(&Format::Video)),
            blocked_formats: Some(settings.blocked_formats.iter().map(|one| one.code().to_owned()).collect()),
            allow_sound: Some(settings.allow_sound),
            length_max_ms: Some(LengthsBody::of(settings.lengths)),
            blocked_brands: Some(settings.blocked_brands.iter().map(|brand| brand.0).collect()),
            blocked_categories: Some(settings.blocked_categories.iter().map(ToString::to_string).collect()),
            policy_opt_in: Some(settings.opt_in.as_ref().map(OptInBody::of)),
        }
    }

    /// The change of a streamer's settings under a policy, agreed to now if it is.
    ///
    /// # Errors
    /// Every field that is refused.
    fn read(&self, before: &Settings, policy: &Policy, now: UnixMillis) -> Result<SettingsChange, Problem> {
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
        let formats = self.formats(&mut fields);
        let lengths = self.length_max_ms.as_ref().and_then(|caps| caps.read(before.lengths, &mut fields));
        let opt_in = self.opt_in(before, (policy, now), &mut fields);
        fields.end()?;
        Ok(SettingsChange {
            slot_interval: interval.map(Millis::seconds),
            hourly_max: hourly.and_then(|value| value.try_into().ok()),
            first_ad_delay: delay.map(Millis::seconds),
            corner,
            volume_percent: volume.and_then(|value| value.try_into().ok()),
            motion,
            allow_video: self.allow_video,
            blocked_formats: formats,
            allow_sound: self.allow_sound,
            lengths,
            blocked_brands: brands,
            blocked_categories: categories,
            opt_in,
        })
    }

    fn formats(&self, fields: &mut Fields) -> Option<Vec<Format>> {
        let codes = self.blocked_formats.as_ref()?;
        let read = codes.iter().map(|code| Format::from_code(code)).collect::<Option<Vec<_>>>();
        let read = read.filter(|formats| formats.len() <= Format::ALL.len());
        let read = fields.need("blocked_formats", read, "image, video, text or qr")?;
        let agrees = self.allow_video.is_none_or(|allowed| allowed != read.contains(&Format::Video));
        fields.need("allow_video", agrees.then_some(()), "the same that blocked_formats says of video")?;
        Some(read)
    }

    fn opt_in(
        &self,
        before: &Settings,
        (policy, now): (&Policy, UnixMillis),
        fields: &mut Fields,
    ) -> Option<Option<OptIn>> {
        let Some(body) = self.policy_opt_in.as_ref()? else { return Some(None) };
        // Agreed to already: the time stays.
        if before.opt_in.as_ref().is_some_and(|given| *given.policy == *body.policy) {
            return None;
        }
        let known = (*policy.name == *body.policy).then(|| Arc::clone(&policy.name));
        let message = "null, or the policy of the streamer's platform";
        fields.need("policy_opt_in", known, message).map(|policy| Some(OptIn { policy, at: now }))
    }
}

impl LengthsBody {
    const fn of(caps: LengthCaps) -> Self {
        let LengthCaps { image, video, text, qr } = caps;
        Self { image: Some(image.0), video: Some(video.0), text: Some(text.0), qr: Some(qr.0) }
    }

    fn read(&self, before: LengthCaps, fields: &mut Fields) -> Option<LengthCaps> {
        let cap = |said: Option<i64>, before: Millis| {
            let fits = |ms: &i64| *ms == 0 || (DURATION_MIN..=DURATION_MAX).contains(&Millis(*ms));
            said.map_or(Some(before), |ms| Some(ms).filter(fits).map(Millis))
        };
        let read = || {
            Some(LengthCaps {
                image: cap(self.image, before.image)?,
                video: cap(self.video, before.video)?,
                text: cap(self.text, before.text)?,
                qr: cap(self.qr, before.qr)?,
            })
        };
        fields.need("length_max_ms", read(), "3000 to 30000 for each format; 0 for no cap")
    }
}

impl OptInBody {
    fn of(given: &OptIn) -> Self {
        Self { policy: given.policy.to_string(), at: Some(rfc3339(given.at)) }
    }
}

pub(super) async fn show(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    caller.is_streamer(StreamerId(*id))?;
    let record = shared.engine.ports.profiles.streamer_record(StreamerId(*id)).await?;
    Ok(answer(&request, record.version, SettingsBody::of(&record.streamer.settings)))
}

/// What the streamer's platform allows.
pub(super) async fn policy(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    caller.is_streamer(StreamerId(*id))?;
    let streamer = shared.engine.ports.accounts.streamer(StreamerId(*id)).await?;
    let platform = streamer.profile.platform;
    let policy = shared.engine.numbers.policies.of(platform);
    let given = streamer.settings.opt_in.as_ref().filter(|given| given.policy == policy.name);
    let view = PolicyView {
        platform: platform.code(),
        policy: &policy.name,
        version: policy.version,
        enabled: policy.enabled,
        opt_in_required: policy.needs_opt_in(),
        disclosure_required: policy.disclosure,
        opted_in_at: given.map(|given| rfc3339(given.at)),
    };
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(view))
}

/// The bridge of every node hears of it and tells the streamer's actor.
pub(super) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    if_match: IfMatch,
    id: Path<i64>,
    body: Json<SettingsBody>,
) -> Result<HttpResponse, Problem> {
    let (id, engine) = (StreamerId(*id), &shared.engine);
    caller.is_streamer(id)?;
    let (accounts, now) = (&engine.ports.accounts, engine.now());
    let before = accounts.streamer(id).await?;
    let policy = engine.numbers.policies.of(before.profile.platform);
    let change = body.read(&before.settings, policy, now)?;
    let (changed, version) = accounts.change_settings(id, &change, if_match.0, now).await?;
    engine.ports.bus.publish(Event::StreamerChanged(id));
    Ok(versioned(&mut HttpResponse::Ok(), version).json(SettingsBody::of(&changed.settings)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gametriggers_actors::domain::streamer::Platform;
    use serde_json::{Value, from_value, json};

    fn read(body: Value) -> Option<SettingsChange> {
        under(body, &Settings::default())
    }

    fn under(body: Value, before: &Settings) -> Option<SettingsChange> {
        let policies = crate::policy::load(std::path::Path::new("")).unwrap();
        let policy = policies.of(Platform::Twitch);
        from_value::<SettingsBody>(body).ok()?.read(before, policy, UnixMillis(5)).ok()
    }

    #[test]
    fn a_streamer_agrees_once_and_takes_it_back() {
        let agree =
            json!({ "policy_opt_in": { "policy": "twitch-conservative", "at": "1999-01-01T00:00:00Z" } });
        let given = OptIn { policy: "twitch-conservative".into(), at: UnixMillis(5) };
        assert_eq!(read(agree.clone()).unwrap().opt_in, Some(Some(given.clone())), "the clock is ours");
        let agreed = Settings { opt_in: Some(given), ..Settings::default() };
        assert_eq!(under(agree, &agreed).unwrap().opt_in, None, "and keeps the first time");
        assert_eq!(under(json!({}), &agreed).unwrap().opt_in, None);
        assert_eq!(under(json!({ "policy_opt_in": null }), &agreed).unwrap().opt_in, Some(None));
        let whole = serde_json::to_value(SettingsBody::of(&agreed)).unwrap();
        assert_eq!(whole["policy_opt_in"]["at"], "1970-01-01T00:00:00.005Z");
        assert_eq!(under(whole, &agreed).unwrap().opt_in, None);
    }

    #[test]
    fn lengths_that_are_left_out_stay() {
        let lengths = LengthCaps { image: Millis(4000), video: Millis(5000), ..LengthCaps::default() };
        let before = Settings { lengths, ..Settings::default() };
        let change = under(json!({ "length_max_ms": { "video": 0, "qr": 9000 } }), &before).unwrap();
        assert_eq!(change.lengths, Some(LengthCaps { video: Millis(0), qr: Millis(9000), ..lengths }));
        let blocked = read(json!({ "blocked_formats": ["qr", "video"], "allow_video": false })).unwrap();
        assert_eq!(blocked.blocked_formats, Some(vec![Format::Qr, Format::Video]));
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
            json!({ "blocked_formats": ["hologram"] }),
            json!({ "blocked_formats": ["video"], "allow_video": true }),
            json!({ "blocked_formats": [], "allow_video": false }),
            json!({ "blocked_formats": vec!["qr"; 5] }),
            json!({ "length_max_ms": { "video": 2_999 } }),
            json!({ "length_max_ms": { "video": 30_001 } }),
            json!({ "length_max_ms": { "film": 5_000 } }),
            json!({ "policy_opt_in": { "policy": "kick" } }),
            json!({ "policy_opt_in": "twitch-conservative" }),
            json!({ "paused": true }),
        ] {
            assert!(read(bad.clone()).is_none(), "{bad}");
        }
    }
}
