//! `/r/CODE` and `/qr/CODE.svg`: the short link of a play, and the code that leads to it.
//!
//! Where a click leads is looked up from the creative, never taken from the request. A click is
//! billed when its play is known, its time has not run out, a browser followed it, and fewer than
//! `clicks_max` clicks of the play are billed, which is what was set aside for it. The id of a click
//! follows from the play and the viewer's address, so that nobody is billed twice and no restart forgets.
//!
//! Billed clicks are counted in the database, and those under way in this process are added: at the edge
//! too few are billed rather than too many. Clicks of one play that come to several nodes in the same
//! moment may pass this count; then the lease, which the database guards, is the last wall.

use super::Shared;
use super::problem::Problem;
use crate::session::address::{client, household};
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use gametriggers_actors::domain::id::CreativeId;
use gametriggers_actors::domain::settlement::{Claim, Debit, EventKind, Outcome};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::domain::token::SKEW;
use gametriggers_actors::messages::{CountClick, Settle};
use gametriggers_actors::ports::{ClickKind, ClickTerms, PlayRecord};
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The mark of a link: which way it was handed out.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Mark {
    k: Option<String>,
}

/// Link previews and robots say who they are.
const ROBOTS: [&str; 9] =
    ["bot", "crawl", "spider", "preview", "facebookexternalhit", "slack", "discord", "telegram", "whatsapp"];

/// The creative of a code: base 36 before the dash.
fn creative(code: &str) -> Option<CreativeId> {
    let (creative, random) = code.split_once('-')?;
    let fits = creative.len() <= 12
        && random.len() == 8
        && random.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let number =
        i64::from_str_radix(creative, 36).ok().filter(|_| fits && !creative.starts_with(['-', '+']))?;
    Some(CreativeId(number))
}

pub(super) async fn preview(shared: Data<Shared>, code: Path<String>) -> Result<HttpResponse, Problem> {
    count("preview");
    redirect(&shared, &code).await
}

pub(super) async fn follow(
    shared: Data<Shared>,
    code: Path<String>,
    mark: Option<Query<Mark>>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let answer = redirect(&shared, &code).await?;
    let agent =
        request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    if is_person(agent) {
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |addr| addr.ip());
        let viewer = household(client(peer, request.headers(), &shared.trusted_proxies));
        if shared.clicks.is_too_many(viewer, shared.engine.now()) {
            count("limited");
            return Ok(answer);
        }
        let shared = shared.into_inner();
        let code = code.into_inner();
        let kind = ClickKind::from_mark(mark.as_ref().and_then(|mark| mark.k.as_deref()));
        // The viewer does not wait for the ledger.
        actix_web::rt::spawn(async move { bill(&shared, &code, viewer, kind).await });
    } else {
        count("robot");
    }
    Ok(answer)
}

fn count(result: &'static str) {
    metrics::counter!("gametriggers_clicks_total", "result" => result).increment(1);
}

fn is_person(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    agent.contains("mozilla/") && !ROBOTS.iter().any(|robot| agent.contains(robot))
}

async fn redirect(shared: &Shared, code: &str) -> Result<HttpResponse, Problem> {
    let creative = creative(code).ok_or_else(Problem::not_found)?;
    let landing = shared.engine.ports.campaigns.landing(creative).await?;
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, landing.as_ref()))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish())
}

async fn bill(shared: &Arc<Shared>, code: &str, viewer: IpAddr, kind: ClickKind) {
    let engine = &shared.engine;
    let play = match engine.ports.log.by_click_code(code).await {
        Ok(Some(play)) => play,
        Ok(None) => return count("unknown"),
        Err(error) => {
            tracing::warn!(%error, "a click can not be looked up and is not billed");
            return count("unavailable");
        }
    };
    let now = engine.now();
    let Some(terms) = play.clicks else { return count("free") };
    if now > terms.expires + SKEW {
        return count("late");
    }
    let debit = debit(&play, &terms, viewer, now);
    let under_way = Arc::clone(&shared.clicks).begin(play.play, debit.event);
    let Some(under_way) = under_way else { return count("unavailable") };
    // One that is billed already is let through, to be found repeated.
    match engine.ports.log.clicks_billed(play.play, debit.event).await {
        Ok(billed) if billed.saturating_add(under_way.together) > terms.clicks_max => return count("over"),
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(%error, "the clicks of a play can not be counted; one is not billed");
            return count("unavailable");
        }
    }
    let claim = Claim { debit, verdict: Ok(()) };
    let answer = engine.directory.settlement(engine).send(Settle(claim)).await;
    drop(under_way);
    if matches!(answer, Ok(Outcome::Settled)) {
        let (campaign, streamer) = (play.campaign, play.streamer);
        // Full: it is billed all the same, and only the series misses it.
        let _ = engine.directory.metrics(engine).try_send(CountClick { campaign, streamer, at: now, kind });
    }
    count(match answer {
        Ok(Outcome::Settled) => "billed",
        Ok(Outcome::Duplicate) => "repeated",
        Ok(Outcome::Rejected(_)) => "rejected",
        Err(_) => "unavailable",
    });
}

fn debit(play: &PlayRecord, terms: &ClickTerms, viewer: IpAddr, now: UnixMillis) -> Debit {
    let viewer = match viewer {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    Debit {
        event: play.play.click(&viewer),
        kind: EventKind::Click,
        play: play.play,
        lease: terms.lease,
        campaign: play.campaign,
        streamer: play.streamer,
        creative: play.creative,
        currency: play.currency,
        split: terms.split,
        viewers: 0,
        occurred: now,
    }
}

pub(super) async fn qr(shared: Data<Shared>, code: Path<String>) -> Result<HttpResponse, Problem> {
    creative(&code).ok_or_else(Problem::not_found)?;
    let link = format!("{}/r/{code}?k=qr", shared.public_url);
    let drawn = qrcode::QrCode::with_error_correction_level(&link, qrcode::EcLevel::M)
        .map_err(|_| Problem::not_found())?;
    let svg =
        drawn.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).quiet_zone(true).build();
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .body(svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_name_their_creative_and_nothing_else_passes() {
        assert_eq!(creative("1b-abcdefgh"), Some(CreativeId(47)));
        for bad in [
            "",
            "-",
            "1b-",
            "1b-ABCDEFGH",
            "zzzzzzzzzzzzz-abcdefgh",
            "1b-abcdefg/",
            "../-abcdefgh",
            "+1-abcdefgh",
        ] {
            assert_eq!(creative(bad), None, "{bad}");
        }
    }

    #[test]
    fn robots_are_not_people() {
        assert!(is_person("Mozilla/5.0 (Linux; Android 14) Chrome/127.0 Mobile Safari/537.36"));
        for robot in ["", "curl/8.5", "Mozilla/5.0 (compatible; Googlebot/2.1)", "Mozilla/5.0 Discordbot/2.0"]
        {
            assert!(!is_person(robot), "{robot}");
        }
    }
}
