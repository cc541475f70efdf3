//! `.../wallet/statement`: what moved in a wallet, newest first, in pages or as one CSV file.
//!
//! The file is read and sent page by page, so that a long one needs no more memory than a short one. New
//! lines come before the first page and change none of those that follow.

use super::Shared;
use super::caller::Caller;
use super::listing::{is_full, limit};
use super::problem::Problem;
use super::schema::{CurrencyCode, Id, Moment};
use super::wire::{MoneyBody, PageBody, refused, rfc3339};
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::money::Currency;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{Owner, Position, StatementLine, StoreResult, WalletStore};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::sync::Arc;

/// Lines of a file that are read at once.
const CHUNK: u32 = 500;
/// The first line of a file.
const HEAD: &str =
    "at,transaction,line,kind,account,amount_micros,balance_micros,currency,campaign_id,reference\r\n";

/// What a client asks for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementQuery {
    /// ISO 4217. Needed when the owner has wallets in more than one currency.
    #[schemars(with = "Option<CurrencyCode>")]
    currency: Option<String>,
    /// The `next` of the page before.
    #[serde(alias = "cursor")]
    #[schemars(regex(pattern = r"^[0-9]{1,18}(\.[0-9]{1,18}){3}$"))]
    after: Option<String>,
    /// Lines on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// `json` or `csv`; the `Accept` header says so as well. A file has all lines.
    #[schemars(extend("enum" = ["json", "csv"]))]
    format: Option<String>,
}

/// A line: what moved in one account of the wallet.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LineView {
    /// When it moved.
    #[schemars(with = "Moment")]
    at: String,
    /// The transaction; its other lines have the same.
    #[schemars(example = &"1:93")]
    transaction: String,
    /// Which line of the transaction it is.
    #[schemars(range(min = 0), example = 1)]
    line: i64,
    /// What the transaction is, such as `deposit`, `campaign_fund` or `settlement`.
    #[schemars(example = &"deposit")]
    kind: String,
    /// Which account of the wallet it is, such as `available`.
    #[schemars(example = &"available")]
    account: String,
    /// What came in, or, below zero, went out.
    #[schemars(example = MoneyBody::rupees(500))]
    amount: MoneyBody,
    /// What is in the account afterwards.
    #[schemars(example = MoneyBody::rupees(84_500))]
    balance: MoneyBody,
    /// The campaign that it is about.
    #[schemars(with = "Option<Id>")]
    campaign_id: Option<i64>,
    /// What was written beside it.
    #[schemars(example = &"bank transfer 2026-11-24/0193")]
    reference: String,
}

pub(super) async fn of_brand(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    query: Query<StatementQuery>,
) -> Result<HttpResponse, Problem> {
    show(&shared, caller, Owner::Brand(BrandId(*id)), &query, &request).await
}

pub(super) async fn of_streamer(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    query: Query<StatementQuery>,
) -> Result<HttpResponse, Problem> {
    show(&shared, caller, Owner::Streamer(StreamerId(*id)), &query, &request).await
}

async fn show(
    shared: &Shared,
    caller: Caller,
    owner: Owner,
    query: &StatementQuery,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    caller.holds(owner)?;
    let as_file = wants_file(query.format.as_deref(), request)?;
    let wallets = &shared.engine.ports.wallets;
    let currency = currency(&**wallets, owner, query.currency.as_deref()).await?;
    if as_file {
        return file(Arc::clone(wallets), owner, currency).await;
    }
    let before = query
        .after
        .as_deref()
        .map(|cursor| position(cursor).ok_or_else(|| refused("after", "the next of the page before")));
    let limit = limit(query.limit)?;
    let lines = wallets.statement(owner, currency, before.transpose()?, limit).await?;
    let full = is_full(&lines, limit);
    let next = lines.last().filter(|_| full).map(|line| cursor(line.position));
    let items = lines.into_iter().map(|line| LineView::of(line, currency)).collect();
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept"))
        .json(PageBody { items, next }))
}

fn wants_file(format: Option<&str>, request: &HttpRequest) -> Result<bool, Problem> {
    match format {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(refused("format", "json or csv")),
        None => {
            let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
            Ok(accept.is_some_and(|accept| accept.to_ascii_lowercase().contains("text/csv")))
        }
    }
}

/// The currency that was named, or the only one there is.
async fn currency(wallets: &dyn WalletStore, owner: Owner, named: Option<&str>) -> Result<Currency, Problem> {
    if let Some(named) = named {
        let currency = named.parse().map_err(|_| refused("currency", "three capital letters of ISO 4217"))?;
        // Also finds out whether there is such an owner.
        wallets.wallet(owner, currency).await?;
        return Ok(currency);
    }
    match &*wallets.wallets(owner).await? {
        [only] => Ok(only.currency),
        [] => Ok(wallets.wallet(owner, Currency::INR).await?.currency),
        _ => Err(refused("currency", "there are wallets in several currencies; name one")),
    }
}

impl LineView {
    fn of(line: StatementLine, currency: Currency) -> Self {
        Self {
            at: rfc3339(line.position.at),
            transaction: transaction(line.position),
            line: line.position.line,
            kind: line.kind,
            account: line.account,
            amount: MoneyBody::of(line.amount, currency),
            balance: MoneyBody::of(line.balance, currency),
            campaign_id: line.campaign.map(|campaign| campaign.0),
            reference: line.reference,
        }
    }
}

fn transaction(position: Position) -> String {
    format!("{}:{}", position.writer, position.seq)
}

/// Where a page ends, for clients to hand back as it is.
fn cursor(Position { at, writer, seq, line }: Position) -> String {
    format!("{}.{writer}.{seq}.{line}", at.0)
}

fn position(cursor: &str) -> Option<Position> {
    let mut parts = cursor.split('.').map(|part| part.parse::<i64>().ok().filter(|number| *number >= 0));
    let mut next = || parts.next().flatten();
    let position = Position { at: UnixMillis(next()?), writer: next()?, seq: next()?, line: next()? };
    parts.next().is_none().then_some(position)
}

/// The rest of a file.
struct Rest {
    wallets: Arc<dyn WalletStore>,
    owner: Owner,
    currency: Currency,
    /// The last line that was sent; none when all were.
    after: Option<Position>,
}

impl Rest {
    /// The next lines, as text.
    async fn read(&mut self, before: Option<Position>) -> StoreResult<String> {
        let lines = self.wallets.statement(self.owner, self.currency, before, CHUNK).await?;
        let full = is_full(&lines, CHUNK);
        self.after = lines.last().filter(|_| full).map(|line| line.position);
        Ok(lines.iter().fold(String::new(), |mut text, line| {
            row(&mut text, line, self.currency);
            text
        }))
    }
}

async fn file(
    wallets: Arc<dyn WalletStore>,
    owner: Owner,
    currency: Currency,
) -> Result<HttpResponse, Problem> {
    let mut rest = Rest { wallets, owner, currency, after: None };
    // Before the head of the answer: a database that is away is still a problem then.
    let first = format!("{HEAD}{}", rest.read(None).await?);
    let more = futures_util::stream::unfold((Some(first), rest), |(first, mut rest)| async move {
        let text = match first {
            Some(first) => Ok(first),
            None => {
                let after = rest.after.take()?;
                // Too late for a problem: the connection breaks off, and no half file looks whole.
                rest.read(Some(after)).await
            }
        };
        Some((text.map(Bytes::from), (None, rest)))
    });
    let (kind, id) = match owner {
        Owner::Brand(brand) => ("brand", brand.0),
        Owner::Streamer(streamer) => ("streamer", streamer.0),
    };
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"statement-{kind}-{id}-{currency}.csv\""),
        ))
        .streaming(more))
}

fn row(to: &mut String, line: &StatementLine, currency: Currency) {
    let position = line.position;
    let campaign = line.campaign.map(|campaign| campaign.to_string()).unwrap_or_default();
    let _ = write!(
        to,
        "{},{},{},{},{},{},{},{currency},{campaign},{}\r\n",
        rfc3339(position.at),
        transaction(position),
        position.line,
        line.kind,
        line.account,
        line.amount.0,
        line.balance.0,
        cell(&line.reference),
    );
}

/// Free text as a cell. A spreadsheet takes a cell that begins with one of these for a formula, which may
/// send the sheet elsewhere: the apostrophe makes it text.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_passes() {
        let at = UnixMillis(1_700_000_000_000);
        let end = Position { at, writer: 1, seq: 17, line: 2 };
        assert_eq!(position(&cursor(end)), Some(end));
        for bad in ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.x", "-1.2.3.4", "1.2.3.99999999999999999999", "..."]
        {
            assert_eq!(position(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_cell_is_text_whatever_is_in_it() {
        for (text, wanted) in [
            ("bank transfer 4711", "bank transfer 4711"),
            ("", ""),
            ("a, b", "\"a, b\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-7", "\"'-7\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("=\"x\",y", "\"'=\"\"x\"\",y\""),
        ] {
            assert_eq!(cell(text), wanted);
        }
    }
}
