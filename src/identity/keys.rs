//! The keys that sign-in depends on. From each configured secret three keys follow, so that none of them is
//! used for two things: one signs access tokens, one makes refresh tokens, one seals what is kept. RSA keys
//! sign access tokens and nothing else.

use super::signer::{Algorithm, Jwk, Signer};
use gametriggers_actors::domain::token::SigningKey;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::{error::Unspecified, hmac};

/// What follows from one secret.
struct AuthKey {
    kid: u32,
    refresh: hmac::Key,
    seal: LessSafeKey,
}

/// The first key of each kind is used; the others still verify and open what was made with them.
pub struct AuthKeys {
    first: AuthKey,
    older: Vec<AuthKey>,
    signer: Signer,
    verifiers: Vec<Signer>,
}

impl std::fmt::Debug for AuthKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuthKeys(kid {}, {} more)", self.signer.kid, self.verifiers.len())
    }
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
    fn new(key: &SigningKey) -> Result<(Self, Signer), Unspecified> {
        let of = |purpose| derive(&key.secret, purpose);
        let signer = Signer::ed25519(key.kid, &of(b"access token")?).ok_or(Unspecified)?;
        let seal = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &of(b"seal")?)?);
        let refresh = hmac::Key::new(hmac::HMAC_SHA256, &of(b"refresh token")?);
        Ok((Self { kid: key.kid, refresh, seal }, signer))
    }
}

impl AuthKeys {
    /// Keys out of secrets; none when one can not be used.
    #[must_use]
    pub fn new(first: &SigningKey, older: &[SigningKey]) -> Option<Self> {
        let (first, signer) = AuthKey::new(first).ok()?;
        let older = older.iter().map(AuthKey::new).collect::<Result<Vec<_>, _>>().ok()?;
        let (older, verifiers) = older.into_iter().unzip();
        Some(Self { first, older, signer, verifiers })
    }

    /// With RSA keys in PEM as well, of which the first signs when `algorithm` says so. None when one can not
    /// be used, has the number of another key, or is needed and not there.
    #[must_use]
    pub fn with_rsa(mut self, keys: &[(u32, String)], algorithm: Algorithm) -> Option<Self> {
        for (kid, pem) in keys {
            if self.signer(*kid).is_some() {
                return None;
            }
            self.verifiers.push(Signer::rs256(*kid, pem)?);
        }
        if algorithm != self.signer.algorithm() {
            let first = self.verifiers.iter_mut().find(|signer| signer.algorithm() == algorithm)?;
            std::mem::swap(&mut self.signer, first);
        }
        Some(self)
    }

    fn all(&self) -> impl Iterator<Item = &AuthKey> {
        std::iter::once(&self.first).chain(&self.older)
    }

    fn signers(&self) -> impl Iterator<Item = &Signer> {
        std::iter::once(&self.signer).chain(&self.verifiers)
    }

    fn signer(&self, kid: u32) -> Option<&Signer> {
        self.signers().find(|signer| signer.kid == kid)
    }

    /// The number of the key that signs, and how it does.
    #[must_use]
    pub fn signs_with(&self) -> (u32, Algorithm) {
        (self.signer.kid, self.signer.algorithm())
    }

    /// Signs an access token.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signer.sign(message)
    }

    /// Whether the key of this number made a signature, by the algorithm of that key, and whether that is the
    /// one that was named.
    #[must_use]
    pub fn verifies(&self, (kid, algorithm): (u32, &str), message: &[u8], signature: &[u8]) -> bool {
        let named = self.signer(kid).filter(|signer| signer.algorithm().name() == algorithm);
        named.is_some_and(|signer| signer.verifies(message, signature))
    }

    /// The public keys, for everybody who wants to verify an access token.
    #[must_use]
    pub fn public(&self) -> Vec<Jwk> {
        self.signers().map(Signer::public).collect()
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
