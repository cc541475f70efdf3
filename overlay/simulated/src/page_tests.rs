//! The page, frame by frame, on a clock that the test moves.

use crate::clock::{Stamp, now};
use crate::page::Page;
use crate::settings::Screen;
use gametriggers_protocol::overlay::{
    Active, Content, Corner, Creative, FromOverlay, Motion, PageSettings, PageStatus, Placement, Play,
    Prepare, SkipReason, ToOverlay, Welcome,
};
use std::time::Duration;

struct Bench {
    page: Page,
    now: Stamp,
}

impl Bench {
    fn new(show_ms: Option<u64>) -> Self {
        let screen = Screen { show: show_ms.map(Duration::from_millis), ..Screen::default() };
        let status = PageStatus { active: Active::Active, visible: true, streaming: Some(true) };
        let mut bench = Self { page: Page::new(screen, status), now: now() };
        bench.welcome();
        bench
    }

    fn welcome(&mut self) -> Vec<FromOverlay> {
        self.hear(ToOverlay::Welcome(Welcome {
            v: 1,
            server_ms: self.now.wall_ms(),
            build: "b".into(),
            heartbeat_ms: 10_000,
            dead_after_ms: 25_000,
            primary: true,
            settings: PageSettings { volume_percent: 0, motion: Motion::Full },
        }))
    }

    fn hear(&mut self, message: ToOverlay) -> Vec<FromOverlay> {
        let mut out = Vec::new();
        self.page.hear(&message, self.now, &mut out);
        out
    }

    fn pass(&mut self, ms: u64) -> Vec<FromOverlay> {
        self.now.at += Duration::from_millis(ms);
        self.now.wall_us += i64::try_from(ms).unwrap() * 1_000;
        let mut out = Vec::new();
        self.page.advance(self.now, &mut out);
        out
    }

    fn prepare(&mut self, play_id: &str) -> Vec<FromOverlay> {
        let not_after_ms = self.now.wall_ms() + 3_000;
        self.hear(ToOverlay::Prepare(Prepare { play_id: play_id.into(), creative: creative(), not_after_ms }))
    }

    fn play(&mut self, play_id: &str, token: Option<&str>) -> Vec<FromOverlay> {
        self.hear(ToOverlay::Play(Play {
            play_id: play_id.into(),
            token: token.map(Into::into),
            nonce: "n".into(),
            not_after_ms: self.now.wall_ms() + 1_000,
        }))
    }

    fn on_screen(&mut self, token: Option<&str>) {
        self.prepare("p");
        assert_eq!(self.pass(20), [FromOverlay::Prepared { play_id: "p".into() }]);
        assert!(self.play("p", token).is_empty());
        assert_eq!(self.pass(33), [FromOverlay::Started { play_id: "p".into() }]);
    }
}

fn creative() -> Creative {
    Creative {
        content: Content::Text { headline: "h".into(), body: String::new() },
        placement: Placement::Corner,
        corner: Corner::TopLeft,
        duration_ms: 3_000,
        label: "Ad".into(),
        brand: "b".into(),
        accent: "#000000".into(),
    }
}

#[test]
fn a_play_runs_its_whole_course() {
    let mut bench = Bench::new(None);
    bench.on_screen(Some("token"));
    let progress = |painted_ms| FromOverlay::Progress {
        play_id: "p".into(),
        painted_ms,
        frames: painted_ms * 60 / 1_000,
    };
    assert_eq!(bench.pass(1_000), [progress(1_000)]);
    assert_eq!(bench.pass(1_000), [progress(2_000)]);
    let last = bench.pass(1_000);
    assert_eq!(last[0], FromOverlay::Ended { play_id: "p".into() });
    let FromOverlay::Claim(claim) = &last[1] else { panic!("{last:?}") };
    assert_eq!((claim.token.as_str(), claim.nonce.as_str()), ("token", "n"));
    assert_eq!((claim.evidence.painted_ms, claim.evidence.frames), (3_000, 180));
    assert!(bench.page.is_idle());
}

#[test]
fn an_early_end_claims_what_was_painted() {
    let mut bench = Bench::new(Some(1_100));
    bench.on_screen(Some("token"));
    assert_eq!(bench.pass(1_099).len(), 1);
    let last = bench.pass(1);
    assert!(matches!(&last[1], FromOverlay::Claim(claim) if claim.evidence.painted_ms == 1_100), "{last:?}");
}

#[test]
fn a_video_is_shown_for_its_longer_viewable_time() {
    let mut bench = Bench::new(Some(1_100));
    let content = Content::Video { src: "/v".into(), width: 640, height: 360 };
    let creative = Creative { content, ..creative() };
    let not_after_ms = bench.now.wall_ms() + 3_000;
    bench.hear(ToOverlay::Prepare(Prepare { play_id: "p".into(), creative, not_after_ms }));
    bench.pass(20);
    bench.play("p", Some("t"));
    bench.pass(33);
    assert!(bench.pass(2_000).iter().all(|frame| !matches!(frame, FromOverlay::Claim(_))));
    let last = bench.pass(100);
    assert!(
        matches!(last.last(), Some(FromOverlay::Claim(claim)) if claim.evidence.painted_ms == 2_100),
        "{last:?}"
    );
}

#[test]
fn a_test_is_never_claimed() {
    let mut bench = Bench::new(Some(1_100));
    bench.on_screen(None);
    assert!(bench.pass(2_000).iter().all(|frame| !matches!(frame, FromOverlay::Claim(_))));
    assert!(bench.page.is_idle());
}

#[test]
fn an_ad_on_screen_outlives_the_socket() {
    let mut bench = Bench::new(Some(1_100));
    bench.on_screen(Some("token"));
    let mut out = Vec::new();
    bench.page.link_lost(&mut out);
    assert!(out.is_empty());
    // The claim goes to the outbox at once, the last word waits for a socket, progress is lost.
    assert!(matches!(bench.pass(5_000).as_slice(),
            [FromOverlay::Claim(claim)] if claim.evidence.painted_ms == 1_100));
    assert_eq!(bench.welcome(), [FromOverlay::Ended { play_id: "p".into() }]);
}

#[test]
fn a_prepared_ad_is_forgotten_with_the_socket() {
    let mut bench = Bench::new(None);
    bench.prepare("p");
    bench.pass(20);
    bench.page.link_lost(&mut Vec::new());
    let skipped = |reason| FromOverlay::Skipped { play_id: "p".into(), reason };
    assert_eq!(bench.welcome(), [skipped(SkipReason::Disconnected)]);
    assert_eq!(bench.play("p", Some("t")), [skipped(SkipReason::Disconnected)]);
}

#[test]
fn late_busy_and_foreign_plays_are_skipped() {
    let mut bench = Bench::new(None);
    bench.prepare("p");
    bench.pass(20);
    let skipped = |id: &str, reason| FromOverlay::Skipped { play_id: id.into(), reason };
    assert_eq!(bench.pass(3_000), [skipped("p", SkipReason::Expired)]);
    bench.on_screen(Some("t"));
    assert_eq!(bench.prepare("q"), [skipped("q", SkipReason::Busy)]);
    assert_eq!(bench.hear(ToOverlay::Stop { play_id: "p".into() }), [skipped("p", SkipReason::Stopped)]);
    bench.hear(ToOverlay::Role { primary: false });
    assert_eq!(bench.prepare("r"), [skipped("r", SkipReason::Stopped)]);
}

#[test]
fn a_retired_page_ends_its_ad_and_then_hides() {
    let mut bench = Bench::new(Some(1_100));
    bench.on_screen(Some("t"));
    let mut out = Vec::new();
    bench.page.retire(&mut out);
    assert!(out.is_empty());
    let last = bench.pass(1_200);
    assert!(matches!(last.last(), Some(FromOverlay::Status(status)) if !status.visible), "{last:?}");
    assert_eq!(last.iter().filter(|f| matches!(f, FromOverlay::Claim(_))).count(), 1);
    assert_eq!(
        bench.prepare("q"),
        [FromOverlay::Skipped { play_id: "q".into(), reason: SkipReason::Hidden }]
    );
}
