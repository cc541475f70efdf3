//! Archiving a brand or a streamer: none of their keys and users works any more, here at once and on every
//! node within a second, and their sockets close. Everything else stays, and restoring brings them back.

use super::Shared;
use super::caller::Caller;
use super::fields::{Fields, line};
use super::problem::Problem;
use super::wallet_body::REASON_MAX;
use gametriggers_actors::ports::{Archival, ByHand, Event, Owner, Principal};
use schemars::JsonSchema;
use serde::Deserialize;

/// Archiving or restoring somebody.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ArchiveBody {
    /// Why: 1 to 200 characters for the record.
    reason: String,
}

impl ArchiveBody {
    /// Who does it, and why.
    ///
    /// # Errors
    /// The caller is no operator, or the reason is refused.
    pub(super) fn read(&self, caller: Caller) -> Result<ByHand, Problem> {
        let actor = caller.operator()?;
        let mut fields = Fields::default();
        let reason = fields.need("reason", line(&self.reason, 1, REASON_MAX), "1 to 200 characters");
        fields.end()?;
        Ok(ByHand { actor, reason: reason.unwrap_or_default() })
    }
}

/// Archives an owner, or brings one back.
pub(super) async fn set_archived(
    shared: &Shared,
    owner: Owner,
    archived: bool,
    hand: &ByHand,
) -> Result<(), Problem> {
    let engine = &shared.engine;
    let users = match engine.ports.profiles.set_archived(owner, archived, hand, engine.now()).await? {
        Archival::Done(users) => users,
        Archival::Active(campaigns) => {
            let detail = format!("{campaigns} campaigns are active: pause or end them first");
            return Err(Problem::conflict("campaigns-active", detail));
        }
    };
    let holders = match owner {
        Owner::Brand(id) => vec![Principal::Brand(id)],
        Owner::Streamer(id) => vec![Principal::Streamer(id), Principal::Overlay(id)],
    };
    let bus = &engine.ports.bus;
    if archived {
        for hash in holders.into_iter().flat_map(|holder| engine.keyring.of(holder)) {
            engine.keyring.revoke(&hash, engine.now());
            bus.publish(Event::KeyRevoked(hash));
        }
    }
    for user in users {
        bus.publish(Event::UserChanged(user));
        // It is done: who can not be read now is read again by every node, this one included.
        if let Err(error) = engine.reload_login(user).await {
            tracing::warn!(%error, "a user of an owner who was archived or restored can not be read yet");
        }
    }
    // Keys that come back, or that a node was reading while they went.
    bus.publish(Event::AccountsChanged);
    Ok(())
}
