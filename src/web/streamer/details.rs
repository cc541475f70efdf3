//! What a streamer says of themselves, as the API reads and shows it and as it is kept.
//!
//! What is verified of it, and what targeting looks at, stands beside it and is an operator's word. Of the
//! account that payouts go to only the last four characters are ever kept: nobody can show what is not
//! there.

use super::super::brand::{check_list, language, text, web_address};
use super::super::wire::MoneyBody;
use crate::web::fields::{Fields, line, word};
use crate::web::schema::{CountryCode, LanguageCode, Line, Listed, OneOf, Price, Prose, Website, Word};
use gametriggers_actors::domain::country::is_country;
use gametriggers_actors::domain::streamer::Platform;
use gametriggers_actors::domain::streamer::channel::{Channel, Reach};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::vetting::Vetting;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Ages, from and up to and with.
const BANDS: [&str; 6] = ["13_17", "18_24", "25_34", "35_44", "45_54", "55_plus"];
/// A whole.
const WHOLE_BPS: i64 = 10_000;
/// The ways to be paid.
const METHODS: [&str; 4] = ["none", "bank", "upi", "paypal"];

/// The ways to be paid.
pub(super) struct PayoutMethod;
impl Listed for PayoutMethod {
    fn codes() -> Vec<&'static str> {
        METHODS.to_vec()
    }
}

/// Basis points by age.
struct AgeBands;

impl AgeBands {
    fn example() -> BTreeMap<&'static str, i64> {
        BTreeMap::from([("18_24", 5_400), ("25_34", 2_900)])
    }
}

impl JsonSchema for AgeBands {
    fn schema_name() -> Cow<'static, str> {
        "AgeBands".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let bps = || json_schema!({ "type": ["integer", "null"], "minimum": 0, "maximum": WHOLE_BPS });
        let bands = BANDS.iter().map(|band| ((*band).to_owned(), bps().to_value()));
        json_schema!({
            "type": "object",
            "description": "Basis points by age.",
            "properties": bands.collect::<serde_json::Map<_, _>>(),
            "additionalProperties": false,
        })
    }
}

/// A merge patch of a streamer. What is left out stays, null clears a field or a whole
/// group, and a list is replaced as a whole.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct StreamerPatch {
    /// How the streamer shows themselves.
    pub(super) profile: Option<StreamerProfile>,
    /// Where they stream, at most once a platform. One that is changed is unverified again.
    #[schemars(length(max = 4))]
    pub(super) platforms: Option<Vec<StatedChannel>>,
    /// Who watches.
    pub(super) demographics: Option<StatedDemographics>,
    /// How they want to be paid.
    #[schemars(example = json!({ "method": "upi", "account_reference": "nova@bank.example" }))]
    pub(super) payout: Option<PayoutPatch>,
    /// What they agree to. Ads, brands and categories are in the settings.
    pub(super) consent: Option<ConsentPatch>,
    /// Why, for the record, when an operator changes it.
    #[schemars(with = "Option<Line<200>>")]
    pub(super) reason: Option<String>,
}

/// How a streamer shows themselves, as they say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct StreamerProfile {
    /// Their name.
    #[schemars(with = "Option<Line<80>>", example = &"Nova")]
    pub(super) display_name: Option<String>,
    /// What they say of themselves, on several lines.
    #[schemars(with = "Option<Prose<1000>>", example = &"Speedruns and chat, every evening.")]
    pub(super) bio: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schemars(with = "Option<CountryCode>", example = &"IN")]
    pub(super) country: Option<String>,
    /// What they speak: ISO 639-1.
    #[schemars(
        with = "Option<Vec<LanguageCode>>",
        length(max = 10),
        extend("uniqueItems" = true),
        example = ["en", "hi"]
    )]
    pub(super) languages: Option<Vec<String>>,
    /// What they stream.
    #[schemars(
        with = "Option<Vec<Word>>",
        length(max = 10),
        extend("uniqueItems" = true),
        example = ["gaming"]
    )]
    pub(super) categories: Option<Vec<String>>,
    /// Whether it is for grown-ups.
    #[schemars(example = false)]
    pub(super) mature: Option<bool>,
    /// Whether every brand may find them.
    #[schemars(example = true)]
    pub(super) listed: Option<bool>,
}

/// A channel, as a streamer states it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct StatedChannel {
    /// Where; each platform once.
    #[schemars(with = "OneOf<Platform>")]
    pub(super) platform: String,
    /// The name there.
    #[schemars(regex(pattern = r"^[^\s\x00-\x1f\x7f-\x9f]{1,60}$"), example = &"nova")]
    pub(super) handle: String,
    /// Its address.
    #[schemars(with = "Option<Website>")]
    pub(super) url: Option<String>,
}

/// Who watches, as the streamer says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct StatedDemographics {
    /// As the streamer says.
    pub(super) stated: Option<Audience>,
}

/// Who watches.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct Audience {
    /// Basis points by age; at most 10000 in all.
    #[schemars(with = "Option<AgeBands>", example = AgeBands::example())]
    pub(super) age_bands_bps: Option<BTreeMap<String, Option<i64>>>,
    /// Each once; at most 10000 basis points in all.
    #[schemars(length(max = 10))]
    pub(super) top_countries: Option<Vec<CountryShare>>,
}

/// The share of a country.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct CountryShare {
    /// ISO 3166-1 alpha-2.
    #[schemars(with = "CountryCode", example = &"IN")]
    pub(super) country: String,
    /// In basis points.
    #[schemars(range(min = 0, max = 10_000), example = 6_200)]
    pub(super) share_bps: i64,
}

/// How a streamer wants to be paid.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct PayoutPatch {
    /// The way. Another one needs another account.
    #[schemars(with = "Option<OneOf<PayoutMethod>>")]
    pub(super) method: Option<String>,
    /// The account: 8 to 64 visible characters. It is not kept: only its last four characters are.
    pub(super) account_reference: Option<Reference>,
    /// No payout below it.
    #[schemars(with = "Option<Price>")]
    pub(super) minimum: Option<MoneyBody>,
}

/// What a streamer agrees to.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct ConsentPatch {
    /// Whether brands may see numbers of their streams.
    pub(super) data_sharing: Option<bool>,
}

/// An account number on its way in. It is never written, not even into an error.
#[derive(Clone, Default)]
pub(in crate::web) struct Reference(String);

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("account_reference is a text")),
        }
    }
}

impl JsonSchema for Reference {
    fn schema_name() -> Cow<'static, str> {
        "AccountReference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 8,
            "maxLength": 64,
            "pattern": "^[!-~]+$",
            "writeOnly": true,
            "examples": ["DE02120300000000202051"],
        })
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("")
    }
}

/// What is kept of a streamer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web) struct StreamerDetails {
    pub(super) profile: StreamerProfile,
    pub(super) channels: Vec<KeptChannel>,
    pub(super) demographics: Demographics,
    pub(super) payout: Payout,
    pub(super) consent: Consent,
}

/// A channel as it is kept; times are unix milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web) struct KeptChannel {
    platform: String,
    handle: String,
    url: Option<String>,
    state: String,
    decided_at: Option<i64>,
    followers: Option<u32>,
    average_viewers: Option<u32>,
    seen_at: Option<i64>,
}

/// Who watches, as the streamer says and as an operator verified.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web) struct Demographics {
    /// As the streamer says.
    pub(super) stated: Option<Audience>,
    /// As an operator verified.
    pub(super) verified: Option<Audience>,
}

/// How a streamer is paid, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web) struct Payout {
    pub(super) method: Option<String>,
    pub(super) account_last_four: Option<String>,
    pub(super) minimum: Option<MoneyBody>,
}

/// What a streamer agreed to, beside their settings; the time is unix milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web) struct Consent {
    pub(super) data_sharing: bool,
    pub(super) data_sharing_at: Option<i64>,
}

impl KeptChannel {
    /// As the domain knows it; none for one of a platform or in a state that this server does not know.
    pub(super) fn channel(&self) -> Option<Channel> {
        let reach = self.followers.zip(self.seen_at).map(|(followers, seen)| Reach {
            followers,
            average_viewers: self.average_viewers,
            seen: UnixMillis(seen),
        });
        Some(Channel {
            platform: Platform::from_code(&self.platform)?,
            handle: self.handle.as_str().into(),
            url: self.url.as_deref().map(Into::into),
            state: Vetting::from_code(&self.state)?,
            decided: self.decided_at.map(UnixMillis),
            reach,
        })
    }

    /// As it is kept.
    pub(super) fn of(channel: &Channel) -> Self {
        Self {
            platform: channel.platform.code().to_owned(),
            handle: channel.handle.to_string(),
            url: channel.url.as_ref().map(ToString::to_string),
            state: channel.state.code().to_owned(),
            decided_at: channel.decided.map(|at| at.0),
            followers: channel.reach.map(|reach| reach.followers),
            average_viewers: channel.reach.and_then(|reach| reach.average_viewers),
            seen_at: channel.reach.map(|reach| reach.seen.0),
        }
    }
}

impl StreamerProfile {
    /// Notes every field that is refused.
    pub(super) fn check(&self, fields: &mut Fields) {
        let named = self.display_name.as_deref().is_some_and(|name| line(name, 1, 80).is_some());
        fields.need("profile.display_name", named.then_some(()), "1 to 80 characters");
        let mut check = |name: &str, fits: Option<bool>, message: &str| {
            if fits == Some(false) {
                fields.need::<()>(name, None, message);
            }
        };
        let bio = self.bio.as_deref().map(|bio| text(bio, 1, 1000).is_some());
        check("profile.bio", bio, "1 to 1000 characters");
        let country = self.country.as_deref().map(is_country);
        check("profile.country", country, "two capital letters of ISO 3166-1, such as IN");
        let message = "at most 10 different ones, two small letters each";
        check_list(fields, "profile.languages", (self.languages.as_ref(), 10), language, message);
        let is_word = |text: &str| word(text) == Some(text);
        let message = "at most 10 different ones, each 1 to 40 of a-z, 0-9 and _";
        check_list(fields, "profile.categories", (self.categories.as_ref(), 10), is_word, message);
    }
}

/// The channels that a streamer states; what is known of those that are the same stays.
pub(super) fn channels(stated: &[StatedChannel], before: &[Channel], fields: &mut Fields) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::with_capacity(Platform::ALL.len());
    for (at, one) in stated.iter().enumerate().take(Platform::ALL.len() + 1) {
        let platform = Platform::from_code(&one.platform);
        let is_new = |platform: &Platform| channels.iter().all(|other| other.platform != *platform);
        let message = "twitch, youtube, kick or other, each once";
        let name = format!("platforms[{at}].platform");
        let platform = fields.need(&name, platform.filter(is_new), message);
        let handle = line(&one.handle, 1, 60).filter(|handle| !handle.contains(char::is_whitespace));
        let name = format!("platforms[{at}].handle");
        let handle = fields.need(&name, handle, "1 to 60 characters without blanks");
        let url = one.url.as_deref().map(|url| {
            let name = format!("platforms[{at}].url");
            fields.need(&name, web_address(url), "an address of http or https, at most 300 bytes")
        });
        if let Some((platform, handle)) = platform.zip(handle) {
            let url = url.flatten().map(Into::into);
            channels.push(Channel::stated(platform, handle.into(), url, before));
        }
    }
    channels
}

impl Audience {
    /// Notes every field that is refused, under `at`.
    pub(super) fn check(&self, at: &str, fields: &mut Fields) {
        let share = |bps: i64| (0..=WHOLE_BPS).contains(&bps);
        if let Some(bands) = &self.age_bands_bps {
            let bps = || bands.values().map(|bps| bps.unwrap_or_default());
            let fits = bands.keys().all(|band| BANDS.contains(&band.as_str()))
                && bps().all(share)
                && bps().fold(0_i64, i64::saturating_add) <= WHOLE_BPS;
            let message =
                "basis points of 13_17, 18_24, 25_34, 35_44, 45_54 and 55_plus, 10000 in all at most";
            fields.need(&format!("{at}.age_bands_bps"), fits.then_some(()), message);
        }
        if let Some(countries) = &self.top_countries {
            let is_new =
                |at: usize, code: &str| !countries.iter().take(at).any(|other| other.country == code);
            let fits = countries.len() <= 10
                && countries.iter().enumerate().all(|(at, one)| {
                    is_country(&one.country) && share(one.share_bps) && is_new(at, &one.country)
                })
                && countries.iter().map(|one| one.share_bps).fold(0, i64::saturating_add) <= WHOLE_BPS;
            let message = "at most 10 countries, each once, 10000 basis points in all at most";
            fields.need(&format!("{at}.top_countries"), fits.then_some(()), message);
        }
    }
}

impl PayoutPatch {
    /// What is kept after the patch. Another method needs another account.
    pub(super) fn apply(&self, before: &Payout, sent: &Value, fields: &mut Fields) -> Payout {
        let is_named = |name: &str| sent.get(name).is_some();
        let mut after = before.clone();
        if is_named("method") {
            let method = self.method.as_deref().unwrap_or("none");
            let known = METHODS.contains(&method).then(|| method.to_owned());
            let known = fields.need("payout.method", known, "none, bank, upi or paypal");
            if known != before.method {
                after.account_last_four = None;
            }
            after.method = known.filter(|method| method != "none");
        }
        if is_named("account_reference") {
            after.account_last_four = self.account_reference.as_ref().and_then(|reference| {
                let last = last_four(&reference.0);
                fields.need("payout.account_reference", last, "8 to 64 visible characters of ASCII")
            });
        }
        if is_named("minimum") {
            after.minimum.clone_from(&self.minimum);
            let fits = after.minimum.as_ref().is_none_or(|money| money.positive().is_some());
            fields.need("payout.minimum", fits.then_some(()), "an amount above zero");
        }
        let complete = after.method.is_some() == after.account_last_four.is_some();
        let message = "a method other than none needs its account, and none has no account";
        if !is_named("account_reference")
            || self.account_reference.as_ref().is_none_or(|r| last_four(&r.0).is_some())
        {
            fields.need("payout.account_reference", complete.then_some(()), message);
        }
        after
    }
}

/// The last four characters of an account that is long enough for them to say little.
fn last_four(reference: &str) -> Option<String> {
    let fits = (8..=64).contains(&reference.len()) && reference.bytes().all(|b| b.is_ascii_graphic());
    let (_, last) = reference.split_at_checked(reference.len().checked_sub(4)?)?;
    fits.then(|| last.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn pay(before: &Payout, sent: Value) -> Option<Payout> {
        let patch: PayoutPatch = from_value(sent.clone()).unwrap();
        let mut fields = Fields::default();
        let after = patch.apply(before, &sent, &mut fields);
        fields.end().ok().map(|()| after)
    }

    #[test]
    fn of_an_account_the_last_four_characters_are_kept_and_another_method_needs_another_account() {
        let bank = json!({ "method": "bank", "account_reference": "DE02120300000000202051" });
        let kept = pay(&Payout::default(), bank).unwrap();
        assert_eq!(kept.account_last_four.as_deref(), Some("2051"));
        assert!(!serde_json::to_string(&kept).unwrap().contains("1203"));
        assert_eq!(pay(&kept, json!({ "method": "bank" })), Some(kept.clone()), "the same again");
        assert_eq!(pay(&kept, json!({})), Some(kept.clone()));
        assert_eq!(pay(&kept, json!({ "method": "upi" })), None, "whose account?");
        assert_eq!(pay(&kept, json!({ "account_reference": null })), None);
        let none = pay(&kept, json!({ "method": "none" })).unwrap();
        assert_eq!((none.method, none.account_last_four), (None, None));
        assert!(pay(&kept, json!({ "method": null })).is_some());
        for short in ["", "1234567", "12345 78", "é2345678"] {
            assert_eq!(pay(&kept, json!({ "account_reference": short })), None, "{short}");
        }
    }

    #[test]
    fn an_account_number_is_in_no_error() {
        for odd in [json!(4111_1111_1111_1111_u64), json!([4111_1111]), json!({ "iban": "41111111" })] {
            let error = from_value::<PayoutPatch>(json!({ "account_reference": odd })).err().unwrap();
            assert!(!error.to_string().contains("4111"), "{error}");
        }
    }

    #[test]
    fn shares_are_of_a_whole() {
        let fits = |audience: Value| {
            let mut fields = Fields::default();
            from_value::<Audience>(audience).unwrap().check("x", &mut fields);
            fields.end().is_ok()
        };
        assert!(fits(json!({ "age_bands_bps": { "18_24": 6000, "25_34": 4000 } })));
        assert!(fits(json!({ "top_countries": [{ "country": "IN", "share_bps": 10000 }] })));
        for odd in [
            json!({ "age_bands_bps": { "18_24": 6000, "25_34": 4001 } }),
            json!({ "age_bands_bps": { "18_24": -1 } }),
            json!({ "age_bands_bps": { "18_24": i64::MAX, "25_34": i64::MAX } }),
            json!({ "age_bands_bps": { "90_99": 1 } }),
            json!({ "top_countries": [{ "country": "XX", "share_bps": 1 }] }),
            json!({ "top_countries": vec![json!({ "country": "IN", "share_bps": 1 }); 2] }),
        ] {
            assert!(!fits(odd.clone()), "{odd}");
        }
    }
}
