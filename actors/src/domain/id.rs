//! Typed ids: a campaign's id can not be passed where a streamer's is meant.

use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// An advertiser.
    BrandId;
    /// A campaign of a brand.
    CampaignId;
    /// One creative of a campaign.
    CreativeId;
    /// A streamer.
    StreamerId;
    /// A conflict rule.
    RuleId;
    /// An override of conflict rules.
    OverrideId;
    /// Who is told of events over HTTP.
    EndpointId;
    /// An event for an endpoint.
    DeliveryId;
    /// A slice of a campaign's budget, held by one node in one epoch.
    LeaseId;
    /// Somebody who signs in.
    UserId;
}

/// A play: a UUID of version 7, minted by the server. It is the idempotency key of the claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayId(pub Uuid);

impl PlayId {
    /// A new id from the time and ten random bytes.
    #[must_use]
    pub fn mint(now: super::time::UnixMillis, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.0).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The lowest id of a moment: what was minted then or later is not below it.
    #[must_use]
    pub fn first_at(moment: super::time::UnixMillis) -> Self {
        Self::mint(moment, [0; 10])
    }

    /// When it was minted, to the millisecond: when its slot was used.
    #[must_use]
    pub fn minted(self) -> super::time::UnixMillis {
        let [a, b, c, d, e, f, ..] = self.bytes();
        super::time::UnixMillis(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// The id of a viewer's click on this play: the same play and viewer give the same id, so a click is
    /// written once however often it arrives. It begins with the time of the play, so that both are kept
    /// in the same place.
    #[must_use]
    pub fn click(self, viewer: &[u8]) -> Self {
        use sha2::Digest;
        let mut hash = sha2::Sha256::new();
        hash.update(b"gametriggers click v2");
        hash.update(self.0.as_bytes());
        hash.update(viewer);
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0_u8; 16];
        let time = self.0.as_bytes().iter().take(6).copied();
        bytes.iter_mut().zip(time.chain(digest)).for_each(|(to, from)| *to = from);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The first and the last id that begin with the same time: the clicks of a play are between them.
    #[must_use]
    pub fn neighbours(self) -> (Self, Self) {
        let (mut first, mut last) = (self.bytes(), self.bytes());
        first.iter_mut().skip(6).for_each(|byte| *byte = 0);
        last.iter_mut().skip(6).for_each(|byte| *byte = 0xff);
        (Self(uuid::Uuid::from_bytes(first)), Self(uuid::Uuid::from_bytes(last)))
    }

    /// The sixteen bytes, in network order.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        *self.0.as_bytes()
    }
}

impl fmt::Display for PlayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for PlayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PlayId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixMillis;

    #[test]
    fn ids_order_by_time_and_read_back() {
        let early = PlayId::mint(UnixMillis(1_700_000_000_000), [9; 10]);
        let late = PlayId::mint(UnixMillis(1_700_000_000_001), [0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<PlayId>().unwrap(), early);
        assert_eq!(early.0.get_version_num(), 7);
        assert_eq!(early.minted(), UnixMillis(1_700_000_000_000));
    }

    #[test]
    fn clicks_of_a_play_are_distinct_and_repeatable() {
        let play = PlayId::mint(UnixMillis(1), [7; 10]);
        assert_eq!(play.click(b"a"), play.click(b"a"));
        assert_ne!(play.click(b"a"), play.click(b"b"));
        assert_ne!(play.click(b""), play);
    }

    #[test]
    fn an_id_says_when_it_was_minted() {
        let at = UnixMillis(1_785_000_000_123);
        let play = PlayId::mint(at, [255; 10]);
        assert_eq!((play.minted(), play.click(b"c").minted()), (at, at));
    }

    #[test]
    fn a_click_keeps_the_time_of_its_play() {
        let play = PlayId::mint(UnixMillis(1_700_000_000_123), [7; 10]);
        let click = play.click(b"a");
        assert_eq!(click.bytes()[..6], play.bytes()[..6]);
        assert_eq!(click.0.get_version_num(), 8);
        let (first, last) = play.neighbours();
        assert!(first < click && click < last && first < play && play < last);
        // The next play differs in its chance only, and so do their clicks.
        let other = PlayId::mint(UnixMillis(1_700_000_000_123), [8; 10]);
        assert_ne!(other.click(b"a"), click);
    }
}
