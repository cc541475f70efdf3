//! Signing in. What each key means stands beside it in `config/default.toml`.

use super::areas::hide;
use serde::{Deserialize, Serialize};

/// Signing in.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Whether strangers may open accounts.
    pub sign_up: bool,
    /// Life of an access token.
    pub access_life_s: u32,
    /// Life of a refresh token that nobody uses.
    pub refresh_idle_s: u32,
    /// Life of all refresh tokens that follow from one sign-in.
    pub refresh_life_s: u32,
    /// How long a refresh may be asked for again.
    pub refresh_grace_ms: u32,
    /// Sessions of a user at most.
    pub sessions_max: u32,
    /// Attempts in ten minutes for one account.
    pub attempts_per_account: u32,
    /// Attempts in ten minutes for one address.
    pub attempts_per_address: u32,
    /// Passwords that are hashed at once.
    pub hashes_at_once: usize,
    /// Who tokens are for.
    pub audience: String,
    /// How access tokens are signed.
    pub algorithm: TokenAlgorithm,
    /// Whether operators need a second factor.
    pub admin_two_factor: bool,
    /// Where a sign-in at a provider may end.
    pub front_ends: Vec<String>,
    /// Where else users may have an account.
    pub providers: Providers,
}

/// How access tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum TokenAlgorithm {
    /// With Ed25519, by a key of `secrets.auth_keys`.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// With RSA and SHA-256, by a key of `secrets.rsa_keys`.
    #[serde(rename = "RS256")]
    Rs256,
}

/// The number of an RSA key, and its file or the key itself.
#[must_use]
pub fn rsa_key(line: &str) -> Option<(u32, &str)> {
    let (kid, place) = line.split_once(':')?;
    Some((kid.parse().ok()?, Some(place.trim()).filter(|place| !place.is_empty())?))
}

/// Where else users may have an account.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    /// Twitch.
    pub twitch: ProviderText,
    /// Google.
    pub google: ProviderText,
}

/// One of them.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderText {
    /// Empty: nobody signs in there.
    pub client_id: String,
    /// Goes with it.
    #[serde(serialize_with = "hide")]
    pub client_secret: String,
    /// Where the browser is sent.
    pub authorize_url: String,
    /// Where a code becomes a token.
    pub token_url: String,
    /// Where the user is asked for; Twitch.
    #[serde(default)]
    pub user_url: String,
    /// Where the keys are that sign id tokens; Google.
    #[serde(default)]
    pub keys_url: String,
    /// Who signs id tokens; Google.
    #[serde(default)]
    pub issuer: String,
}

impl std::fmt::Debug for ProviderText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProviderText({:?} at {})", self.client_id, self.authorize_url)
    }
}
