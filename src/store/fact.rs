//! What endpoints are told, as the stores record it: ids, money and times look as the API writes them.

use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::id::{BrandId, CampaignId, EndpointId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Micros};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::webhook::{Counts, EventType, Mark};
use gametriggers_actors::ports::{
    Budget, CampaignRecord, DisabledReason, Listener, Participation, Recorded, Standing,
};
use serde::Serialize;
use serde_json::{Value, json};

/// Something that happened, whom it concerns, and what is said of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fact {
    /// What happened.
    #[serde(rename = "type")]
    pub(super) event: &'static str,
    /// The brand that may hear of it.
    pub(super) brand: Option<i64>,
    /// The streamer who may hear of it.
    pub(super) streamer: Option<i64>,
    /// JSON, as text: it is sent as it stands here.
    data: String,
}

/// A campaign and its money, of which there is news.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Which one.
    pub(super) campaign: CampaignId,
    /// Whose it is.
    pub(super) brand: BrandId,
    /// When it was made.
    pub(super) created: UnixMillis,
    /// Of its money.
    pub(super) currency: Currency,
    /// Its budget, with what went back when it ended.
    pub(super) budget: Micros,
    /// What it has counted.
    pub(super) counts: Counts,
    /// How far it was told.
    pub(super) mark: Option<Mark>,
}

impl Fact {
    fn new(event: EventType, data: &Value) -> Self {
        Self { event: event.code(), brand: None, streamer: None, data: data.to_string() }
    }

    const fn of_brand(mut self, brand: BrandId) -> Self {
        self.brand = Some(brand.0);
        self
    }

    const fn of_streamer(mut self, streamer: StreamerId) -> Self {
        self.streamer = Some(streamer.0);
        self
    }

    /// A campaign that was made.
    pub(super) fn created(campaign: &Campaign, budget: &Budget) -> Self {
        Self::campaign(EventType::CampaignCreated, campaign, budget)
    }

    /// A campaign that is another one than before; none when it is the same.
    pub(super) fn changed(before: &Campaign, after: &Campaign, budget: &Budget) -> Option<Self> {
        if before == after {
            return None;
        }
        let event = match after.status {
            status if status == before.status => EventType::CampaignChanged,
            Status::Active => EventType::CampaignChanged,
            Status::Paused => EventType::CampaignPaused,
            Status::Ended => EventType::CampaignEnded,
        };
        Some(Self::campaign(event, after, budget))
    }

    /// A campaign whose budget is another one.
    pub(super) fn funded(campaign: &Campaign, budget: &Budget) -> Self {
        Self::campaign(EventType::CampaignChanged, campaign, budget)
    }

    /// A campaign that is not launched, or is put away; `reason` says why it came back.
    pub(super) fn record(event: EventType, of: &CampaignRecord, reason: Option<&str>) -> Self {
        let (name, category) = match &of.what {
            Recorded::Campaign(campaign) => {
                (Value::from(&*campaign.name), (**campaign.category.text()).into())
            }
            Recorded::Draft(draft) => {
                let body: Value = serde_json::from_str(&draft.body).unwrap_or_default();
                let field = |name| body.get(name).cloned().unwrap_or_default();
                (field("name"), field("category"))
            }
        };
        let mut data = json!({
            "campaign_id": of.id.0,
            "brand_id": of.brand.id.0,
            "name": name,
            "status": of.state().code(),
            "category": category,
        });
        if let (Value::Object(fields), Some(reason)) = (&mut data, reason) {
            fields.insert("reason".to_owned(), reason.into());
        }
        Self::new(event, &data).of_brand(of.brand.id)
    }

    /// A campaign that an operator let through.
    pub(super) fn approved(campaign: &Campaign, budget: &Budget) -> Self {
        Self::campaign(EventType::CampaignApproved, campaign, budget)
    }

    fn campaign(event: EventType, campaign: &Campaign, budget: &Budget) -> Self {
        let money = |amount| money(amount, campaign.currency);
        let data = json!({
            "campaign_id": campaign.id.0,
            "brand_id": campaign.brand.id.0,
            "name": &*campaign.name,
            "status": campaign.status.name(),
            "category": &**campaign.category.text(),
            "pricing": { "type": campaign.pricing.code(), "rate": money(campaign.pricing.rate()) },
            "flight": {
                "starts_at": rfc3339(campaign.flight.starts),
                "ends_at": rfc3339(campaign.flight.ends),
            },
            "pacing": campaign.pacing.code(),
            "daily_cap": campaign.daily_cap.map(money),
            "budget": money(budget.funded),
            "spent": money(budget.spent),
        });
        Self::new(event, &data).of_brand(campaign.brand.id)
    }

    /// A participation that came so far.
    pub(super) fn participation(of: &Participation, brand: BrandId) -> Self {
        let event = match of.standing {
            Standing::Invited => EventType::ParticipationInvited,
            Standing::Applied => EventType::ParticipationApplied,
            Standing::Approved => EventType::ParticipationApproved,
            Standing::Declined => EventType::ParticipationRejected,
            Standing::Withdrawn => EventType::ParticipationWithdrawn,
            Standing::Completed | Standing::Ended => EventType::ParticipationCompleted,
        };
        let data = json!({
            "campaign_id": of.campaign.0,
            "brand_id": brand.0,
            "streamer_id": of.streamer.0,
            "status": of.standing.code(),
            "created_at": rfc3339(of.created),
            "updated_at": rfc3339(of.updated),
        });
        Self::new(event, &data).of_brand(brand).of_streamer(of.streamer)
    }

    /// An endpoint that is told nothing any more.
    pub(super) fn disabled(
        endpoint: EndpointId,
        owner: Listener,
        why: DisabledReason,
        now: UnixMillis,
    ) -> Self {
        let data = json!({
            "webhook_id": endpoint.0, "reason": why.code(), "disabled_at": rfc3339(now),
        });
        let fact = Self::new(EventType::EndpointDisabled, &data);
        match owner {
            Listener::Brand(brand) => fact.of_brand(brand),
            Listener::Streamer(streamer) => fact.of_streamer(streamer),
            Listener::Platform => fact,
        }
    }
}

impl Reading {
    /// What there is to tell of it, and the mark when it is told.
    pub(super) fn news(&self, now: UnixMillis) -> (Vec<Fact>, Mark) {
        let before = self.mark.unwrap_or(Mark { at: self.created, ..Mark::default() });
        let news = before.news(self.counts, self.budget, now);
        let mut facts = Vec::new();
        if let Some(counts) = news.settled {
            let mut data = counted(counts, self.currency);
            if let Value::Object(fields) = &mut data {
                fields.insert("campaign_id".to_owned(), self.campaign.0.into());
                fields.insert("brand_id".to_owned(), self.brand.0.into());
                fields.insert("from".to_owned(), rfc3339(before.at).into());
                fields.insert("to".to_owned(), rfc3339(now).into());
                fields.insert("total".to_owned(), counted(self.counts, self.currency));
            }
            facts.push(Fact::new(EventType::PlaySettled, &data).of_brand(self.brand));
        }
        facts.extend(news.shares.into_iter().map(|share| {
            let data = json!({
                "campaign_id": self.campaign.0,
                "brand_id": self.brand.0,
                "percent": share,
                "budget": money(self.budget, self.currency),
                "spent": money(self.counts.spent, self.currency),
            });
            Fact::new(EventType::BudgetThreshold, &data).of_brand(self.brand)
        }));
        (facts, news.next)
    }
}

fn counted(counts: Counts, currency: Currency) -> Value {
    json!({
        "plays": counts.plays,
        "viewers": counts.viewers,
        "clicks": counts.clicks,
        "rejected": counts.rejected,
        "spent": money(counts.spent, currency),
    })
}

fn money(amount: Micros, currency: Currency) -> Value {
    json!({ "amount_micros": amount.0, "currency": currency.to_string() })
}

fn rfc3339(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
}
