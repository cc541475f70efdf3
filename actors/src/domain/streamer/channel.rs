//! Where else a streamer is seen: their channels on platforms. A streamer states a handle; what is verified
//! of it, the audience first, is an operator's word, and targeting goes by the leading channel that is
//! verified.

use super::{Platform, ProfileChange};
use crate::domain::time::UnixMillis;
use crate::domain::vetting::Vetting;
use std::sync::Arc;

/// The audience of a channel, as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Followers.
    pub followers: u32,
    /// Viewers of a stream on average; none when nobody looked.
    pub average_viewers: Option<u32>,
    /// When that was so.
    pub seen: UnixMillis,
}

/// A channel. There is one a platform at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Where.
    pub platform: Platform,
    /// The name there.
    pub handle: Arc<str>,
    /// Its address.
    pub url: Option<Arc<str>>,
    /// Whether it is theirs.
    pub state: Vetting,
    /// When an operator decided that.
    pub decided: Option<UnixMillis>,
    /// The audience; only of a channel that is verified.
    pub reach: Option<Reach>,
}

impl Channel {
    /// A channel that a streamer states. What is known of the same one stays.
    #[must_use]
    pub fn stated(platform: Platform, handle: Arc<str>, url: Option<Arc<str>>, before: &[Self]) -> Self {
        let same = |known: &&Self| known.platform == platform && known.handle == handle && known.url == url;
        before.iter().find(same).cloned().unwrap_or(Self {
            platform,
            handle,
            url,
            state: Vetting::Unverified,
            decided: None,
            reach: None,
        })
    }
}

/// The channel that targeting goes by: of those that are verified the one with the most followers, and of
/// equals the first in the order of platforms.
#[must_use]
pub fn leading(channels: &[Channel]) -> Option<(Platform, Reach)> {
    let verified = channels.iter().filter(|channel| channel.state == Vetting::Verified);
    let known = verified.filter_map(|channel| Some((channel.platform, channel.reach?)));
    known.min_by_key(|(platform, reach)| (std::cmp::Reverse(reach.followers), *platform))
}

/// What becomes of targeting when channels change. Without a verified one where there was one, nobody
/// vouches for the followers any more; who never had one keeps what an operator entered.
#[must_use]
pub fn retarget(before: &[Channel], after: &[Channel]) -> ProfileChange {
    match (leading(before), leading(after)) {
        (_, Some((platform, reach))) => ProfileChange {
            platform: Some(platform),
            followers: Some(reach.followers),
            ..ProfileChange::default()
        },
        (Some(_), None) => ProfileChange { followers: Some(0), ..ProfileChange::default() },
        (None, None) => ProfileChange::default(),
    }
}

/// How the streamer stands as a whole: one verified channel is enough.
#[must_use]
pub fn standing(channels: &[Channel]) -> Vetting {
    let any = |state| channels.iter().any(|channel| channel.state == state);
    if any(Vetting::Verified) {
        Vetting::Verified
    } else if any(Vetting::Rejected) {
        Vetting::Rejected
    } else {
        Vetting::Unverified
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(platform: Platform, state: Vetting, followers: u32) -> Channel {
        let reach = Reach { followers, average_viewers: None, seen: UnixMillis(1) };
        let reach = (state == Vetting::Verified).then_some(reach);
        Channel { platform, handle: "nova".into(), url: None, state, decided: None, reach }
    }

    #[test]
    fn targeting_follows_the_largest_channel_that_is_verified() {
        let twitch = channel(Platform::Twitch, Vetting::Verified, 50);
        let kick = channel(Platform::Kick, Vetting::Verified, 50);
        let youtube = channel(Platform::Youtube, Vetting::Unverified, 900);
        let all = [kick, youtube, twitch];
        let change = retarget(&[], &all);
        assert_eq!((change.platform, change.followers), (Some(Platform::Twitch), Some(50)));
        assert_eq!(standing(&all), Vetting::Verified);
        let gone = retarget(&all, &[channel(Platform::Twitch, Vetting::Rejected, 0)]);
        assert_eq!((gone.platform, gone.followers), (None, Some(0)));
        assert_eq!(retarget(&all[1..2], &[]), ProfileChange::default(), "nothing was verified");
    }

    #[test]
    fn another_handle_is_another_channel_of_which_nothing_is_known() {
        let known = [channel(Platform::Twitch, Vetting::Verified, 50)];
        assert_eq!(Channel::stated(Platform::Twitch, "nova".into(), None, &known), known[0]);
        for (platform, handle) in [(Platform::Twitch, "ninja"), (Platform::Kick, "nova")] {
            let stated = Channel::stated(platform, handle.into(), None, &known);
            assert_eq!((stated.state, stated.reach), (Vetting::Unverified, None));
        }
        let moved =
            Channel::stated(Platform::Twitch, "nova".into(), Some("https://x.example/".into()), &known);
        assert_eq!(moved.reach, None);
        assert_eq!(standing(&[moved]), Vetting::Unverified);
        assert_eq!(standing(&[channel(Platform::Kick, Vetting::Rejected, 0)]), Vetting::Rejected);
    }
}
