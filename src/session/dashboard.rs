//! `/ws/dashboard`: the streamer's page.

use super::guest::{Guest, Shown};
use super::peer::{Link, Peer, Turn, code, read};
use crate::identity::Identity;
use crate::identity::ticket::Purpose;
use actix::Addr;
use gametriggers_actors::domain::campaign::Campaign;
use gametriggers_actors::domain::play::Phase;
use gametriggers_actors::domain::scope::Scope;
use gametriggers_actors::domain::streamer::board::{Board, InHand, Recent};
use gametriggers_actors::domain::streamer::command::Command;
use gametriggers_actors::domain::streamer::page::Tested;
use gametriggers_actors::domain::streamer::page::{Active, HostKind, Page, SessionId};
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::messages::{Detach, FromDashboard};
use gametriggers_actors::ports::Principal;
use gametriggers_actors::session::ToSession;
use gametriggers_actors::streamer::StreamerActor;
use gametriggers_protocol::VERSION;
use gametriggers_protocol::close::CloseCode;
use gametriggers_protocol::{dashboard as wire, overlay};
use std::sync::Arc;

/// The longest snooze, in minutes.
const SNOOZE_MAX: u32 = 240;

/// What a command is answered without the scope for it.
const MAY_LOOK: &str = "this key may look, and change nothing";

/// The socket of a streamer's dashboard.
pub struct DashboardSession {
    identity: Arc<Identity>,
    guest: Option<Guest>,
    streamer: Option<Addr<StreamerActor>>,
}

impl DashboardSession {
    /// A socket that waits for its greeting.
    #[must_use]
    pub const fn new(identity: Arc<Identity>) -> Self {
        Self { identity, guest: None, streamer: None }
    }

    fn hello(&mut self, (v, token): (u32, &str), link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        link.greet(v)?;
        match Shown::read(token, &link.engine, &self.identity)? {
            Shown::Guest(guest) => self.enter(guest, link, turn),
            Shown::Ticket(ticket) => {
                let Purpose::Dashboard(id) = ticket.purpose else { return Err(CloseCode::Unauthorized) };
                if ticket.holder != Principal::Streamer(id)
                    || !self.identity.tickets.first(&ticket, link.now())
                {
                    return Err(CloseCode::Unauthorized);
                }
                turn.ticket = Some(ticket);
                Ok(())
            }
        }
    }

    /// The same guest shows something newer.
    fn renew(&mut self, token: &str, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        let guest = self.guest.ok_or(CloseCode::OutOfOrder)?.renewed(token, &link.engine, &self.identity)?;
        guest.may(Scope::StreamerRead)?;
        let until = link.renew(&guest)?;
        self.guest = Some(guest);
        turn.send(&wire::ToDashboard::Authorized { until_ms: until.map(|at| at.0) });
        Ok(())
    }

    fn command(
        &self,
        (id, command): (String, wire::Command),
        link: &Link,
        turn: &mut Turn,
    ) -> Result<(), CloseCode> {
        let (Some(streamer), Some(handle), Some(guest)) = (&self.streamer, &link.handle, &self.guest) else {
            return Err(CloseCode::OutOfOrder);
        };
        let command = match command {
            wire::Command::Pause {} => Command::Pause,
            wire::Command::Resume {} => Command::Resume,
            wire::Command::Skip {} => Command::Skip,
            wire::Command::PlayNext {} => Command::PlayNext,
            wire::Command::Test {} => Command::Test,
            wire::Command::Snooze { minutes } if (1..=SNOOZE_MAX).contains(&minutes) => {
                Command::Snooze(Millis::minutes(i64::from(minutes)))
            }
            wire::Command::Snooze { .. } => return Err(CloseCode::Malformed),
        };
        if id.len() > 64 {
            return Err(CloseCode::Malformed);
        }
        if guest.may(Scope::StreamerWrite).is_err() {
            turn.send(&wire::ToDashboard::Result { id, ok: false, reason: Some(MAY_LOOK.to_owned()) });
            return Ok(());
        }
        let said = FromDashboard::Said { session: handle.id, id: id.into(), command };
        streamer.try_send(said).map_err(|_| CloseCode::ServerError)
    }
}

impl Peer for DashboardSession {
    fn said(&mut self, text: &str, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        match read(text)? {
            wire::FromDashboard::Hello { v, token } => self.hello((v, &token), link, turn),
            wire::FromDashboard::Auth { token } => self.renew(&token, link, turn),
            wire::FromDashboard::Command { id, command } => self.command((id, command), link, turn),
            wire::FromDashboard::Heartbeat {} if link.handle.is_some() => Ok(()),
            wire::FromDashboard::Heartbeat {} => Err(CloseCode::OutOfOrder),
        }
    }

    fn enter(&mut self, guest: Guest, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        let Principal::Streamer(id) = guest.holder else { return Err(CloseCode::Unauthorized) };
        guest.may(Scope::StreamerRead)?;
        let streamer = link.engine.directory.streamer(&link.engine, id).ok_or(CloseCode::Unauthorized)?;
        let (session, until) = link.open(Some(id), &guest, turn)?;
        let (heartbeat_ms, dead_after_ms) = link.beat();
        turn.send(&wire::ToDashboard::Welcome {
            v: VERSION,
            server_ms: link.now().0,
            heartbeat_ms,
            dead_after_ms,
            until_ms: until.map(|at| at.0),
        });
        streamer.try_send(FromDashboard::Attach(session)).map_err(|_| CloseCode::ServerError)?;
        (self.streamer, self.guest) = (Some(streamer), Some(guest));
        Ok(())
    }

    fn tell(&mut self, message: ToSession, _: &Link, turn: &mut Turn) {
        match message {
            ToSession::Board(board) => turn.send(&wire::ToDashboard::State(Box::new(state(&board)))),
            ToSession::Tested(tested) => turn.send(&measured(&tested)),
            ToSession::Answer(id, answer) => turn.send(&wire::ToDashboard::Result {
                id: id.into(),
                ok: answer.is_ok(),
                reason: answer.err().map(|reason| reason.code().to_owned()),
            }),
            ToSession::Heartbeat(now) => turn.send(&wire::ToDashboard::Heartbeat { server_ms: now.0 }),
            ToSession::Drain(reconnect_after_ms) => {
                turn.send(&wire::ToDashboard::Drain { reconnect_after_ms })
            }
            ToSession::Close(reason) => turn.close = Some(code(reason)),
            ToSession::Page(_) | ToSession::Live(_) => {}
        }
    }

    fn gone(&mut self, link: &Link) {
        if let (Some(streamer), Some(handle)) = (&self.streamer, &link.handle) {
            let _ = streamer.clone().try_send(Detach(handle.id));
        }
    }
}

fn names(campaign: Option<&Arc<Campaign>>) -> (Option<i64>, String, String) {
    campaign.map_or_else(Default::default, |c| (Some(c.id.0), c.name.to_string(), c.brand.name.to_string()))
}

fn state(board: &Board) -> wire::State {
    let (currency, settled, plays) = board.earned.map_or_else(
        || (String::new(), 0, 0),
        |(currency, settled, plays)| (currency.to_string(), settled.0, plays),
    );
    wire::State {
        server_ms: board.now.0,
        streamer_id: board.streamer.id.0,
        streamer_name: board.streamer.profile.name.to_string(),
        paused: board.streamer.settings.paused,
        volume_percent: board.streamer.settings.volume_percent,
        snoozed_until_ms: board
            .streamer
            .settings
            .snoozed_until
            .filter(|until| *until > board.now)
            .map(|at| at.0),
        stream: wire::Stream {
            live: board.sample.is_some_and(|sample| sample.live),
            viewers: board.sample.map(|sample| sample.viewers),
            sampled_ms: board.sample.map(|sample| sample.sampled.0),
        },
        overlays: board.pages.iter().map(|page| overlay_page(page, board.primary)).collect(),
        blocked_by: board.blocked_by.map(|reason| reason.code().to_owned()),
        current: board.in_hand.as_ref().map(current),
        next_slot_ms: board.next_slot.map(|at| at.0),
        earnings: wire::Earnings {
            currency,
            settled_micros: settled,
            in_flight_micros: board.in_flight.0,
            plays,
        },
        plays: board.recent.iter().map(recent).collect(),
    }
}

fn current(in_hand: &InHand) -> wire::Current {
    let (campaign_id, mut campaign, mut brand) = names(in_hand.campaign.as_ref());
    if campaign_id.is_none() {
        (campaign, brand) = ("Test ad".to_owned(), "Gametriggers".to_owned());
    }
    wire::Current {
        play_id: in_hand.play.to_string(),
        campaign_id,
        campaign,
        brand,
        phase: match in_hand.phase {
            Phase::Reserving => "reserving",
            Phase::Preparing => "preparing",
            Phase::Starting => "starting",
            Phase::OnScreen => "on_screen",
            Phase::Shown | Phase::Lost(_) => "ending",
        }
        .to_owned(),
        started_ms: in_hand.started.map(|at| at.0),
        ends_ms: in_hand.ends.map(|at| at.0),
        earn_micros: in_hand.earn.0,
    }
}

fn recent(recent: &Recent) -> wire::RecentPlay {
    let (campaign_id, campaign, brand) = names(recent.campaign.as_ref());
    wire::RecentPlay {
        play_id: recent.play.map(|play| play.to_string()),
        at_ms: recent.at.0,
        campaign_id,
        campaign,
        brand,
        outcome: recent.outcome.map_or("no_fill", gametriggers_actors::ports::PlayOutcome::code).to_owned(),
        reason: recent.reason.map(|reason| reason.code().to_owned()),
        viewers: recent.viewers,
        earn_micros: recent.earn.0,
    }
}

fn overlay_page(page: &Page, primary: Option<SessionId>) -> wire::Overlay {
    wire::Overlay {
        instance_id: page.instance_id.to_string(),
        host: host(page.host),
        plugin_version: page.plugin_version.as_ref().map(ToString::to_string),
        chrome: page.chrome,
        width: page.width,
        height: page.height,
        primary: primary == Some(page.session),
        active: active(page.status.active),
        visible: page.status.visible,
        streaming: page.status.streaming,
        connected_ms: page.connected.0,
    }
}

fn measured(tested: &Tested) -> wire::ToDashboard {
    let page = &tested.page;
    wire::ToDashboard::Tested {
        painted_after_ms: u32::try_from(tested.painted_after.0).unwrap_or(u32::MAX),
        host: host(page.host),
        width: page.width,
        height: page.height,
        active: active(page.status.active),
        streaming: page.status.streaming,
        sound: tested.sound,
    }
}

const fn host(host: HostKind) -> overlay::HostKind {
    match host {
        HostKind::Obs => overlay::HostKind::Obs,
        HostKind::ObsLike => overlay::HostKind::ObsLike,
        HostKind::Generic => overlay::HostKind::Generic,
    }
}

const fn active(active: Active) -> overlay::Active {
    match active {
        Active::Inactive => overlay::Active::Inactive,
        Active::Unknown => overlay::Active::Unknown,
        Active::Inferred => overlay::Active::Inferred,
        Active::Active => overlay::Active::Active,
    }
}
