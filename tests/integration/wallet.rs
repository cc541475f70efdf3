//! Wallets over the API: what moves them, who may, and that it adds up.

use crate::support::http::{Request, Response};
use crate::support::page::Stage;
use crate::support::{Brand, EARN, PRICE, TestApp, eventually};
use gametriggers_actors::domain::id::CampaignId;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

fn money(micros: i64) -> Value {
    json!({ "amount_micros": micros, "currency": "INR" })
}

fn transfer(micros: i64, reference: &str) -> Value {
    json!({ "amount": money(micros), "reference": reference })
}

async fn post(app: &TestApp, key: &str, path: &str, once: &str, body: &Value) -> Response {
    app.send(Request::new("POST", path).key(key).idempotent(once).json(body)).await
}

async fn put(app: &TestApp, key: &str, path: &str, once: &str, body: &Value) -> Response {
    app.send(Request::new("PUT", path).key(key).idempotent(once).json(body)).await
}

async fn get(app: &TestApp, key: &str, path: &str) -> Response {
    app.send(Request::get(path).key(key)).await
}

fn micros(view: &Value, field: &str) -> i64 {
    view[field]["amount_micros"].as_i64().unwrap_or_else(|| panic!("{field} in {view}"))
}

fn wallet_of(brand: &Brand) -> String {
    format!("/api/brands/{}/wallet", brand.id)
}

fn budget_of(campaign: CampaignId) -> String {
    format!("/api/campaigns/{campaign}/budget")
}

/// A change that money hangs on: without a key it is refused, told twice it happens once and is answered
/// alike, and with the same key nothing else happens. Gives the answer.
async fn once(app: &TestApp, key: &str, path: &str, body: &Value, other: &Value) -> Value {
    let name = format!("once{}", path.replace('/', "-"));
    post(app, key, path, "", body).await.problem(400, "malformed");
    post(app, key, path, "short", body).await.problem(400, "malformed");
    let first = post(app, key, path, &name, body).await.ok(200);
    let (second, third) = tokio::join!(post(app, key, path, &name, body), post(app, key, path, &name, body));
    assert_eq!((second.ok(200), third.ok(200)), (first.clone(), first.clone()), "{path}");
    post(app, key, path, &name, other).await.problem(409, "idempotency-conflict");
    first
}

#[actix_rt::test]
async fn a_deposit_and_a_refund_move_money_once() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 0).await, app.admin_key().await);
    let path = wallet_of(&brand);
    assert_eq!(get(&app, &brand.key, &path).await.ok(200), json!({ "items": [] }));
    let deposits = format!("{path}/deposits");
    let (four, five) = (transfer(4 * PRICE, "bank 4711"), transfer(5 * PRICE, "bank 4711"));
    let after = once(&app, &admin, &deposits, &four, &five).await;
    assert_eq!((micros(&after, "available"), micros(&after, "reserved")), (4 * PRICE, 0));
    assert_eq!((&after["brand_id"], &after["currency"]), (&json!(brand.id.0), &json!("INR")));
    let refunds = format!("{path}/refunds");
    let after = once(&app, &admin, &refunds, &transfer(PRICE, "back"), &transfer(PRICE, "other")).await;
    assert_eq!(micros(&after, "available"), 3 * PRICE);
    assert_eq!(get(&app, &brand.key, &path).await.ok(200), json!({ "items": [after] }));
    let much = transfer(3 * PRICE + 1, "too much");
    post(&app, &admin, &refunds, "refund-too-much", &much).await.problem(409, "insufficient-funds");
    // Another currency is another wallet.
    let dollars = json!({ "amount": { "amount_micros": 7, "currency": "USD" }, "reference": "wire 1" });
    let after = post(&app, &admin, &deposits, "some-dollars", &dollars).await.ok(200);
    assert_eq!(after["available"], json!({ "amount_micros": 7, "currency": "USD" }));
    post(
        &app,
        &admin,
        &refunds,
        "more-dollars",
        &json!({
            "amount": { "amount_micros": 8, "currency": "USD" }, "reference": "wire 2",
        }),
    )
    .await
    .problem(409, "insufficient-funds");
    let all = get(&app, &brand.key, &path).await.ok(200);
    let currencies: Vec<_> = all["items"].as_array().unwrap().iter().map(|w| w["currency"].clone()).collect();
    assert_eq!(currencies, ["INR", "USD"]);
    for wrong in [
        transfer(0, "nothing"),
        transfer(-5, "less"),
        transfer(5, ""),
        json!({ "amount": { "amount_micros": 5, "currency": "rupees" }, "reference": "x" }),
    ] {
        post(&app, &admin, &deposits, "wrong-deposit", &wrong).await.problem(422, "invalid");
    }
    app.finish().await;
}

#[actix_rt::test]
async fn no_refund_leaves_while_payouts_are_frozen() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 5 * PRICE).await, app.admin_key().await);
    let refunds = format!("{}/refunds", wallet_of(&brand));
    let frozen = &app.engine().health.payouts_frozen;
    frozen.store(true, Ordering::Relaxed);
    let refund = async || post(&app, &admin, &refunds, "refund-one", &transfer(PRICE, "back")).await;
    refund().await.problem(409, "payouts-frozen");
    assert_eq!(app.available(&brand).await, 5 * PRICE);
    frozen.store(false, Ordering::Relaxed);
    assert_eq!(micros(&refund().await.ok(200), "available"), 4 * PRICE);
    app.finish().await;
}

#[actix_rt::test]
async fn no_refund_leaves_before_the_books_were_checked() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 5 * PRICE).await, app.admin_key().await);
    let refunds = format!("{}/refunds", wallet_of(&brand));
    let checked = &app.engine().health.checked;
    assert!(checked.swap(false, Ordering::Relaxed), "the first check comes at once");
    let refund = async || post(&app, &admin, &refunds, "refund-one", &transfer(PRICE, "back")).await;
    let refused = refund().await;
    refused.problem(503, "books-unchecked");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(app.ready().await.ok(200)["payouts"], "not checked yet");
    assert_eq!(app.available(&brand).await, 5 * PRICE);
    checked.store(true, Ordering::Relaxed);
    assert_eq!(micros(&refund().await.ok(200), "available"), 4 * PRICE);
    app.finish().await;
}

#[actix_rt::test]
async fn strangers_find_no_wallet_and_only_an_operator_moves_money_by_hand() {
    let app = TestApp::start().await;
    let (brand, neighbour) = (app.brand("Crisp", 50 * PRICE).await, app.brand("Soggy", 50 * PRICE).await);
    let (streamer, other) = (app.streamer("Nova").await, app.streamer("Iris").await);
    let admin = app.admin_key().await;
    let campaign = app.campaign(&brand, "Crunch time", 2).await;
    let (path, purse) = (wallet_of(&brand), format!("/api/streamers/{}/wallet", streamer.id));
    let limit = json!({ "limit": money(5), "reason": "trusted" });
    let amount = json!({ "amount": money(5) });
    for stranger in [&neighbour.key, &streamer.key, &other.key] {
        for reading in [path.clone(), format!("{path}/statement"), format!("{path}/statement?format=csv")] {
            get(&app, stranger, &reading).await.closed();
        }
        for writing in ["deposits", "refunds"] {
            let answer =
                post(&app, stranger, &format!("{path}/{writing}"), "by-stranger", &transfer(5, "x")).await;
            answer.closed();
        }
        put(&app, stranger, &format!("{path}/credit-limit"), "by-stranger", &limit).await.closed();
        for moving in ["reservations", "releases"] {
            let path = format!("{}/{moving}", budget_of(campaign));
            post(&app, stranger, &path, "by-stranger", &amount).await.closed();
        }
    }
    for stranger in [&brand.key, &other.key] {
        get(&app, stranger, &purse).await.closed();
        get(&app, stranger, &format!("{purse}/statement")).await.closed();
    }
    for owner in [&brand.key, &streamer.key] {
        let body = json!({ "streamer_id": streamer.id.0, "amount": money(5), "reason": "please" });
        post(&app, owner, "/api/admin/adjustments", "by-owner-1", &body).await.problem(403, "forbidden");
    }
    post(&app, &brand.key, &format!("{path}/deposits"), "by-owner-2", &transfer(5, "x"))
        .await
        .problem(403, "forbidden");
    put(&app, &brand.key, &format!("{path}/credit-limit"), "by-owner-3", &limit)
        .await
        .problem(403, "forbidden");
    get(&app, "", &path).await.problem(401, "unauthorized");
    for nobody in ["/api/brands/999/wallet", "/api/streamers/999/wallet", "/api/brands/999/wallet/statement"]
    {
        get(&app, &admin, nobody).await.problem(404, "not-found");
    }
    post(&app, &admin, "/api/brands/999/wallet/deposits", "to-nobody", &transfer(5, "x"))
        .await
        .problem(404, "not-found");
    let to_nobody = json!({ "streamer_id": 999, "amount": money(5), "reason": "nobody" });
    post(&app, &admin, "/api/admin/adjustments", "to-nobody", &to_nobody).await.problem(404, "not-found");
    assert_eq!((app.available(&brand).await, app.available(&neighbour).await), (48 * PRICE, 50 * PRICE));
    assert_eq!(app.budget(campaign).await.funded.0, 2 * PRICE);
    app.finish().await;
}

#[actix_rt::test]
async fn a_credit_limit_lets_a_brand_reserve_down_to_it_and_not_further() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 10 * PRICE).await, app.admin_key().await);
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let (reservations, path) = (format!("{}/reservations", budget_of(campaign)), wallet_of(&brand));
    let reserve = async |name: &str, amount: i64| {
        post(&app, &brand.key, &reservations, name, &json!({ "amount": money(amount) })).await
    };
    reserve("without-credit", 1).await.problem(409, "insufficient-funds");
    let limit = async |name: &str, amount: i64| {
        let body = json!({ "limit": money(amount), "reason": "pays at the end of the month" });
        put(&app, &admin, &format!("{path}/credit-limit"), name, &body).await
    };
    for _ in 0..2 {
        let after = limit("credit-four", 4 * PRICE).await.ok(200);
        assert_eq!((micros(&after, "credit_limit"), micros(&after, "available")), (4 * PRICE, 0));
    }
    let after = reserve("with-credit", 3 * PRICE).await.ok(200);
    assert_eq!(micros(&after["wallet"], "available"), -3 * PRICE);
    assert_eq!(micros(&after["budget"], "funded"), 13 * PRICE);
    reserve("too-far-down", PRICE + 1).await.problem(409, "insufficient-funds");
    reserve("to-the-limit", PRICE).await.ok(200);
    reserve("below-limit", 1).await.problem(409, "insufficient-funds");
    limit("credit-three", 3 * PRICE).await.problem(409, "credit-limit");
    let body = json!({ "limit": money(-1), "reason": "x" });
    put(&app, &admin, &format!("{path}/credit-limit"), "credit-minus", &body).await.problem(422, "invalid");
    assert_eq!(app.available(&brand).await, -4 * PRICE);
    let wallet = get(&app, &brand.key, &path).await.ok(200)["items"][0].clone();
    assert_eq!((micros(&wallet, "reserved"), micros(&wallet, "credit_limit")), (14 * PRICE, 4 * PRICE));
    app.finish().await;
}

#[actix_rt::test]
async fn a_release_gives_back_what_is_neither_spent_nor_leased() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 1000 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 990).await;
    let (reservations, releases) =
        (format!("{}/reservations", budget_of(campaign)), format!("{}/releases", budget_of(campaign)));
    let amount = |micros: i64| json!({ "amount": money(micros) });
    // The first play brings the lease.
    let streamer = app.streamer("Nova").await;
    let mut stage = Stage::open(&app, &streamer).await;
    let shown = stage.show().await;
    eventually("the campaign has its lease", async || app.budget(campaign).await.leased.0 > 0).await;
    let after = once(&app, &brand.key, &reservations, &amount(10 * PRICE), &amount(9 * PRICE)).await;
    // The wallet of then, whatever has come into it since.
    let (admin, wallet) = (app.admin_key().await, wallet_of(&brand));
    let deposit = transfer(PRICE, "bank 1");
    post(&app, &admin, &format!("{wallet}/deposits"), "bank-one", &deposit).await.ok(200);
    let name = format!("once{}", reservations.replace('/', "-"));
    assert_eq!(post(&app, &brand.key, &reservations, &name, &amount(10 * PRICE)).await.ok(200), after);
    let (wallet, budget) = (&after["wallet"], &after["budget"]);
    assert_eq!((micros(wallet, "available"), micros(wallet, "reserved")), (0, 1000 * PRICE));
    assert_eq!((micros(budget, "funded"), micros(budget, "spent")), (1000 * PRICE, 0));
    let (leased, free) = (micros(budget, "leased"), micros(budget, "free"));
    assert!(leased > 0);
    assert_eq!(leased + free, 1000 * PRICE);
    let too_much = post(&app, &brand.key, &releases, "release-all", &amount(1000 * PRICE)).await;
    let problem = too_much.problem(409, "insufficient-funds");
    assert!(problem["detail"].as_str().unwrap().contains(&free.to_string()), "{problem}");
    let after = once(&app, &brand.key, &releases, &amount(free), &amount(free - 1)).await;
    let left = (micros(&after["wallet"], "available"), micros(&after["budget"], "funded"));
    assert_eq!(left, (free + PRICE, leased));
    assert_eq!(micros(&after["budget"], "free"), 0);
    post(&app, &brand.key, &releases, "release-more", &amount(1)).await.problem(409, "insufficient-funds");
    eventually("the campaign knows what it has left", async || {
        app.live(&brand.key, campaign).await.ok(200)["funded_micros"] == leased
    })
    .await;
    // The lease is still good for the play.
    assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
    app.assert_paid(campaign, &streamer, 1).await;
    for wrong in [amount(0), amount(-1), json!({ "amount": { "amount_micros": 5, "currency": "USD" } })] {
        for path in [&reservations, &releases] {
            post(&app, &brand.key, path, "wrong-amount", &wrong).await.problem(422, "invalid");
        }
    }
    app.finish().await;
}

/// All lines of a statement, read in pages.
async fn lines(app: &TestApp, key: &str, path: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut query) = (Vec::new(), format!("?limit={limit}"));
    loop {
        let page = get(app, key, &format!("{path}/statement{query}")).await.ok(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        all.extend(items.iter().cloned());
        match page["next"].as_str() {
            Some(next) => query = format!("?limit={limit}&after={next}"),
            None => return all,
        }
    }
}

/// The lines of one account are a chain, newest first, that ends at nothing; gives its balance.
fn balance(lines: &[Value], account: &str) -> i64 {
    let of: Vec<_> = lines.iter().filter(|line| line["account"] == account).collect();
    for (newer, older) in of.iter().zip(of.iter().skip(1)) {
        assert_eq!(micros(newer, "balance"), micros(older, "balance") + micros(newer, "amount"), "{newer}");
    }
    if let Some(first) = of.last() {
        assert_eq!(micros(first, "balance"), micros(first, "amount"), "{first}");
    }
    of.first().map_or(0, |newest| micros(newest, "balance"))
}

/// Rows of RFC 4180.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quoted) {
            ('"', true) if letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (other, _) => cell.push(other),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "the last row has its end");
    rows
}

/// The body of an answer in chunks.
fn unchunked(response: &Response) -> String {
    assert_eq!(response.header("transfer-encoding"), "chunked");
    let (mut text, mut rest) = (String::new(), &*response.text());
    loop {
        let (size, after) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return text;
        }
        text.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
}

#[actix_rt::test]
async fn a_statement_adds_up_to_the_balance_in_pages_and_as_a_file() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 50 * PRICE).await, app.admin_key().await);
    let neighbour = app.brand("Soggy", 70 * PRICE).await;
    let campaign = app.campaign(&brand, "Crunch time", 20).await;
    app.campaign(&neighbour, "Soggy time", 20).await;
    let (path, formula) = (wallet_of(&brand), "=HYPERLINK(\"http://x.example\",\"y\")");
    post(&app, &admin, &format!("{path}/deposits"), "formula-1", &transfer(PRICE, formula)).await.ok(200);
    post(&app, &admin, &format!("{path}/refunds"), "formula-2", &transfer(PRICE / 2, "-1+1")).await.ok(200);
    for (number, amount) in [(1, 3 * PRICE), (2, -PRICE)] {
        let body = json!({ "brand_id": brand.id.0, "amount": money(amount), "reason": "goodwill, part" });
        post(&app, &admin, "/api/admin/adjustments", &format!("goodwill-{number}"), &body).await.ok(200);
    }
    let whole = lines(&app, &brand.key, &path, 200).await;
    assert_eq!(balance(&whole, "available"), app.available(&brand).await);
    assert_eq!(app.available(&brand).await, 50 * PRICE - 20 * PRICE + PRICE - PRICE / 2 + 2 * PRICE);
    let kinds: Vec<_> = whole.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["adjust", "adjust", "refund", "deposit", "fund", "deposit"], "newest first");
    assert_eq!((&whole[3]["reference"], &whole[4]["campaign_id"]), (&json!(formula), &json!(campaign.0)));
    for limit in [1, 2, 4, 6] {
        assert_eq!(lines(&app, &brand.key, &path, limit).await, whole, "{limit} a page");
    }
    let file = get(&app, &brand.key, &format!("{path}/statement?format=csv")).await;
    assert_eq!((file.status, file.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"statement-brand-"));
    let rows = csv(&unchunked(&file));
    assert_eq!(rows[0][5..], ["amount_micros", "balance_micros", "currency", "campaign_id", "reference"]);
    assert_eq!(rows.len(), whole.len() + 1);
    for (row, line) in rows.iter().skip(1).zip(&whole) {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        assert_eq!(row[..2], [text("at"), text("transaction")]);
        assert_eq!(row[3..5], [text("kind"), text("account")]);
        let amounts = [micros(line, "amount").to_string(), micros(line, "balance").to_string()];
        assert_eq!((&row[5..7], &*row[7]), (&amounts[..], "INR"));
        assert!(!row[9].starts_with(['=', '+', '-', '@']), "{}", row[9]);
        assert_eq!(row[9].trim_start_matches('\''), text("reference"));
    }
    let asked = Request::get(format!("{path}/statement")).key(&brand.key).header("accept", "text/csv");
    assert_eq!(csv(&unchunked(&app.send(asked).await)), rows);
    for wrong in ["?limit=many", "?before=1"] {
        get(&app, &brand.key, &format!("{path}/statement{wrong}")).await.problem(400, "malformed");
    }
    for wrong in ["after=yesterday", "format=pdf", "currency=rupees", "limit=0", "limit=201"] {
        let said = get(&app, &brand.key, &format!("{path}/statement?{wrong}")).await.problem(422, "invalid");
        assert_eq!(said["errors"][0]["field"], wrong.split('=').next().unwrap());
    }
    let dollars = get(&app, &brand.key, &format!("{path}/statement?currency=USD")).await.ok(200);
    assert_eq!(dollars, json!({ "items": [], "next": null }));
    app.finish().await;
}

#[actix_rt::test]
async fn a_long_statement_is_sent_in_pieces_and_whole() {
    let app = TestApp::with(&[("LIMITS__WRITE_PER_MINUTE", "0"), ("LIMITS__KEY_PER_MINUTE", "0")]).await;
    let (brand, admin) = (app.brand("Crisp", 0).await, app.admin_key().await);
    let (path, many) = (wallet_of(&brand), 1203);
    let deposits = format!("{path}/deposits");
    for number in 0..many {
        let body = transfer(number + 1, &format!("bank {number}"));
        post(&app, &admin, &deposits, &format!("deposit-{number}"), &body).await.ok(200);
    }
    let rows = csv(&unchunked(&get(&app, &brand.key, &format!("{path}/statement?format=csv")).await));
    assert_eq!(rows.len(), usize::try_from(many).unwrap() + 1);
    let amounts: Vec<i64> = rows.iter().skip(1).map(|row| row[5].parse().unwrap()).collect();
    assert_eq!(amounts, (1..=many).rev().collect::<Vec<_>>());
    assert_eq!(rows[1][6], app.available(&brand).await.to_string());
    app.finish().await;
}

#[actix_rt::test]
async fn a_streamers_wallet_shows_what_is_earned_and_what_an_operator_corrected() {
    let app = TestApp::start().await;
    let (brand, admin) = (app.brand("Crisp", 100 * PRICE).await, app.admin_key().await);
    let campaign = app.campaign(&brand, "Crunch time", 10).await;
    let streamer = app.streamer("Nova").await;
    let path = format!("/api/streamers/{}/wallet", streamer.id);
    assert_eq!(get(&app, &streamer.key, &path).await.ok(200), json!({ "items": [] }));
    let mut stage = Stage::open(&app, &streamer).await;
    for plays in 1..=2 {
        let shown = stage.show().await;
        assert_eq!(stage.claim(&shown.claim()).await["result"], "settled");
        // At once: a settled play counts before it is rolled up.
        let wallet = get(&app, &streamer.key, &path).await.ok(200)["items"][0].clone();
        assert_eq!((micros(&wallet, "pending"), micros(&wallet, "available")), (EARN * plays, 0));
    }
    eventually("both are rolled up", async || {
        balance(&lines(&app, &streamer.key, &path, 50).await, "pending") == 2 * EARN
    })
    .await;
    let id = streamer.id.0;
    let adjust = |amount: i64| json!({ "streamer_id": id, "amount": money(amount), "reason": "lost claim" });
    let after = once(&app, &admin, "/api/admin/adjustments", &adjust(EARN), &adjust(EARN + 1)).await;
    assert_eq!((micros(&after, "pending"), micros(&after, "available")), (2 * EARN, EARN));
    let taken = post(&app, &admin, "/api/admin/adjustments", "take-more", &adjust(-EARN - 1)).await;
    taken.problem(409, "insufficient-funds");
    let after = post(&app, &admin, "/api/admin/adjustments", "take-some", &adjust(-EARN / 2)).await.ok(200);
    assert_eq!(micros(&after, "available"), EARN / 2);
    let all = lines(&app, &streamer.key, &path, 50).await;
    assert_eq!((balance(&all, "pending"), balance(&all, "available")), (2 * EARN, EARN / 2));
    assert!(all.iter().filter(|line| line["kind"] == "adjust").all(|line| line["reference"] == "lost claim"));
    let file = get(&app, &streamer.key, &format!("{path}/statement?format=csv")).await;
    assert_eq!(csv(&unchunked(&file)).len(), all.len() + 1);
    app.assert_paid(campaign, &streamer, 2).await;
    app.finish().await;
}
