//! The overlay pages of a streamer and the one among them that gets the plays.

use crate::domain::time::{Millis, UnixMillis};

/// One socket, for as long as it lives. Never used again within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// The kind of program that shows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// OBS, or a fork of it, with its page interface.
    Obs,
    /// OBS by its user agent only.
    ObsLike,
    /// A browser or another program.
    Generic,
}

/// Whether a page is in the program output. OBS has no getter, and three common cases send no
/// event, so there are four answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Active {
    /// An event said no.
    Inactive,
    /// Nobody said anything.
    Unknown,
    /// The page is visible and paints.
    Inferred,
    /// An event said yes.
    Active,
}

/// How a page sees its place in OBS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageStatus {
    /// In the program output?
    pub active: Active,
    /// Shown anywhere.
    pub visible: bool,
    /// Streaming, when the host tells.
    pub streaming: Option<bool>,
}

/// A page that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its socket.
    pub session: SessionId,
    /// Random per page load.
    pub instance_id: Box<str>,
    /// The program that shows it.
    pub host: HostKind,
    /// The plugin's version, in OBS.
    pub plugin_version: Option<Box<str>>,
    /// Chrome's major version.
    pub chrome: Option<u32>,
    /// Page width in CSS pixels.
    pub width: u32,
    /// Page height in CSS pixels.
    pub height: u32,
    /// Its last status.
    pub status: PageStatus,
    /// When the socket opened.
    pub connected: UnixMillis,
}

impl Page {
    /// Fit for plays in this order: in the program output, in OBS, and the newest.
    fn rank(&self) -> (bool, bool, bool, UnixMillis, SessionId) {
        let in_program = self.status.active >= Active::Inferred;
        let obs = self.host != HostKind::Generic;
        (
            in_program && self.status.visible,
            obs,
            self.status.active == Active::Active,
            self.connected,
            self.session,
        )
    }
}

/// The page that gets the plays; at most one. The page that has the play on screen keeps it.
#[must_use]
pub fn primary(pages: &[Page], playing_on: Option<SessionId>) -> Option<SessionId> {
    pages
        .iter()
        .find(|page| Some(page.session) == playing_on)
        .or_else(|| pages.iter().max_by_key(|page| page.rank()))
        .map(|page| page.session)
}

/// What a test ad measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// From `prepare` to the first frame.
    pub painted_after: Millis,
    /// The page that painted it.
    pub page: Page,
    /// Whether ads have sound: the volume is above zero.
    pub sound: bool,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn page(session: u64, host: HostKind, active: Active) -> Page {
        Page {
            session: SessionId(session),
            instance_id: format!("instance-{session}").into(),
            host,
            plugin_version: None,
            chrome: Some(127),
            width: 1920,
            height: 1080,
            status: PageStatus { active, visible: true, streaming: Some(true) },
            connected: UnixMillis(i64::try_from(session).unwrap()),
        }
    }

    #[test]
    fn the_newest_active_obs_page_gets_the_plays() {
        let pages = [
            page(1, HostKind::Obs, Active::Active),
            page(2, HostKind::Obs, Active::Active),
            page(3, HostKind::Generic, Active::Active),
            page(4, HostKind::Obs, Active::Inactive),
        ];
        assert_eq!(primary(&pages, None), Some(SessionId(2)));
        assert_eq!(
            primary(&pages[2..], None),
            Some(SessionId(3)),
            "a page in the program beats one that is not"
        );
        assert_eq!(
            primary(&pages, Some(SessionId(1))),
            Some(SessionId(1)),
            "a play is not torn off its page"
        );
        assert_eq!(primary(&[], None), None);
    }

    #[test]
    fn a_hidden_page_gives_way() {
        let mut hidden = page(9, HostKind::Obs, Active::Active);
        hidden.status.visible = false;
        assert_eq!(
            primary(&[page(1, HostKind::Generic, Active::Inferred), hidden], None),
            Some(SessionId(1))
        );
    }
}
