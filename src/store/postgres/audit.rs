//! The chain of hashes over the ledger and what operators did by hand: what is hashed, and how, says the
//! domain; here the rows are read and the blocks are written.

use super::failure::{Attempt, expect_rows};
use super::row::{Columns, known};
use super::{PostgresStore, statements};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use gametriggers_actors::domain::audit::{
    Action, Block, Bounds, Content, Entry, Hash, Tip, Transaction, Walk,
};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    ActionFilter, ActionPlace, AuditStore, Chain, SealedAction, SealedIn, StoreResult,
};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

statements! {
    WRITTEN = "SELECT seq, action_seq FROM writer WHERE id = $1";
    TIP = "SELECT * FROM audit_block WHERE writer = $1 ORDER BY block DESC LIMIT 1";
    /// A writer that is gone from its table is missed by its blocks.
    WRITERS = "SELECT writer, max(block)::bigint AS block FROM (
          SELECT id AS writer, block FROM writer WHERE block > 0
          UNION ALL SELECT DISTINCT writer, 0 FROM audit_block) AS known
        GROUP BY writer ORDER BY writer";
    NEXT_BLOCK = "SELECT * FROM audit_block WHERE writer = $1 AND block > $2 ORDER BY block LIMIT 1";
    /// A transaction without lines has one row here, with none in it.
    TRANSACTIONS = "SELECT t.seq, t.kind, t.idem_key, t.reference, t.created_at, e.line::bigint AS line,
          e.account_id, e.currency, e.is_debit, e.amount, a.owner_kind, a.owner_id, a.code, a.shard
        FROM (SELECT * FROM ledger_tx WHERE writer = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) AS t
        LEFT JOIN ledger_entry AS e ON e.writer = t.writer AND e.seq = t.seq
        LEFT JOIN ledger_account AS a ON a.id = e.account_id
        ORDER BY t.seq, e.line";
    ACTIONS = "SELECT * FROM admin_action WHERE writer = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4";
    ADVANCE = "UPDATE writer SET block = $1 WHERE id = own_writer() AND block = $1 - 1";
    SEAL = "INSERT INTO audit_block
        (writer, block, from_seq, to_seq, from_action, to_action, sealed_at, prev_hash, hash, marks)
        VALUES (own_writer(), $1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// An action is in the first block that reaches as far.
    OF_KIND = "SELECT a.*, b.block, b.hash, b.prev_hash, b.sealed_at FROM (
          SELECT * FROM admin_action WHERE ($1::text IS NULL OR subject = $1 OR subject LIKE $1 || ':%')
            AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3)
            AND at >= $4 AND at < $5 AND (at, writer, seq) < ($6, $7, $8)
          ORDER BY at DESC, writer DESC, seq DESC LIMIT $9) AS a
        LEFT JOIN audit_block AS b ON b.writer = a.writer AND b.block =
          (SELECT n.block FROM audit_block AS n WHERE n.writer = a.writer AND n.to_action >= a.seq
            ORDER BY n.to_action, n.block LIMIT 1)
        ORDER BY a.at DESC, a.writer DESC, a.seq DESC";
    /// The same for one subject.
    OF_SUBJECT = "SELECT a.*, b.block, b.hash, b.prev_hash, b.sealed_at FROM (
          SELECT * FROM admin_action WHERE subject COLLATE \"C\" = $1
            AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3)
            AND at >= $4 AND at < $5 AND (at, writer, seq) < ($6, $7, $8)
          ORDER BY at DESC, writer DESC, seq DESC LIMIT $9) AS a
        LEFT JOIN audit_block AS b ON b.writer = a.writer AND b.block =
          (SELECT n.block FROM audit_block AS n WHERE n.writer = a.writer AND n.to_action >= a.seq
            ORDER BY n.to_action, n.block LIMIT 1)
        ORDER BY a.at DESC, a.writer DESC, a.seq DESC";
}

/// Transactions or actions in one statement at most: each of them ends long before the server's patience.
const PIECE: i64 = 100;

#[async_trait]
impl AuditStore for PostgresStore {
    async fn seal(&self, now: UnixMillis) -> StoreResult<u64> {
        let writer = self.writer()?.id();
        let mut blocks = 0;
        // Rows do not change once they are written, so they are read beside the writer, and it is only
        // held up for as long as it takes to write the block.
        while let Some(block) = self.next_block(writer, now).await? {
            self.write(move |c| Box::pin(write(c, block))).await?;
            blocks += 1;
        }
        Ok(blocks)
    }

    async fn verify(&self) -> StoreResult<Chain> {
        let mut snapshot = self.snapshot().await?;
        Ok(verify(&mut snapshot).await?)
    }

    async fn actions(
        &self,
        of: &ActionFilter,
        before: Option<ActionPlace>,
        limit: u32,
    ) -> StoreResult<Vec<SealedAction>> {
        self.read(page(&self.readers, of, before, limit)).await
    }
}

impl PostgresStore {
    async fn next_block(&self, writer: i64, now: UnixMillis) -> Attempt<Option<Block>> {
        let mut snapshot = self.snapshot().await?;
        let written: (i64, i64) = sqlx::query_as(WRITTEN).bind(writer).fetch_one(&mut *snapshot).await?;
        let last = sqlx::query(TIP).bind(writer).fetch_optional(&mut *snapshot).await?;
        let tip = last.as_ref().map(block).transpose()?.map_or_else(Tip::default, |block| Tip {
            block: block.bounds.block,
            seq: block.bounds.to_seq,
            action: block.bounds.to_action,
            hash: block.hash,
        });
        let Some(bounds) = tip.next(writer, written, now.0) else { return Ok(None) };
        let mut content = Content::default();
        read(&mut snapshot, &bounds, |row| match row {
            Sealed::Transaction(row) => drop(content.transaction(writer, &row)),
            Sealed::Action(row) => drop(content.action(writer, &row)),
        })
        .await?;
        Ok(Some(content.seal(bounds, tip.hash)))
    }
}

async fn write(connection: &mut PgConnection, block: Block) -> Attempt<()> {
    let bounds = block.bounds;
    let moved = sqlx::query(ADVANCE).bind(bounds.block).execute(&mut *connection).await?;
    expect_rows("writer", 1, moved.rows_affected())?;
    sqlx::query(SEAL)
        .bind(bounds.block)
        .bind(bounds.from_seq)
        .bind(bounds.to_seq)
        .bind(bounds.from_action)
        .bind(bounds.to_action)
        .bind(bounds.sealed_at)
        .bind(block.prev_hash.to_vec())
        .bind(block.hash.to_vec())
        .bind(block.marks)
        .execute(connection)
        .await?;
    Ok(())
}

async fn verify(connection: &mut PgConnection) -> Attempt<Chain> {
    let mut chain =
        Chain { blocks: 0, transactions: 0, entries: 0, actions: 0, first_bad: None, heads: Vec::new() };
    let writers: Vec<(i64, i64)> = sqlx::query_as(WRITERS).fetch_all(&mut *connection).await?;
    for (writer, last) in writers {
        let (mut walk, mut after) = (Walk::new(writer), 0_i64);
        while let Some(row) =
            sqlx::query(NEXT_BLOCK).bind(writer).bind(after).fetch_optional(&mut *connection).await?
        {
            let block = block(&row)?;
            let bounds = block.bounds;
            after = bounds.block;
            walk.open(block);
            read(connection, &bounds, |row| match row {
                Sealed::Transaction(row) => walk.transaction(&row),
                Sealed::Action(row) => walk.action(&row),
            })
            .await?;
            walk.close();
        }
        let walked = walk.end(last);
        chain.blocks = chain.blocks.saturating_add(walked.blocks);
        chain.transactions = chain.transactions.saturating_add(walked.transactions);
        chain.entries = chain.entries.saturating_add(walked.entries);
        chain.actions = chain.actions.saturating_add(walked.actions);
        chain.first_bad = chain.first_bad.or(walked.first_bad);
        chain.heads.push((writer, walked.head));
    }
    Ok(chain)
}

/// A row that a block covers.
enum Sealed {
    Transaction(Transaction),
    Action(Action),
}

/// Hands out the rows within the bounds: transactions by their numbers, then actions by theirs.
async fn read(connection: &mut PgConnection, bounds: &Bounds, mut take: impl FnMut(Sealed)) -> Attempt<()> {
    let mut after = bounds.from_seq.saturating_sub(1);
    loop {
        let mut rows = sqlx::query(TRANSACTIONS)
            .bind(bounds.writer)
            .bind(after)
            .bind(bounds.to_seq)
            .bind(PIECE)
            .fetch(&mut *connection);
        let mut open: Option<Transaction> = None;
        while let Some(row) = rows.try_next().await? {
            let seq = row.number("seq")?;
            if let Some(done) = open.take_if(|open| open.seq != seq) {
                take(Sealed::Transaction(done));
            }
            let mut current = match open.take() {
                Some(current) => current,
                None => transaction(&row, seq)?,
            };
            current.entries.extend(entry(&row)?);
            open = Some(current);
        }
        let Some(done) = open else { break };
        after = done.seq;
        take(Sealed::Transaction(done));
    }
    let mut after = bounds.from_action.saturating_sub(1);
    loop {
        let rows = sqlx::query(ACTIONS)
            .bind(bounds.writer)
            .bind(after)
            .bind(bounds.to_action)
            .bind(PIECE)
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            after = row.number("seq")?;
            take(Sealed::Action(action(row)?));
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

fn transaction(row: &PgRow, seq: i64) -> Attempt<Transaction> {
    Ok(Transaction {
        seq,
        kind: row.text("kind")?,
        key: row.text("idem_key")?,
        reference: row.text("reference")?,
        at: row.number("created_at")?,
        entries: Vec::new(),
    })
}

/// The line of the row, if it has one. Of an account that is gone there is nothing to tell.
fn entry(row: &PgRow) -> Attempt<Option<Entry>> {
    let Some(line) = row.optional("line")? else { return Ok(None) };
    let text = |column| {
        Ok::<_, super::Failure>(row.optional_text(column)?.as_deref().unwrap_or_default().to_owned())
    };
    Ok(Some(Entry {
        line,
        account: row.number("account_id")?,
        owner_kind: text("owner_kind")?,
        owner: row.optional("owner_id")?.unwrap_or_default(),
        code: text("code")?,
        shard: row.optional("shard")?.unwrap_or_default(),
        currency: row.text("currency")?,
        is_debit: row.flag("is_debit")?,
        amount: row.number("amount")?,
    }))
}

fn action(row: &PgRow) -> Attempt<Action> {
    Ok(Action {
        seq: row.number("seq")?,
        at: row.number("at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        reason: row.text("reason")?,
        detail: row.text("detail")?,
    })
}

fn block(row: &PgRow) -> Attempt<Block> {
    let hash = |column: &str| -> Attempt<Hash> {
        known(column, Hash::try_from(row.try_get::<Vec<u8>, _>(column)?).ok())
    };
    Ok(Block {
        bounds: Bounds {
            writer: row.number("writer")?,
            block: row.number("block")?,
            from_seq: row.number("from_seq")?,
            to_seq: row.number("to_seq")?,
            from_action: row.number("from_action")?,
            to_action: row.number("to_action")?,
            sealed_at: row.number("sealed_at")?,
        },
        prev_hash: hash("prev_hash")?,
        hash: hash("hash")?,
        marks: row.try_get("marks")?,
    })
}

/// A page of actions, newest first.
async fn page(
    executor: impl PgExecutor<'_>,
    of: &ActionFilter,
    before: Option<ActionPlace>,
    limit: u32,
) -> Attempt<Vec<SealedAction>> {
    let last = ActionPlace { at: UnixMillis(i64::MAX), writer: i64::MAX, seq: i64::MAX };
    let before = before.unwrap_or(last);
    let (sql, subject) = match &of.subject {
        Some((kind, Some(id))) => (OF_SUBJECT, Some(format!("{kind}:{id}"))),
        Some((kind, None)) => (OF_KIND, Some(kind.clone())),
        None => (OF_KIND, None),
    };
    let query = sqlx::query(sql).bind(subject).bind(of.actor.as_deref()).bind(of.action.as_deref());
    let query = query.bind(of.since.map_or(i64::MIN, |at| at.0)).bind(of.until.map_or(i64::MAX, |at| at.0));
    let query = query.bind(before.at.0).bind(before.writer).bind(before.seq).bind(i64::from(limit));
    query.fetch_all(executor).await?.iter().map(sealed_action).collect()
}

fn sealed_action(row: &PgRow) -> Attempt<SealedAction> {
    let hash = |column: &str| {
        let bytes: Option<Vec<u8>> = row.try_get(column)?;
        bytes.map(|bytes| known(column, Hash::try_from(bytes).ok())).transpose()
    };
    let sealed = match (row.optional("block")?, hash("hash")?, hash("prev_hash")?) {
        (Some(block), Some(hash), Some(prev_hash)) => {
            Some(SealedIn { block, hash, prev_hash, sealed: row.moment("sealed_at")? })
        }
        _ => None,
    };
    Ok(SealedAction { writer: row.number("writer")?, action: action(row)?, sealed })
}
