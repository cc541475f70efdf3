//! What a brand says of itself, as the API reads and shows it and as it is kept.

use crate::web::auth::body::email;
use crate::web::fields::{Fields, line, word};
use crate::web::schema::{
    CountryCode, CurrencyCode, Email, FileName, LanguageCode, Line, Listed, OneOf, Prose, Website, Word,
};
use gametriggers_actors::domain::country::is_country;
use gametriggers_actors::domain::money::Currency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of a text of several lines.
const TEXT_MAX: usize = 1000;
/// Characters of an address.
const ADDRESS_MAX: usize = 300;
/// How many people a company has.
const SIZES: [&str; 5] = ["1-10", "11-50", "51-200", "201-1000", "1001+"];

/// The sizes of companies.
struct CompanySize;
impl Listed for CompanySize {
    fn codes() -> Vec<&'static str> {
        SIZES.to_vec()
    }
}

/// A merge patch of a brand. What is left out stays, null clears a field or a whole group,
/// and a list is replaced as a whole.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct BrandPatch {
    /// How the brand shows itself.
    pub(super) profile: Option<BrandProfile>,
    /// The company behind it. Changing it takes a verification back to `pending`.
    pub(super) company: Option<Company>,
    /// Who gets the invoices.
    pub(super) billing: Option<Billing>,
    /// What the brand prefers.
    pub(super) preferences: Option<Preferences>,
    /// Why, for the record, when an operator changes it.
    #[schemars(with = "Option<Line<200>>")]
    pub(super) reason: Option<String>,
}

/// What a brand says of itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web) struct BrandDetails {
    /// How the brand shows itself.
    pub(super) profile: BrandProfile,
    /// The company behind it.
    pub(super) company: Company,
    /// Who gets the invoices.
    pub(super) billing: Billing,
    /// What the brand prefers.
    pub(super) preferences: Preferences,
}

/// How a brand shows itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct BrandProfile {
    /// Its name, which stands in the label of its ads.
    #[schemars(with = "Option<Line<80>>", example = &"Voltade")]
    pub(super) name: Option<String>,
    /// What it says of itself, on several lines.
    #[schemars(with = "Option<Prose<1000>>", example = &"Energy drinks with less sugar.")]
    pub(super) description: Option<String>,
    /// Its address on the web.
    #[schemars(with = "Option<Website>", example = &"https://voltade.example.com/")]
    pub(super) website: Option<String>,
    /// The name of an upload of this brand that is not put away.
    #[schemars(with = "Option<FileName>")]
    pub(super) logo_asset: Option<String>,
    /// What it is about.
    #[schemars(with = "Option<Word>", example = &"beverages")]
    pub(super) industry: Option<String>,
    /// What it advertises.
    #[schemars(
        with = "Option<Vec<Word>>",
        length(max = 20),
        extend("uniqueItems" = true),
        example = ["energy_drink"]
    )]
    pub(super) categories: Option<Vec<String>>,
}

/// The company behind a brand.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct Company {
    /// As it is registered.
    #[schemars(with = "Option<Line<160>>", example = &"Voltade Beverages Private Limited")]
    pub(super) legal_name: Option<String>,
    /// In the register of its country.
    #[schemars(with = "Option<Line<60>>", example = &"U15549MH2021PTC000000")]
    pub(super) registration_number: Option<String>,
    /// How the tax office knows it.
    #[schemars(with = "Option<Line<40>>", example = &"27AAAAA0000A1Z5")]
    pub(super) tax_id: Option<String>,
    /// On several lines.
    #[schemars(with = "Option<Prose<300>>", example = &"1 Marine Drive\nMumbai 400020")]
    pub(super) address: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schemars(with = "Option<CountryCode>", example = &"IN")]
    pub(super) country: Option<String>,
    /// How many people it has.
    #[schemars(with = "Option<OneOf<CompanySize>>", example = &"51-200")]
    pub(super) size: Option<String>,
}

/// Who gets the invoices.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct Billing {
    /// Who reads them.
    #[schemars(with = "Option<Line<80>>", example = &"Asha Rao")]
    pub(super) contact_name: Option<String>,
    /// Where they go.
    #[schemars(with = "Option<Email>", example = &"invoices@voltade.example.com")]
    pub(super) email: Option<String>,
    /// What stands on them, on several lines.
    #[schemars(with = "Option<Prose<300>>", example = &"1 Marine Drive\nMumbai 400020")]
    pub(super) address: Option<String>,
    /// How the tax office knows who pays.
    #[schemars(with = "Option<Line<40>>", example = &"27AAAAA0000A1Z5")]
    pub(super) tax_id: Option<String>,
    /// What the brand wants to read on them.
    #[schemars(with = "Option<Line<60>>", example = &"PO-2026-118")]
    pub(super) purchase_order: Option<String>,
    /// ISO 4217.
    #[schemars(with = "Option<CurrencyCode>", example = &"INR")]
    pub(super) invoice_currency: Option<String>,
}

/// What a brand prefers. Nothing of it decides about a play: what does stands in each campaign.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct Preferences {
    /// Of what the brand wants to be told.
    pub(super) notifications: Option<Notifications>,
    /// Content that it does not want to stand beside.
    #[schemars(
        with = "Option<Vec<Word>>",
        length(max = 100),
        extend("uniqueItems" = true),
        example = ["gambling"]
    )]
    pub(super) brand_safety_categories: Option<Vec<String>>,
    /// What a new campaign starts with: ISO 639-1.
    #[schemars(with = "Option<Vec<LanguageCode>>", length(max = 20), extend("uniqueItems" = true))]
    pub(super) default_languages: Option<Vec<String>>,
    /// What a new campaign starts with: ISO 3166-1 alpha-2.
    #[schemars(with = "Option<Vec<CountryCode>>", length(max = 50), extend("uniqueItems" = true))]
    pub(super) default_countries: Option<Vec<String>>,
    /// What a new campaign starts with: categories of content.
    #[schemars(with = "Option<Vec<Word>>", length(max = 20), extend("uniqueItems" = true))]
    pub(super) default_content_categories: Option<Vec<String>>,
}

/// Of what a brand wants to be told; null leaves it to the platform.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::web) struct Notifications {
    /// A campaign began, paused or ended.
    pub(super) campaign_status: Option<bool>,
    /// A budget comes to its end.
    pub(super) budget: Option<bool>,
    /// A streamer asks to take part.
    pub(super) participations: Option<bool>,
    /// Sums of a week.
    pub(super) weekly_report: Option<bool>,
}

/// Text of `least` to `most` characters that may have several lines.
pub(in crate::web) fn text(text: &str, least: usize, most: usize) -> Option<String> {
    let text = text.trim();
    let plain = |c: char| c == '\n' || !c.is_control();
    ((least..=most).contains(&text.chars().count()) && text.chars().all(plain)).then(|| text.to_owned())
}

/// An address on the web.
pub(in crate::web) fn web_address(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok().filter(|_| text.len() <= 300)?;
    let fits = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| host.contains('.'))
        && url.username().is_empty()
        && url.password().is_none();
    fits.then(|| url.to_string())
}

/// Two small letters.
pub(in crate::web) fn language(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase())
}

/// Looks at one field, if it is there.
fn check(
    fields: &mut Fields,
    name: &str,
    value: Option<&String>,
    fits: impl Fn(&str) -> bool,
    message: &str,
) {
    if value.is_some_and(|value| !fits(value)) {
        fields.need::<()>(name, None, message);
    }
}

/// Looks at one list, if it is there.
pub(in crate::web) fn check_list(
    fields: &mut Fields,
    name: &str,
    (list, most): (Option<&Vec<String>>, usize),
    fits: impl Fn(&str) -> bool,
    message: &str,
) {
    let is_new =
        |list: &[String]| list.iter().enumerate().all(|(at, one)| !list.iter().take(at).any(|o| o == one));
    if list.is_some_and(|list| list.len() > most || !list.iter().all(|one| fits(one)) || !is_new(list)) {
        fields.need::<()>(name, None, message);
    }
}

fn is_word(text: &str) -> bool {
    word(text) == Some(text)
}

impl BrandDetails {
    /// Notes every field that is refused.
    pub(super) fn check(&self, fields: &mut Fields) {
        self.profile.check(fields);
        self.company.check(fields);
        self.billing.check(fields);
        self.preferences.check(fields);
    }
}

impl BrandProfile {
    fn check(&self, fields: &mut Fields) {
        let named = self.name.as_deref().is_some_and(|name| line(name, 1, 80).is_some());
        fields.need("profile.name", named.then_some(()), "1 to 80 characters");
        let fits = |value: &str| text(value, 1, TEXT_MAX).is_some();
        check(fields, "profile.description", self.description.as_ref(), fits, "1 to 1000 characters");
        let fits = |value: &str| web_address(value).is_some();
        let message = "an address of http or https without a password, at most 300 bytes";
        check(fields, "profile.website", self.website.as_ref(), fits, message);
        let message = "1 to 40 of a-z, 0-9 and _";
        check(fields, "profile.industry", self.industry.as_ref(), is_word, message);
        let message = "at most 20 different ones, each 1 to 40 of a-z, 0-9 and _";
        check_list(fields, "profile.categories", (self.categories.as_ref(), 20), is_word, message);
    }
}

impl Company {
    fn check(&self, fields: &mut Fields) {
        let fits = |value: &str| line(value, 1, 160).is_some();
        check(fields, "company.legal_name", self.legal_name.as_ref(), fits, "1 to 160 characters");
        let fits = |value: &str| line(value, 1, 60).is_some();
        let number = self.registration_number.as_ref();
        check(fields, "company.registration_number", number, fits, "1 to 60 characters");
        let fits = |value: &str| line(value, 1, 40).is_some();
        check(fields, "company.tax_id", self.tax_id.as_ref(), fits, "1 to 40 characters");
        let fits = |value: &str| text(value, 1, ADDRESS_MAX).is_some();
        check(fields, "company.address", self.address.as_ref(), fits, "1 to 300 characters");
        let message = "two capital letters of ISO 3166-1, such as IN";
        check(fields, "company.country", self.country.as_ref(), is_country, message);
        let fits = |value: &str| SIZES.contains(&value);
        check(fields, "company.size", self.size.as_ref(), fits, "1-10, 11-50, 51-200, 201-1000 or 1001+");
    }

    /// What a verification needs and is not there, by field.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let needed = [
            ("company.legal_name", &self.legal_name),
            ("company.registration_number", &self.registration_number),
            ("company.country", &self.country),
        ];
        needed.into_iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect()
    }
}

impl Billing {
    fn check(&self, fields: &mut Fields) {
        let fits = |value: &str| line(value, 1, 80).is_some();
        check(fields, "billing.contact_name", self.contact_name.as_ref(), fits, "1 to 80 characters");
        let fits = |value: &str| email(value).is_some();
        check(fields, "billing.email", self.email.as_ref(), fits, "an e-mail address, at most 254 bytes");
        let fits = |value: &str| text(value, 1, ADDRESS_MAX).is_some();
        check(fields, "billing.address", self.address.as_ref(), fits, "1 to 300 characters");
        let fits = |value: &str| line(value, 1, 40).is_some();
        check(fields, "billing.tax_id", self.tax_id.as_ref(), fits, "1 to 40 characters");
        let fits = |value: &str| line(value, 1, 60).is_some();
        check(fields, "billing.purchase_order", self.purchase_order.as_ref(), fits, "1 to 60 characters");
        let fits = |value: &str| value.parse::<Currency>().is_ok();
        let currency = self.invoice_currency.as_ref();
        check(fields, "billing.invoice_currency", currency, fits, "three capital letters of ISO 4217");
    }
}

impl Preferences {
    fn check(&self, fields: &mut Fields) {
        let words = "different ones, each 1 to 40 of a-z, 0-9 and _";
        let list = (self.brand_safety_categories.as_ref(), 100);
        let name = "preferences.brand_safety_categories";
        check_list(fields, name, list, is_word, &format!("at most 100 {words}"));
        let list = (self.default_languages.as_ref(), 20);
        let message = "at most 20 different ones, two small letters each";
        check_list(fields, "preferences.default_languages", list, language, message);
        let list = (self.default_countries.as_ref(), 50);
        let message = "at most 50 different ones of ISO 3166-1";
        check_list(fields, "preferences.default_countries", list, is_country, message);
        let list = (self.default_content_categories.as_ref(), 20);
        let name = "preferences.default_content_categories";
        check_list(fields, name, list, is_word, &format!("at most 20 {words}"));
    }
}
