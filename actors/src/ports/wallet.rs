//! Wallets: what brands pay in and streamers are paid out of, and the audit of both.

use super::{Budget, Check, Idempotency, StoreResult};
use crate::domain::audit::{Action, Hash};
use crate::domain::id::{BrandId, CampaignId, StreamerId};
use crate::domain::money::{Currency, Micros, Money};
use crate::domain::time::{Millis, UnixMillis};
use async_trait::async_trait;

/// Whose wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// An advertiser's.
    Brand(BrandId),
    /// A streamer's.
    Streamer(StreamerId),
}

/// A wallet, as it is after the operation that answered with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Whose.
    pub owner: Owner,
    /// Its one currency.
    pub currency: Currency,
    /// A brand may give it to campaigns, a streamer may be paid it. Below zero down to the credit limit.
    pub available: Micros,
    /// A brand's: in the budgets of its campaigns and not spent. Zero for a streamer.
    pub reserved: Micros,
    /// A streamer's: earned and not available yet, rolled up or not. Zero for a brand.
    pub pending: Micros,
    /// How far `available` may go below zero. Zero or more.
    pub credit_limit: Micros,
}

/// Both sides of a campaign's money: the wallet of its brand, and its budget.
pub type Funds = (Wallet, Budget);

/// Who does something by hand, and why: it stays on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The first eight hex digits of the hash of the operator's key, `user:` and the number of an operator
    /// who signed in, or `command line`.
    pub actor: String,
    /// Why; never empty.
    pub reason: String,
}

/// Where a line stands in a statement: newest first, this is what a page ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the transaction was written.
    pub at: UnixMillis,
    /// Its writer.
    pub writer: i64,
    /// Its number.
    pub seq: i64,
    /// The line within it.
    pub line: i64,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// Where it stands.
    pub position: Position,
    /// What happened: the kind of the ledger transaction.
    pub kind: String,
    /// `available` or `pending`.
    pub account: String,
    /// What came in, or, below zero, what went out.
    pub amount: Micros,
    /// The account's balance after it.
    pub balance: Micros,
    /// The other side when it is a campaign.
    pub campaign: Option<CampaignId>,
    /// What the transaction says of itself: a provider's reference, or the reason of an operator.
    pub reference: String,
}

/// Wallets. Every call is one transaction; a key makes it safe to repeat and gives the first answer again.
#[expect(clippy::too_many_arguments, reason = "key and time stand apart from what an operation is about")]
#[async_trait]
pub trait WalletStore: Send + Sync {
    /// A wallet; all zeros when nothing ever moved. `NotFound` without such an owner.
    async fn wallet(&self, owner: Owner, currency: Currency) -> StoreResult<Wallet>;

    /// All wallets of an owner, by currency.
    async fn wallets(&self, owner: Owner) -> StoreResult<Vec<Wallet>>;

    /// Money from outside, confirmed by an operator. The reason is the provider's reference.
    async fn confirm_deposit(
        &self,
        brand: BrandId,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet>;

    /// Available money back to where it came from, confirmed by an operator.
    async fn refund(
        &self,
        brand: BrandId,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet>;

    /// From the brand's wallet into the campaign's budget.
    async fn fund(
        &self,
        campaign: CampaignId,
        amount: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds>;

    /// Raises a campaign's budget to `total`, out of its brand's wallet. `Constraint` when the budget is
    /// above that already, or the campaign has ended.
    async fn fund_to(
        &self,
        campaign: CampaignId,
        total: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds>;

    /// From a campaign's budget back into its brand's wallet: only what is neither spent nor leased, else
    /// `InsufficientFunds` with that.
    async fn release(
        &self,
        campaign: CampaignId,
        amount: Micros,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Funds>;

    /// A correction by an operator: `amount` above zero is given, below zero taken, against the platform's
    /// `adjustment` account. `InsufficientFunds` when it would take more than there is.
    async fn adjust(
        &self,
        owner: Owner,
        money: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet>;

    /// Sets how far a brand's wallet may go below zero. `Constraint` when it is further below already.
    async fn set_credit_limit(
        &self,
        brand: BrandId,
        limit: Money,
        hand: &ByHand,
        key: &Idempotency,
        now: UnixMillis,
    ) -> StoreResult<Wallet>;

    /// Makes available what streamers earned at least `hold` ago: earnings are kept by the UTC day on
    /// which they were rolled up, and a day is due when its end is `hold` old. The number of wallet days.
    async fn mature(&self, now: UnixMillis, hold: Millis) -> StoreResult<u64>;

    /// Lines of a wallet, newest first, before `before`. What is not rolled up yet has no line.
    async fn statement(
        &self,
        owner: Owner,
        currency: Currency,
        before: Option<Position>,
        limit: u32,
    ) -> StoreResult<Vec<StatementLine>>;
}

/// What a verification of the hash chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Blocks looked at.
    pub blocks: u64,
    /// Ledger transactions in them.
    pub transactions: u64,
    /// Their lines.
    pub entries: u64,
    /// Operators' actions in them.
    pub actions: u64,
    /// The first block or row that does not fit, in words: `block 3 of writer 1`, `ledger_tx 1:17 ...`.
    pub first_bad: Option<String>,
    /// The hash of the last block of each writer, by writer.
    pub heads: Vec<(i64, [u8; 32])>,
}

impl Chain {
    /// As a line of the reconciliation.
    #[must_use]
    pub fn check(&self) -> Check {
        let rows = [self.blocks, self.transactions, self.entries, self.actions];
        Check {
            id: "R9",
            name: "what was sealed is as it was",
            rows: rows.into_iter().fold(0, u64::saturating_add),
            mismatches: u64::from(self.first_bad.is_some()),
            drift_micros: 0,
        }
    }
}

/// Which of the operators' actions. None of a field takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionFilter {
    /// Who, as the record names them.
    pub actor: Option<String>,
    /// What.
    pub action: Option<String>,
    /// To whom: the kind of the subject, and its id if one is named.
    pub subject: Option<(String, Option<i64>)>,
    /// Not before.
    pub since: Option<UnixMillis>,
    /// Before.
    pub until: Option<UnixMillis>,
}

/// Where an action stands in the list of all writers: newest first, this is what a page ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionPlace {
    /// When it was done.
    pub at: UnixMillis,
    /// By which writer.
    pub writer: i64,
    /// Its number there.
    pub seq: i64,
}

/// The block of the chain that an action is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedIn {
    /// Its number.
    pub block: i64,
    /// Its hash.
    pub hash: Hash,
    /// The hash of the block before it.
    pub prev_hash: Hash,
    /// When it was sealed.
    pub sealed: UnixMillis,
}

/// What an operator did, and where it is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAction {
    /// Whose chain.
    pub writer: i64,
    /// What was done.
    pub action: Action,
    /// None until it is sealed.
    pub sealed: Option<SealedIn>,
}

/// The chain of hashes over ledger transactions and operators' actions (`domain::audit`).
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Seals what this writer wrote since its last block, in blocks of at most 10 000 transactions. The
    /// number of blocks.
    async fn seal(&self, now: UnixMillis) -> StoreResult<u64>;

    /// Computes every block of every writer again.
    async fn verify(&self) -> StoreResult<Chain>;

    /// A page of operators' actions, newest first, before `before`.
    async fn actions(
        &self,
        of: &ActionFilter,
        before: Option<ActionPlace>,
        limit: u32,
    ) -> StoreResult<Vec<SealedAction>>;
}
