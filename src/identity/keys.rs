//! The keys that sign-in depends on. From each configured secret three keys follow, so that none of them is
//! used for two things: one signs access tokens, one makes refresh tokens, one seals what is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::domain::token::SigningKey;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ring::{error::Unspecified, hmac};
use schemars::JsonSchema;
use serde::Serialize;

/// What follows from one secret.
struct AuthKey {
    kid: u32,
    pair: Ed25519KeyPair,
    refresh: hmac::Key,
    seal: LessSafeKey,
}

/// The first key signs and seals; the others still verify and open what was made with them.
pub struct AuthKeys {
    first: AuthKey,
    older: Vec<AuthKey>,
}

impl std::fmt::Debug for AuthKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuthKeys(kid {}, {} older)", self.first.kid, self.older.len())
    }
}

/// A public key as RFC 8037 has it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: String,
    x: String,
}

/// 32 bytes for one purpose, out of a secret.
fn derive(secret: &[u8; 32], purpose: &[u8]) -> Result<[u8; 32], Unspecified> {
    let mut key = [0; 32];
    Salt::new(HKDF_SHA256, b"gametriggers auth v1")
        .extract(secret)
        .expand(&[purpose], HKDF_SHA256)?
        .fill(&mut key)?;
    Ok(key)
}

impl AuthKey {
    fn new(key: &SigningKey) -> Result<Self, Unspecified> {
        let of = |purpose| derive(&key.secret, purpose);
        let pair = Ed25519KeyPair::from_seed_unchecked(&of(b"access token")?).map_err(|_| Unspecified)?;
        let seal = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &of(b"seal")?)?);
        let refresh = hmac::Key::new(hmac::HMAC_SHA256, &of(b"refresh token")?);
        Ok(Self { kid: key.kid, pair, refresh, seal })
    }
}

impl AuthKeys {
    /// Keys out of secrets; none when one can not be used.
    #[must_use]
    pub fn new(first: &SigningKey, older: &[SigningKey]) -> Option<Self> {
        let older = older.iter().map(AuthKey::new).collect::<Result<_, _>>().ok()?;
        Some(Self { first: AuthKey::new(first).ok()?, older })
    }

    fn all(&self) -> impl Iterator<Item = &AuthKey> {
        std::iter::once(&self.first).chain(&self.older)
    }

    /// The number of the key that signs.
    #[must_use]
    pub fn kid(&self) -> u32 {
        self.first.kid
    }

    /// Signs with the first key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.first.pair.sign(message).as_ref().to_vec()
    }

    /// Whether the key of this number made an Ed25519 signature. No other algorithm is known here.
    #[must_use]
    pub fn verifies(&self, kid: u32, message: &[u8], signature: &[u8]) -> bool {
        self.all().find(|key| key.kid == kid).is_some_and(|key| {
            let public = key.pair.public_key().as_ref();
            UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
        })
    }

    /// The public keys, for everybody who wants to verify an access token.
    #[must_use]
    pub fn public(&self) -> Vec<Jwk> {
        let public = |key: &AuthKey| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: key.kid.to_string(),
            x: URL_SAFE_NO_PAD.encode(key.pair.public_key()),
        };
        self.all().map(public).collect()
    }

    /// The code of a message, by each of the keys, that of the first one first.
    pub(super) fn codes(&self, message: &[u8]) -> impl Iterator<Item = [u8; 32]> {
        let code = |key: &AuthKey| hmac::sign(&key.refresh, message);
        self.all().filter_map(move |key| code(key).as_ref().try_into().ok())
    }

    /// Seals a text for `about`, with a nonce that is used for nothing else. It can be opened for that only.
    #[must_use]
    pub fn seal(&self, about: &str, text: &[u8], nonce: [u8; NONCE_LEN]) -> Option<Vec<u8>> {
        let mut out = self.first.kid.to_be_bytes().to_vec();
        out.extend(nonce);
        let mut sealed = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.first.seal.seal_in_place_append_tag(nonce, Aad::from(about.as_bytes()), &mut sealed).ok()?;
        out.extend(sealed);
        Some(out)
    }

    /// Opens what was sealed for `about`; none when it was not, or was changed.
    #[must_use]
    pub fn open(&self, about: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (kid, rest) = sealed.split_first_chunk::<4>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self.all().find(|key| key.kid == u32::from_be_bytes(*kid))?;
        let mut text = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.seal.open_in_place(nonce, Aad::from(about.as_bytes()), &mut text).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::identity) fn keys(kids: &[u32]) -> AuthKeys {
        let key = |kid: &u32| SigningKey { kid: *kid, secret: [u8::try_from(*kid).unwrap(); 32] };
        let all: Vec<_> = kids.iter().map(key).collect();
        AuthKeys::new(&all[0], &all[1..]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_thing_only_and_after_a_rotation_too() {
        let (old, new) = (keys(&[1]), keys(&[2, 1]));
        let sealed = old.seal("totp 7", b"secret", [5; NONCE_LEN]).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        for keys in [&old, &new] {
            assert_eq!(keys.open("totp 7", &sealed).as_deref(), Some(&b"secret"[..]));
            assert_eq!(keys.open("totp 8", &sealed), None);
        }
        assert_eq!(keys(&[2]).open("totp 7", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(old.open("totp 7", &changed), None, "byte {at}");
            assert_eq!(old.open("totp 7", &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn the_keys_of_one_secret_have_nothing_in_common() {
        let secret = [1; 32];
        let all =
            [b"access token".as_slice(), b"seal", b"refresh token"].map(|of| derive(&secret, of).unwrap());
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2] && !all.contains(&secret));
    }
}
