//! What a brand and an operator ask for by hand: each of it is asked, crashed into, and asked again.
//!
//! The desk has a brand of its own whose campaigns never play, and keeps its own books: after every second
//! asking the server has to show what would be there had it been asked once.

use super::kills::Run;
use super::stage::Stage;
use crate::failure::Failure;
use crate::http::{ask, tell};
use crate::market;
use crate::server::{Launch, command};
use gametriggers_simulated_overlay::now;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::sleep;

const OPENING_MICROS: i64 = 100_000_000_000_000_000;
/// Servers may lease parts of it: after hundreds of them there has to be a step left.
const BUDGET_MICROS: i64 = 100_000_000_000_000;
const STEP_MICROS: i64 = 1_000_003;
/// What is left of an ended campaign comes back when its last lease closes: those of servers that were
/// killed wait until no token on them can be alive.
const RETURNED_MAX: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);

/// Something to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Deposit,
    Refund,
    Adjust,
    Limit,
    Create,
    Reserve,
    Release,
    Draft,
    /// Of a draft a campaign is made, with its budget.
    Launch,
    End,
}

impl Deed {
    /// Whether an operator does it, on record.
    const fn is_by_hand(self) -> bool {
        matches!(self, Self::Deposit | Self::Refund | Self::Adjust | Self::Limit)
    }
}

/// How far a campaign of the desk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Draft,
    Launched,
    Ended,
}

/// One request, as it is sent once and once more.
#[derive(Debug)]
struct Request {
    deed: Deed,
    method: &'static str,
    path: String,
    key: String,
    once: String,
    body: Value,
}

/// What the server has to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Books {
    available: i64,
    reserved: i64,
    limit: i64,
    campaigns: BTreeMap<i64, Life>,
}

impl Books {
    /// The first campaign that is as far as this.
    fn first(&self, wanted: Life) -> Option<i64> {
        self.campaigns.iter().find(|(_, life)| **life == wanted).map(|(id, _)| *id)
    }

    /// As if ended campaigns had given back already what is left of them.
    fn with_returns(mut self, books: &Self) -> Self {
        let owed = self.reserved - books.reserved;
        let ended = self.campaigns.values().filter(|life| **life == Life::Ended).count();
        let most = BUDGET_MICROS.saturating_mul(i64::try_from(ended).unwrap_or(i64::MAX));
        if owed % BUDGET_MICROS == 0 && (0..=most).contains(&owed) {
            (self.available, self.reserved) = (self.available + owed, self.reserved - owed);
        }
        self
    }
}

/// The desk.
#[derive(Debug)]
pub(super) struct Desk {
    server: SocketAddr,
    brand: i64,
    brand_key: String,
    admin_key: String,
    books: Books,
    asked: u64,
    /// Actions on record.
    pub(super) actions: i64,
    /// What the server showed instead.
    pub(super) wrong: Vec<String>,
}

impl Desk {
    /// Opens it, while no server runs.
    pub(super) async fn open(stage: &Stage, launch: &Launch) -> Result<Self, Failure> {
        let (brand, brand_key) = market::named(&launch.binary, &stage.site, "Desk", OPENING_MICROS).await?;
        let [option, place] = stage.site.arguments()?;
        let admin = command(&launch.binary, &["admin", "add", option, place]).await?;
        let said = String::from_utf8_lossy(&admin.stdout).into_owned();
        let admin_key = said.split_whitespace().find(|word| word.starts_with("gt_admin_"));
        let admin_key = admin_key.ok_or_else(|| Failure::Server(format!("`admin add` said {said:?}")))?;
        Ok(Self {
            server: launch.address,
            brand,
            brand_key,
            admin_key: admin_key.to_owned(),
            books: Books { available: OPENING_MICROS, ..Books::default() },
            asked: 0,
            actions: 0,
            wrong: Vec::new(),
        })
    }

    /// Asks for something that the server will not answer; what has to be asked again.
    pub(super) async fn ask(&mut self, deed: Deed) -> Result<Asked, Failure> {
        self.asked += 1;
        let request = self.request(deed)?;
        let answered = self.send(&request).await.is_ok();
        Ok(Asked { request, answered })
    }

    /// Asks the next server for the same, twice, and compares what it shows with the books.
    pub(super) async fn ask_again(&mut self, asked: Asked, run: &mut Run) -> Result<(), Failure> {
        let mut server = run.up().await?;
        let Asked { request, .. } = asked;
        let first = self.send(&request).await?;
        let second = self.send(&request).await?;
        let is_same = first == second;
        if !is_same {
            self.wrong.push(format!("{}: {second} instead of {first}", request.once));
        }
        self.enter(request.deed, &first);
        let shown = self.shown().await?;
        let counted = shown.clone().with_returns(&self.books);
        if counted != self.books {
            self.wrong.push(format!("{}: {shown:?} instead of {:?}", request.once, self.books));
            self.books = counted;
        }
        server.kill().await.map(|_| ())
    }

    /// Waits until ended campaigns have given back what is left of them, to the micro.
    pub(super) async fn close(&mut self, run: &mut Run) -> Result<(), Failure> {
        let mut server = run.up().await?;
        let began = now().at;
        let mut shown = self.shown().await?;
        while shown != self.books && now().at.saturating_duration_since(began) < RETURNED_MAX {
            sleep(LOOK).await;
            shown = self.shown().await?;
        }
        if shown != self.books {
            self.wrong.push(format!("at the end: {shown:?} instead of {:?}", self.books));
        }
        server.kill().await.map(|_| ())
    }

    fn request(&self, deed: Deed) -> Result<Request, Failure> {
        let wallet = format!("/api/brands/{}/wallet", self.brand);
        let money = |micros: i64| json!({ "amount_micros": micros, "currency": "INR" });
        let transfer = json!({ "amount": money(STEP_MICROS), "reference": "crash" });
        let first = |life| {
            let found = self.books.first(life);
            found.ok_or_else(|| Failure::Refused(format!("no campaign to ask for: {life:?}")))
        };
        let (method, path, body) = match deed {
            Deed::Deposit => ("POST", format!("{wallet}/deposits"), transfer),
            Deed::Refund => ("POST", format!("{wallet}/refunds"), transfer),
            Deed::Adjust => {
                let body =
                    json!({ "brand_id": self.brand, "amount": money(-STEP_MICROS), "reason": "crash" });
                ("POST", "/api/admin/adjustments".to_owned(), body)
            }
            Deed::Limit => {
                let body = json!({ "limit": money(self.books.limit + STEP_MICROS), "reason": "crash" });
                ("PUT", format!("{wallet}/credit-limit"), body)
            }
            Deed::Create => ("POST", "/api/campaigns".to_owned(), never_played(BUDGET_MICROS)),
            Deed::Draft => {
                let mut body = never_played(BUDGET_MICROS);
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("draft".to_owned(), true.into());
                }
                ("POST", "/api/campaigns".to_owned(), body)
            }
            Deed::Launch => ("POST", format!("/api/campaigns/{}/submit", first(Life::Draft)?), Value::Null),
            Deed::Reserve | Deed::Release => {
                let part = if deed == Deed::Reserve { "reservations" } else { "releases" };
                let path = format!("/api/campaigns/{}/budget/{part}", first(Life::Launched)?);
                ("POST", path, json!({ "amount": money(STEP_MICROS) }))
            }
            Deed::End => {
                let path = format!("/api/campaigns/{}", first(Life::Launched)?);
                ("PATCH", path, json!({ "status": "completed" }))
            }
        };
        let key = if deed.is_by_hand() { &self.admin_key } else { &self.brand_key };
        let once = format!("desk-{deed:?}-{}", self.asked);
        Ok(Request { deed, method, path, key: key.clone(), once, body })
    }

    async fn send(&self, request: &Request) -> Result<Value, Failure> {
        let Request { method, path, key, once, body, .. } = request;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (mut status, mut answer) = tell(self.server, (method, path), key, once, &body).await?;
        // No money leaves before the first check after a start.
        for _ in 0..CHECK_TRIES {
            if status != 503 || !answer.contains("books-unchecked") {
                break;
            }
            tokio::time::sleep(CHECK_WAIT).await;
            (status, answer) = tell(self.server, (method, path), key, once, &body).await?;
        }
        match (status, request.deed) {
            // An ended campaign says so, and does not change any more.
            (200 | 409, Deed::End) => Ok(Value::Null),
            (200 | 201, _) => Ok(serde_json::from_str(&answer).unwrap_or_default()),
            _ => Err(Failure::Server(format!("{once} was answered {status}: {answer}"))),
        }
    }

    /// What was asked for, once.
    fn enter(&mut self, deed: Deed, answer: &Value) {
        let books = &mut self.books;
        let id = answer.get("id").and_then(Value::as_i64).unwrap_or_default();
        match deed {
            Deed::Deposit => books.available += STEP_MICROS,
            Deed::Refund | Deed::Adjust => books.available -= STEP_MICROS,
            Deed::Limit => books.limit += STEP_MICROS,
            Deed::Create | Deed::Launch => {
                (books.available, books.reserved) =
                    (books.available - BUDGET_MICROS, books.reserved + BUDGET_MICROS);
                books.campaigns.insert(id, Life::Launched);
            }
            Deed::Draft => {
                books.campaigns.insert(id, Life::Draft);
            }
            Deed::Reserve => {
                (books.available, books.reserved) =
                    (books.available - STEP_MICROS, books.reserved + STEP_MICROS);
            }
            Deed::Release => {
                (books.available, books.reserved) =
                    (books.available + STEP_MICROS, books.reserved - STEP_MICROS);
            }
            Deed::End => {
                let ended = books.first(Life::Launched);
                books.campaigns.extend(ended.map(|id| (id, Life::Ended)));
                // The first had something reserved and released as often.
                (books.available, books.reserved) =
                    (books.available + BUDGET_MICROS, books.reserved - BUDGET_MICROS);
            }
        }
        self.actions += i64::from(deed.is_by_hand());
    }

    async fn shown(&self) -> Result<Books, Failure> {
        let read = async |path: &str| {
            let (status, body) =
                ask(self.server, path, &self.admin_key).await.map_err(Failure::io("look at the desk"))?;
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            if status == 200 { Ok(body) } else { Err(Failure::Server(format!("{path} answered {status}"))) }
        };
        let wallet = read(&format!("/api/brands/{}/wallet", self.brand)).await?;
        let micros = |name: &str| {
            let found = wallet.pointer(&format!("/items/0/{name}/amount_micros"));
            found.and_then(Value::as_i64).unwrap_or(i64::MIN)
        };
        let (available, reserved, limit) = (micros("available"), micros("reserved"), micros("credit_limit"));
        let mut campaigns = BTreeMap::new();
        let mut next = Some("0".to_owned());
        while let Some(after) = next {
            let page = read(&format!("/api/campaigns?limit=200&after={after}")).await?;
            for campaign in page.get("items").and_then(Value::as_array).into_iter().flatten() {
                let number = |name| campaign.get(name).and_then(Value::as_i64);
                if number("brand_id") == Some(self.brand) {
                    let life = match campaign.get("status").and_then(Value::as_str) {
                        Some("draft") => Life::Draft,
                        Some("completed") => Life::Ended,
                        _ => Life::Launched,
                    };
                    campaigns.extend(number("id").map(|id| (id, life)));
                }
            }
            next = page.get("next").and_then(Value::as_str).map(str::to_owned);
        }
        Ok(Books { available, reserved, limit, campaigns })
    }
}

/// How often, and how long, the first check of the books is waited for.
const CHECK_TRIES: u32 = 300;
const CHECK_WAIT: std::time::Duration = std::time::Duration::from_millis(100);

/// A request that was sent.
#[derive(Debug)]
pub(super) struct Asked {
    request: Request,
    /// By a server that did not crash.
    pub(super) answered: bool,
}

/// A campaign of a time that does not come in a run.
fn never_played(budget_micros: i64) -> Value {
    let money = |micros: i64| json!({ "amount_micros": micros, "currency": "INR" });
    json!({
        "name": "Never",
        "category": "load",
        "pricing": { "type": "flat", "rate": money(7) },
        "budget": money(budget_micros),
        "flight": { "starts_at": "2098-01-01T00:00:00Z", "ends_at": "2099-01-01T00:00:00Z" },
        "landing_url": "http://127.0.0.1/",
        "creatives": [{
            "kind": "text", "placement": "corner", "duration_ms": 8_000,
            "accent": "#d9ff3d", "headline": "Never",
        }],
    })
}
