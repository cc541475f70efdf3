//! The debit token: signed, self-contained, single use.
//!
//! It carries everything that settling a claim needs, so any node can settle it after any crash.
//! Layout, big endian: version, key id, terms of fixed length, HMAC-SHA-256 over all before it.
//! It travels as base64url without padding. The nonce of the play is in it as a truncated hash:
//! who has the token but was not told the nonce can not claim.

use super::id::{CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use super::money::{Currency, Micros, Split};
use super::reason::Reason;
use super::settlement::{Debit, EventKind};
use super::time::{Millis, UnixMillis};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const MAC_LENGTH: usize = 32;
const TERMS_LENGTH: usize = 16 + 8 * 4 + 3 + 8 * 3 + 4 + 8 * 2 + 4 + 16;
/// Length of a token in bytes.
pub const LENGTH: usize = 1 + 4 + TERMS_LENGTH + MAC_LENGTH;

/// Claims are accepted this long after a token's end, for clocks and queues.
pub const SKEW: Millis = Millis::seconds(30);

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The play.
    pub play: PlayId,
    /// The lease that pays.
    pub lease: LeaseId,
    /// The campaign that pays.
    pub campaign: CampaignId,
    /// Whose claim it is.
    pub streamer: StreamerId,
    /// What is shown.
    pub creative: CreativeId,
    /// The currency of the split.
    pub currency: Currency,
    /// Price, fee and earning.
    pub split: Split,
    /// The audience when the price was fixed.
    pub viewers: u32,
    /// When it was issued.
    pub issued: UnixMillis,
    /// When it ends.
    pub expires: UnixMillis,
    /// Continuous time on screen that is asked for.
    pub viewable_after: Millis,
    /// Truncated hash of the nonce.
    pub nonce_hash: [u8; 16],
}

impl Terms {
    /// The debit of the play itself.
    #[must_use]
    pub const fn debit(&self, occurred: UnixMillis) -> Debit {
        Debit {
            event: self.play,
            kind: EventKind::Play,
            play: self.play,
            lease: self.lease,
            campaign: self.campaign,
            streamer: self.streamer,
            creative: self.creative,
            currency: self.currency,
            split: self.split,
            viewers: self.viewers,
            occurred,
        }
    }

    /// The moment from which no claim can be accepted any more.
    #[must_use]
    pub fn dead(&self) -> UnixMillis {
        self.expires + SKEW
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LENGTH);
        out.extend_from_slice(&self.play.bytes());
        for id in [self.lease.0, self.campaign.0, self.streamer.0, self.creative.0] {
            out.extend_from_slice(&id.to_be_bytes());
        }
        out.extend_from_slice(&self.currency.bytes());
        for amount in [self.split.price.0, self.split.fee.0, self.split.earn.0] {
            out.extend_from_slice(&amount.to_be_bytes());
        }
        out.extend_from_slice(&self.viewers.to_be_bytes());
        for at in [self.issued.0, self.expires.0] {
            out.extend_from_slice(&at.to_be_bytes());
        }
        out.extend_from_slice(&u32::try_from(self.viewable_after.0).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&self.nonce_hash);
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let terms = Self {
            play: PlayId(uuid::Uuid::from_bytes(from.take()?)),
            lease: LeaseId(from.i64()?),
            campaign: CampaignId(from.i64()?),
            streamer: StreamerId(from.i64()?),
            creative: CreativeId(from.i64()?),
            currency: std::str::from_utf8(&from.take::<3>()?).ok()?.parse().ok()?,
            split: Split { price: Micros(from.i64()?), fee: Micros(from.i64()?), earn: Micros(from.i64()?) },
            viewers: u32::from_be_bytes(from.take()?),
            issued: UnixMillis(from.i64()?),
            expires: UnixMillis(from.i64()?),
            viewable_after: Millis(i64::from(u32::from_be_bytes(from.take()?))),
            nonce_hash: from.take()?,
        };
        from.0.is_empty().then_some(terms)
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }
}

/// The truncated hash of a nonce.
#[must_use]
pub fn nonce_hash(nonce: &str) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(nonce.as_bytes()).into();
    let mut hash = [0; 16];
    hash.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    hash
}

/// A signing key with its id.
#[derive(Clone)]
pub struct SigningKey {
    /// Names the key in a token.
    pub kid: u32,
    /// 32 random bytes.
    pub secret: [u8; 32],
}

/// The keys that are valid: the first one signs, all of them verify.
#[derive(Clone)]
pub struct TokenKeys {
    first: SigningKey,
    older: Vec<SigningKey>,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKeys(kid {}, {} older)", self.first.kid, self.older.len())
    }
}

impl TokenKeys {
    /// The first key signs, the older ones only verify.
    #[must_use]
    pub const fn new(first: SigningKey, older: Vec<SigningKey>) -> Self {
        Self { first, older }
    }

    fn mac(key: &SigningKey, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret).expect("HMAC takes a key of any length");
        mac.update(b"gametriggers debit v1");
        mac.update(bytes);
        mac
    }

    /// Signs.
    #[must_use]
    pub fn sign(&self, terms: &Terms) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.first.kid.to_be_bytes());
        out.extend_from_slice(&terms.bytes());
        let mac = Self::mac(&self.first, &out).finalize().into_bytes();
        out.extend_from_slice(&mac);
        out
    }

    /// Verifies a token and its nonce. Whether it has expired is for the caller to ask.
    ///
    /// # Errors
    /// `bad_token`, or `bad_nonce`.
    pub fn verify(&self, token: &[u8], nonce: &str) -> Result<Terms, Reason> {
        let (signed, tag) = token.split_last_chunk::<MAC_LENGTH>().ok_or(Reason::BadToken)?;
        let mut from = Reader(signed);
        let version: [u8; 1] = from.take().ok_or(Reason::BadToken)?;
        let kid = from.take().map(u32::from_be_bytes).ok_or(Reason::BadToken)?;
        let mut keys = std::iter::once(&self.first).chain(&self.older);
        let key = keys.find(|key| key.kid == kid).ok_or(Reason::BadToken)?;
        Self::mac(key, signed).verify_slice(tag).map_err(|_| Reason::BadToken)?;
        let terms = Terms::read(from.0).filter(|_| version == [VERSION]).ok_or(Reason::BadToken)?;
        if subtle::ConstantTimeEq::ct_ne(&terms.nonce_hash[..], &nonce_hash(nonce)[..]).into() {
            return Err(Reason::BadNonce);
        }
        Ok(terms)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::money::FeeBps;
    use proptest::prelude::*;

    pub(crate) fn keys() -> TokenKeys {
        TokenKeys::new(SigningKey { kid: 1, secret: [7; 32] }, vec![])
    }

    pub(crate) fn terms(price: i64) -> Terms {
        Terms {
            play: PlayId::mint(UnixMillis(1_700_000_000_000), [3; 10]),
            lease: LeaseId(4),
            campaign: CampaignId(5),
            streamer: StreamerId(6),
            creative: CreativeId(7),
            currency: Currency::INR,
            split: Split::of(Micros(price), FeeBps::new(2000).unwrap()).unwrap(),
            viewers: 120,
            issued: UnixMillis(1_700_000_000_000),
            expires: UnixMillis(1_700_000_600_000),
            viewable_after: Millis(1000),
            nonce_hash: nonce_hash("nonce"),
        }
    }

    #[test]
    fn a_token_reads_back() {
        let token = keys().sign(&terms(1000));
        assert_eq!(token.len(), LENGTH);
        assert_eq!(keys().verify(&token, "nonce"), Ok(terms(1000)));
        assert_eq!(keys().verify(&token, "other"), Err(Reason::BadNonce));
    }

    #[test]
    fn an_older_key_still_verifies_and_a_foreign_one_does_not() {
        let old = SigningKey { kid: 1, secret: [7; 32] };
        let new = SigningKey { kid: 2, secret: [8; 32] };
        let token = keys().sign(&terms(1000));
        assert!(TokenKeys::new(new.clone(), vec![old]).verify(&token, "nonce").is_ok());
        assert_eq!(TokenKeys::new(new, vec![]).verify(&token, "nonce"), Err(Reason::BadToken));
        let same_id = TokenKeys::new(SigningKey { kid: 1, secret: [9; 32] }, vec![]);
        assert_eq!(same_id.verify(&token, "nonce"), Err(Reason::BadToken));
    }

    proptest! {
        #[test]
        fn any_changed_byte_makes_a_forgery(at in 0..LENGTH, flip in 1_u8.., price in 0_i64..) {
            let mut token = keys().sign(&terms(price));
            token[at] ^= flip;
            prop_assert_eq!(keys().verify(&token, "nonce"), Err(Reason::BadToken));
        }

        #[test]
        fn garbage_of_any_length_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(keys().verify(&bytes, "nonce"), Err(Reason::BadToken));
        }
    }
}
