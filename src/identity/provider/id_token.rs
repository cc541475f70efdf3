//! Id tokens of OpenID Connect, as Google signs them: RS256, and nothing else is taken.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::domain::time::UnixMillis;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;

/// What two clocks may differ by, in seconds.
const SKEW_S: i64 = 60;

/// The keys of a provider.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct KeySet {
    keys: Vec<Key>,
}

#[derive(Clone, Debug, Deserialize)]
struct Key {
    kid: String,
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

/// What an id token says.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
    /// The user, by the id that never changes.
    pub(super) sub: String,
    /// Their address.
    #[serde(default)]
    pub(super) email: Option<String>,
    /// Whether it is theirs.
    #[serde(default)]
    pub(super) email_verified: bool,
    /// For people.
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// What it has to say.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// Of the sign-in; none when a token is renewed, which has no nonce (OpenID Connect Core, 12.2).
    pub(super) nonce: Option<&'a str>,
    pub(super) now: UnixMillis,
}

impl KeySet {
    /// Whether a key is among them.
    pub(super) fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn header(token: &str) -> Option<Header> {
    serde_json::from_slice(&decode(token.split('.').next()?)?).ok()
}

/// The key that a token says it is signed with.
pub(super) fn kid(token: &str) -> Option<String> {
    header(token).map(|header| header.kid)
}

/// What a token says, if it is signed by one of the keys, and about this sign-in.
pub(super) fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Option<Claims> {
    let header = header(token)?;
    if header.alg != "RS256" {
        return None;
    }
    let key = keys.keys.iter().find(|key| key.kid == header.kid && key.kty == "RSA")?;
    let (body, signature) = token.rsplit_once('.')?;
    let public = RsaPublicKeyComponents { n: decode(&key.n)?, e: decode(&key.e)? };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, body.as_bytes(), &decode(signature)?).ok()?;
    let claims: Claims = serde_json::from_slice(&decode(body.split_once('.')?.1)?).ok()?;
    let now = expected.now.0.div_euclid(1000);
    // Google writes its issuer with and without the scheme.
    let bare = expected.issuer.strip_prefix("https://");
    let issuer = claims.iss == expected.issuer || Some(claims.iss.as_str()) == bare;
    let in_time = now < claims.exp.saturating_add(SKEW_S) && claims.iat <= now.saturating_add(SKEW_S);
    let same = expected.nonce.is_none_or(|nonce| claims.nonce.as_deref() == Some(nonce));
    let ours = claims.aud == expected.client_id && same;
    (issuer && in_time && ours).then_some(claims)
}
