//! What fields of the contract are made of, where a type of Rust says less than is true: a `String` that is
//! one of a list, an `i64` that is an id. They stand in `#[schemars(with = "...")]` and have no values; what
//! is read is checked where it is read.

use gametriggers_actors::domain::{
    asset, campaign, conflict, creative, daypart, log, participation, reason, rotation, scope, streamer,
    targeting, vetting, webhook, why,
};
use gametriggers_actors::ports;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// The largest whole number that every client can read and write (RFC 7493, section 2.2).
pub(super) const WHOLE_MAX: i64 = 9_007_199_254_740_991;

/// One as it may be, for examples.
pub(super) const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// No control character, and something that can be seen.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// The same on several lines.
const PROSE: &str =
    r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x09\x0b-\x1f\x7f-\x9f]*$";
/// No control character.
const PLAIN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// A closed list of names, as the code has it.
pub(super) trait Listed {
    /// All of them.
    fn codes() -> Vec<&'static str>;
}

macro_rules! listed {
    ($($type:ty)*) => {$(
        impl Listed for $type {
            fn codes() -> Vec<&'static str> {
                <$type>::ALL.iter().map(|one| one.code()).collect()
            }
        }
    )*};
}

listed! {
    asset::Check asset::Verdict
    campaign::PacingMode
    conflict::Severity
    creative::CreativeStatus creative::Format creative::Placement
    daypart::Day
    log::PlayOutcome
    participation::Standing
    ports::DeliveryState ports::DisabledReason ports::Provider
    rotation::Rotation
    scope::Scope
    streamer::Corner streamer::Motion streamer::Platform
    targeting::Mature
    vetting::Vetting
    webhook::EventType
    why::Check
}

impl Listed for reason::Reason {
    fn codes() -> Vec<&'static str> {
        Self::all().map(Self::code).collect()
    }
}

/// How a campaign pays.
pub(super) struct PricingKind;
impl Listed for PricingKind {
    fn codes() -> Vec<&'static str> {
        campaign::Pricing::CODES.to_vec()
    }
}

/// The four types of conflict rules.
pub(super) struct RuleType;
impl Listed for RuleType {
    fn codes() -> Vec<&'static str> {
        conflict::RuleKind::CODES.to_vec()
    }
}

/// What a cooldown or a limit looks at.
pub(super) struct RuleScope;
impl Listed for RuleScope {
    fn codes() -> Vec<&'static str> {
        conflict::Scope::CODES.to_vec()
    }
}

/// Media types of files that are served.
pub(super) struct MediaType;
impl Listed for MediaType {
    fn codes() -> Vec<&'static str> {
        asset::Media::ALL.iter().map(|media| media.media_type()).collect()
    }
}

macro_rules! inline {
    ($($(#[$doc:meta])* $name:ident $([$($generic:tt)*])? = |$generator:ident| $schema:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name $(<$($generic)*>)?;
        inline!(@impl $name $([$($generic)*])? = |$generator| $schema);
    )*};
    (@impl $name:ident [const $most:ident: usize] = |$generator:ident| $schema:expr) => {
        impl<const $most: usize> JsonSchema for $name<$most> {
            inline!(@body $name, $generator, $schema);
        }
    };
    (@impl $name:ident = |$generator:ident| $schema:expr) => {
        impl JsonSchema for $name {
            inline!(@body $name, $generator, $schema);
        }
    };
    (@body $name:ident, $generator:ident, $schema:expr) => {
        fn schema_name() -> Cow<'static, str> {
            stringify!($name).into()
        }

        fn inline_schema() -> bool {
            true
        }

        fn json_schema($generator: &mut SchemaGenerator) -> Schema {
            $schema
        }
    };
}

inline! {
    /// Text in one line, which says something.
    Line[const MOST: usize] = |_generator| json_schema!({
        "type": "string", "minLength": 1, "maxLength": MOST, "pattern": LINE,
    });
    /// Text in one line, which may be empty.
    Words[const MOST: usize] = |_generator| json_schema!({
        "type": "string", "maxLength": MOST, "pattern": PLAIN,
    });
    /// Text that may have several lines, and says something.
    Prose[const MOST: usize] = |_generator| json_schema!({
        "type": "string", "minLength": 1, "maxLength": MOST, "pattern": PROSE,
    });
    /// Text of bounded length.
    Text[const MOST: usize] = |_generator| json_schema!({ "type": "string", "maxLength": MOST });
    /// The name of a category.
    Word = |_generator| json_schema!({
        "type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[a-z0-9_]+$",
    });
    /// The number of a thing.
    Id = |_generator| json_schema!({
        "type": "integer", "format": "int64", "minimum": 1, "maximum": WHOLE_MAX,
    });
    /// The number of a thing where it stands in a text.
    IdText = |_generator| json_schema!({ "type": "string", "pattern": "^[1-9][0-9]{0,18}$" });
    /// A moment of RFC 3339.
    Moment = |_generator| json_schema!({ "type": "string", "format": "date-time" });
    /// A day of UTC.
    Date = |_generator| json_schema!({ "type": "string", "format": "date" });
    /// The id of a play.
    PlayText = |_generator| json_schema!({ "type": "string", "format": "uuid" });
    /// ISO 4217.
    CurrencyCode = |_generator| json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" });
    /// ISO 639-1.
    LanguageCode = |_generator| json_schema!({ "type": "string", "pattern": "^[a-z]{2}$" });
    /// ISO 3166-1 alpha-2.
    CountryCode = |_generator| json_schema!({ "type": "string", "pattern": "^[A-Z]{2}$" });
    /// The start of a key's hash.
    KeyId = |_generator| json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" });
    /// A color.
    Color = |_generator| json_schema!({ "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$" });
    /// The name of a file of an upload.
    FileName = |_generator| json_schema!({ "type": "string", "pattern": file_name() });
    /// An address of the web.
    Url = |_generator| json_schema!({ "type": "string", "format": "uri", "maxLength": 500 });
    /// An address of a page, with a name and without credentials.
    Website = |_generator| json_schema!({
        "type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 300,
    });
    /// An address that a click leads to.
    Landing = |_generator| json_schema!({
        "type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 500,
    });
    /// SHA-256 in hexadecimal digits.
    Sha256 = |_generator| json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    /// An address that events can be sent to.
    Endpoint = |_generator| json_schema!({
        "type": "string", "format": "uri", "pattern": "^https?://[^\\s]+$", "maxLength": 500,
    });
    /// An e-mail address.
    Email = |_generator| json_schema!({ "type": "string", "format": "email", "maxLength": 254 });
    /// The longest time on screen, in milliseconds; 0 for no cap.
    LengthCap = |_generator| json_schema!({
        "type": "integer", "format": "int64",
        "anyOf": [
            { "const": 0 },
            { "minimum": creative::DURATION_MIN.0, "maximum": creative::DURATION_MAX.0 },
        ],
    });
    /// An amount above zero.
    Price = |generator| amount(generator, 1);
    /// An amount above or below zero.
    Correction = |generator| amount(generator, -WHOLE_MAX);
    /// An amount of zero or more.
    Allowance = |generator| amount(generator, 0);
}

/// How the name of a file of an upload is written.
pub(super) fn file_name() -> String {
    let extensions: Vec<_> = asset::Media::ALL.iter().map(|media| media.extension()).collect();
    format!(r"^[0-9a-f]{{32}}\.({})$", extensions.join("|"))
}

/// A moment in the next days, for examples that can be sent.
pub(super) fn soon() -> String {
    let week = jiff::SignedDuration::from_hours(7 * 24);
    let then = jiff::Timestamp::now().checked_add(week).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    then.round(jiff::Unit::Hour).unwrap_or(then).to_string()
}

/// Counts by the code of a reason.
pub(super) struct ByReason;

impl ByReason {
    /// One as it may be.
    pub(super) fn example() -> BTreeMap<&'static str, u64> {
        BTreeMap::from([("outbid", 9), ("pacing", 3)])
    }
}

impl JsonSchema for ByReason {
    inline!(@body ByReason, _generator, json_schema!({
        "type": "object",
        "propertyNames": { "enum": reason::Reason::codes() },
        "additionalProperties": { "type": "integer", "format": "uint64", "minimum": 0 },
    }));
}

/// One of a closed list.
pub(super) struct OneOf<T>(PhantomData<T>);

impl<T: Listed> JsonSchema for OneOf<T> {
    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<Self>().into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": T::codes() })
    }
}

/// Money whose amount has a least value.
fn amount(generator: &mut SchemaGenerator, least: i64) -> Schema {
    let mut currency = CurrencyCode::json_schema(generator);
    currency.insert("description".to_owned(), "ISO 4217.".into());
    currency.insert("examples".to_owned(), vec!["INR"].into());
    json_schema!({
        "type": "object",
        "properties": {
            "amount_micros": {
                "description": "10^-6 of the currency's unit.",
                "type": "integer", "format": "int64", "minimum": least, "maximum": WHOLE_MAX,
                "examples": [500_000_000],
            },
            "currency": currency,
        },
        "required": ["amount_micros", "currency"],
        "additionalProperties": false,
    })
}
