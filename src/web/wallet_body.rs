//! Wallets as the API reads and writes them.

use super::fields::{Fields, line};
use super::problem::Problem;
use super::schema::{Allowance, Correction, CurrencyCode, Id, Line, Price};
use super::wire::MoneyBody;
use gametriggers_actors::domain::id::{BrandId, CampaignId, StreamerId};
use gametriggers_actors::domain::money::{Currency, Money};
use gametriggers_actors::ports::{Funds, Owner, Wallet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of a reference or a reason at most.
pub(super) const REASON_MAX: usize = 200;

/// Money from outside, or back to it: what an operator has seen happen.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferBody {
    /// How much.
    #[schemars(with = "Price")]
    amount: MoneyBody,
    /// What the provider calls it.
    #[schemars(with = "Line<200>", example = &"bank transfer 2026-11-24/0193")]
    reference: String,
}

/// How far a wallet may go below zero.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitBody {
    /// How far; zero for not at all.
    #[schemars(with = "Allowance")]
    limit: MoneyBody,
    /// Why, for the record.
    #[schemars(with = "Line<200>", example = &"agreed by contract of November")]
    reason: String,
}

/// Into a budget, or out of it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetBody {
    /// How much, in the campaign's currency.
    #[schemars(with = "Price", example = MoneyBody::rupees(5))]
    amount: MoneyBody,
}

/// A correction: given above zero, taken below.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdjustmentBody {
    /// Whose wallet it is: a brand's.
    #[serde(default)]
    #[schemars(with = "Option<Id>", example = 1)]
    brand_id: Option<i64>,
    /// Or a streamer's.
    #[serde(default)]
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// How much; not zero.
    #[schemars(with = "Correction")]
    amount: MoneyBody,
    /// Why, for the record.
    #[schemars(with = "Line<200>", example = &"goodwill for the outage of November 3")]
    reason: String,
}

/// A wallet as the API shows it. What a kind of owner does not have is left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct WalletView {
    /// The brand whose wallet it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>", example = 1)]
    brand_id: Option<i64>,
    /// The streamer whose wallet it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// ISO 4217: there is one wallet for each currency.
    #[schemars(with = "CurrencyCode", example = &"INR")]
    currency: String,
    /// What can be spent, or paid out. Below zero within the credit limit.
    #[schemars(example = MoneyBody::rupees(84_500))]
    available: MoneyBody,
    /// Of a brand: set aside in the budgets of its campaigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = MoneyBody::rupees(25_000))]
    reserved: Option<MoneyBody>,
    /// Of a streamer: earned, and held back for some days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<MoneyBody>,
    /// Of a brand: how far below zero it may go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = MoneyBody::rupees(0))]
    credit_limit: Option<MoneyBody>,
}

/// All wallets of an owner.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct WalletsView {
    /// One for each currency in which something ever moved.
    items: Vec<WalletView>,
}

/// A campaign's money.
#[derive(Debug, Serialize, JsonSchema)]
struct BudgetView {
    /// The campaign.
    #[schemars(with = "Id")]
    campaign_id: i64,
    /// Given to it so far.
    #[schemars(example = MoneyBody::rupees(25_000))]
    funded: MoneyBody,
    /// Settled.
    #[schemars(example = MoneyBody::rupees(4_120))]
    spent: MoneyBody,
    /// In the hands of servers that play it.
    #[schemars(example = MoneyBody::rupees(80))]
    leased: MoneyBody,
    /// Neither spent nor leased: what a release can give back.
    #[schemars(example = MoneyBody::rupees(20_800))]
    free: MoneyBody,
}

/// Both sides of what moved between a wallet and a budget.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MovedView {
    /// The wallet of the brand.
    wallet: WalletView,
    /// The budget of the campaign.
    budget: BudgetView,
}

impl TransferBody {
    /// The amount, and the reference.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self) -> Result<(Money, String), Problem> {
        let mut fields = Fields::default();
        let money = fields.need("amount", self.amount.positive(), "an amount above zero in a currency");
        let reference = fields.need("reference", line(&self.reference, 1, REASON_MAX), "1 to 200 characters");
        both(fields, money, reference)
    }
}

impl LimitBody {
    /// The limit, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self) -> Result<(Money, String), Problem> {
        let mut fields = Fields::default();
        let limit = self.limit.money().filter(|limit| limit.amount.0 >= 0);
        let limit = fields.need("limit", limit, "an amount of zero or more in a currency");
        let reason = fields.need("reason", line(&self.reason, 1, REASON_MAX), "1 to 200 characters");
        both(fields, limit, reason)
    }
}

impl BudgetBody {
    /// The amount.
    ///
    /// # Errors
    /// It is not above zero, or of another currency than the campaign.
    pub(super) fn read(&self, currency: Currency) -> Result<Money, Problem> {
        let mut fields = Fields::default();
        let money = self.amount.positive().filter(|money| money.currency == currency);
        let money = fields.need("amount", money, "an amount above zero in the campaign's currency");
        both(fields, money, Some(())).map(|(money, ())| money)
    }
}

impl AdjustmentBody {
    /// Whose wallet, how much, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self) -> Result<(Owner, Money, String), Problem> {
        let mut fields = Fields::default();
        let owner = match (self.brand_id, self.streamer_id) {
            (Some(brand), None) => Some(Owner::Brand(BrandId(brand))),
            (None, Some(streamer)) => Some(Owner::Streamer(StreamerId(streamer))),
            _ => None,
        };
        let owner = fields.need("brand_id", owner, "either brand_id or streamer_id says whose wallet it is");
        // The lowest number has no counterpart above zero to be booked.
        let money = self.amount.money().filter(|money| !matches!(money.amount.0, 0 | i64::MIN));
        let money = fields.need("amount", money, "an amount above or below zero in a currency");
        let reason = fields.need("reason", line(&self.reason, 1, REASON_MAX), "1 to 200 characters");
        let (owner, (money, reason)) = both(fields, owner, money.zip(reason))?;
        Ok((owner, money, reason))
    }
}

/// Both values, or what was noted about the fields.
fn both<A, B>(fields: Fields, a: Option<A>, b: Option<B>) -> Result<(A, B), Problem> {
    fields.end()?;
    a.zip(b).ok_or_else(|| Problem::malformed("a field is missing"))
}

impl WalletView {
    /// A wallet as the API shows it.
    pub(super) fn of(wallet: &Wallet) -> Self {
        let money = |amount| MoneyBody::of(amount, wallet.currency);
        let (brand, streamer) = match wallet.owner {
            Owner::Brand(brand) => (Some(brand), None),
            Owner::Streamer(streamer) => (None, Some(streamer)),
        };
        Self {
            brand_id: brand.map(|id| id.0),
            streamer_id: streamer.map(|id| id.0),
            currency: wallet.currency.to_string(),
            available: money(wallet.available),
            reserved: brand.map(|_| money(wallet.reserved)),
            pending: streamer.map(|_| money(wallet.pending)),
            credit_limit: brand.map(|_| money(wallet.credit_limit)),
        }
    }
}

impl WalletsView {
    /// All wallets of an owner.
    pub(super) fn of(wallets: &[Wallet]) -> Self {
        Self { items: wallets.iter().map(WalletView::of).collect() }
    }
}

impl MovedView {
    /// Both sides, after the move.
    pub(super) fn of(campaign: CampaignId, (wallet, budget): &Funds) -> Self {
        let money = |amount| MoneyBody::of(amount, wallet.currency);
        let taken = budget.spent.0.saturating_add(budget.leased.0);
        let free = gametriggers_actors::domain::money::Micros(budget.funded.0.saturating_sub(taken));
        Self {
            wallet: WalletView::of(wallet),
            budget: BudgetView {
                campaign_id: campaign.0,
                funded: money(budget.funded),
                spent: money(budget.spent),
                leased: money(budget.leased),
                free: money(free),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json};

    fn adjustment(body: Value) -> Option<(Owner, Money, String)> {
        from_value::<AdjustmentBody>(body).ok()?.read().ok()
    }

    #[test]
    fn an_adjustment_names_one_owner_an_amount_and_a_reason() {
        let amount = |micros: i64| json!({ "amount_micros": micros, "currency": "INR" });
        let good = adjustment(json!({ "streamer_id": 4, "amount": amount(-7), "reason": " twice paid " }));
        let (owner, money, reason) = good.unwrap();
        assert_eq!((owner, money.amount.0, &*reason), (Owner::Streamer(StreamerId(4)), -7, "twice paid"));
        for bad in [
            json!({ "amount": amount(1), "reason": "why" }),
            json!({ "brand_id": 1, "streamer_id": 1, "amount": amount(1), "reason": "why" }),
            json!({ "brand_id": 1, "amount": amount(0), "reason": "why" }),
            json!({ "brand_id": 1, "amount": amount(i64::MIN), "reason": "why" }),
            json!({ "brand_id": 1, "amount": amount(1), "reason": " " }),
            json!({ "brand_id": 1, "amount": amount(1), "reason": "x".repeat(201) }),
            json!({ "brand_id": 1, "amount": amount(1), "reason": "two\nlines" }),
            json!({ "brand_id": 1, "amount": { "amount_micros": 1, "currency": "rupees" }, "reason": "why" }),
            json!({ "brand_id": 1, "amount": amount(1), "reason": "why", "note": "more" }),
        ] {
            assert!(adjustment(bad.clone()).is_none(), "{bad}");
        }
    }
}
