//! Users and tokens as the API reads and shows them.

use super::grant::Granted;
use crate::identity::password::fault;
use crate::identity::provider::Wish;
use crate::identity::token::named;
use crate::web::fields::{Fields, line};
use crate::web::problem::Problem;
use crate::web::wire::rfc3339;
use gametriggers_actors::domain::scope::Scopes;
use gametriggers_actors::domain::streamer::{Platform, Profile};
use gametriggers_actors::ports::{Link, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST /api/auth/sign-up`. A streamer says what targeting looks at as well.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SignUpBody {
    email: String,
    password: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    category: Option<String>,
    language: Option<String>,
    country: Option<String>,
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

/// `POST /api/auth/sign-in`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SignInBody {
    email: String,
    password: String,
    /// Of an app, or a recovery code; only for who has a second factor.
    code: Option<String>,
}

/// `POST /api/auth/refresh`. The front ends of the seeds write it as one word.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct RefreshBody {
    #[serde(alias = "refreshToken")]
    pub(super) refresh_token: String,
}

/// `POST /auth/refresh`, as services of the same house ask: the token may be a provider's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ServiceRefreshBody {
    /// A refresh token of this server, or one that a provider gave to the front end.
    #[serde(alias = "refreshToken")]
    pub(super) refresh_token: String,
    /// `twitch` or `google`: of whom the token is, if it is a provider's. Left out: whoever takes it.
    #[serde(default)]
    pub(super) provider: Option<String>,
}

/// `POST /api/auth/sign-out`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct SignOutBody {
    #[serde(default)]
    pub(super) everywhere: bool,
}

/// `POST /api/auth/validate`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ValidateBody {
    pub(super) token: String,
}

/// `POST /api/auth/password`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct PasswordBody {
    #[serde(default)]
    pub(super) current_password: String,
    pub(super) new_password: String,
}

/// An access token that is good.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct ValidView {
    /// Always true: a token that is not good is answered with 401.
    pub(super) valid: bool,
    /// The user's.
    pub(super) id: String,
    /// `brand`, `streamer` or `admin`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Of the brand or the streamer; an operator has none.
    pub(super) owner_id: Option<i64>,
    /// Its scopes.
    pub(super) permissions: Vec<&'static str>,
    /// When it is over, in seconds since 1970.
    pub(super) exp: i64,
}

/// A user, as they and operators see it.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct UserView {
    user_id: i64,
    email: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streamer_id: Option<i64>,
    has_password: bool,
    two_factor: bool,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    providers: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<&'static str>>,
}

/// Tokens, as RFC 6749 writes them, and whose they are.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct TokensView {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    user: UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboard_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
