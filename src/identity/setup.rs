//! Everything that signing in needs, out of the configuration.

use super::attempts::Attempts;
use super::keys::AuthKeys;
use super::password::Passwords;
use super::provider::{Access, Providers, Secret};
use super::signer::Algorithm;
use super::ticket::Seen;
use super::token::Tokens;
use super::{Identity, Lives, Rules};
use crate::config::{Config, ProviderText, TokenAlgorithm, rsa_key};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::domain::token::SigningKey;
use gametriggers_actors::keyring::Keyring;
use std::sync::Arc;

/// Everything that signing in needs; `secrets` are the keys of `secrets.auth_keys`, or those that were made.
///
/// # Errors
/// A key can not be used, or its file not be read.
pub fn identity(config: &Config, secrets: &[SigningKey], public_url: &str) -> Result<Identity, String> {
    let auth = &config.auth;
    let keys = Arc::new(keys(config, secrets)?);
    let seconds = |value: u32| Millis::seconds(i64::from(value));
    let lives = Lives {
        access: seconds(auth.access_life_s),
        idle: seconds(auth.refresh_idle_s),
        session: seconds(auth.refresh_life_s),
        grace: Millis(i64::from(auth.refresh_grace_ms)),
    };
    let front_ends =
        if auth.front_ends.is_empty() { vec![format!("{public_url}/")] } else { auth.front_ends.clone() };
    let service_key = Some(&config.secrets.service_key).filter(|key| !key.is_empty());
    Ok(Identity {
        tokens: Tokens::new(Arc::clone(&keys), public_url.to_owned(), auth.audience.clone(), lives.access),
        tickets: Seen::default(),
        keys,
        passwords: Passwords::new(auth.hashes_at_once).ok_or("the parameters of argon2id are no good")?,
        providers: Providers::new(access(&auth.providers.twitch), access(&auth.providers.google)),
        front_ends,
        attempts: Attempts::new(auth.attempts_per_account, auth.attempts_per_address),
        lives,
        rules: Rules {
            sign_up: auth.sign_up,
            sessions_max: auth.sessions_max,
            admin_two_factor: auth.admin_two_factor,
        },
        service_key: service_key.map(|key| Keyring::hash(key)),
    })
}

fn keys(config: &Config, secrets: &[SigningKey]) -> Result<AuthKeys, String> {
    let (first, older) = secrets.split_first().ok_or("no auth key")?;
    let keys = AuthKeys::new(first, older).ok_or("secrets.auth_keys: a key can not be used")?;
    let rsa = config.secrets.rsa_keys.iter().map(|line| pem(line)).collect::<Result<Vec<_>, _>>()?;
    let algorithm = match config.auth.algorithm {
        TokenAlgorithm::EdDsa => Algorithm::EdDsa,
        TokenAlgorithm::Rs256 => Algorithm::Rs256,
    };
    let why = "secrets.rsa_keys: each is an RSA key of 2048 to 4096 bits in PEM, without a password, and has \
               an ID that no other key has";
    keys.with_rsa(&rsa, algorithm).ok_or_else(|| why.to_owned())
}

/// The number and the text of an RSA key.
fn pem(line: &str) -> Result<(u32, String), String> {
    let (kid, place) = rsa_key(line).ok_or("secrets.rsa_keys: each is ID:FILE, or ID: and the key in PEM")?;
    if place.starts_with("-----BEGIN") {
        return Ok((kid, place.to_owned()));
    }
    let pem =
        std::fs::read_to_string(place).map_err(|error| format!("secrets.rsa_keys: {place}: {error}"))?;
    Ok((kid, pem))
}

/// A provider that is set up.
fn access(text: &ProviderText) -> Option<Access> {
    let text = Some(text).filter(|text| !text.client_id.is_empty())?.clone();
    Some(Access {
        client_id: text.client_id,
        client_secret: Secret(text.client_secret),
        authorize_url: text.authorize_url,
        token_url: text.token_url,
        user_url: text.user_url,
        keys_url: text.keys_url,
        issuer: text.issuer,
    })
}
