//! `/api/auth/tickets`: what opens one socket instead of a key or a token, once and soon. It may stand in an
//! address or be handed to a page without giving away what it was asked for with.

use super::{count, private, random};
use crate::identity::ticket::{Purpose, TICKET_LIFE, Ticket};
use crate::web::Shared;
use crate::web::caller::Caller;
use crate::web::fields::Fields;
use crate::web::problem::Problem;
use crate::web::wire::rfc3339;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use gametriggers_actors::domain::scope::Scope;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::engine::Engine;
use gametriggers_actors::ports::Principal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which socket a ticket is to open.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct TicketBody {
    /// `dashboard` for the socket of a streamer's dashboard, `campaign` for that of a campaign.
    #[serde(rename = "for")]
    purpose: String,
    /// The streamer, or the campaign.
    id: i64,
}

/// A ticket. It is said as `token` in the `hello` of the socket, on any node, and works once; the socket
/// lives as long as the key or the token that the ticket was asked for with.
#[derive(Serialize, JsonSchema)]
pub(in crate::web) struct TicketView {
    /// The ticket.
    ticket: String,
    /// It is dead from then on, RFC 3339.
    expires_at: String,
}

/// Whether a caller may open the socket.
fn check(engine: &Engine, caller: Caller, purpose: Purpose) -> Result<(), Problem> {
    match purpose {
        Purpose::Dashboard(streamer) => {
            caller.is_streamer(streamer)?;
            if caller.0 == Principal::Admin {
                return Err(Problem::forbidden("a dashboard is its streamer's own"));
            }
            caller.may(Scope::StreamerRead)
        }
        Purpose::Campaign(campaign) => {
            let catalogue = engine.catalogue.load();
            let entry = catalogue.entry(campaign).ok_or_else(Problem::not_found)?;
            caller.owns(entry.campaign.brand.id)?;
            caller.may(Scope::CampaignsRead)
        }
    }
}

pub(in crate::web) async fn issue(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<TicketBody>,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let purpose = fields.need("for", Purpose::of(&body.purpose, body.id), "dashboard or campaign");
    fields.end()?;
    let purpose = purpose.ok_or_else(Problem::not_found)?;
    let (engine, now) = (&shared.engine, shared.engine.now());
    check(engine, caller, purpose)?;
    // Tickets know whole seconds.
    let expires = UnixMillis((now + TICKET_LIFE).0.div_euclid(1000) * 1000);
    let ticket = Ticket {
        purpose,
        holder: caller.0,
        scopes: caller.scopes(),
        credential: caller.credential(),
        id: random(engine),
        expires,
    };
    count("ticket", "ok");
    let ticket = shared.identity.tokens.ticket(&ticket, now);
    Ok(private(&mut HttpResponse::Created(), TicketView { ticket, expires_at: rfc3339(expires) }))
}
