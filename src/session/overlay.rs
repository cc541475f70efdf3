//! `/ws/overlay`: the wire messages of the OBS page, read into the engine's and back.

use super::guest::Guest;
use super::peer::{Link, Peer, Turn, code, read};
use actix::Addr;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gametriggers_actors::domain::creative::{self, Creative};
use gametriggers_actors::domain::id::PlayId;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::settlement::Outcome;
use gametriggers_actors::domain::streamer::live::{FromPage, ToPage};
use gametriggers_actors::domain::streamer::page::{Active, HostKind, Page, PageStatus};
use gametriggers_actors::domain::streamer::{Corner, Motion, Settings};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::domain::verification::Evidence;
use gametriggers_actors::messages::{AttachPage, Detach, PageSaid};
use gametriggers_actors::ports::Principal;
use gametriggers_actors::session::ToSession;
use gametriggers_actors::streamer::StreamerActor;
use gametriggers_protocol::VERSION;
use gametriggers_protocol::close::CloseCode;
use gametriggers_protocol::overlay as wire;
use serde::Deserialize;
use std::rc::Rc;
use std::sync::Arc;

/// The socket of an overlay page.
pub struct OverlaySession {
    /// What a short link starts with, such as `https://example.com`.
    public_url: Rc<str>,
    streamer: Option<Addr<StreamerActor>>,
    /// The page is not of the build that this server would serve.
    other_build: bool,
}

/// Of a greeting in any version of the protocol: what tells whose page it is.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Greeting {
    Hello { v: u32, build: String },
}

impl OverlaySession {
    /// A socket that waits for its greeting.
    #[must_use]
    pub const fn new(public_url: Rc<str>) -> Self {
        Self { public_url, streamer: None, other_build: false }
    }

    fn hello(&mut self, hello: wire::Hello, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        link.greet(hello.v)?;
        let guest = Guest::with_key(&hello.token, &link.engine)?;
        let Principal::Overlay(id) = guest.holder else { return Err(CloseCode::Unauthorized) };
        let fits = (8..=64).contains(&hello.instance_id.len())
            && hello.instance_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fits {
            return Err(CloseCode::Malformed);
        }
        let streamer = link.engine.directory.streamer(&link.engine, id).ok_or(CloseCode::Unauthorized)?;
        let row = link.engine.streamers.get(&id).map(|row| row.clone()).ok_or(CloseCode::Unauthorized)?;
        let (session, _) = link.open(Some(id), &guest, turn)?;
        let (heartbeat_ms, dead_after_ms) = link.beat();
        turn.send(&wire::ToOverlay::Welcome(wire::Welcome {
            v: VERSION,
            server_ms: link.now().0,
            build: link.build.to_string(),
            heartbeat_ms,
            dead_after_ms,
            // The engine elects; `role` follows.
            primary: false,
            settings: settings(&row.settings),
        }));
        self.other_build = hello.build != *link.build;
        if self.other_build {
            turn.send(&wire::ToOverlay::Reload {});
        }
        let page = page(hello, session.id, link.now());
        streamer.try_send(AttachPage { page, session }).map_err(|_| CloseCode::ServerError)?;
        self.streamer = Some(streamer);
        Ok(())
    }

    fn pass(&self, said: FromPage, link: &Link) -> Result<(), CloseCode> {
        let (Some(streamer), Some(handle)) = (&self.streamer, &link.handle) else {
            return Err(CloseCode::OutOfOrder);
        };
        // Full or gone: the page comes back, and sends again what matters.
        streamer.try_send(PageSaid(handle.id, said)).map_err(|_| CloseCode::ServerError)
    }

    fn page(&self, message: ToPage) -> wire::ToOverlay {
        match message {
            ToPage::Role(primary) => wire::ToOverlay::Role { primary },
            ToPage::Prepare { play, creative, brand, corner, click_code, test, not_after } => {
                wire::ToOverlay::Prepare(wire::Prepare {
                    play_id: play.to_string(),
                    creative: wire::Creative {
                        content: self.content(&creative, click_code),
                        placement: placement(creative.placement),
                        corner: wire_corner(corner),
                        duration_ms: u32::try_from(creative.duration.0).unwrap_or(u32::MAX),
                        label: if test { "Test" } else { "Ad" }.to_owned(),
                        brand: brand.to_string(),
                        accent: creative.accent.to_string(),
                    },
                    not_after_ms: not_after.0,
                })
            }
            ToPage::Play { play, token, nonce, not_after } => wire::ToOverlay::Play(wire::Play {
                play_id: play.to_string(),
                token: token.map(|token| URL_SAFE_NO_PAD.encode(token)),
                nonce,
                not_after_ms: not_after.0,
            }),
            ToPage::Stop(play) => wire::ToOverlay::Stop { play_id: play.to_string() },
            ToPage::Ack { play, outcome } => {
                let (result, reason) = match outcome {
                    Outcome::Settled => (wire::AckResult::Settled, None),
                    Outcome::Duplicate => (wire::AckResult::Duplicate, None),
                    Outcome::Rejected(reason) => (wire::AckResult::Rejected, Some(reason.code().to_owned())),
                };
                wire::ToOverlay::Ack { play_id: play.to_string(), result, reason }
            }
            ToPage::Settings(changed) => wire::ToOverlay::Settings(settings(&changed)),
        }
    }

    fn content(&self, creative: &Creative, click_code: Option<Arc<str>>) -> wire::Content {
        let asset = |name: &str| format!("/assets/{name}");
        match &creative.content {
            creative::Content::Image { asset: name, width, height } => {
                wire::Content::Image { src: asset(name), width: *width, height: *height }
            }
            creative::Content::Video { asset: name, width, height } => {
                wire::Content::Video { src: asset(name), width: *width, height: *height }
            }
            creative::Content::Text { headline, body } => {
                wire::Content::Text { headline: headline.to_string(), body: body.to_string() }
            }
            creative::Content::Qr { headline, body } => {
                let code = click_code.unwrap_or_default();
                let short = format!("{}/r/{code}", self.public_url);
                let words = short.split_once("://").map_or(short.as_str(), |(_, rest)| rest);
                wire::Content::Qr {
                    headline: headline.to_string(),
                    body: body.to_string(),
                    qr_src: format!("/qr/{code}.svg"),
                    link_text: words.to_owned(),
                }
            }
        }
    }
}

impl OverlaySession {
    fn hear(&mut self, text: &str, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        let play = |id: &str| id.parse::<PlayId>().map_err(|_| CloseCode::Malformed);
        let said = match read(text)? {
            wire::FromOverlay::Hello(hello) => return self.hello(hello, link, turn),
            wire::FromOverlay::Heartbeat {} if link.handle.is_some() => return Ok(()),
            wire::FromOverlay::Heartbeat {} => return Err(CloseCode::OutOfOrder),
            wire::FromOverlay::Status(said) => FromPage::Status(status(said)),
            wire::FromOverlay::Prepared { play_id } => FromPage::Prepared(play(&play_id)?),
            wire::FromOverlay::Started { play_id } => FromPage::Started(play(&play_id)?),
            // For the page's own proof; the claim carries the measure.
            wire::FromOverlay::Progress { .. } if link.handle.is_some() => return Ok(()),
            wire::FromOverlay::Progress { .. } => return Err(CloseCode::OutOfOrder),
            wire::FromOverlay::Ended { play_id } => FromPage::Ended(play(&play_id)?),
            wire::FromOverlay::Skipped { play_id, reason } => {
                FromPage::Lost(play(&play_id)?, skipped(reason))
            }
            wire::FromOverlay::Failed { play_id, reason } => FromPage::Lost(play(&play_id)?, failed(reason)),
            wire::FromOverlay::Claim(claim) => FromPage::Claim {
                play: play(&claim.play_id)?,
                // What is not base64 is not ours: it is refused like any other forgery.
                token: URL_SAFE_NO_PAD.decode(claim.token).unwrap_or_default(),
                nonce: claim.nonce,
                evidence: evidence(claim.evidence),
            },
        };
        self.pass(said, link)
    }

    /// Whether the page is of another build, or says so in a greeting that can not be read as ours.
    fn is_outdated(&self, text: &str, link: &Link) -> bool {
        self.other_build
            || serde_json::from_str(text)
                .is_ok_and(|Greeting::Hello { v, build }| v != VERSION || build != *link.build)
    }
}

impl Peer for OverlaySession {
    /// While servers are replaced one by one, or one is rolled back, a page meets a server that it is not
    /// of. That must not be its end: nobody sits beside it to load it again.
    fn said(&mut self, text: &str, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        match self.hear(text, link, turn) {
            Err(CloseCode::Malformed | CloseCode::UnsupportedVersion) if self.is_outdated(text, link) => {
                turn.send(&wire::ToOverlay::Reload {});
                Err(CloseCode::Outdated)
            }
            heard => heard,
        }
    }

    /// Its page has nothing but its key.
    fn enter(&mut self, _: Guest, _: &mut Link, _: &mut Turn) -> Result<(), CloseCode> {
        Err(CloseCode::Unauthorized)
    }

    fn tell(&mut self, message: ToSession, _: &Link, turn: &mut Turn) {
        match message {
            ToSession::Page(message) => turn.send(&self.page(*message)),
            ToSession::Heartbeat(now) => turn.send(&wire::ToOverlay::Heartbeat { server_ms: now.0 }),
            ToSession::Drain(reconnect_after_ms) => turn.send(&wire::ToOverlay::Drain { reconnect_after_ms }),
            ToSession::Close(reason) => turn.close = Some(code(reason)),
            ToSession::Board(_) | ToSession::Tested(_) | ToSession::Answer(..) | ToSession::Live(_) => {}
        }
    }

    fn gone(&mut self, link: &Link) {
        if let (Some(streamer), Some(handle)) = (&self.streamer, &link.handle) {
            // A fresh address always has a place: who is gone must not be forgotten.
            let _ = streamer.clone().try_send(Detach(handle.id));
        }
    }
}

fn page(
    hello: wire::Hello,
    session: gametriggers_actors::domain::streamer::page::SessionId,
    now: UnixMillis,
) -> Page {
    Page {
        session,
        instance_id: hello.instance_id.into(),
        host: match hello.host.kind {
            wire::HostKind::Obs => HostKind::Obs,
            wire::HostKind::ObsLike => HostKind::ObsLike,
            wire::HostKind::Generic => HostKind::Generic,
        },
        plugin_version: hello
            .host
            .plugin_version
            .map(|version| version.chars().take(wire::PLUGIN_VERSION_CHARS_MAX).collect::<String>().into()),
        chrome: hello.host.chrome,
        width: hello.page.width,
        height: hello.page.height,
        status: status(hello.status),
        connected: now,
    }
}

const fn status(status: wire::PageStatus) -> PageStatus {
    PageStatus { active: active(status.active), visible: status.visible, streaming: status.streaming }
}

const fn active(active: wire::Active) -> Active {
    match active {
        wire::Active::Inactive => Active::Inactive,
        wire::Active::Unknown => Active::Unknown,
        wire::Active::Inferred => Active::Inferred,
        wire::Active::Active => Active::Active,
    }
}

fn evidence(evidence: wire::Evidence) -> Evidence {
    Evidence {
        painted: Millis(i64::from(evidence.painted_ms)),
        frames: evidence.frames,
        in_view_percent: evidence.in_view_percent,
        area_ppm: evidence.area_ppm,
        label_visible: evidence.label_visible,
        active: active(evidence.active),
        streaming: evidence.streaming,
    }
}

const fn skipped(reason: wire::SkipReason) -> Reason {
    match reason {
        wire::SkipReason::Expired => Reason::Expired,
        wire::SkipReason::Hidden => Reason::Hidden,
        wire::SkipReason::Inactive => Reason::Inactive,
        wire::SkipReason::Stopped => Reason::Stopped,
        wire::SkipReason::Busy => Reason::Busy,
        wire::SkipReason::Disconnected => Reason::Disconnected,
    }
}

const fn failed(reason: wire::FailReason) -> Reason {
    match reason {
        wire::FailReason::Load => Reason::Load,
        wire::FailReason::Decode => Reason::Decode,
        wire::FailReason::Unsupported => Reason::Unsupported,
        wire::FailReason::LabelHidden => Reason::LabelHidden,
        wire::FailReason::NotPainted => Reason::NotPainted,
    }
}

const fn settings(settings: &Settings) -> wire::PageSettings {
    let motion = match settings.motion {
        Motion::Full => wire::Motion::Full,
        Motion::Reduced => wire::Motion::Reduced,
    };
    wire::PageSettings { volume_percent: settings.loudness(), motion }
}

const fn placement(placement: creative::Placement) -> wire::Placement {
    match placement {
        creative::Placement::LowerThird => wire::Placement::LowerThird,
        creative::Placement::Corner => wire::Placement::Corner,
        creative::Placement::Ticker => wire::Placement::Ticker,
    }
}

const fn wire_corner(corner: Corner) -> wire::Corner {
    match corner {
        Corner::TopLeft => wire::Corner::TopLeft,
        Corner::TopRight => wire::Corner::TopRight,
        Corner::BottomLeft => wire::Corner::BottomLeft,
        Corner::BottomRight => wire::Corner::BottomRight,
    }
}
