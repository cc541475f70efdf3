//! What a campaign asks of a stream, as the API reads and writes it.

use super::fields::{Fields, line};
use gametriggers_actors::domain::daypart::{DAYPARTS_MAX, Day, Daypart, Dayparts, UTC_OFFSETS};
use gametriggers_actors::domain::id::StreamerId;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::targeting::{BLOCKED_STREAMERS_MAX, Mature, Targeting};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The whole targeting, or, what is there of it, the change. What a new campaign leaves out it does not ask
/// for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TargetingBody {
    /// Content categories, at most 50; none for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<String>>,
    /// Languages, at most 50; none for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    languages: Option<Vec<String>>,
    /// Countries, at most 50; none for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    countries: Option<Vec<String>>,
    /// Viewers at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    viewers_min: Option<u32>,
    /// Viewers at most; 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    viewers_max: Option<u32>,
    /// Followers at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    followers_min: Option<u32>,
    /// Followers at most; 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    followers_max: Option<u32>,
    /// twitch, youtube, kick or other; none for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    platforms: Option<Vec<String>>,
    /// Streams for adults: any, exclude or only.
    #[serde(skip_serializing_if = "Option::is_none")]
    mature: Option<String>,
    /// Streamers that it never runs on, at most 1000 ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_streamers: Option<Vec<i64>>,
    /// When it runs, at most 50 windows; none for always.
    #[serde(skip_serializing_if = "Option::is_none")]
    dayparts: Option<Vec<DaypartBody>>,
    /// Minutes that the clock of the dayparts is ahead of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    utc_offset_minutes: Option<i16>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DaypartBody {
    days: Vec<String>,
    from: String,
    to: String,
}

impl TargetingBody {
    /// What it makes of `before`. None when a field is refused; each is noted.
    pub(super) fn read(&self, before: &Targeting, fields: &mut Fields) -> Option<Targeting> {
        let mut wants = before.clone();
        let mut fits = self.words(&mut wants, fields);
        let numbers = [
            (self.viewers_min, &mut wants.viewers_min),
            (self.viewers_max, &mut wants.viewers_max),
            (self.followers_min, &mut wants.followers_min),
            (self.followers_max, &mut wants.followers_max),
        ];
        for (said, place) in numbers {
            *place = said.unwrap_or(*place);
        }
        if let Some(codes) = &self.platforms {
            let read = codes.iter().map(|code| Platform::from_code(code)).collect::<Option<Vec<_>>>();
            let read = read.filter(|all| all.len() <= Platform::ALL.len());
            let read = fields.need("targeting.platforms", read, "twitch, youtube, kick or other");
            fits &= put(&mut wants.platforms, read);
        }
        if let Some(code) = &self.mature {
            let read = fields.need("targeting.mature", Mature::from_code(code), "any, exclude or only");
            fits &= put(&mut wants.mature, read);
        }
        if let Some(ids) = &self.blocked_streamers {
            let read =
                fields.need("targeting.blocked_streamers", blocked(ids), "at most 1000 ids of streamers");
            fits &= put(&mut wants.blocked_streamers, read);
        }
        fits &= self.hours(&mut wants.dayparts, fields);
        for (field, least, most) in [
            ("targeting.viewers_max", wants.viewers_min, wants.viewers_max),
            ("targeting.followers_max", wants.followers_min, wants.followers_max),
        ] {
            let fit = (most == 0 || least <= most).then_some(());
            fits &= fields.need(field, fit, "not below the least; 0 for no limit").is_some();
        }
        fits.then_some(wants)
    }

    /// With what is left out of it as it is in another one.
    pub(super) fn over(self, before: Self) -> Self {
        Self {
            categories: self.categories.or(before.categories),
            languages: self.languages.or(before.languages),
            countries: self.countries.or(before.countries),
            viewers_min: self.viewers_min.or(before.viewers_min),
            viewers_max: self.viewers_max.or(before.viewers_max),
            followers_min: self.followers_min.or(before.followers_min),
            followers_max: self.followers_max.or(before.followers_max),
            platforms: self.platforms.or(before.platforms),
            mature: self.mature.or(before.mature),
            blocked_streamers: self.blocked_streamers.or(before.blocked_streamers),
            dayparts: self.dayparts.or(before.dayparts),
            utc_offset_minutes: self.utc_offset_minutes.or(before.utc_offset_minutes),
        }
    }

    fn words(&self, wants: &mut Targeting, fields: &mut Fields) -> bool {
        let mut fits = true;
        for (field, said, place) in [
            ("targeting.categories", &self.categories, &mut wants.categories),
            ("targeting.languages", &self.languages, &mut wants.languages),
            ("targeting.countries", &self.countries, &mut wants.countries),
        ] {
            let Some(words) = said else { continue };
            let read: Option<Vec<Arc<str>>> =
                words.iter().map(|word| line(word, 1, 40).map(Arc::from)).collect();
            let read = read.filter(|words| words.len() <= 50);
            let message = "at most 50 entries of at most 40 characters each";
            fits &= put(place, fields.need(field, read, message));
        }
        fits
    }

    fn hours(&self, dayparts: &mut Dayparts, fields: &mut Fields) -> bool {
        let mut fits = true;
        if let Some(windows) = &self.dayparts {
            let read: Option<Vec<Daypart>> = windows.iter().map(DaypartBody::read).collect();
            let read = read.filter(|windows| windows.len() <= DAYPARTS_MAX);
            let message = "at most 50 windows of days (mon to sun), from and to as HH:MM";
            fits &= put(&mut dayparts.windows, fields.need("targeting.dayparts", read, message));
        }
        if let Some(offset) = self.utc_offset_minutes {
            let read = UTC_OFFSETS.contains(&offset).then_some(offset);
            let read = fields.need("targeting.utc_offset_minutes", read, "-720 to 840 minutes");
            fits &= put(&mut dayparts.utc_offset, read);
        }
        fits
    }

    /// Without whom it blocks.
    pub(super) fn public(self) -> Self {
        Self { blocked_streamers: None, ..self }
    }

    /// A targeting as the API shows it.
    pub(super) fn of(targeting: &Targeting) -> Self {
        let list = |words: &[Arc<str>]| Some(words.iter().map(ToString::to_string).collect());
        Self {
            categories: list(&targeting.categories),
            languages: list(&targeting.languages),
            countries: list(&targeting.countries),
            viewers_min: Some(targeting.viewers_min),
            viewers_max: Some(targeting.viewers_max),
            followers_min: Some(targeting.followers_min),
            followers_max: Some(targeting.followers_max),
            platforms: Some(targeting.platforms.iter().map(|one| one.code().to_owned()).collect()),
            mature: Some(targeting.mature.code().to_owned()),
            blocked_streamers: Some(targeting.blocked_streamers.iter().map(|one| one.0).collect()),
            dayparts: Some(targeting.dayparts.windows.iter().map(DaypartBody::of).collect()),
            utc_offset_minutes: Some(targeting.dayparts.utc_offset),
        }
    }
}

/// Puts a value into its place; false when there is none.
fn put<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

/// The streamers of a list, each once; none when there are too many, or one that can not be.
pub(super) fn blocked(ids: &[i64]) -> Option<Vec<StreamerId>> {
    let fits = ids.len() <= BLOCKED_STREAMERS_MAX && ids.iter().all(|id| *id > 0);
    fits.then(|| {
        let mut ids: Vec<StreamerId> = ids.iter().map(|id| StreamerId(*id)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    })
}

impl DaypartBody {
    fn read(&self) -> Option<Daypart> {
        let days: Option<Vec<Day>> = self.days.iter().map(|code| Day::from_code(code)).collect();
        Daypart::new(&days?, &self.from, &self.to)
    }

    fn of(window: &Daypart) -> Self {
        let days = window.days().map(|day| day.code().to_owned()).collect();
        Self { days, from: window.from(), to: window.to() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json};

    fn read(body: Value, before: &Targeting) -> Option<Targeting> {
        from_value::<TargetingBody>(body).ok()?.read(before, &mut Fields::default())
    }

    #[test]
    fn a_change_names_what_it_changes_and_a_targeting_reads_back() {
        let empty = Targeting::default();
        assert_eq!(read(json!({}), &empty), Some(empty.clone()));
        let wish = json!({
            "categories": ["gaming"], "followers_min": 100, "platforms": ["twitch", "kick"], "mature": "only",
            "blocked_streamers": [9, 3, 9], "utc_offset_minutes": 330,
            "dayparts": [{ "days": ["fri", "mon"], "from": "18:00", "to": "02:00" }],
        });
        let wants = read(wish, &empty).unwrap();
        assert_eq!(wants.blocked_streamers, [StreamerId(3), StreamerId(9)], "in order, and once");
        let whole = serde_json::to_value(TargetingBody::of(&wants)).unwrap();
        assert_eq!(whole["dayparts"], json!([{ "days": ["mon", "fri"], "from": "18:00", "to": "02:00" }]));
        assert_eq!(read(whole, &empty), Some(wants.clone()));
        let changed = read(json!({ "followers_max": 500, "dayparts": [] }), &wants).unwrap();
        assert!(changed.dayparts.windows.is_empty());
        assert_eq!((changed.followers_min, changed.followers_max), (100, 500));
        assert_eq!((changed.mature, changed.platforms), (wants.mature, wants.platforms));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let window = json!({ "days": ["mon"], "from": "18:00", "to": "22:00" });
        let before = Targeting { followers_min: 100, ..Targeting::default() };
        for bad in [
            json!({ "categories": [""] }),
            json!({ "languages": vec!["en"; 51] }),
            json!({ "viewers_min": 9, "viewers_max": 8 }),
            json!({ "followers_max": 99 }),
            json!({ "platforms": ["myspace"] }),
            json!({ "platforms": vec!["kick"; 5] }),
            json!({ "mature": "maybe" }),
            json!({ "blocked_streamers": [0] }),
            json!({ "blocked_streamers": (1..=1001).collect::<Vec<i64>>() }),
            json!({ "dayparts": [{ "days": [], "from": "18:00", "to": "22:00" }] }),
            json!({ "dayparts": [{ "days": ["someday"], "from": "18:00", "to": "22:00" }] }),
            json!({ "dayparts": [{ "days": ["mon"], "from": "24:00", "to": "22:00" }] }),
            json!({ "dayparts": vec![window; 51] }),
            json!({ "utc_offset_minutes": 841 }),
            json!({ "utc_offset_minutes": -721 }),
            json!({ "surprise": 1 }),
        ] {
            assert_eq!(read(bad.clone(), &before), None, "{bad}");
        }
    }
}
