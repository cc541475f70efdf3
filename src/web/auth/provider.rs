//! `/api/auth/{provider}`: signing in with an account elsewhere. The browser goes there and comes back; what
//! it gets in the end is a code in the fragment of the front end's address, good once and for a minute, which
//! the front end exchanges. No token is ever in a URL.
//!
//! An account that is new here becomes a user of its own. It is never tied to a user by its address alone:
//! whoever opened that account first may not be who owns the address. A user who is signed in ties accounts
//! to themselves.

use super::body::{TokensView, email, profile_of};
use super::factor::prove;
use super::grant::{begin_with_code, carry_on, user_of_code};
use super::{address, attempt, count, private, random, streamer, welcome};
use crate::identity::provider::{AWAY, Account, Failed, Flight, Wish};
use crate::identity::refresh::Kind;
use crate::web::Shared;
use crate::web::caller::SignedIn;
use crate::web::fields::{Fields, line};
use crate::web::json::Json;
use crate::web::problem::{FieldError, Problem};
use crate::web::schema::{CountryCode, LanguageCode, Text, Url, Word};
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::streamer::{Platform, Profile};
use gametriggers_actors::ports::{NewOwner, NewUser, Provider, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What carries a sign-in that is under way.
const COOKIE: &str = "gt_sign_in";

/// `GET /api/auth/{provider}`.
#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct StartQuery {
    /// The front end to come back to: one of those that the server knows; the first of them unless it says
    /// otherwise.
    #[schemars(with = "Option<Url>")]
    redirect: Option<String>,
    /// What to become when the account is new here; without it there is no new user.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["brand", "streamer"]))]
    kind: Option<String>,
    /// Of a new streamer, who needs it: what the stream is about.
    #[schemars(with = "Option<Word>")]
    category: Option<String>,
    /// Of a new streamer, who needs it: what is spoken, ISO 639-1.
    #[schemars(with = "Option<LanguageCode>")]
    language: Option<String>,
    /// Of a new streamer, who needs it: where they are, ISO 3166-1 alpha-2.
    #[schemars(with = "Option<CountryCode>")]
    country: Option<String>,
}

/// Where to come back to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct LinkBody {
    /// The front end: one of those that the server knows; the first of them unless it says otherwise.
    #[schemars(with = "Option<Url>")]
    redirect: Option<String>,
}

/// How a provider sends the browser back.
#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct BackQuery {
    /// What the provider gives for the user.
    #[schemars(with = "Option<Text<2048>>")]
    code: Option<String>,
    /// What the sign-in was begun with.
    #[schemars(with = "Option<Text<2048>>")]
    state: Option<String>,
    /// Why the provider did not let the user pass.
    #[schemars(with = "Option<Text<2048>>")]
    error: Option<String>,
}

/// A code that a sign-in at a provider ended with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ExchangeBody {
    /// The code, from the fragment of the front end's address.
    #[schemars(with = "Text<4096>", example = &"gt_code_7d1c...9f3a")]
    code: String,
    /// Of an app, or a recovery code; only for who has a second factor.
    #[schemars(with = "Option<Text<64>>")]
    second_factor: Option<String>,
}

/// Where to send the browser.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct AwayView {
    /// The address at the provider.
    #[schemars(example = &"https://id.twitch.tv/oauth2/authorize?client_id=...")]
    authorize_url: String,
}

impl From<Failed> for Problem {
    fn from(failed: Failed) -> Self {
        let result = match failed {
            Failed::Code => "refused",
            Failed::Answer => "failed",
            Failed::Forged => "forged",
            Failed::Busy => "busy",
        };
        count("provider", result);
        match failed {
            Failed::Code => Self::unproved("provider-refused", failed.to_string()),
            Failed::Forged => Self::unproved("provider-forged", failed.to_string()),
            Failed::Answer => Self::elsewhere(failed.to_string()),
            Failed::Busy => Self::unavailable(),
        }
    }
}

fn known(name: &str) -> Result<Provider, Problem> {
    Provider::from_code(name).ok_or_else(Problem::not_found)
}

/// Where the provider sends the browser back to.
fn back(shared: &Shared, provider: Provider) -> String {
    format!("{}/api/auth/{}/callback", shared.public_url, provider.code())
}

/// The front end that is wished for, if it is one of those that are known.
fn front_end(shared: &Shared, wished: Option<&str>) -> Result<String, Problem> {
    let known = &shared.identity.front_ends;
    let found = match wished {
        Some(wished) => known.iter().find(|known| *known == wished),
        None => known.first(),
    };
    found.cloned().ok_or_else(|| {
        let message = "one of auth.front_ends".to_owned();
        Problem::invalid(vec![FieldError { field: "redirect".to_owned(), message }])
    })
}

fn cookie(shared: &Shared, value: &str, seconds: i64) -> (header::HeaderName, String) {
    let secure = if shared.public_url.starts_with("https://") { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={value}; Path=/api/auth/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    (header::SET_COOKIE, text)
}

fn carried(request: &HttpRequest) -> Option<&str> {
    let lines = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// The address to go to, and what the browser carries meanwhile.
fn leave(shared: &Shared, provider: Provider, flight: &Flight) -> Result<(String, String), Problem> {
    let identity = &shared.identity;
    let url = identity.providers.address(provider, flight, &back(shared, provider));
    let sealed = flight.seal(&identity.keys, random(&shared.engine));
    url.ok_or_else(Problem::not_found).and_then(|url| Ok((url, sealed.ok_or_else(Problem::unavailable)?)))
}

impl StartQuery {
    /// What is asked for when the account is new.
    fn wish(&self) -> Result<Option<Wish>, Problem> {
        let mut fields = Fields::default();
        // Also when nothing is asked for: what can not be so is said at once.
        let said = Profile {
            name: "x".into(),
            content_category: self.category.as_deref().unwrap_or("any").into(),
            language: self.language.as_deref().unwrap_or("en").into(),
            country: self.country.as_deref().unwrap_or("IN").into(),
            platform: Platform::Other,
            followers: 0,
            mature: false,
        };
        for (field, message) in said.faults() {
            fields.need::<()>(field, None, message);
        }
        let Some(kind) = self.kind.clone() else { return fields.end().map(|()| None) };
        let (category, language, country) =
            (self.category.clone(), self.language.clone(), self.country.clone());
        let wish = Wish { kind, category, language, country };
        match wish.kind.as_str() {
            "brand" => {}
            "streamer" if fields.is_empty() => drop(profile_of(&wish, "x", Platform::Other, &mut fields)),
            "streamer" => {}
            _ => drop(fields.need::<()>("type", None, "brand or streamer")),
        }
        fields.end()?;
        Ok(Some(wish))
    }
}

pub(in crate::web) async fn start(
    shared: Data<Shared>,
    name: Path<String>,
    query: Query<StartQuery>,
) -> Result<HttpResponse, Problem> {
    let (provider, now) = (known(&name)?, shared.engine.now());
    let front_end = front_end(&shared, query.redirect.as_deref())?;
    let mut flight = Flight::new(provider, front_end, &random(&shared.engine), now);
    flight.wish = query.wish()?;
    let (url, sealed) = leave(&shared, provider, &flight)?;
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, url))
        .insert_header(cookie(&shared, &sealed, AWAY.0.div_euclid(1000)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish())
}

/// The same for a user who wants to sign in with the account from now on. A browser that follows a link sends
/// no token, so the front end asks, and then goes where it is told.
pub(in crate::web) async fn link(
    shared: Data<Shared>,
    signed_in: SignedIn,
    name: Path<String>,
    body: Json<LinkBody>,
) -> Result<HttpResponse, Problem> {
    let (provider, now) = (known(&name)?, shared.engine.now());
    let front_end = front_end(&shared, body.redirect.as_deref())?;
    let mut flight = Flight::new(provider, front_end, &random(&shared.engine), now);
    flight.link_to = Some(signed_in.0.user.0);
    let (url, sealed) = leave(&shared, provider, &flight)?;
    let cookie = cookie(&shared, &sealed, AWAY.0.div_euclid(1000));
    Ok(private(HttpResponse::Ok().insert_header(cookie), AwayView { authorize_url: url }))
}

pub(in crate::web) async fn finish(
    shared: Data<Shared>,
    name: Path<String>,
    query: Query<BackQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (provider, now) = (known(&name)?, shared.engine.now());
    attempt(&shared, "provider", &request, None)?;
    let state = query.state.as_deref().unwrap_or_default();
    let carried = carried(&request).unwrap_or_default();
    let flight = Flight::open(&shared.identity.keys, carried, (provider, state), now).ok_or_else(|| {
        count("provider", "wrong");
        Problem::unproved("wrong-state", "this did not begin in this browser, or too long ago; begin again")
    })?;
    let Some(code) = query.code.as_deref().filter(|_| query.error.is_none()) else {
        count("provider", "refused");
        return Err(Problem::unproved("provider-refused", "the provider did not let this pass"));
    };
    let back = back(&shared, provider);
    let account = shared.identity.providers.account(provider, (&flight, code), &back, now).await?;
    let user = user_of(&shared, &flight, account).await?;
    if user.disabled.is_some() {
        count("provider", "disabled");
        return Err(Problem::unproved("wrong-credentials", "this user may not sign in"));
    }
    shared.identity.attempts.succeeded("", address(&shared, &request));
    let code = begin_with_code(&shared, &user).await?;
    count("provider", "ok");
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, format!("{}#code={code}", flight.front_end)))
        .insert_header(cookie(&shared, "", 0))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish())
}

fn taken() -> Problem {
    count("provider", "taken");
    Problem::conflict(
        "email-taken",
        "a user has this address: sign in with the password, and link the account",
    )
}

/// The user of an account: the one it is tied to, the one who asks to tie it, or a new one.
async fn user_of(shared: &Shared, flight: &Flight, account: Account) -> Result<User, Problem> {
    let (users, now) = (&shared.engine.ports.users, shared.engine.now());
    let found = users.user_by_link(&account.link).await?;
    if let Some(id) = flight.link_to.map(UserId) {
        if found.as_ref().is_some_and(|user| user.id != id) {
            return Err(Problem::conflict("account-taken", "another user signs in with this account"));
        }
        if found.is_none() && !users.add_link(id, &account.link, now).await? {
            return Err(Problem::conflict("account-taken", "another user signs in with this account"));
        }
        return Ok(users.user(id).await?);
    }
    if let Some(user) = found {
        return Ok(user);
    }
    let wish = flight.wish.as_ref().ok_or_else(|| {
        Problem::unproved(
            "no-such-user",
            "nobody signs in with this account; open one with type=brand or streamer",
        )
    })?;
    if !shared.identity.rules.sign_up {
        return Err(Problem::forbidden("accounts are opened by operators here"));
    }
    let address = account.email.as_deref().and_then(email).ok_or_else(|| {
        Problem::unproved("no-email", "the provider has no verified address of this account")
    })?;
    let name = line(&account.name, 1, 80).unwrap_or_else(|| address.chars().take(80).collect());
    let platform = match account.link.provider {
        Provider::Twitch => Platform::Twitch,
        Provider::Google => Platform::Youtube,
    };
    let (owner, keys) = if wish.kind == "streamer" {
        let profile = profile_of(wish, &name, platform, &mut Fields::default());
        let (new, keys) = streamer(shared, profile);
        (NewOwner::Streamer(Box::new(new)), Some(keys))
    } else {
        (NewOwner::Brand(name.clone()), None)
    };
    let new = NewUser { email: address, name, owner, password: None, link: Some(account.link) };
    let user = users.add_user(&new, None, now).await?.ok_or_else(taken)?;
    welcome(shared, &user, keys.as_ref()).await?;
    Ok(user)
}

/// A code becomes tokens, once.
pub(in crate::web) async fn exchange(
    shared: Data<Shared>,
    request: HttpRequest,
    body: Json<ExchangeBody>,
) -> Result<HttpResponse, Problem> {
    attempt(&shared, "code", &request, None)?;
    let user = user_of_code(&shared, &body.code).await?;
    if let Some(user) = user.filter(User::has_second_factor) {
        shared.identity.attempts.on(&user.email, shared.engine.now())?;
        prove(&shared, &user, body.second_factor.as_deref()).await?;
        shared.identity.attempts.succeeded(&user.email, address(&shared, &request));
    }
    let (tokens, user) = carry_on(&shared, &body.code, Kind::Code).await?;
    shared.identity.attempts.succeeded("", address(&shared, &request));
    Ok(private(&mut HttpResponse::Ok(), TokensView::of(&tokens, &user)))
}
