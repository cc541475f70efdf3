//! Access tokens: JWTs (RFC 9068) that are signed with Ed25519, or with RSA where verifiers know nothing
//! else.
//!
//! The algorithm is not chosen by the token: each key has its own, and a header that names another one is
//! refused. No key here can verify an HMAC, or nothing at all. So neither `none` nor a public key used as a
//! secret helps.

use super::keys::AuthKeys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashmap::DashMap;
use gametriggers_actors::domain::id::{BrandId, StreamerId, UserId};
use gametriggers_actors::domain::scope::Scopes;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{Principal, SessionId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::sync::Arc;

/// The type of an access token.
const ACCESS: &str = "at+jwt";
/// What the clocks of two nodes may differ by, in seconds.
const SKEW_S: i64 = 60;
/// The longest token that is looked at, in bytes.
const BYTES_MAX: usize = 2048;
/// Tokens whose signature is remembered; when there are more, all are forgotten.
const REMEMBERED_MAX: usize = 20_000;

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

/// What a token says, as it stands in it. Times are unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<i64>,
    scope: String,
    epoch: i64,
    sid: String,
    jti: String,
    iat: i64,
    exp: i64,
}

/// A token that was read: who it speaks for, and what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Who signed in.
    pub user: UserId,
    /// For whom they act.
    pub acts_for: Principal,
    /// What it may do.
    pub scopes: Scopes,
    /// The user's epoch at that time.
    pub epoch: i64,
    /// The sign-in that it follows from.
    pub session: SessionId,
    /// It is dead from then on.
    pub expires: UnixMillis,
}

/// Makes and reads access tokens.
pub struct Tokens {
    keys: Arc<AuthKeys>,
    issuer: String,
    audience: String,
    life: Millis,
    /// Tokens whose signature was found good, by hash: a signature costs more than a whole request else. What
    /// may change, the time and the revocation, is looked at each time.
    remembered: DashMap<[u8; 32], Pass>,
}

/// What a principal is called in tokens and answers, and its id.
#[must_use]
pub fn named(principal: Principal) -> (&'static str, Option<i64>) {
    match principal {
        Principal::Brand(BrandId(id)) => ("brand", Some(id)),
        Principal::Streamer(StreamerId(id)) => ("streamer", Some(id)),
        Principal::Overlay(StreamerId(id)) => ("overlay", Some(id)),
        Principal::Admin => ("admin", None),
    }
}

/// The principal of a name and an id.
pub(super) fn principal(kind: &str, id: Option<i64>) -> Option<Principal> {
    match (kind, id) {
        ("brand", Some(id)) => Some(Principal::Brand(BrandId(id))),
        ("streamer", Some(id)) => Some(Principal::Streamer(StreamerId(id))),
        ("admin", None) => Some(Principal::Admin),
        _ => None,
    }
}

/// Bytes of base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn part(text: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(text).unwrap_or_default())
}

impl Tokens {
    /// Tokens of one installation: `issuer` and `audience` stand in each.
    #[must_use]
    pub fn new(keys: Arc<AuthKeys>, issuer: String, audience: String, life: Millis) -> Self {
        Self { keys, issuer, audience, life, remembered: DashMap::new() }
    }

    /// A new token; `unique` are random bytes. `expires` of the pass is set here.
    #[must_use]
    pub fn issue(&self, pass: &Pass, unique: [u8; 16], now: UnixMillis) -> String {
        let (kind, owner_id) = named(pass.acts_for);
        let iat = now.0.div_euclid(1000);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: pass.user.to_string(),
            kind: kind.to_owned(),
            owner_id,
            scope: pass.scopes.codes().join(" "),
            epoch: pass.epoch,
            sid: URL_SAFE_NO_PAD.encode(pass.session.0),
            jti: URL_SAFE_NO_PAD.encode(unique),
            iat,
            exp: iat.saturating_add(self.life.0.div_euclid(1000)),
        };
        self.sign(ACCESS, &claims)
    }

    /// Claims of a type, signed.
    pub(super) fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let (kid, algorithm) = self.keys.signs_with();
        let header = Header {
            alg: algorithm.name().to_owned(),
            typ: typ.to_owned(),
            kid: kid.to_string(),
            crit: None,
        };
        let body = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.keys.sign(body.as_bytes()));
        format!("{body}.{signature}")
    }

    /// Reads a token that is signed by one of the keys, of this installation, and not over. Whether it was
    /// revoked is another question.
    #[must_use]
    pub fn read(&self, token: &str, now: UnixMillis) -> Option<Pass> {
        if token.len() > BYTES_MAX {
            return None;
        }
        let hash: [u8; 32] = sha2::Sha256::digest(token.as_bytes()).into();
        let known = self.remembered.get(&hash).map(|pass| *pass);
        let pass = match known {
            Some(pass) => pass,
            None => {
                let pass = self.verify(token, now)?;
                if self.remembered.len() >= REMEMBERED_MAX {
                    self.remembered.clear();
                }
                self.remembered.insert(hash, pass);
                pass
            }
        };
        (now < pass.expires).then_some(pass)
    }

    /// The claims of a text of a type that one of the keys has signed.
    pub(super) fn open<C: DeserializeOwned>(&self, typ: &str, text: &str) -> Option<C> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let (body, signature) = text.rsplit_once('.')?;
        let (header, claims) = body.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        if header.typ != typ || header.crit.is_some() {
            return None;
        }
        let key = (header.kid.parse().ok()?, header.alg.as_str());
        if !self.keys.verifies(key, body.as_bytes(), &decode(signature)?) {
            return None;
        }
        serde_json::from_slice(&decode(claims)?).ok()
    }

    /// Whether a text is of this installation, and was not made in the future.
    pub(super) fn is_ours(&self, issuer: &str, audience: &str, (iat, now): (i64, UnixMillis)) -> bool {
        let latest = now.0.div_euclid(1000).saturating_add(SKEW_S);
        issuer == self.issuer && audience == self.audience && iat <= latest
    }

    /// What stands in everything that is issued: issuer and audience.
    pub(super) fn names(&self) -> (String, String) {
        (self.issuer.clone(), self.audience.clone())
    }

    fn verify(&self, token: &str, now: UnixMillis) -> Option<Pass> {
        let claims: Claims = self.open(ACCESS, token)?;
        if !self.is_ours(&claims.iss, &claims.aud, (claims.iat, now)) {
            return None;
        }
        let acts_for = principal(&claims.kind, claims.owner_id)?;
        Some(Pass {
            user: UserId(claims.sub.parse().ok()?),
            acts_for,
            scopes: Scopes::parse(&claims.scope)?.and(acts_for.scopes()),
            epoch: claims.epoch,
            session: SessionId(decode(&claims.sid)?.try_into().ok()?),
            expires: UnixMillis(claims.exp.checked_mul(1000)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::keys;
    use super::super::signer::Algorithm;
    use super::super::signer::tests::openssl;
    use super::*;
    use serde_json::{Value, json};

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn tokens(kids: &[u32]) -> Tokens {
        let of = |text: &str| text.to_owned();
        Tokens::new(Arc::new(keys(kids)), of("https://ads.example"), of("gametriggers"), Millis::minutes(10))
    }

    fn pass() -> Pass {
        Pass {
            user: UserId(7),
            acts_for: Principal::Brand(BrandId(3)),
            scopes: Scopes::BRAND,
            epoch: 2,
            session: SessionId([9; 16]),
            expires: NOW + Millis::minutes(10),
        }
    }

    fn parts(token: &str) -> (Value, Value, String) {
        let parts: Vec<&str> = token.split('.').collect();
        let json = |at: usize| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[at]).unwrap()).unwrap();
        (json(0), json(1), parts[2].to_owned())
    }

    /// A token with these parts, signed as the installation would.
    fn signed(tokens: &Tokens, header: &Value, claims: &Value) -> String {
        let body = format!("{}.{}", part(header), part(claims));
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(tokens.keys.sign(body.as_bytes())))
    }

    #[test]
    fn a_token_says_what_it_was_made_of_until_its_time_is_over() {
        let tokens = tokens(&[1]);
        let admin = Pass { acts_for: Principal::Admin, scopes: Scopes::NONE, ..pass() };
        for pass in [pass(), admin] {
            let token = tokens.issue(&pass, [1; 16], NOW);
            for _ in 0..2 {
                assert_eq!(tokens.read(&token, NOW), Some(pass), "remembered or not");
            }
            assert_eq!(tokens.read(&token, NOW + Millis(599_999)), Some(pass));
            assert_eq!(tokens.read(&token, NOW + Millis(600_000)), None);
        }
        let (header, claims, _) = parts(&tokens.issue(&pass(), [1; 16], NOW));
        assert_eq!(header, json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "1" }));
        for (name, value) in [("sub", json!("7")), ("type", json!("brand")), ("owner_id", json!(3))] {
            assert_eq!(claims[name], value);
        }
        let scope = "campaigns:read campaigns:write wallet:read wallet:write assets:write rules:read \
                     keys:read \
                     keys:write";
        assert_eq!((&claims["scope"], &claims["exp"]), (&json!(scope), &json!(1_700_000_600)));
    }

    #[test]
    fn the_algorithm_is_ours_to_say() {
        let tokens = tokens(&[1]);
        let good = tokens.issue(&pass(), [1; 16], NOW);
        let (header, claims, _) = parts(&good);
        let (head, rest) = good.split_once('.').unwrap();
        for alg in ["none", "None", "NONE", "", "HS256", "RS256", "ES256", "Ed25519", "eddsa"] {
            let mut other = header.clone();
            other["alg"] = json!(alg);
            // With the signature of the real one, without any, and signed anew by our own key.
            let body = rest.split_once('.').unwrap().0;
            for token in [
                format!("{}.{rest}", part(&other)),
                format!("{}.{body}.", part(&other)),
                format!("{}.{body}", part(&other)),
                signed(&tokens, &other, &claims),
            ] {
                assert_eq!(tokens.read(&token, NOW), None, "{alg}: {token}");
            }
            // Key confusion: the public key, which everybody has, as the secret of an HMAC.
            let message = format!("{}.{body}", part(&other));
            let public =
                serde_json::to_value(&tokens.keys.public()[0]).unwrap()["x"].as_str().unwrap().to_owned();
            for secret in [public.clone().into_bytes(), URL_SAFE_NO_PAD.decode(&public).unwrap()] {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
                let code = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()));
                assert_eq!(tokens.read(&format!("{message}.{code}"), NOW), None, "{alg} with the public key");
            }
        }
        assert!(!head.is_empty() && tokens.read(&good, NOW).is_some(), "the real one is good");
    }

    #[test]
    fn a_key_verifies_by_its_own_algorithm_only() {
        let pem = openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048");
        let with = |algorithm| {
            let keys = keys(&[1]).with_rsa(&[(7, pem.clone())], algorithm).unwrap();
            let of = |text: &str| text.to_owned();
            Tokens::new(Arc::new(keys), of("https://ads.example"), of("gametriggers"), Millis::minutes(10))
        };
        let (rsa, edwards) = (with(Algorithm::Rs256), with(Algorithm::EdDsa));
        let good = rsa.issue(&pass(), [1; 16], NOW);
        let (header, claims, signature) = parts(&good);
        assert_eq!(header, json!({ "alg": "RS256", "typ": "at+jwt", "kid": "7" }));
        let old = edwards.issue(&pass(), [1; 16], NOW);
        for tokens in [&rsa, &edwards] {
            assert_eq!(tokens.read(&good, NOW), Some(pass()));
            assert_eq!(tokens.read(&old, NOW), Some(pass()), "signed before the change");
        }
        let public = serde_json::to_value(&rsa.keys.public()[0]).unwrap();
        assert_eq!((&public["kid"], &public["kty"]), (&json!("7"), &json!("RSA")));
        for (kid, algs) in [("7", ["EdDSA", "HS256", "none"]), ("1", ["RS256", "HS256", "none"])] {
            for alg in algs {
                let header = json!({ "alg": alg, "typ": "at+jwt", "kid": kid });
                let body = format!("{}.{}", part(&header), part(&claims));
                let own = [&rsa, &edwards].map(|tokens| signed(tokens, &header, &claims));
                let mut all = vec![format!("{body}."), body.clone(), format!("{body}.{signature}")];
                all.extend(own);
                // The public key as the secret of an HMAC: as it stands, and its bytes.
                let n = public["n"].as_str().unwrap();
                let secrets = [n.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(n).unwrap()];
                for secret in secrets {
                    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
                    let code = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, body.as_bytes()));
                    all.push(format!("{body}.{code}"));
                }
                for token in all {
                    assert_eq!(rsa.read(&token, NOW), None, "{kid} with {alg}: {token}");
                    assert_eq!(edwards.read(&token, NOW), None, "{kid} with {alg}: {token}");
                }
            }
        }
        // The right algorithm of the wrong key.
        let crossed = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "1" });
        assert_eq!(rsa.read(&signed(&rsa, &crossed, &claims), NOW), None);
        let crossed = json!({ "alg": "RS256", "typ": "at+jwt", "kid": "7" });
        assert_eq!(rsa.read(&signed(&edwards, &crossed, &claims), NOW), None);
        assert_eq!(tokens(&[1]).read(&good, NOW), None, "who has not the key");
    }

    #[test]
    fn a_number_is_of_one_key_and_what_signs_is_there() {
        let pem = openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048");
        let with = |kids: &[u32], algorithm| {
            let rsa: Vec<_> = kids.iter().map(|kid| (*kid, pem.clone())).collect();
            keys(&[1, 2]).with_rsa(&rsa, algorithm).map(|keys| keys.signs_with())
        };
        assert_eq!(with(&[], Algorithm::EdDsa), Some((1, Algorithm::EdDsa)));
        assert_eq!(with(&[7, 8], Algorithm::EdDsa), Some((1, Algorithm::EdDsa)));
        assert_eq!(with(&[7, 8], Algorithm::Rs256), Some((7, Algorithm::Rs256)));
        assert_eq!(with(&[], Algorithm::Rs256), None);
        assert_eq!(with(&[1], Algorithm::EdDsa), None);
        assert_eq!(with(&[2], Algorithm::Rs256), None);
        assert_eq!(with(&[7, 7], Algorithm::Rs256), None);
    }

    #[test]
    fn what_is_not_ours_or_was_changed_is_refused() {
        let tokens = tokens(&[1]);
        let good = tokens.issue(&pass(), [1; 16], NOW);
        let (header, claims, _) = parts(&good);
        let refuse = |header: &Value, claims: &Value, why: &str| {
            assert_eq!(tokens.read(&signed(&tokens, header, claims), NOW), None, "{why}");
        };
        for (name, value) in [
            ("iss", json!("https://other.example")),
            ("aud", json!("other")),
            ("aud", json!(["gametriggers"])),
            ("sub", json!("x")),
            ("type", json!("overlay")),
            ("type", json!("admin")),
            ("owner_id", json!("3")),
            ("scope", json!("everything")),
            ("epoch", json!("2")),
            ("sid", json!("AA")),
            ("iat", json!(1_700_000_061)),
            ("exp", json!("1700000600")),
            ("exp", json!(null)),
            ("exp", json!(i64::MAX)),
            ("exp", json!(1_700_000_000)),
        ] {
            let mut other = claims.clone();
            other[name] = value.clone();
            refuse(&header, &other, &format!("{name}={value}"));
        }
        for name in ["iss", "aud", "sub", "type", "owner_id", "scope", "epoch", "sid", "jti", "iat", "exp"] {
            let mut other = claims.clone();
            other.as_object_mut().unwrap().remove(name);
            refuse(&header, &other, &format!("without {name}"));
        }
        for (name, value) in
            [("typ", json!("JWT")), ("kid", json!("2")), ("kid", json!("../1")), ("crit", json!(["exp"]))]
        {
            let mut other = header.clone();
            other[name] = value.clone();
            refuse(&other, &claims, &format!("{name}={value}"));
        }
        for odd in ["", ".", "..", "a.b.c", "é.é.é", &"a".repeat(5000), &good[1..], &format!("{good}.x")] {
            assert_eq!(tokens.read(odd, NOW), None, "{odd}");
        }
        for at in (0..good.len()).step_by(7) {
            let mut other = good.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(tokens.read(&String::from_utf8(other).unwrap(), NOW), None, "changed at {at}");
        }
        assert!(tokens.read(&good, NOW).is_some());
    }

    #[test]
    fn a_token_has_no_more_scopes_than_its_kind_may_have() {
        let tokens = tokens(&[1]);
        let token = tokens.issue(&Pass { scopes: Scopes::ADMIN, ..pass() }, [1; 16], NOW);
        assert_eq!(tokens.read(&token, NOW).unwrap().scopes, Scopes::BRAND);
    }

    #[test]
    fn keys_are_rotated_with_overlap() {
        let (old, both, new) = (tokens(&[1]), tokens(&[2, 1]), tokens(&[2]));
        let (first, second) = (old.issue(&pass(), [1; 16], NOW), both.issue(&pass(), [1; 16], NOW));
        assert_eq!(parts(&second).0["kid"], "2");
        assert!(both.read(&first, NOW).is_some() && both.read(&second, NOW).is_some());
        assert!(new.read(&first, NOW).is_none() && new.read(&second, NOW).is_some());
        let public = serde_json::to_value(both.keys.public()).unwrap();
        assert_eq!((&public[0]["kid"], &public[1]["kid"]), (&json!("2"), &json!("1")));
    }
}
