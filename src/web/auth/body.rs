//! Users and tokens as the API reads and shows them.

use super::grant::Granted;
use crate::identity::password::fault;
use crate::identity::provider::Wish;
use crate::identity::token::named;
use crate::web::fields::{Fields, line};
use crate::web::problem::Problem;
use crate::web::schema::{
    CountryCode, Email, Id, IdText, LanguageCode, Line, Listed, Moment, OneOf, Text, Url, Word,
};
use crate::web::wire::rfc3339;
use gametriggers_actors::domain::scope::{Scope, Scopes};
use gametriggers_actors::domain::streamer::{Platform, Profile};
use gametriggers_actors::ports::{Link, Provider, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A new account. A streamer says what targeting looks at as well.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SignUpBody {
    /// With which the user signs in.
    #[schemars(with = "Email", example = &"nova@example.com")]
    email: String,
    /// Not one character over and over, and nothing with the name or the address in it.
    #[schemars(length(min = 10, max = 128), example = &"correct horse battery staple")]
    password: String,
    /// For people.
    #[schemars(with = "Line<80>", example = &"Nova")]
    name: String,
    /// What the user is.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["brand", "streamer"]), example = &"streamer")]
    kind: String,
    /// Of a streamer, who needs it: what the stream is about.
    #[schemars(with = "Option<Word>", example = &"gaming")]
    category: Option<String>,
    /// Of a streamer, who needs it: what is spoken, ISO 639-1.
    #[schemars(with = "Option<LanguageCode>", example = &"en")]
    language: Option<String>,
    /// Of a streamer, who needs it: where they are, ISO 3166-1 alpha-2.
    #[schemars(with = "Option<CountryCode>", example = &"IN")]
    country: Option<String>,
    /// Of a streamer: where the stream runs; `other` unless it says otherwise.
    #[schemars(with = "Option<OneOf<Platform>>", example = &"twitch")]
    platform: Option<String>,
}

/// What somebody asks for who opens an account.
pub(super) struct Asked {
    pub(super) email: String,
    pub(super) password: String,
    pub(super) name: String,
    /// Of a streamer; a brand has none.
    pub(super) profile: Option<Profile>,
}

/// An address and its password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SignInBody {
    /// The address.
    #[schemars(with = "Email", example = &"nova@example.com")]
    email: String,
    /// The password.
    #[schemars(with = "Text<1024>", example = &"correct horse battery staple")]
    password: String,
    /// Of an app, or a recovery code; only for who has a second factor.
    #[schemars(with = "Option<Text<64>>")]
    code: Option<String>,
}

/// How a session goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct RefreshBody {
    /// The refresh token; `refreshToken` is the same.
    #[serde(alias = "refreshToken")]
    #[schemars(with = "Text<4096>", example = &"gt_refresh_7d1c...9f3a")]
    pub(super) refresh_token: String,
}

/// How a session goes on, as services of the same house ask: the token may be a provider's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ServiceRefreshBody {
    /// A refresh token of this server, or one that a provider gave to the front end; `refreshToken` is the
    /// same.
    #[serde(alias = "refreshToken")]
    #[schemars(with = "Text<4096>", example = &"gt_refresh_7d1c...9f3a")]
    pub(super) refresh_token: String,
    /// Of whom the token is, if it is a provider's. Left out: whoever takes it.
    #[serde(default)]
    #[schemars(with = "Option<OneOf<Provider>>")]
    pub(super) provider: Option<String>,
}

/// How far to sign out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SignOutBody {
    /// Whether every session of the user ends, and not only this one.
    #[serde(default)]
    #[schemars(example = false)]
    pub(super) everywhere: bool,
}

/// A token that is asked about.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ValidateBody {
    /// An access token.
    #[schemars(with = "Text<4096>", example = &"eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")]
    pub(super) token: String,
}

/// Another password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct PasswordBody {
    /// The password so far; not needed by who has none.
    #[serde(default)]
    #[schemars(with = "Text<1024>", example = &"correct horse battery staple")]
    pub(super) current_password: String,
    /// Not one character over and over, and nothing with the name or the address in it.
    #[schemars(length(min = 10, max = 128), example = &"incorrect donkey battery clip")]
    pub(super) new_password: String,
}

/// An access token that is good.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct ValidView {
    /// Always true: a token that is not good is answered with 401.
    #[schemars(extend("const" = true))]
    pub(super) valid: bool,
    /// The number of the user.
    #[schemars(with = "IdText", example = &"1")]
    pub(super) id: String,
    /// What the user is.
    #[serde(rename = "type")]
    #[schemars(with = "OneOf<UserKind>")]
    pub(super) kind: &'static str,
    /// The number of the brand or the streamer; an operator has none.
    #[schemars(with = "Option<Id>")]
    pub(super) owner_id: Option<i64>,
    /// What the token may do.
    #[schemars(with = "Vec<OneOf<Scope>>", example = ["campaigns:read", "campaigns:write"])]
    pub(super) permissions: Vec<&'static str>,
    /// When it is over, in seconds since 1970.
    #[schemars(range(min = 0), example = 1_796_148_000)]
    pub(super) exp: i64,
}

/// What a user can be.
pub(super) struct UserKind;
impl Listed for UserKind {
    fn codes() -> Vec<&'static str> {
        vec!["brand", "streamer", "admin"]
    }
}

/// A user, as they and operators see it.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct UserView {
    /// The number of the user.
    #[schemars(with = "Id")]
    user_id: i64,
    /// With which they sign in.
    #[schemars(example = &"nova@example.com")]
    email: String,
    /// For people.
    #[schemars(example = &"Nova")]
    name: String,
    /// What they are.
    #[serde(rename = "type")]
    #[schemars(with = "OneOf<UserKind>", example = &"streamer")]
    kind: &'static str,
    /// The brand for which they act.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>")]
    brand_id: Option<i64>,
    /// The streamer for whom they act.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>", example = 1)]
    streamer_id: Option<i64>,
    /// Whether they have a password; who signs in at a provider only has none.
    has_password: bool,
    /// Whether they have a second factor.
    #[schemars(example = false)]
    two_factor: bool,
    /// Since when there is this user.
    #[schemars(with = "Moment")]
    created_at: String,
    /// Since when they may not sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    disabled_at: Option<String>,
    /// Where they sign in as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<OneOf<Provider>>>")]
    providers: Option<Vec<&'static str>>,
    /// What they may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<OneOf<Scope>>>", example = ["streamer:read", "streamer:write"])]
    scopes: Option<Vec<&'static str>>,
}

/// Tokens, as RFC 6749 writes them, and whose they are.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct TokensView {
    /// For requests: `Authorization: Bearer TOKEN`.
    #[schemars(example = &"eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")]
    access_token: String,
    /// How it is sent.
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// Its life, in seconds.
    #[schemars(range(min = 1), example = 600)]
    expires_in: i64,
    /// To go on when it is over; none where the client keeps the one it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"gt_refresh_7d1c...9f3a")]
    refresh_token: Option<String>,
    /// Whose they are.
    user: UserView,
    /// Of a new streamer: the address of the dashboard; a key is in it, which is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Url>")]
    dashboard_url: Option<String>,
    /// Of a new streamer: the address to paste into the streaming software, with a key as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Url>")]
    overlay_url: Option<String>,
}

/// An e-mail address in small letters. Whether mail gets there only mail can tell.
pub(in crate::web) fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (name, domain) = text.rsplit_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[]\\,;:\"@".contains(c);
    let host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let fits = text.len() <= 254
        && (1..=64).contains(&name.len())
        && name.chars().all(plain)
        && domain.contains('.')
        && domain.chars().all(host)
        && domain.split('.').all(|part| !part.is_empty());
    fits.then_some(text)
}

/// Characters of a code of a second factor.
const CODE_MAX: usize = 64;

const EMAIL: &str = "an e-mail address, at most 254 bytes";

impl SignUpBody {
    /// What is asked for.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self) -> Result<Asked, Problem> {
        let mut fields = Fields::default();
        let email = fields.need("email", email(&self.email), EMAIL).unwrap_or_default();
        let name = fields.need("name", line(&self.name, 1, 80), "1 to 80 characters").unwrap_or_default();
        let words = [email.as_str(), name.as_str()];
        if let Some(message) = fault(&self.password, &words) {
            fields.need::<()>("password", None, message);
        }
        let profile = match self.kind.as_str() {
            "brand" => None,
            "streamer" => {
                let platform = self.platform.as_deref().map(|code| {
                    fields.need("platform", Platform::from_code(code), "twitch, youtube, kick or other")
                });
                let platform = platform.flatten().unwrap_or(Platform::Other);
                let (category, language, country) =
                    (self.category.clone(), self.language.clone(), self.country.clone());
                let wish = Wish { kind: self.kind.clone(), category, language, country };
                Some(profile_of(&wish, &name, platform, &mut fields))
            }
            _ => {
                fields.need::<()>("type", None, "brand or streamer");
                None
            }
        };
        fields.end()?;
        Ok(Asked { email, password: self.password.clone(), name, profile })
    }
}

/// The profile of a new streamer. What is wrong with it is noted; the name is looked at elsewhere.
pub(super) fn profile_of(wish: &Wish, name: &str, platform: Platform, fields: &mut Fields) -> Profile {
    let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
    let profile = Profile {
        name: name.into(),
        content_category: text(&wish.category),
        language: text(&wish.language),
        country: text(&wish.country),
        platform,
        followers: 0,
        mature: false,
    };
    for (field, message) in profile.faults().into_iter().filter(|(field, _)| *field != "name") {
        fields.need::<()>(field, None, message);
    }
    profile
}

impl SignInBody {
    /// Address, password and perhaps a code.
    ///
    /// # Errors
    /// What is no address.
    pub(super) fn read(&self) -> Result<(String, &str, Option<&str>), Problem> {
        let mut fields = Fields::default();
        let email = fields.need("email", email(&self.email), EMAIL);
        let fits = self.code.as_ref().is_none_or(|code| code.chars().count() <= CODE_MAX).then_some(());
        fields.need("code", fits, "at most 64 characters");
        fields.end()?;
        Ok((email.unwrap_or_default(), &self.password, self.code.as_deref()))
    }
}

impl PasswordBody {
    /// Whether the new one can be taken.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(&self, user: &User) -> Result<(), Problem> {
        let mut fields = Fields::default();
        if let Some(message) = fault(&self.new_password, &[user.email.as_str(), user.name.as_str()]) {
            fields.need::<()>("new_password", None, message);
        }
        fields.end()
    }
}

impl UserView {
    pub(super) fn of(user: &User) -> Self {
        let (kind, id) = named(user.acts_for);
        Self {
            user_id: user.id.0,
            email: user.email.clone(),
            name: user.name.clone(),
            kind,
            brand_id: id.filter(|_| kind == "brand"),
            streamer_id: id.filter(|_| kind == "streamer"),
            has_password: user.password.is_some(),
            two_factor: user.has_second_factor(),
            created_at: rfc3339(user.created),
            disabled_at: user.disabled.map(rfc3339),
            providers: None,
            scopes: None,
        }
    }

    pub(super) fn with_links(mut self, links: &[Link]) -> Self {
        self.providers = Some(links.iter().map(|link| link.provider.code()).collect());
        self
    }

    pub(super) fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes.codes());
        self
    }
}

impl TokensView {
    pub(super) fn of(granted: &Granted, user: &User) -> Self {
        Self {
            access_token: granted.access.clone(),
            token_type: "Bearer",
            expires_in: granted.expires_in,
            refresh_token: granted.refresh.clone(),
            user: UserView::of(user).with_scopes(granted.scopes),
            dashboard_url: None,
            overlay_url: None,
        }
    }

    /// With the pages of a new streamer: the only time that their keys are shown.
    pub(super) fn with_pages(mut self, public_url: &str, keys: Option<(String, String)>) -> Self {
        if let Some((key, overlay)) = keys {
            self.dashboard_url = Some(format!("{public_url}/dashboard/#k={key}"));
            self.overlay_url = Some(format!("{public_url}/overlay/#k={overlay}"));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_small_letters_and_nothing_else_is_one() {
        assert_eq!(email(" Ada@Volt.Example ").as_deref(), Some("ada@volt.example"));
        assert_eq!(email("a.b+c@d-e.co.uk").as_deref(), Some("a.b+c@d-e.co.uk"));
        for bad in [
            "",
            "ada",
            "@volt.example",
            "ada@",
            "ada@volt",
            "ada@volt..example",
            "ada@.example",
            "ada bo@volt.example",
            "ada@volt.example\r\nbcc: eve@volt.example",
            "a@b@c.example",
            "<ada@volt.example>",
            &format!("{}@volt.example", "a".repeat(65)),
            &format!("a@{}.example", "b".repeat(260)),
        ] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }
}
