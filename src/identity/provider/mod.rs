//! Signing in with an account elsewhere: the authorization code flow with PKCE (RFC 7636), where this server
//! is the client. What the browser carries meanwhile is sealed, so that any node can go on and none keeps
//! anything.

mod client;
mod id_token;
mod redeem;

use self::client::Client;
use self::id_token::{Expected, KeySet};
use self::redeem::Turns;
use super::keys::AuthKeys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{Link, Provider};
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;
use url::Url;

/// How long a browser may be away.
pub const AWAY: Millis = Millis::minutes(10);
/// Keys of a provider are read again after this, and earlier for a key that is not among them, but not at
/// once.
const KEYS_LIFE: Millis = Millis::minutes(60);
const KEYS_PAUSE: Millis = Millis::minutes(1);

/// How to reach a provider.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What the provider calls this installation.
    pub client_id: String,
    /// Goes with it.
    pub client_secret: Secret,
    /// Where the browser is sent.
    pub authorize_url: String,
    /// Where a code becomes a token.
    pub token_url: String,
    /// Where the user is asked for.
    pub user_url: String,
    /// Where the keys are that sign id tokens.
    pub keys_url: String,
    /// Who signs id tokens.
    pub issuer: String,
}

/// What is never shown, not even in a log.
#[derive(Clone, Default)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Why a provider did not say who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// It does not take the code or the token: it is old, was used, or is another client's.
    #[error("the provider does not take this")]
    Code,
    /// It did not answer in time, or not as it should.
    #[error("the provider did not answer as it should")]
    Answer,
    /// What it said of the user is not signed by it, or is about another sign-in.
    #[error("what the provider said is not to be believed")]
    Forged,
    /// Too many sign-ins wait for it.
    #[error("too many sign-ins wait for the provider")]
    Busy,
}

/// Who somebody is at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub link: Link,
    /// An address that the provider has verified.
    pub email: Option<String>,
    /// For people.
    pub name: String,
}

/// What is asked for when an account is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// `brand` or `streamer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a streamer: what targeting looks at.
    pub category: Option<String>,
    /// The same.
    pub language: Option<String>,
    /// The same.
    pub country: Option<String>,
}

/// A sign-in under way: what the browser carries, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flight {
    provider: String,
    state: String,
    verifier: String,
    nonce: String,
    until: i64,
    /// Where it ends.
    pub front_end: String,
    /// What is asked for when the account is new.
    pub wish: Option<Wish>,
    /// The user who wants to sign in with the account from now on.
    pub link_to: Option<i64>,
}

/// What a flight is sealed for.
const ABOUT: &str = "sign-in at a provider";

impl Flight {
    /// A new one, out of random bytes.
    #[must_use]
    pub fn new(provider: Provider, front_end: String, random: &[u8; 96], now: UnixMillis) -> Self {
        let part = |at: usize| {
            let bytes: Vec<u8> = random.iter().skip(at).take(32).copied().collect();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        Self {
            provider: provider.code().to_owned(),
            state: part(0),
            verifier: part(32),
            nonce: part(64),
            until: (now + AWAY).0,
            front_end,
            wish: None,
            link_to: None,
        }
    }

    /// As the browser carries it.
    #[must_use]
    pub fn seal(&self, keys: &AuthKeys, nonce: [u8; 12]) -> Option<String> {
        let text = serde_json::to_vec(self).ok()?;
        Some(URL_SAFE_NO_PAD.encode(keys.seal(ABOUT, &text, nonce)?))
    }

    /// Out of what a browser carried; none when it was not sealed here, is over, is of another provider, or
    /// came back with another state than it left with.
    #[must_use]
    pub fn open(keys: &AuthKeys, carried: &str, back: (Provider, &str), now: UnixMillis) -> Option<Self> {
        let text = keys.open(ABOUT, &URL_SAFE_NO_PAD.decode(carried).ok()?)?;
        let flight: Self = serde_json::from_slice(&text).ok()?;
        let (provider, state) = back;
        let same = bool::from(flight.state.as_bytes().ct_eq(state.as_bytes()));
        (same && flight.provider == provider.code() && now.0 < flight.until).then_some(flight)
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(self.verifier.as_bytes()))
    }
}

/// The providers of this installation.
pub struct Providers {
    twitch: Option<Access>,
    google: Option<Access>,
    client: Client,
    google_keys: Mutex<(UnixMillis, KeySet)>,
    turns: Turns,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    id_token: Option<String>,
}

#[derive(Deserialize)]
struct TwitchUsers {
    data: Vec<TwitchUser>,
}

#[derive(Deserialize)]
struct TwitchUser {
    id: String,
    display_name: String,
    #[serde(default)]
    email: Option<String>,
}

impl Providers {
    /// Those that are set up.
    #[must_use]
    pub fn new(twitch: Option<Access>, google: Option<Access>) -> Self {
        let (google_keys, turns) = (Mutex::default(), Turns::default());
        Self { twitch, google, client: Client::new(), google_keys, turns }
    }

    fn access(&self, provider: Provider) -> Option<&Access> {
        match provider {
            Provider::Twitch => self.twitch.as_ref(),
            Provider::Google => self.google.as_ref(),
        }
    }

    /// Where the browser is sent; none when nobody signs in there.
    #[must_use]
    pub fn address(&self, provider: Provider, flight: &Flight, back: &str) -> Option<String> {
        let access = self.access(provider)?;
        let scope = match provider {
            Provider::Twitch => "user:read:email",
            Provider::Google => "openid email profile",
        };
        let mut url = Url::parse(&access.authorize_url).ok()?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &access.client_id)
            .append_pair("redirect_uri", back)
            .append_pair("scope", scope)
            .append_pair("state", &flight.state)
            .append_pair("nonce", &flight.nonce)
            .append_pair("code_challenge", &flight.challenge())
            .append_pair("code_challenge_method", "S256");
        Some(url.into())
    }

    /// Who came back with a code.
    ///
    /// # Errors
    /// The provider does not take the code, does not answer, or says what can not be believed.
    pub async fn account(
        &self,
        provider: Provider,
        (flight, code): (&Flight, &str),
        back: &str,
        now: UnixMillis,
    ) -> Result<Account, Failed> {
        let access = self.access(provider).ok_or(Failed::Answer)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("client_id", &access.client_id),
            ("client_secret", &access.client_secret.0),
            ("code_verifier", &flight.verifier),
        ];
        self.granted(provider, &form, Some(&flight.nonce), now).await
    }

    /// Who it is whom a provider gives a token for what is in a form.
    async fn granted(
        &self,
        provider: Provider,
        form: &[(&str, &str)],
        nonce: Option<&str>,
        now: UnixMillis,
    ) -> Result<Account, Failed> {
        let access = self.access(provider).ok_or(Failed::Answer)?;
        let (status, bytes) = self.client.post(&access.token_url, form).await?;
        if matches!(status, 400 | 401 | 403) {
            return Err(Failed::Code);
        }
        let token: TokenAnswer = read(status, &bytes)?;
        match provider {
            Provider::Twitch => self.twitch_user(access, &token).await,
            Provider::Google => self.google_user(access, nonce, &token, now).await,
        }
    }

    async fn twitch_user(&self, access: &Access, token: &TokenAnswer) -> Result<Account, Failed> {
        let bearer = format!("Bearer {}", token.access_token);
        let headers = [("authorization", bearer.as_str()), ("client-id", &access.client_id)];
        let (status, bytes) = self.client.get(&access.user_url, &headers).await?;
        let users: TwitchUsers = read(status, &bytes)?;
        let [user] = <[TwitchUser; 1]>::try_from(users.data).map_err(|_| Failed::Answer)?;
        // Twitch gives an address only when it is verified.
        account(Provider::Twitch, user.id, user.email, user.display_name)
    }

    async fn google_user(
        &self,
        access: &Access,
        nonce: Option<&str>,
        token: &TokenAnswer,
        now: UnixMillis,
    ) -> Result<Account, Failed> {
        let text = token.id_token.as_deref().ok_or(Failed::Answer)?;
        let kid = id_token::kid(text).ok_or(Failed::Forged)?;
        let keys = self.keys(access, &kid, now).await?;
        let expected = Expected { issuer: &access.issuer, client_id: &access.client_id, nonce, now };
        let claims = id_token::verify(text, &keys, &expected).ok_or(Failed::Forged)?;
        let email = claims.email.filter(|_| claims.email_verified);
        let name = claims.name.or_else(|| email.clone()).unwrap_or_default();
        account(Provider::Google, claims.sub, email, name)
    }

    /// The keys of Google, read again when they are old, or when one is wanted that is not among them.
    async fn keys(&self, access: &Access, kid: &str, now: UnixMillis) -> Result<KeySet, Failed> {
        let (read_at, keys) = self.google_keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let age = now - read_at;
        if age < KEYS_PAUSE || (age < KEYS_LIFE && keys.has(kid)) {
            return Ok(keys);
        }
        let (status, bytes) = self.client.get(&access.keys_url, &[]).await?;
        let keys: KeySet = read(status, &bytes)?;
        *self.google_keys.lock().unwrap_or_else(PoisonError::into_inner) = (now, keys.clone());
        Ok(keys)
    }
}

fn read<T: serde::de::DeserializeOwned>(status: u16, bytes: &[u8]) -> Result<T, Failed> {
    if status != 200 {
        return Err(Failed::Answer);
    }
    serde_json::from_slice(bytes).map_err(|_| Failed::Answer)
}

/// An account whose id can be kept.
fn account(
    provider: Provider,
    subject: String,
    email: Option<String>,
    name: String,
) -> Result<Account, Failed> {
    if !(1..=255).contains(&subject.len()) {
        return Err(Failed::Answer);
    }
    Ok(Account { link: Link { provider, subject }, email, name })
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::keys;
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    #[test]
    fn a_browser_comes_back_with_what_it_left_with_in_time_and_nothing_else() {
        let mut random = [0; 96];
        random.iter_mut().zip(0..).for_each(|(to, from)| *to = from);
        let flight = Flight::new(Provider::Twitch, "https://ads.example/".to_owned(), &random, NOW);
        assert!(flight.state != flight.verifier && flight.verifier != flight.nonce);
        let keys = keys(&[1]);
        let carried = flight.seal(&keys, [1; 12]).unwrap();
        let open = |state: &str, provider, now| Flight::open(&keys, &carried, (provider, state), now);
        assert_eq!(open(&flight.state, Provider::Twitch, NOW), Some(flight.clone()));
        assert_eq!(open("other", Provider::Twitch, NOW), None);
        assert_eq!(open("", Provider::Twitch, NOW), None);
        assert_eq!(open(&flight.state, Provider::Google, NOW), None);
        assert_eq!(open(&flight.state, Provider::Twitch, NOW + AWAY), None);
        let cut = &carried[..carried.len() - 2];
        assert_eq!(Flight::open(&keys, cut, (Provider::Twitch, &flight.state), NOW), None);
    }

    /// Appendix B of RFC 7636.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let flight = Flight { verifier, ..Flight::new(Provider::Google, String::new(), &[0; 96], NOW) };
        assert_eq!(flight.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
