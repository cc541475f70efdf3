//! The profiles of the platforms, from a file or as they are compiled in.

use gametriggers_actors::domain::creative::{Format, LengthCaps, Placement};
use gametriggers_actors::domain::policy::{Policies, Policy, Words};
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::time::Millis;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

/// The profiles that are compiled in.
const DEFAULT: &str = include_str!("../config/policy.toml");
/// A share of the whole screen, in ten-thousandths.
const WHOLE: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    profile: Vec<Profile>,
}

/// What each key means stands beside it in `config/policy.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
    version: u32,
    platforms: Vec<String>,
    enabled: bool,
    opt_in: bool,
    disclosure: bool,
    card_bps_min: u32,
    card_bps_max: u32,
    picture_bps_max: u32,
    formats: Vec<String>,
    placements: Vec<String>,
    sound: bool,
    lengths_ms: Lengths,
    prohibited: Vec<String>,
    mature: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lengths {
    image: u32,
    video: u32,
    text: u32,
    qr: u32,
}

/// The profiles can not be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file can not be read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value that can not be.
    #[error("{path}: {}", .wrong.join("; "))]
    Refused {
        /// The file.
        path: String,
        /// What is wrong.
        wrong: Vec<String>,
    },
}

/// The profiles of a file, or those that are compiled in when its path is empty. They are read once: a
/// changed file needs a restart.
///
/// # Errors
/// The file can not be read, or says what can not be.
pub fn load(file: &Path) -> Result<Policies, PolicyError> {
    if file.as_os_str().is_empty() {
        return read(DEFAULT, "config/policy.toml");
    }
    let path = file.display().to_string();
    match std::fs::read_to_string(file) {
        Ok(text) => read(&text, &path),
        Err(error) => Err(PolicyError::File { path, error }),
    }
}

fn read(text: &str, path: &str) -> Result<Policies, PolicyError> {
    let refused = |wrong| PolicyError::Refused { path: path.to_owned(), wrong };
    let parsed: File = toml::from_str(text).map_err(|error| refused(vec![error.to_string()]))?;
    let (mut wrong, mut all) = (Vec::new(), Vec::new());
    for profile in parsed.profile {
        let name = profile.name.clone();
        match profile.read() {
            Ok(policy) => all.push(policy),
            Err(why) => wrong.push(format!("profile {name}: {why}")),
        }
    }
    if !wrong.is_empty() {
        return Err(refused(wrong));
    }
    Policies::new(all).map_err(|fault| refused(vec![fault.to_string()]))
}

impl Profile {
    fn read(self) -> Result<Policy, &'static str> {
        let word = |word: &String| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            ((1..=40).contains(&word.len()) && word.chars().all(fits)).then(|| Arc::from(word.as_str()))
        };
        let words = |all: &[String]| {
            let all: Option<Vec<Arc<str>>> = all.iter().map(word).collect();
            all.map(Words::new).ok_or("a category is 1 to 40 of a-z, 0-9 and _")
        };
        if self.name.is_empty() || self.name.len() > 40 || self.version == 0 {
            return Err("it has a name of 1 to 40 characters and a version from 1 on");
        }
        let most = self.card_bps_max.max(self.picture_bps_max);
        if most > WHOLE || self.card_bps_min > self.card_bps_max.min(self.picture_bps_max) {
            return Err("a share is at most 10000, and the least is not above the most");
        }
        Ok(Policy {
            name: self.name.into(),
            version: self.version,
            platforms: codes(&self.platforms, Platform::from_code).ok_or("twitch, youtube, kick or other")?,
            enabled: self.enabled,
            opt_in: self.opt_in,
            disclosure: self.disclosure,
            card_bps_min: self.card_bps_min,
            card_bps_max: self.card_bps_max,
            picture_bps_max: self.picture_bps_max,
            formats: codes(&self.formats, Format::from_code).ok_or("image, video, text or qr")?,
            placements: codes(&self.placements, Placement::from_code)
                .ok_or("lower_third, corner or ticker")?,
            sound: self.sound,
            lengths: self.lengths_ms.read(),
            prohibited: words(&self.prohibited)?,
            mature: words(&self.mature)?,
        })
    }
}

impl Lengths {
    fn read(&self) -> LengthCaps {
        let span = |ms: u32| Millis(i64::from(ms));
        LengthCaps {
            image: span(self.image),
            video: span(self.video),
            text: span(self.text),
            qr: span(self.qr),
        }
    }
}

fn codes<T>(all: &[String], from_code: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    all.iter().map(|code| from_code(code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gametriggers_actors::domain::campaign::Category;

    fn compiled_in() -> Policies {
        load(Path::new("")).unwrap()
    }

    #[test]
    fn the_profiles_that_are_compiled_in_say_what_the_platforms_say() {
        let policies = compiled_in();
        let names = Platform::ALL.map(|platform| policies.of(platform).name.to_string());
        assert_eq!(names, ["twitch-conservative", "youtube", "kick", "standard"]);
        for platform in Platform::ALL {
            let policy = policies.of(platform);
            assert_eq!(policy.card_bps_min, 150, "MRC: 1.5 % of the screen");
            assert_eq!(policy.enabled, platform != Platform::Kick, "{}", policy.name);
            assert!(policy.prohibited.contain(&Category::new("weapons".into())), "{}", policy.name);
            assert!(policy.mature.contain(&Category::new("alcohol".into())), "{}", policy.name);
            let strict = platform != Platform::Other;
            assert_eq!((policy.needs_opt_in(), policy.sound), (strict, !strict), "{}", policy.name);
        }
        let twitch = policies.of(Platform::Twitch);
        assert_eq!((twitch.picture_bps_max, twitch.card_bps_max), (300, 300));
        assert!(!policies.of(Platform::Youtube).formats.contains(&Format::Video));
    }

    #[test]
    fn what_can_not_be_is_refused_and_named() {
        let refused = |from: &str, to: &str| {
            assert!(DEFAULT.contains(from), "{from}");
            read(&DEFAULT.replacen(from, to, 1), "own.toml").unwrap_err().to_string()
        };
        for (from, to, named) in [
            ("version = 1", "version = 0", "version from 1"),
            ("card_bps_min = 150", "card_bps_min = 10001", "least is not above"),
            ("\"weapons\"", "\"Two words\"", "1 to 40 of a-z"),
            ("\"lower_third\"", "\"middle\"", "lower_third, corner or ticker"),
            (
                "platforms = [\"kick\"]",
                "platforms = [\"kick\", \"twitch\"]",
                "more than one profile is for twitch",
            ),
            ("platforms = [\"kick\"]", "platforms = []", "no profile is for kick"),
            ("sound = false", "sond = false", "sond"),
        ] {
            let said = refused(from, to);
            assert!(said.contains(named) && said.contains("own.toml"), "{to}: {said}");
        }
    }
}
