//! `/ws/campaigns/{id}`: a brand watches its campaign deliver.

use super::guest::{Guest, Shown};
use super::peer::{Link, Peer, Turn, code, read};
use crate::identity::Identity;
use crate::identity::ticket::Purpose;
use gametriggers_actors::domain::id::CampaignId;
use gametriggers_actors::domain::scope::Scope;
use gametriggers_actors::messages::{CampaignLive, Watch};
use gametriggers_actors::ports::Principal;
use gametriggers_actors::session::ToSession;
use gametriggers_protocol::VERSION;
use gametriggers_protocol::campaign as wire;
use gametriggers_protocol::close::CloseCode;
use std::sync::Arc;

/// The socket of a brand's client.
pub struct CampaignSession {
    campaign: CampaignId,
    identity: Arc<Identity>,
    guest: Option<Guest>,
}

impl CampaignSession {
    /// A socket that waits for its greeting.
    #[must_use]
    pub const fn new(campaign: CampaignId, identity: Arc<Identity>) -> Self {
        Self { campaign, identity, guest: None }
    }

    fn hello(&mut self, (v, token): (u32, &str), link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        link.greet(v)?;
        match Shown::read(token, &link.engine, &self.identity)? {
            Shown::Guest(guest) => self.enter(guest, link, turn),
            Shown::Ticket(ticket) => {
                if ticket.purpose != Purpose::Campaign(self.campaign)
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
        guest.may(Scope::CampaignsRead)?;
        let until = link.renew(&guest)?;
        self.guest = Some(guest);
        turn.send(&wire::ToCampaign::Authorized { until_ms: until.map(|at| at.0) });
        Ok(())
    }
}

impl Peer for CampaignSession {
    fn said(&mut self, text: &str, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        match read(text)? {
            wire::FromCampaign::Hello { v, token } => self.hello((v, &token), link, turn),
            wire::FromCampaign::Auth { token } => self.renew(&token, link, turn),
            wire::FromCampaign::Heartbeat {} if link.handle.is_some() => Ok(()),
            wire::FromCampaign::Heartbeat {} => Err(CloseCode::OutOfOrder),
        }
    }

    fn enter(&mut self, guest: Guest, link: &mut Link, turn: &mut Turn) -> Result<(), CloseCode> {
        let catalogue = link.engine.catalogue.load_full();
        let entry = catalogue.entry(self.campaign);
        // Nobody learns whether another brand's campaign exists.
        let is_theirs = match guest.holder {
            Principal::Admin => entry.is_some(),
            Principal::Brand(brand) => entry.is_some_and(|e| e.campaign.brand.id == brand),
            Principal::Streamer(_) | Principal::Overlay(_) => false,
        };
        if !is_theirs {
            return Err(CloseCode::Unauthorized);
        }
        guest.may(Scope::CampaignsRead)?;
        let (session, until) = link.open(None, &guest, turn)?;
        let (heartbeat_ms, dead_after_ms) = link.beat();
        turn.send(&wire::ToCampaign::Welcome {
            v: VERSION,
            server_ms: link.now().0,
            heartbeat_ms,
            dead_after_ms,
            until_ms: until.map(|at| at.0),
        });
        self.guest = Some(guest);
        let campaign = link.engine.directory.campaign(&link.engine, self.campaign);
        campaign.try_send(Watch(session)).map_err(|_| CloseCode::ServerError)
    }

    fn tell(&mut self, message: ToSession, _: &Link, turn: &mut Turn) {
        match message {
            ToSession::Live(live) => turn.send(&wire::ToCampaign::Live(counters(&live))),
            ToSession::Heartbeat(now) => turn.send(&wire::ToCampaign::Heartbeat { server_ms: now.0 }),
            ToSession::Drain(reconnect_after_ms) => {
                turn.send(&wire::ToCampaign::Drain { reconnect_after_ms })
            }
            ToSession::Close(reason) => turn.close = Some(code(reason)),
            ToSession::Page(_) | ToSession::Board(_) | ToSession::Tested(_) | ToSession::Answer(..) => {}
        }
    }

    /// The campaign's actor forgets a watcher whose outbox is gone.
    fn gone(&mut self, _: &Link) {}
}

/// The counters on the wire; also the body of `GET /api/campaigns/{id}/live`.
#[must_use]
pub fn counters(live: &CampaignLive) -> wire::Live {
    wire::Live {
        campaign_id: live.campaign.0,
        status: live.status.name().to_owned(),
        currency: live.currency.to_string(),
        funded_micros: live.funded.0,
        spent_micros: live.spent.0,
        reserved_micros: live.reserved.0,
        plays: live.plays,
        viewer_impressions: live.viewers,
        clicks: live.clicks,
        rejected: live.rejected,
        in_flight: live.in_flight,
        server_ms: live.now.0,
    }
}
