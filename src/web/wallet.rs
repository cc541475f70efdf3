//! `/api/brands/{id}/wallet`, `/api/streamers/{id}/wallet` and what moves money between them, campaigns and
//! the outside.
//!
//! Every change takes an `Idempotency-Key` and answers with the balances after it; the same key gives the
//! first answer again. Another brand's wallet is not there. So far an operator confirms what comes in and
//! goes out; corrections are an operator's too, and stay on record with their reason.

use super::Shared;
use super::caller::Caller;
use super::campaign::own;
use super::json::Json;
use super::problem::Problem;
use super::wallet_body::{
    AdjustmentBody, BudgetBody, LimitBody, MovedView, TransferBody, WalletView, WalletsView,
};
use super::wire::{idempotency, idempotency_key};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::campaign::{Campaign, Status};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::money::Currency;
use gametriggers_actors::engine::Payouts;
use gametriggers_actors::ports::{ByHand, Event, Funds, Owner, StoreError};

fn answer(view: impl serde::Serialize) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(view))
}

pub(super) async fn of_brand(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    show(&shared, caller, Owner::Brand(BrandId(*id))).await
}

pub(super) async fn of_streamer(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    show(&shared, caller, Owner::Streamer(StreamerId(*id))).await
}

async fn show(shared: &Shared, caller: Caller, owner: Owner) -> Result<HttpResponse, Problem> {
    caller.holds(owner)?;
    let wallets = &shared.engine.ports.wallets;
    let all = wallets.wallets(owner).await?;
    if all.is_empty() {
        // Nothing ever moved, unless there is no such owner.
        wallets.wallet(owner, Currency::INR).await?;
    }
    answer(WalletsView::of(&all))
}

/// An operator at a brand's wallet. A brand learns that this is not for it, a stranger that there is no such
/// wallet.
fn operator(caller: Caller, brand: BrandId) -> Result<String, Problem> {
    caller.owns(brand)?;
    caller.operator()
}

pub(super) async fn deposit(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    body: Json<TransferBody>,
) -> Result<HttpResponse, Problem> {
    let (brand, engine) = (BrandId(*id), &shared.engine);
    let actor = operator(caller, brand)?;
    let key = idempotency(&format!("brand:{brand}"), &idempotency_key(&request)?, &*body)?;
    let (money, reference) = body.read()?;
    let hand = ByHand { actor, reason: reference };
    let wallet = engine.ports.wallets.confirm_deposit(brand, money, &hand, &key, engine.now()).await?;
    answer(WalletView::of(&wallet))
}

pub(super) async fn refund(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    body: Json<TransferBody>,
) -> Result<HttpResponse, Problem> {
    let (brand, engine) = (BrandId(*id), &shared.engine);
    let actor = operator(caller, brand)?;
    let key = idempotency(&format!("brand:{brand}"), &idempotency_key(&request)?, &*body)?;
    let (money, reference) = body.read()?;
    let hand = ByHand { actor, reason: reference };
    match engine.health.payouts() {
        Payouts::Open => {}
        Payouts::Unchecked => return Err(Problem::unchecked()),
        Payouts::Frozen => {
            return Err(Problem::conflict(
                "payouts-frozen",
                "the books do not agree with themselves; no money leaves until a reconciliation is clean",
            ));
        }
    }
    let wallet = engine.ports.wallets.refund(brand, money, &hand, &key, engine.now()).await?;
    answer(WalletView::of(&wallet))
}

pub(super) async fn limit(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    body: Json<LimitBody>,
) -> Result<HttpResponse, Problem> {
    let (brand, engine) = (BrandId(*id), &shared.engine);
    let actor = operator(caller, brand)?;
    let key = idempotency(&format!("brand:{brand}"), &idempotency_key(&request)?, &*body)?;
    let (limit, reason) = body.read()?;
    let hand = ByHand { actor, reason };
    let set = engine.ports.wallets.set_credit_limit(brand, limit, &hand, &key, engine.now()).await;
    let wallet = set.map_err(|error| match error {
        StoreError::Constraint(_) => {
            Problem::conflict("credit-limit", "the wallet is further below zero than that already")
        }
        other => other.into(),
    })?;
    answer(WalletView::of(&wallet))
}

/// What a campaign's money can not do.
fn refused(campaign: &Campaign, error: StoreError) -> Problem {
    match error {
        StoreError::Constraint(_) if campaign.status == Status::Ended => Problem::conflict(
            "campaign-ended",
            "an ended campaign takes no money, and gives back what is left by itself",
        ),
        other => other.into(),
    }
}

pub(super) async fn reserve(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    body: Json<BudgetBody>,
) -> Result<HttpResponse, Problem> {
    let (campaign, engine) = (own(&shared, caller, *id).await?, &shared.engine);
    let key = idempotency(&format!("campaign:{}", campaign.id), &idempotency_key(&request)?, &*body)?;
    let money = body.read(campaign.currency)?;
    let funded = engine.ports.wallets.fund(campaign.id, money.amount, &key, engine.now()).await;
    moved(&shared, &campaign, &funded.map_err(|error| refused(&campaign, error))?)
}

pub(super) async fn release(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    id: Path<i64>,
    body: Json<BudgetBody>,
) -> Result<HttpResponse, Problem> {
    let (campaign, engine) = (own(&shared, caller, *id).await?, &shared.engine);
    let key = idempotency(&format!("campaign:{}", campaign.id), &idempotency_key(&request)?, &*body)?;
    let money = body.read(campaign.currency)?;
    let released = engine.ports.wallets.release(campaign.id, money.amount, &key, engine.now()).await;
    let funds = released.map_err(|error| match error {
        StoreError::InsufficientFunds { available } => Problem::conflict(
            "insufficient-funds",
            format!("the budget has {} micros that are neither spent nor leased", available.0),
        ),
        other => refused(&campaign, other),
    })?;
    moved(&shared, &campaign, &funds)
}

/// The campaign's actors on every node read its budget again: none of them plans with what is gone.
fn moved(shared: &Shared, campaign: &Campaign, funds: &Funds) -> Result<HttpResponse, Problem> {
    shared.engine.ports.bus.publish(Event::CatalogueChanged);
    answer(MovedView::of(campaign.id, funds))
}

pub(super) async fn adjust(
    shared: Data<Shared>,
    caller: Caller,
    request: HttpRequest,
    body: Json<AdjustmentBody>,
) -> Result<HttpResponse, Problem> {
    let engine = &shared.engine;
    let actor = caller.operator()?;
    let key = idempotency("adjustment", &idempotency_key(&request)?, &*body)?;
    let (owner, money, reason) = body.read()?;
    let hand = ByHand { actor, reason };
    let wallet = engine.ports.wallets.adjust(owner, money, &hand, &key, engine.now()).await?;
    answer(WalletView::of(&wallet))
}
