//! What one simulated overlay is and how it behaves.

use crate::random::Random;
use gametriggers_protocol::overlay::{Active, HostKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// One overlay: where it connects, as whom, and its habits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server.
    pub server: SocketAddr,
    /// The overlay key.
    pub key: String,
    /// The number by which the observer knows this overlay.
    pub number: u32,
    /// The local address to connect from. Ten thousand sockets need more than one: each has
    /// some 28 000 ports towards the same server.
    pub source: Option<Ipv4Addr>,
    /// The receive buffer asked of the kernel, in bytes; its default when none.
    pub receive_buffer: Option<u32>,
    /// The program that the page claims to run in.
    pub host: HostKind,
    /// Whether that program says that it streams.
    pub streaming: Option<bool>,
    /// Jitter, instance id and repeated claims follow from it, from the key and from the number.
    pub seed: u64,
    /// Waits between two attempts to connect.
    pub backoff: Backoff,
    /// How long loading and showing take.
    pub screen: Screen,
    /// Of a hundred settled claims, so many are sent once more: the server must answer `duplicate`.
    pub repeat_claim_percent: u8,
    /// Claims wait in the outbox until then.
    pub claims_from: Option<Instant>,
    /// Stop reading at some point.
    pub stall: Option<Stall>,
}

impl Settings {
    /// An OBS page at that server with that key, and the habits of the real page.
    #[must_use]
    pub fn new(server: SocketAddr, key: impl Into<String>) -> Self {
        Self {
            server,
            key: key.into(),
            number: 0,
            source: None,
            receive_buffer: None,
            host: HostKind::Obs,
            streaming: Some(true),
            seed: 0,
            backoff: Backoff::default(),
            screen: Screen::default(),
            repeat_claim_percent: 0,
            claims_from: None,
            stall: None,
        }
    }

    /// The same from the address that a streamer pastes into OBS, `http://HOST:PORT/overlay/#k=KEY`
    /// with a numeric host. None when it is not such an address.
    #[must_use]
    pub fn from_overlay_url(url: &str) -> Option<Self> {
        let (address, fragment) = url.strip_prefix("http://")?.split_once('#')?;
        let authority = address.split('/').next()?;
        let key = fragment.split('&').find_map(|part| part.strip_prefix("k="))?;
        if key.is_empty() {
            return None;
        }
        Some(Self::new(authority.parse().ok()?, key))
    }

    /// A seed that no other overlay has, also when nobody numbers or seeds them: without it a
    /// thousand of them would come back in step.
    pub(crate) fn seed_of_its_own(&self) -> u64 {
        // FNV-1a.
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let key = self.key.bytes().fold(0xcbf2_9ce4_8422_2325, step);
        key ^ self.seed ^ u64::from(self.number).rotate_left(32)
    }

    /// Whether the page believes that it is in the program output.
    #[must_use]
    pub const fn active(&self) -> Active {
        match self.host {
            HostKind::Obs => Active::Active,
            HostKind::ObsLike | HostKind::Generic => Active::Inferred,
        }
    }
}

/// Full jitter: a uniform share of a limit that doubles with each attempt up to a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The limit of the first wait.
    pub first: Duration,
    /// The limit that is never passed.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), cap: Duration::from_secs(15) }
    }
}

impl Backoff {
    /// The wait before attempt number `attempt`, counted from zero.
    pub fn delay(&self, attempt: u32, random: &mut Random) -> Duration {
        let limit = self.first.saturating_mul(1_u32 << attempt.min(10)).min(self.cap);
        random.share(limit)
    }
}

/// How long the page takes for its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// From `prepare` to `prepared`: loading and decoding.
    pub prepare: Duration,
    /// From `play` to the first painted frame.
    pub paint: Duration,
    /// End an ad early, as a page does that is hidden after the viewable time; a video, whose
    /// viewable time is a second longer, that much later. Never longer than the creative's own
    /// duration.
    pub show: Option<Duration>,
}

impl Default for Screen {
    fn default() -> Self {
        Self { prepare: Duration::from_millis(20), paint: Duration::from_millis(33), show: None }
    }
}

/// A reader that stops reading. It never reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// So long after `welcome`.
    pub after: Duration,
    /// Pings sent each second whose pongs are never read; they fill the buffers on the way. With
    /// zero the socket is silent.
    pub pings_per_s: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pasted_address_gives_server_and_key() {
        let settings = Settings::from_overlay_url("http://127.0.0.1:8080/overlay/#k=abc").unwrap();
        assert_eq!(settings.server.port(), 8080);
        assert_eq!(settings.key, "abc");
        for bad in ["http://127.0.0.1:8080/overlay/", "http://127.0.0.1:1/#k=", "http://here/#k=a", "k=a"] {
            assert!(Settings::from_overlay_url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn two_keys_do_not_jitter_in_step() {
        let server = SocketAddr::from(([127, 0, 0, 1], 1));
        let seed = |key: &str| Settings::new(server, key).seed_of_its_own();
        assert_ne!(seed("a"), seed("b"));
        assert_eq!(seed("a"), seed("a"));
    }

    #[test]
    fn waits_grow_to_the_cap_and_no_further() {
        let backoff = Backoff { first: Duration::from_millis(20), cap: Duration::from_millis(200) };
        let mut random = Random::new(1);
        for attempt in 0..40 {
            assert!(backoff.delay(attempt, &mut random) <= Duration::from_millis(200));
        }
        assert!(backoff.delay(0, &mut random) <= Duration::from_millis(20));
    }
}
