//! What signs access tokens: a key and the one algorithm that belongs to it.
//!
//! A token names its key, and the key knows how it verifies. So a token that names another algorithm than its
//! key has is refused, whatever its signature is.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use schemars::JsonSchema;
use serde::Serialize;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// RSA with PKCS #1 padding and SHA-256, for verifiers that know nothing newer.
    Rs256,
}

impl Algorithm {
    /// As the header of a token has it (RFC 7518, RFC 8037).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

/// A key with its number.
pub(super) struct Signer {
    pub(super) kid: u32,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// A public key as RFC 7517 has it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Jwk {
    /// The algorithm of RFC 7518 or RFC 8037.
    #[schemars(extend("enum" = ["EdDSA", "RS256"]))]
    alg: &'static str,
    /// What it is for: `sig`.
    #[serde(rename = "use")]
    #[schemars(extend("const" = "sig"))]
    usage: &'static str,
    /// The name that stands in the head of tokens.
    #[schemars(example = &"2026-11")]
    kid: String,
    #[serde(flatten)]
    numbers: Numbers,
}

/// What is different from one kind of key to the other.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kty")]
enum Numbers {
    /// A key of an Edwards curve.
    #[serde(rename = "OKP")]
    Edwards {
        /// The curve: `Ed25519`.
        #[schemars(extend("const" = "Ed25519"))]
        crv: &'static str,
        /// The point, in base64url.
        #[schemars(example = &"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
        x: String,
    },
    /// An RSA key.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus, in base64url.
        n: String,
        /// The exponent, in base64url.
        e: String,
    },
}

/// The DER of an RSA key of 2048 to 4096 bits, as `openssl genpkey` writes it in PEM.
fn rsa(pem: &str) -> Option<RsaKeyPair> {
    let (label, rest) = pem.trim().strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let body = rest.strip_suffix(&format!("-----END {label}-----"))?;
    let der = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
    match label {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der).ok(),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok(),
        _ => None,
    }
}

impl Signer {
    pub(super) fn ed25519(kid: u32, seed: &[u8; 32]) -> Option<Self> {
        Some(Self { kid, pair: Pair::Ed25519(Ed25519KeyPair::from_seed_unchecked(seed).ok()?) })
    }

    /// A key in PEM; none when it is no RSA key, is shorter than 2048 bits or longer than 4096, or does not
    /// fit together.
    pub(super) fn rs256(kid: u32, pem: &str) -> Option<Self> {
        let signer = Self { kid, pair: Pair::Rsa(Box::new(rsa(pem)?)) };
        // So that no later signature fails.
        signer.verifies(b"", &signer.sign(b"")).then_some(signer)
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Ed25519(_) => Algorithm::EdDsa,
            Pair::Rsa(_) => Algorithm::Rs256,
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
                // An empty signature is good nowhere.
                signed.map_or_else(|_| Vec::new(), |()| signature)
            }
        }
    }

    /// Whether a signature is this key's, by its own algorithm.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.pair {
            Pair::Ed25519(pair) => {
                UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref()).verify(message, signature)
            }
            Pair::Rsa(pair) => {
                let public = pair.public_key().as_ref();
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(message, signature)
            }
        };
        verified.is_ok()
    }

    pub(super) fn public(&self) -> Jwk {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let numbers = match &self.pair {
            Pair::Ed25519(pair) => Numbers::Edwards { crv: "Ed25519", x: text(pair.public_key().as_ref()) },
            Pair::Rsa(pair) => {
                let PublicKeyComponents { n, e }: PublicKeyComponents<Vec<u8>> = pair.public_key().into();
                Numbers::Rsa { n: text(&n), e: text(&e) }
            }
        };
        Jwk { alg: self.algorithm().name(), usage: "sig", kid: self.kid.to_string(), numbers }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::process::Command;

    /// What `openssl` makes of this.
    pub(in crate::identity) fn openssl(arguments: &str) -> String {
        let made = Command::new("openssl").args(arguments.split(' ')).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap()
    }

    #[test]
    fn only_a_whole_rsa_key_of_2048_bits_or_more_signs() {
        let make = |bits| openssl(&format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"));
        let pem = make(2048);
        let signer = Signer::rs256(3, &format!("\n{pem}\n")).unwrap();
        let signature = signer.sign(b"message");
        assert!(signature.len() == 256 && signer.verifies(b"message", &signature));
        assert!(!signer.verifies(b"massage", &signature) && !signer.verifies(b"message", b""));
        let public = serde_json::to_value(signer.public()).unwrap();
        assert_eq!(
            (&public["kty"], &public["alg"], &public["kid"]),
            (&"RSA".into(), &"RS256".into(), &"3".into())
        );
        assert_eq!(public["e"], "AQAB");
        assert!(public["d"].is_null() && public["p"].is_null() && public["x"].is_null());
        for bad in [
            String::new(),
            pem[..pem.len() / 2].to_owned(),
            pem.replace("PRIVATE", "PUBLIC"),
            make(1024),
            openssl("genpkey -algorithm ED25519"),
        ] {
            assert!(Signer::rs256(3, &bad).is_none(), "{bad}");
        }
    }
}
