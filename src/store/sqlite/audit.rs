//! The chain of hashes: sealing what was written, and computing it all again.
//!
//! Rows that are sealed never change, so they are read from a snapshot beside the writer; only the block
//! itself is a write.

use super::failure::{Attempt, Failure, expect_rows};
use super::ledger::fence_if_taken;
use super::row::{Columns, known};
use super::{SqliteStore, WRITER, statements};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use gametriggers_actors::domain::audit::{
    Action, Block, Bounds, Content, Entry, Hash, Tip, Transaction, Walk, Walked,
};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{
    ActionFilter, ActionPlace, AuditStore, Chain, SealedAction, SealedIn, StoreResult,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqliteExecutor};

statements! {
    WRITERS = "SELECT id, block FROM writer ORDER BY id";
    WRITTEN = "SELECT w.seq, w.action_seq, w.block, coalesce(b.to_seq, 0) AS to_seq,
          coalesce(b.to_action, 0) AS to_action, b.hash
        FROM writer AS w LEFT JOIN audit_block AS b ON b.writer = w.id AND b.block = w.block
        WHERE w.id = ?1";
    BLOCKS = "SELECT * FROM audit_block WHERE writer = ?1 AND block > ?2 ORDER BY block LIMIT 1";
    /// A transaction without lines is one row, with nothing in the columns of the line.
    TRANSACTIONS = "SELECT t.seq, t.kind, t.idem_key, t.reference, t.created_at, e.line, e.account_id,
          a.owner_kind, a.owner_id, a.code, a.shard, e.currency, e.is_debit, e.amount
        FROM ledger_tx AS t LEFT JOIN ledger_entry AS e ON e.writer = t.writer AND e.seq = t.seq
        LEFT JOIN ledger_account AS a ON a.id = e.account_id
        WHERE t.writer = ?1 AND t.seq BETWEEN ?2 AND ?3 ORDER BY t.seq, e.line";
    ACTIONS = "SELECT seq, at, actor, action, subject, reason, detail FROM admin_action
        WHERE writer = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq";
    /// An action is in the first block that reaches as far.
    OF_KIND = "SELECT a.*, b.block, b.hash, b.prev_hash, b.sealed_at FROM (
          SELECT * FROM admin_action WHERE (?1 IS NULL OR subject = ?1 OR subject LIKE ?1 || ':%')
            AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3)
            AND at >= ?4 AND at < ?5 AND (at, writer, seq) < (?6, ?7, ?8)
          ORDER BY at DESC, writer DESC, seq DESC LIMIT ?9) AS a
        LEFT JOIN audit_block AS b ON b.writer = a.writer AND b.block =
          (SELECT n.block FROM audit_block AS n WHERE n.writer = a.writer AND n.to_action >= a.seq
            ORDER BY n.to_action, n.block LIMIT 1)
        ORDER BY a.at DESC, a.writer DESC, a.seq DESC";
    /// The same for one subject.
    OF_SUBJECT = "SELECT a.*, b.block, b.hash, b.prev_hash, b.sealed_at FROM (
          SELECT * FROM admin_action WHERE subject = ?1
            AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3)
            AND at >= ?4 AND at < ?5 AND (at, writer, seq) < (?6, ?7, ?8)
          ORDER BY at DESC, writer DESC, seq DESC LIMIT ?9) AS a
        LEFT JOIN audit_block AS b ON b.writer = a.writer AND b.block =
          (SELECT n.block FROM audit_block AS n WHERE n.writer = a.writer AND n.to_action >= a.seq
            ORDER BY n.to_action, n.block LIMIT 1)
        ORDER BY a.at DESC, a.writer DESC, a.seq DESC";
    INSERT = "INSERT INTO audit_block (writer, block, from_seq, to_seq, from_action, to_action, prev_hash,
          hash, marks, sealed_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    ADVANCE = "UPDATE writer SET block = ?2 WHERE id = ?1 AND block = ?2 - 1";
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn seal(&self, now: UnixMillis) -> StoreResult<u64> {
        let epoch = self.writer()?.epoch();
        let mut blocks = 0_u64;
        loop {
            let mut snapshot = self.snapshot().await?;
            let block = next_block(&mut snapshot, now).await?;
            drop(snapshot);
            let Some(block) = block else { return Ok(blocks) };
            self.write(move |c| {
                Box::pin(async move {
                    fence_if_taken(c, epoch).await?;
                    insert(c, &block).await
                })
            })
            .await?;
            blocks = blocks.saturating_add(1);
        }
    }

    async fn verify(&self) -> StoreResult<Chain> {
        let mut snapshot = self.snapshot().await?;
        let writers: Vec<(i64, i64)> =
            sqlx::query_as(WRITERS).fetch_all(&mut *snapshot).await.map_err(Failure::from)?;
        let mut chain = Chain {
            blocks: 0,
            transactions: 0,
            entries: 0,
            actions: 0,
            first_bad: None,
            heads: Vec::with_capacity(writers.len()),
        };
        for (writer, last_block) in writers {
            let walked = walk(&mut snapshot, writer, last_block).await?;
            chain.blocks = chain.blocks.saturating_add(walked.blocks);
            chain.transactions = chain.transactions.saturating_add(walked.transactions);
            chain.entries = chain.entries.saturating_add(walked.entries);
            chain.actions = chain.actions.saturating_add(walked.actions);
            chain.first_bad = chain.first_bad.or(walked.first_bad);
            chain.heads.push((writer, walked.head));
        }
        Ok(chain)
    }

    async fn actions(
        &self,
        of: &ActionFilter,
        before: Option<ActionPlace>,
        limit: u32,
    ) -> StoreResult<Vec<SealedAction>> {
        Ok(page(&self.readers, of, before, limit).await?)
    }
}

/// The block over what was written since the last one; none when that is nothing.
async fn next_block(connection: &mut SqliteConnection, now: UnixMillis) -> Attempt<Option<Block>> {
    let row = sqlx::query(WRITTEN).bind(WRITER).fetch_one(&mut *connection).await?;
    let hash: Option<Vec<u8>> = row.try_get("hash")?;
    let tip = Tip {
        block: row.number("block")?,
        seq: row.number("to_seq")?,
        action: row.number("to_action")?,
        hash: hash.map_or(Ok([0; 32]), |hash| known("hash", Hash::try_from(hash).ok()))?,
    };
    let written = (row.number("seq")?, row.number("action_seq")?);
    let Some(bounds) = tip.next(WRITER, written, now.0) else { return Ok(None) };
    let mut content = Content::default();
    transactions(connection, &bounds, |row| {
        content.transaction(WRITER, row);
    })
    .await?;
    actions(connection, &bounds, |row| {
        content.action(WRITER, row);
    })
    .await?;
    Ok(Some(content.seal(bounds, tip.hash)))
}

async fn insert(connection: &mut SqliteConnection, block: &Block) -> Attempt<()> {
    let bounds = block.bounds;
    sqlx::query(INSERT)
        .bind(bounds.writer)
        .bind(bounds.block)
        .bind(bounds.from_seq)
        .bind(bounds.to_seq)
        .bind(bounds.from_action)
        .bind(bounds.to_action)
        .bind(block.prev_hash.to_vec())
        .bind(block.hash.to_vec())
        .bind(&block.marks)
        .bind(bounds.sealed_at)
        .execute(&mut *connection)
        .await?;
    let advanced = sqlx::query(ADVANCE).bind(bounds.writer).bind(bounds.block).execute(connection).await?;
    expect_rows("writer", 1, advanced.rows_affected())
}

async fn walk(connection: &mut SqliteConnection, writer: i64, last_block: i64) -> Attempt<Walked> {
    let mut walk = Walk::new(writer);
    let mut number = 0;
    while let Some(row) =
        sqlx::query(BLOCKS).bind(writer).bind(number).fetch_optional(&mut *connection).await?
    {
        let block = block(&row)?;
        let bounds = block.bounds;
        number = bounds.block;
        walk.open(block);
        transactions(connection, &bounds, |row| walk.transaction(row)).await?;
        actions(connection, &bounds, |row| walk.action(row)).await?;
        walk.close();
    }
    Ok(walk.end(last_block))
}

fn block(row: &SqliteRow) -> Attempt<Block> {
    let hash = |column: &str| {
        let bytes: Vec<u8> = row.try_get(column)?;
        // A hash of another length is none of ours.
        Ok::<_, Failure>(Hash::try_from(bytes).unwrap_or_default())
    };
    let bounds = Bounds {
        writer: row.number("writer")?,
        block: row.number("block")?,
        from_seq: row.number("from_seq")?,
        to_seq: row.number("to_seq")?,
        from_action: row.number("from_action")?,
        to_action: row.number("to_action")?,
        sealed_at: row.number("sealed_at")?,
    };
    Ok(Block { bounds, prev_hash: hash("prev_hash")?, hash: hash("hash")?, marks: row.try_get("marks")? })
}

/// Reads the transactions within the bounds, one after the other.
async fn transactions(
    connection: &mut SqliteConnection,
    bounds: &Bounds,
    mut each: impl FnMut(&Transaction) + Send,
) -> Attempt<()> {
    let mut rows = sqlx::query(TRANSACTIONS)
        .bind(bounds.writer)
        .bind(bounds.from_seq)
        .bind(bounds.to_seq)
        .fetch(connection);
    let mut open: Option<Transaction> = None;
    while let Some(row) = rows.try_next().await? {
        let seq = row.number("seq")?;
        if open.as_ref().is_none_or(|open| open.seq != seq) {
            if let Some(done) = open.take() {
                each(&done);
            }
            open = Some(Transaction {
                seq,
                kind: row.text("kind")?,
                key: row.text("idem_key")?,
                reference: row.text("reference")?,
                at: row.number("created_at")?,
                entries: Vec::new(),
            });
        }
        if let (Some(open), Some(line)) = (&mut open, row.optional("line")?) {
            open.entries.push(entry(&row, line)?);
        }
    }
    if let Some(done) = open {
        each(&done);
    }
    Ok(())
}

/// An account that is gone leaves its columns empty, which no account ever was.
fn entry(row: &SqliteRow, line: i64) -> Attempt<Entry> {
    let text = |column: &str| Ok::<_, Failure>(row.try_get::<Option<String>, _>(column)?.unwrap_or_default());
    Ok(Entry {
        line,
        account: row.number("account_id")?,
        owner_kind: text("owner_kind")?,
        owner: row.optional("owner_id")?.unwrap_or_default(),
        code: text("code")?,
        shard: row.optional("shard")?.unwrap_or_default(),
        currency: text("currency")?,
        is_debit: row.flag("is_debit")?,
        amount: row.number("amount")?,
    })
}

/// Reads the actions within the bounds, one after the other.
async fn actions(
    connection: &mut SqliteConnection,
    bounds: &Bounds,
    mut each: impl FnMut(&Action) + Send,
) -> Attempt<()> {
    let mut rows = sqlx::query(ACTIONS)
        .bind(bounds.writer)
        .bind(bounds.from_action)
        .bind(bounds.to_action)
        .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        each(&action(&row)?);
    }
    Ok(())
}

/// A page of actions, newest first.
async fn page(
    executor: impl SqliteExecutor<'_>,
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

fn sealed_action(row: &SqliteRow) -> Attempt<SealedAction> {
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

fn action(row: &SqliteRow) -> Attempt<Action> {
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
