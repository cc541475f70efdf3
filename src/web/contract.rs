//! `/api/openapi.json`: the contract, written once from the table.

use super::{routes, table};
use actix_web::HttpResponse;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| table::document(&routes::table()).to_string());

pub(super) async fn show() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("content-type", "application/json"))
        .insert_header(("cache-control", "public, no-cache"))
        .body(DOCUMENT.as_str())
}
