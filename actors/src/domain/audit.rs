//! The chain of hashes over the ledger and what operators did by hand.
//!
//! A block covers a run of ledger transactions, which are numbered without a gap, and a run of operators'
//! actions. Every row becomes bytes here, from whole numbers and UTF-8, never from what a database
//! renders; its SHA-256 is a digest, and a block's hash covers the hash of the block before it, its own
//! bounds, the digests in their order, and the sums per currency. Who changes a row has to change every
//! block after it, and the head that was written down elsewhere gives that away.
//!
//! The first four bytes of each digest are kept with the block, as marks: they prove nothing, but they
//! name the row that was changed, where the hash only names the block.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Ledger transactions in one block at most.
pub const BLOCK_MAX: i64 = 10_000;

/// Bytes of a digest that are kept.
const MARK: usize = 4;

/// A ledger transaction as the database has it, true or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Its number.
    pub seq: i64,
    /// What happened.
    pub kind: String,
    /// Its idempotency key.
    pub key: String,
    /// What it says of itself.
    pub reference: String,
    /// When, in milliseconds.
    pub at: i64,
    /// Its lines, in their order.
    pub entries: Vec<Entry>,
}

/// A line of a ledger transaction, with whose account it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from one.
    pub line: i64,
    /// The account's id.
    pub account: i64,
    /// The account's kind of owner.
    pub owner_kind: String,
    /// The account's owner.
    pub owner: i64,
    /// The account's name.
    pub code: String,
    /// Which one of that name.
    pub shard: i64,
    /// The currency.
    pub currency: String,
    /// Debit or credit.
    pub is_debit: bool,
    /// The amount in micros.
    pub amount: i64,
}

/// What an operator did by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Its number.
    pub seq: i64,
    /// When, in milliseconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// With what.
    pub detail: String,
}

/// What a block covers. A run that ends before it begins is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Whose block.
    pub writer: i64,
    /// Its number, from one.
    pub block: i64,
    /// The first ledger transaction.
    pub from_seq: i64,
    /// The last one.
    pub to_seq: i64,
    /// The first action.
    pub from_action: i64,
    /// The last one.
    pub to_action: i64,
    /// When it was sealed, in milliseconds.
    pub sealed_at: i64,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it covers.
    pub bounds: Bounds,
    /// The hash of the block before it; zeros for the first.
    pub prev_hash: Hash,
    /// Its hash.
    pub hash: Hash,
    /// The first four bytes of the digest of each row: transactions, then actions.
    pub marks: Vec<u8>,
}

/// The end of a writer's chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// The last block; zero for none.
    pub block: i64,
    /// The last ledger transaction in a block.
    pub seq: i64,
    /// The last action in a block.
    pub action: i64,
    /// The hash of the last block.
    pub hash: Hash,
}

impl Tip {
    /// What the next block covers when the writer has come to `seq` and `action`; none when there is
    /// nothing new.
    #[must_use]
    pub fn next(&self, writer: i64, (seq, action): (i64, i64), sealed_at: i64) -> Option<Bounds> {
        let end = |sealed: i64, written: i64| written.min(sealed.saturating_add(BLOCK_MAX));
        let (to_seq, to_action) = (end(self.seq, seq), end(self.action, action));
        (to_seq > self.seq || to_action > self.action).then(|| Bounds {
            writer,
            block: self.block.saturating_add(1),
            from_seq: self.seq.saturating_add(1),
            to_seq,
            from_action: self.action.saturating_add(1),
            to_action,
            sealed_at,
        })
    }
}

/// Canonical bytes: numbers in eight of them, texts with their length before them.
struct Bytes(Sha256);

impl Bytes {
    fn new(what: &str) -> Self {
        Self(Sha256::new()).text(what)
    }

    fn number(mut self, number: i64) -> Self {
        self.0.update(number.to_be_bytes());
        self
    }

    fn wide(mut self, number: i128) -> Self {
        self.0.update(number.to_be_bytes());
        self
    }

    fn text(mut self, text: &str) -> Self {
        // A length in memory fits into 64 bits.
        self.0.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(text.as_bytes());
        self
    }

    fn hash(mut self, hash: &Hash) -> Self {
        self.0.update(hash);
        self
    }

    fn end(self) -> Hash {
        self.0.finalize().into()
    }
}

impl Transaction {
    /// The digest of the transaction and its lines.
    #[must_use]
    pub fn digest(&self, writer: i64) -> Hash {
        let mut bytes = Bytes::new("gametriggers ledger_tx v1").number(writer).number(self.seq);
        bytes = bytes.text(&self.kind).text(&self.key).text(&self.reference).number(self.at);
        for entry in &self.entries {
            bytes = bytes.number(entry.line).number(entry.account).text(&entry.owner_kind);
            bytes = bytes.number(entry.owner).text(&entry.code).number(entry.shard).text(&entry.currency);
            bytes = bytes.number(i64::from(entry.is_debit)).number(entry.amount);
        }
        bytes.end()
    }
}

impl Action {
    /// The digest of the action.
    #[must_use]
    pub fn digest(&self, writer: i64) -> Hash {
        let bytes = Bytes::new("gametriggers admin_action v1").number(writer).number(self.seq);
        let bytes = bytes.number(self.at).text(&self.actor).text(&self.action).text(&self.subject);
        bytes.text(&self.reason).text(&self.detail).end()
    }
}

/// What a block covers, as it is read: transactions first, then actions.
#[derive(Clone, Debug, Default)]
pub struct Content {
    digests: Sha256,
    marks: Vec<u8>,
    /// Debits and credits per currency.
    sums: BTreeMap<String, (i128, i128)>,
    transactions: u64,
    entries: u64,
    actions: u64,
}

impl Content {
    /// Takes the next transaction.
    pub fn transaction(&mut self, writer: i64, transaction: &Transaction) -> Hash {
        for entry in &transaction.entries {
            // A tampered row may name any currency: there is no type of ours for it.
            let sum = match self.sums.get_mut(&entry.currency) {
                Some(sum) => sum,
                None => self.sums.entry(entry.currency.clone()).or_default(),
            };
            let side = if entry.is_debit { &mut sum.0 } else { &mut sum.1 };
            *side = side.saturating_add(i128::from(entry.amount));
        }
        self.transactions = self.transactions.saturating_add(1);
        self.entries =
            self.entries.saturating_add(u64::try_from(transaction.entries.len()).unwrap_or(u64::MAX));
        self.take(transaction.digest(writer))
    }

    /// Takes the next action.
    pub fn action(&mut self, writer: i64, action: &Action) -> Hash {
        self.actions = self.actions.saturating_add(1);
        self.take(action.digest(writer))
    }

    fn take(&mut self, digest: Hash) -> Hash {
        self.digests.update(digest);
        self.marks.extend(digest.iter().take(MARK));
        digest
    }

    /// The block of this content.
    #[must_use]
    pub fn seal(self, bounds: Bounds, prev_hash: Hash) -> Block {
        let mut bytes = Bytes::new("gametriggers audit_block v1").hash(&prev_hash);
        for number in [
            bounds.writer,
            bounds.block,
            bounds.from_seq,
            bounds.to_seq,
            bounds.from_action,
            bounds.to_action,
            bounds.sealed_at,
        ] {
            bytes = bytes.number(number);
        }
        bytes = bytes.hash(&self.digests.finalize().into());
        for (currency, (debits, credits)) in &self.sums {
            bytes = bytes.text(currency).wide(*debits).wide(*credits);
        }
        Block { bounds, prev_hash, hash: bytes.end(), marks: self.marks }
    }

    /// A currency whose debits are not its credits.
    fn unbalanced(&self) -> Option<&str> {
        self.sums.iter().find(|(_, (debits, credits))| debits != credits).map(|(code, _)| code.as_str())
    }
}

/// The verification of a writer's chain. It is told each block, then the rows that the database has
/// within the block's bounds, then that the block ends; and names the first thing that does not fit.
#[derive(Clone, Debug)]
pub struct Walk {
    writer: i64,
    tip: Tip,
    open: Option<(Block, Content)>,
    blocks: u64,
    transactions: u64,
    entries: u64,
    actions: u64,
    first_bad: Option<String>,
}

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Blocks looked at.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Lines of these.
    pub entries: u64,
    /// Actions in them.
    pub actions: u64,
    /// The first thing that does not fit, in words.
    pub first_bad: Option<String>,
    /// The hash of the last block.
    pub head: Hash,
}

impl Walk {
    /// The walk along the chain of a writer.
    #[must_use]
    pub fn new(writer: i64) -> Self {
        Self {
            writer,
            tip: Tip::default(),
            open: None,
            blocks: 0,
            transactions: 0,
            entries: 0,
            actions: 0,
            first_bad: None,
        }
    }

    fn bad(&mut self, what: impl FnOnce(i64) -> String) {
        if self.first_bad.is_none() {
            self.first_bad = Some(what(self.writer));
        }
    }

    /// The next block, by its number.
    pub fn open(&mut self, block: Block) {
        let (bounds, wanted) = (block.bounds, self.tip.block.saturating_add(1));
        if bounds.block != wanted {
            self.bad(|writer| format!("block {wanted} of writer {writer} is missing"));
        }
        let follows = block.prev_hash == self.tip.hash
            && bounds.from_seq == self.tip.seq.saturating_add(1)
            && bounds.from_action == self.tip.action.saturating_add(1);
        if !follows {
            let before = wanted.saturating_sub(1);
            self.bad(|writer| {
                format!("block {} of writer {writer} does not follow block {before}", bounds.block)
            });
        }
        self.tip.seq = bounds.from_seq.saturating_sub(1);
        self.tip.action = bounds.from_action.saturating_sub(1);
        self.open = Some((block, Content::default()));
    }

    /// The next transaction within the open block, by its number.
    pub fn transaction(&mut self, transaction: &Transaction) {
        let wanted = self.tip.seq.saturating_add(1);
        if transaction.seq != wanted {
            self.bad(|writer| format!("ledger_tx {writer}:{wanted} is missing"));
        }
        self.tip.seq = transaction.seq;
        let Some((block, content)) = &mut self.open else { return };
        let place = transaction.seq.saturating_sub(block.bounds.from_seq);
        let digest = content.transaction(self.writer, transaction);
        if !is_marked(&block.marks, place, &digest) {
            let missing = (1..).zip(&transaction.entries).find(|(line, entry)| *line != entry.line);
            self.bad(|writer| match missing {
                Some((line, _)) => format!("ledger_entry {writer}:{}:{line} is missing", transaction.seq),
                None => format!("ledger_tx {writer}:{} is not what was sealed", transaction.seq),
            });
        }
    }

    /// The next action within the open block, by its number. All transactions come before it.
    pub fn action(&mut self, action: &Action) {
        let wanted = self.tip.action.saturating_add(1);
        if action.seq != wanted {
            self.bad(|writer| format!("admin_action {writer}:{wanted} is missing"));
        }
        self.tip.action = action.seq;
        let Some((block, content)) = &mut self.open else { return };
        let bounds = block.bounds;
        let transactions = bounds.to_seq.saturating_sub(bounds.from_seq).saturating_add(1);
        let place = action.seq.saturating_sub(bounds.from_action).saturating_add(transactions);
        let digest = content.action(self.writer, action);
        if !is_marked(&block.marks, place, &digest) {
            self.bad(|writer| format!("admin_action {writer}:{} is not what was sealed", action.seq));
        }
    }

    /// The end of the open block.
    pub fn close(&mut self) {
        let Some((block, content)) = self.open.take() else { return };
        let bounds = block.bounds;
        if self.tip.seq < bounds.to_seq {
            let missing = self.tip.seq.saturating_add(1);
            self.bad(|writer| format!("ledger_tx {writer}:{missing} is missing"));
        }
        if self.tip.action < bounds.to_action {
            let missing = self.tip.action.saturating_add(1);
            self.bad(|writer| format!("admin_action {writer}:{missing} is missing"));
        }
        self.blocks = self.blocks.saturating_add(1);
        self.transactions = self.transactions.saturating_add(content.transactions);
        self.entries = self.entries.saturating_add(content.entries);
        self.actions = self.actions.saturating_add(content.actions);
        let unbalanced = content.unbalanced().map(str::to_owned);
        let found = content.seal(bounds, block.prev_hash);
        if found != block {
            self.bad(|writer| format!("block {} of writer {writer} is not what was sealed", bounds.block));
        }
        if let Some(currency) = unbalanced {
            self.bad(|writer| {
                format!("block {} of writer {writer}: debits and credits of {currency} differ", bounds.block)
            });
        }
        let hash = block.hash;
        self.tip = Tip { block: bounds.block, seq: bounds.to_seq, action: bounds.to_action, hash };
    }

    /// The end of the chain, which has to be the block that the writer says it sealed last.
    #[must_use]
    pub fn end(mut self, last_block: i64) -> Walked {
        if self.tip.block != last_block {
            let missing = self.tip.block.saturating_add(1);
            self.bad(|writer| format!("block {missing} of writer {writer} is missing"));
        }
        Walked {
            blocks: self.blocks,
            transactions: self.transactions,
            entries: self.entries,
            actions: self.actions,
            first_bad: self.first_bad,
            head: self.tip.hash,
        }
    }
}

/// Whether the row at `place` has the mark that was kept of it.
fn is_marked(marks: &[u8], place: i64, digest: &Hash) -> bool {
    let kept = usize::try_from(place).ok().and_then(|place| marks.chunks_exact(MARK).nth(place));
    kept.is_some_and(|kept| digest.starts_with(kept))
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
