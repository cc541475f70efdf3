//! The pages, embedded in the binary. The files of a page live under a hash of all of them, so
//! they never change and may be kept for ever; the page itself is never kept.

use super::problem::Problem;
use super::problem_kind::kind_of;
use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::RustEmbed;
use sha2::Digest;
use std::borrow::Cow;
use std::sync::OnceLock;

#[derive(RustEmbed)]
#[folder = "overlay/source/"]
struct OverlayFiles;

#[derive(RustEmbed)]
#[folder = "overlay/dashboard/"]
struct DashboardFiles;

#[derive(RustEmbed)]
#[folder = "overlay/home/"]
struct HomeFiles;

#[derive(RustEmbed)]
#[folder = "overlay/api/"]
struct DocsFiles;

/// The four pages.
#[derive(Clone, Copy)]
enum Page {
    Overlay,
    Dashboard,
    Home,
    /// The contract of the API, to read and to try.
    Docs,
}

impl Page {
    fn of(name: &str) -> Option<Self> {
        match name {
            "overlay" => Some(Self::Overlay),
            "dashboard" => Some(Self::Dashboard),
            "home" => Some(Self::Home),
            // Not under `/api`, whose paths are the API's.
            "docs" => Some(Self::Docs),
            _ => None,
        }
    }

    fn file(self, name: &str) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::Overlay => OverlayFiles::get(name),
            Self::Dashboard => DashboardFiles::get(name),
            Self::Home => HomeFiles::get(name),
            Self::Docs => DocsFiles::get(name),
        }
        .map(|file| file.data)
    }

    /// The hash of all files of the page.
    fn build(self) -> &'static str {
        static BUILDS: [OnceLock<String>; 4] = [const { OnceLock::new() }; 4];
        let [first, second, third, fourth] = &BUILDS;
        let (at, names): (_, Vec<Cow<'static, str>>) = match self {
            Self::Overlay => (first, OverlayFiles::iter().collect()),
            Self::Dashboard => (second, DashboardFiles::iter().collect()),
            Self::Home => (third, HomeFiles::iter().collect()),
            Self::Docs => (fourth, DocsFiles::iter().collect()),
        };
        at.get_or_init(|| {
            let mut hash = sha2::Sha256::new();
            let mut names = names;
            names.sort();
            for name in names {
                hash.update(name.as_bytes());
                hash.update([0]);
                hash.update(self.file(&name).unwrap_or_default());
            }
            hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
        })
    }

    fn policy(self, host: &str) -> String {
        let socket = format!("connect-src 'self' ws://{host} wss://{host}");
        match self {
            Self::Overlay => format!(
                "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                 img-src 'self' data: blob:; \
                 media-src 'self' blob:; font-src 'self'; {socket}; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'self' https://*.golightstream.com"
            ),
            Self::Dashboard => format!(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; {socket}; \
                 frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            Self::Home => {
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'"
                    .to_owned()
            }
            Self::Docs => "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                           connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                .to_owned(),
        }
    }

    fn show(self, request: &HttpRequest) -> HttpResponse {
        let Some(html) = self.file("index.html").and_then(|bytes| String::from_utf8(bytes.into_owned()).ok())
        else {
            return HttpResponse::from_error(Problem::not_found());
        };
        HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::CONTENT_SECURITY_POLICY, self.policy(&host(request))))
            .body(html.replace("{{build}}", self.build()))
    }
}

/// The host of the request, when it is one; it goes into a header.
fn host(request: &HttpRequest) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'[' | b']');
    if !host.is_empty() && host.len() <= 255 && host.bytes().all(fits) {
        host.to_owned()
    } else {
        "localhost".to_owned()
    }
}

/// The build of the overlay page.
#[must_use]
pub fn overlay_build() -> &'static str {
    Page::Overlay.build()
}

pub(super) async fn home(request: HttpRequest) -> HttpResponse {
    Page::Home.show(&request)
}

pub(super) async fn overlay(request: HttpRequest) -> HttpResponse {
    Page::Overlay.show(&request)
}

pub(super) async fn dashboard(request: HttpRequest) -> HttpResponse {
    Page::Dashboard.show(&request)
}

pub(super) async fn docs(request: HttpRequest) -> HttpResponse {
    Page::Docs.show(&request)
}

/// The `type` of a problem leads to what is said of it. Not for good: the page may move.
pub(super) async fn problem(name: Path<String>) -> Result<HttpResponse, Problem> {
    let kind = kind_of(&name).ok_or_else(Problem::not_found)?;
    let to = format!("/api/docs#problem-{}", kind.name);
    Ok(HttpResponse::Found().insert_header((header::LOCATION, to)).finish())
}

pub(super) async fn moved(to: &'static str) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, to)).finish()
}

pub(super) async fn file(path: Path<(String, String, String)>) -> Result<HttpResponse, Problem> {
    let (page, build, name) = path.into_inner();
    let page = Page::of(&page).filter(|page| page.build() == build).ok_or_else(Problem::not_found)?;
    let mime = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => return Err(Problem::not_found()),
    };
    let bytes = page.file(&name).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(mime)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(bytes.into_owned()))
}
