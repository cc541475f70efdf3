//! What a campaign shows: its own numbers, and those of other nodes when they are newer.

use super::CampaignActor;
use crate::domain::campaign::lease::Lease;
use crate::domain::money::Micros;
use crate::domain::time::Millis;
use crate::messages::CampaignLive;
use crate::ports::CampaignTotals;
use crate::session::ToSession;
use actix::prelude::*;
use std::sync::Arc;

/// Brands' clients hear of changes this often, at most; other nodes' numbers are asked for as often.
const PUSH_EVERY: Millis = Millis(250);
/// Brands' clients hear something this often in any case: who is gone is noticed.
const PUSH_LEAST: Millis = Millis::seconds(15);

impl CampaignActor {
    /// The numbers, with other nodes' when `shared`; none before the first were read.
    pub(super) fn live(&self, shared: bool) -> Option<CampaignLive> {
        let campaign = self.account.campaign().filter(|_| self.account.is_known())?;
        let own = CampaignTotals { version: self.version, budget: *self.account.budget() };
        let budget = if shared { own.newest(self.shared.0).budget } else { own.budget };
        let in_flight = self.account.lease().map_or(0, Lease::in_flight);
        Some(CampaignLive {
            campaign: self.id,
            status: campaign.status,
            currency: campaign.currency,
            funded: budget.funded,
            spent: budget.spent,
            reserved: self.held(),
            free: self.account.lease().map_or(Micros::ZERO, Lease::free),
            plays: budget.plays,
            viewers: budget.viewers,
            clicks: budget.clicks,
            rejected: budget.rejected,
            in_flight: u64::try_from(in_flight).unwrap_or(u64::MAX),
            now: self.engine.now(),
        })
    }

    /// Asks what all nodes settled, unless it was asked just now.
    pub(super) fn ask(&mut self) -> impl Future<Output = Option<CampaignTotals>> + use<> {
        let (engine, id, now) = (Arc::clone(&self.engine), self.id, self.engine.now());
        let due = engine.ports.live.is_up() && now - self.shared.1 >= PUSH_EVERY;
        self.shared.1 = if due { now } else { self.shared.1 };
        async move { if due { engine.ports.live.campaign(id).await.ok().flatten() } else { None } }
    }

    /// Whether it is news.
    pub(super) fn heard(&mut self, found: Option<CampaignTotals>) -> bool {
        let news = found.filter(|found| found.version > self.shared.0.version);
        self.shared.0 = news.unwrap_or(self.shared.0);
        news.is_some()
    }

    /// Asks again and again while somebody watches.
    pub(super) fn look(&mut self, ctx: &mut Context<Self>) {
        self.looking = !self.watchers.is_empty();
        if !self.looking {
            return;
        }
        let ask = self.ask();
        ctx.spawn(ask.into_actor(self).map(|found, actor, ctx| {
            if actor.heard(found) || actor.engine.now() - actor.pushed_at >= PUSH_LEAST {
                actor.push(ctx);
            }
            let wait = std::time::Duration::from_millis(PUSH_EVERY.unsigned());
            ctx.run_later(wait, |actor, ctx| actor.look(ctx));
        }));
    }

    /// Tells those who watch, not more often than `PUSH_EVERY`.
    pub(super) fn push(&mut self, ctx: &mut Context<Self>) {
        if self.watchers.is_empty() || self.push_waits {
            return;
        }
        let now = self.engine.now();
        let wait = PUSH_EVERY.0 - (now - self.pushed_at).0;
        if wait > 0 {
            self.push_waits = true;
            let wait = std::time::Duration::from_millis(Millis(wait).unsigned());
            ctx.run_later(wait, |actor, ctx| {
                actor.push_waits = false;
                actor.push(ctx);
            });
            return;
        }
        self.pushed_at = now;
        if let Some(live) = self.live(true) {
            self.watchers.retain(|watcher| watcher.send(ToSession::Live(Box::new(live))).is_ok());
        }
    }
}
