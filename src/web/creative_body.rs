//! Creatives as the API reads and writes them.

use super::fields::{Fields, line};
use super::schema::{Color, FileName, Id, Line, OneOf, WHOLE_MAX, Words};
use gametriggers_actors::domain::asset::{Asset, Media};
use gametriggers_actors::domain::creative::{
    Content, Creative, CreativeStatus, DURATION_MAX, DURATION_MIN, Format, Placement, WEIGHT_MAX,
};
use gametriggers_actors::domain::rotation::CreativeCounts;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::ports::NewCreative;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// The assets that may be used, by their names.
pub(super) type Assets = HashMap<String, Asset>;

/// A creative of a campaign.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreativeBody {
    /// The server says it, and takes no notice of what is said to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<Id>")]
    id: Option<i64>,
    /// What it is.
    #[schemars(with = "OneOf<Format>", example = &"text")]
    kind: String,
    /// Where it stands.
    #[schemars(with = "OneOf<Placement>", example = &"lower_third")]
    placement: String,
    /// Time on screen, in milliseconds.
    #[schemars(range(min = 3000, max = 30_000), example = 8000)]
    duration_ms: i64,
    /// The colour of its frame.
    #[schemars(with = "Color", example = &"#ff6a00")]
    accent: String,
    /// For an image or a video: the name that `POST /api/assets` gave.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<FileName>")]
    asset: Option<String>,
    /// For a text or a QR code, which needs it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<Line<60>>", example = &"Lights on, all night")]
    headline: Option<String>,
    /// For a text or a QR code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<Words<120>>", example = &"Voltade: less sugar, more spark.")]
    body: Option<String>,
    /// Whether it can be heard; what the file says, unless it is named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sound: Option<bool>,
    /// Its share of the plays in weighted rotation; 1 unless it is named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(range(min = 1, max = 1000))]
    weight: Option<u16>,
    /// Only an active one is shown. The server says it, and takes no notice of what is said to it;
    /// `PATCH /api/campaigns/{id}/creatives/{creative_id}` changes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<OneOf<CreativeStatus>>")]
    status: Option<String>,
    /// What it achieved, on all streams: the server says it, and takes no notice of what is said to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    counts: Option<CountsBody>,
}

impl CreativeBody {
    /// One as it may be.
    pub(super) fn example() -> Self {
        Self {
            id: None,
            kind: Format::Text.code().to_owned(),
            placement: Placement::LowerThird.code().to_owned(),
            duration_ms: 8000,
            accent: "#ff6a00".to_owned(),
            asset: None,
            headline: Some("Lights on, all night".to_owned()),
            body: Some("Voltade: less sugar, more spark.".to_owned()),
            sound: None,
            weight: None,
            status: None,
            counts: None,
        }
    }
}

/// How often a creative was shown and clicked. Not money: a count may be lost with a process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CountsBody {
    /// Plays that came on screen.
    plays: u64,
    /// Plays settled.
    impressions: u64,
    /// Viewers of those.
    viewers: u64,
    /// Clicks billed.
    clicks: u64,
}

impl CreativeBody {
    /// Checks the creative; `place` is what its fields are called in front. None when a field is refused;
    /// each is noted.
    pub(super) fn read(
        &self,
        place: &str,
        (per_click, assets): (bool, &Assets),
        fields: &mut Fields,
    ) -> Option<NewCreative> {
        let field = |name: &str| format!("{place}{name}");
        let content = self.content(assets);
        let content = fields.need(
            &field("kind"),
            content,
            "text or qr with a headline of 1 to 60 and a body of at most 120 characters, \
             or image or video with an asset of yours, by the name that POST /api/assets gave",
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
        self.could_be(place, fields);
        let weight = self.weight.unwrap_or(1);
        let weight =
            fields.need(&field("weight"), (1..=WEIGHT_MAX).contains(&weight).then_some(weight), "1 to 1000");
        let (content, sound) = content?;
        let agrees = self.sound.is_none_or(|said| said == sound).then_some(());
        fields.need(&field("sound"), agrees, "true for a video with a sound track, and for nothing else")?;
        // Nobody can click a picture on a stream: a click needs a code to scan.
        let clickable = !per_click || matches!(content, Content::Qr { .. });
        fields.need(
            &field("kind"),
            clickable.then_some(()),
            "a campaign that pays per click shows qr creatives",
        )?;
        Some(NewCreative {
            content,
            placement: placement?,
            duration: duration?,
            accent: accent?,
            sound,
            weight: weight?,
            status: CreativeStatus::Active,
        })
    }

    /// Without what only the server says.
    pub(super) fn said(self) -> Self {
        Self { id: None, status: None, counts: None, ..self }
    }

    /// The asset that it names.
    pub(super) fn asset(&self) -> Option<&str> {
        self.asset.as_deref()
    }

    /// No notice is taken of what the server says, nor of what another kind would need; but what that can
    /// not be is not taken for it either.
    fn could_be(&self, place: &str, fields: &mut Fields) {
        let field = |name: &str| format!("{place}{name}");
        let named = self.asset.as_deref().is_none_or(|name| Media::of_name(name).is_some());
        fields.need(&field("asset"), named.then_some(()), "the name that POST /api/assets gave");
        let headed = self.headline.as_deref().is_none_or(|text| line(text, 1, 60).is_some());
        fields.need(&field("headline"), headed.then_some(()), "1 to 60 characters");
        let worded = self.body.as_deref().is_none_or(|text| line(text, 0, 120).is_some());
        fields.need(&field("body"), worded.then_some(()), "at most 120 characters");
        let numbered = self.id.is_none_or(|id| (1..=WHOLE_MAX).contains(&id));
        fields.need(&field("id"), numbered.then_some(()), "a number above zero");
        let known = self.status.as_deref().is_none_or(|code| CreativeStatus::from_code(code).is_some());
        fields.need(&field("status"), known.then_some(()), "active, paused, review or archived");
        let small = |count: u64| i64::try_from(count).is_ok_and(|count| count <= WHOLE_MAX);
        let counted = self
            .counts
            .is_none_or(|it| [it.plays, it.impressions, it.viewers, it.clicks].into_iter().all(small));
        fields.need(&field("counts"), counted.then_some(()), "at most 9007199254740991 each");
    }

    /// What is drawn, and whether it can be heard.
    fn content(&self, assets: &Assets) -> Option<(Content, bool)> {
        let words = || {
            let headline = line(self.headline.as_deref()?, 1, 60)?;
            let body = line(self.body.as_deref().unwrap_or_default(), 0, 120)?;
            Some((Arc::from(headline), Arc::from(body)))
        };
        match self.kind.as_str() {
            "text" => words().map(|(headline, body)| (Content::Text { headline, body }, false)),
            "qr" => words().map(|(headline, body)| (Content::Qr { headline, body }, false)),
            "image" | "video" => {
                let (content, sound) = assets.get(self.asset.as_deref()?)?.content();
                (content.code() == self.kind).then_some((content, sound))
            }
            _ => None,
        }
    }

    /// A creative as the API shows it.
    pub(super) fn of(creative: &Creative) -> Self {
        let CreativeCounts { plays, impressions, viewers, clicks } = creative.counts;
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
            sound: Some(creative.sound),
            weight: Some(creative.weight),
            status: Some(creative.status.code().to_owned()),
            counts: Some(CountsBody { plays, impressions, viewers, clicks }),
        }
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
