//! Which streams a campaign wants.

use super::reason::Reason;
use super::streamer::{Profile, Sample};
use std::sync::Arc;

/// What a campaign asks of a stream. An empty list or a zero asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targeting {
    /// Content categories, any of which fits.
    pub categories: Vec<Arc<str>>,
    /// Languages, any of which fits.
    pub languages: Vec<Arc<str>>,
    /// Countries, any of which fits.
    pub countries: Vec<Arc<str>>,
    /// Viewers at least.
    pub viewers_min: u32,
    /// Viewers at most; zero for no limit.
    pub viewers_max: u32,
}

impl Targeting {
    /// Whether the stream fits.
    ///
    /// # Errors
    /// The first thing that does not: `minimum_viewers` or `targeting`.
    pub fn admits(&self, profile: &Profile, sample: Sample) -> Result<(), Reason> {
        let fits = |wanted: &[Arc<str>], is: &Arc<str>| wanted.is_empty() || wanted.contains(is);
        if !fits(&self.categories, &profile.content_category)
            || !fits(&self.languages, &profile.language)
            || !fits(&self.countries, &profile.country)
            || (self.viewers_max > 0 && sample.viewers > self.viewers_max)
        {
            return Err(Reason::Targeting);
        }
        if sample.viewers < self.viewers_min {
            return Err(Reason::MinimumViewers);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixMillis;

    fn profile() -> Profile {
        Profile {
            name: "Nova".into(),
            content_category: "gaming".into(),
            language: "en".into(),
            country: "IN".into(),
        }
    }

    fn sample(viewers: u32) -> Sample {
        Sample { live: true, viewers, sampled: UnixMillis(0) }
    }

    #[test]
    fn an_empty_targeting_wants_every_stream() {
        assert_eq!(Targeting::default().admits(&profile(), sample(0)), Ok(()));
    }

    #[test]
    fn each_condition_refuses_with_its_reason() {
        let wants = |t: Targeting| t.admits(&profile(), sample(50));
        let list = |s: &str| vec![Arc::from(s)];
        assert_eq!(
            wants(Targeting { categories: list("music"), ..Default::default() }),
            Err(Reason::Targeting)
        );
        assert_eq!(wants(Targeting { languages: list("hi"), ..Default::default() }), Err(Reason::Targeting));
        assert_eq!(wants(Targeting { countries: list("US"), ..Default::default() }), Err(Reason::Targeting));
        assert_eq!(wants(Targeting { viewers_max: 49, ..Default::default() }), Err(Reason::Targeting));
        assert_eq!(wants(Targeting { viewers_min: 51, ..Default::default() }), Err(Reason::MinimumViewers));
        assert_eq!(
            wants(Targeting {
                viewers_min: 50,
                viewers_max: 50,
                categories: list("gaming"),
                ..Default::default()
            }),
            Ok(())
        );
    }
}
