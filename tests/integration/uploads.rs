//! What a server has to bear from uploads: bombs, polyglots, files that are cut off or called what they are
//! not, and senders who stand still. Every answer is clear, and memory stays bounded.

use crate::support::http::{Request, Response};
use crate::support::{TestApp, World, free_addr, random, sleep_ms};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

const PICTURE: &[u8] = include_bytes!("../../config/demo/northpeak-corner.webp");
const WEBM: &[u8] = include_bytes!("../../media/src/samples/spot.webm");
const MP4: &[u8] = include_bytes!("../../media/src/samples/spot.mp4");
const SCRIPT: &[u8] = b"<script>alert('from the asset server')</script>";
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], kind, content, &crc.sum().to_be_bytes()].concat()
}

/// As many zeros, packed.
fn zeros(count: usize) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let block = [0; 65_536];
    let mut left = count;
    while left > 0 {
        let now = left.min(block.len());
        packed.write_all(&block[..now]).unwrap();
        left -= now;
    }
    packed.finish().unwrap()
}

/// A PNG of that size: `bits` a sample, `kind` 0 for grey and 6 for colours with transparency.
fn png((width, height): (u32, u32), (bits, kind): (u8, u8), extra: &[u8], data: &[u8]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, kind, 0, 0, 0]].concat();
    let parts = [chunk(b"IHDR", &head), extra.to_vec(), chunk(b"IDAT", data), chunk(b"IEND", b"")];
    [SIGNATURE, &parts.concat()].concat()
}

fn grey(side: u32) -> Vec<u8> {
    let row = usize::try_from(side.div_ceil(8)).unwrap() + 1;
    png((side, side), (1, 0), b"", &zeros(row * usize::try_from(side).unwrap()))
}

/// The largest picture that is taken, in the deepest colours.
fn deepest(width: u32, height: u32) -> Vec<u8> {
    let row = usize::try_from(width).unwrap() * 8 + 1;
    png((width, height), (16, 6), b"", &zeros(row * usize::try_from(height).unwrap()))
}

fn gif(side: u16, pictures: usize) -> Vec<u8> {
    let side = side.to_le_bytes();
    let mut all = [b"GIF89a", &side[..], &side, &[0x80, 0, 0, 0, 0, 0, 255, 255, 255]].concat();
    for _ in 0..pictures {
        all.extend([&[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0][..]].concat());
    }
    all.push(0x3b);
    all
}

/// A file, what it may be answered with, and the reasons that may stand there.
struct Trial {
    name: &'static str,
    body: Vec<u8>,
    status: u16,
    reasons: &'static [&'static str],
}

fn trial(name: &'static str, body: Vec<u8>, status: u16, reasons: &'static [&'static str]) -> Trial {
    Trial { name, body, status, reasons }
}

fn bombs() -> Vec<Trial> {
    let megabytes = |count: usize| zeros(count << 20);
    let small = zeros(101 * 100);
    let text = |kind: &[u8; 4], head: &[u8], packed: &[u8]| chunk(kind, &[head, packed].concat());
    let noted = text(b"zTXt", b"Comment\0\0", &megabytes(200));
    let profiled = text(b"iCCP", b"p\0\0", &megabytes(200));
    let jpeg: Vec<u8> = [
        &b"\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\x03\x01\x11\0\x02\x11\0\x03\x11\0"[..],
        b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0",
        &[0x55; 4000],
    ]
    .concat();
    let canvas = [&b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0"[..], &[0; 64]].concat();
    vec![
        trial("10 000 x 10 000 pixels", grey(10_000), 422, &["pixels"]),
        trial("60 000 x 60 000 pixels", grey(60_000), 422, &["pixels"]),
        trial("more pixels than their sides allow", grey(4096), 422, &["pixels"]),
        trial("200 MB behind 100 x 100 pixels", png((100, 100), (8, 0), b"", &megabytes(200)), 201, &[]),
        trial("a note of 200 MB", png((100, 100), (8, 0), &noted, &small), 201, &[]),
        trial("a colour profile of 200 MB", png((100, 100), (8, 0), &profiled, &small), 201, &[]),
        trial("the deepest picture that is taken", deepest(4096, 2160), 201, &[]),
        trial("a GIF of 65 535 x 65 535", gif(65_535, 1), 422, &["pixels"]),
        trial("a JPEG of 65 500 x 65 500", jpeg, 422, &["pixels"]),
        trial("a WebP of 16 384 x 16 384", canvas, 422, &["pixels", "damaged"]),
    ]
}

fn oddities() -> Vec<Trial> {
    let still = png((100, 100), (8, 0), b"", &zeros(101 * 100));
    let apng = png((100, 100), (8, 0), &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), &zeros(101 * 100));
    let mut many =
        b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff".to_vec();
    many.extend(vec![0x80; 1 << 20]);
    vec![
        trial("nothing", Vec::new(), 415, &["empty"]),
        trial("two pictures in a GIF", gif(1, 2), 415, &["animated"]),
        trial("two pictures in a PNG", apng, 415, &["animated"]),
        trial("a picture with a page behind it", [&still[..], SCRIPT].concat(), 201, &[]),
        trial("a video with a page behind it", [WEBM, SCRIPT].concat(), 422, &["surplus"]),
        trial("a video in a video", [MP4, MP4].concat(), 422, &["surplus"]),
        trial("half a picture", PICTURE[..PICTURE.len() / 2].to_vec(), 422, &["damaged"]),
        trial("half a WebM", WEBM[..WEBM.len() / 2].to_vec(), 422, &["damaged"]),
        trial("half an MP4", MP4[..MP4.len() / 2].to_vec(), 422, &["damaged"]),
        trial("a WebM of a million parts", many, 422, &["damaged", "surplus"]),
        trial("an SVG", b"<?xml version='1.0'?><svg><script/></svg>".to_vec(), 415, &["svg"]),
        trial("a program", [b"MZ", &[0; 9000][..]].concat(), 415, &["unknown_format"]),
        trial("an AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf".to_vec(), 415, &["format"]),
        trial("an honest picture", PICTURE.to_vec(), 201, &[]),
    ]
}

fn judge(trial: &Trial, answer: &Response) {
    let Trial { name, status, reasons, .. } = trial;
    assert_eq!(answer.status, *status, "{name}: {}", answer.text());
    if *status != 201 {
        let body = answer.json();
        let (reason, detail) = (body["reason"].as_str().unwrap(), body["detail"].as_str().unwrap());
        assert!(reasons.contains(&reason), "{name}: {body}");
        assert!(detail.len() > 20 && detail.len() < 400, "{name}: {detail}");
    }
}

/// Resident memory now and at its highest, in kilobytes.
fn memory(process: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).expect("it is there");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("kilobytes")
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// A world with four brands, whose keys come with it.
async fn world(more: &[(&str, &str)]) -> (World, Vec<String>) {
    let app = TestApp::with(more).await;
    let mut keys = Vec::new();
    for name in ["One", "Two", "Three", "Four"] {
        keys.push(app.brand(name, 0).await.key);
    }
    (app.stop().await, keys)
}

async fn upload(addr: SocketAddr, key: &str, body: &[u8]) -> Response {
    Request::new("POST", "/api/assets").key(key).bytes(body).send(addr).await
}

/// The figures are printed by
/// `cargo nextest run --no-capture -E 'test(memory_stays_bounded_whatever_is_uploaded)'`.
#[actix_rt::test]
async fn memory_stays_bounded_whatever_is_uploaded() {
    /// Above what the idle server takes, in kilobytes.
    const PEAK_MAX: u64 = 256 * 1024;
    const REST_MAX: u64 = 128 * 1024;
    let (world, keys) = world(&[("LOG__LEVEL", "error")]).await;
    let addr = free_addr();
    let server = world.serve(addr).await;
    let process = server.id().unwrap();
    upload(addr, &keys[0], PICTURE).await.ok(201);
    let (idle, _) = memory(process);
    // From here on the highest is that of the uploads.
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
    let trials: Vec<Trial> = bombs().into_iter().chain(oddities()).collect();
    let (mut answers, mut slowest) = (BTreeMap::<u16, u32>::new(), (Duration::ZERO, ""));
    for round in 0..3 {
        let lanes = keys.iter().enumerate().map(async |(lane, key)| {
            let mut seen = Vec::new();
            for at in 0..trials.len() {
                let trial = &trials[(at * 5 + lane * 3 + round) % trials.len()];
                let began = Instant::now();
                let answer = upload(addr, key, &trial.body).await;
                judge(trial, &answer);
                seen.push((answer.status, began.elapsed(), trial.name));
            }
            seen
        });
        for (status, took, name) in join_all(lanes).await.into_iter().flatten() {
            *answers.entry(status).or_default() += 1;
            slowest = slowest.max((took, name));
        }
    }
    let ((rest, peak), sent) = (memory(process), answers.values().sum::<u32>());
    let above = |kilobytes: u64| kilobytes.saturating_sub(idle) / 1024;
    println!(
        "{sent} hostile uploads on 4 connections, answers {answers:?}; idle {} MB, highest {} MB above it, \
         afterwards {} MB above it; slowest {:?} ({})",
        idle / 1024,
        above(peak),
        above(rest),
        slowest.0,
        slowest.1,
    );
    assert!(peak < idle + PEAK_MAX, "{peak} kB at most, {idle} kB idle");
    assert!(rest < idle + REST_MAX, "{rest} kB afterwards, {idle} kB idle");
    assert_eq!(Request::get("/health/ready").send(addr).await.status, 200);
}

#[actix_rt::test]
async fn nothing_that_hides_behind_a_picture_is_served() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let still = png((100, 100), (8, 0), &chunk(b"tEXt", &[b"Comment\0", SCRIPT].concat()), &zeros(101 * 100));
    let view = app.add_asset(&brand.key, &[&still[..], SCRIPT].concat()).await.ok(201);
    let urls = view["renditions"].as_array().unwrap().iter().chain([&view]).map(|file| file["url"].clone());
    for url in urls {
        let served = app.send(Request::get(url.as_str().unwrap())).await;
        assert_eq!(served.status, 200);
        assert!(!served.body.windows(7).any(|window| window == b"<script"), "{url}");
        assert!(served.header("content-type").starts_with("image/"));
    }
    for file in [WEBM, MP4] {
        let view = app.add_asset(&brand.key, file).await.ok(201);
        let served = app.send(Request::get(view["url"].as_str().unwrap())).await;
        assert_eq!((served.status, served.body.len()), (200, file.len()));
        assert!(!served.body.windows(12).any(|window| window == b"secret-title"));
    }
    app.finish().await;
}

fn form(parts: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    let boundary = format!("gt{:x}", random());
    let mut body = Vec::new();
    for (disposition, kind, bytes) in parts {
        body.extend(format!("--{boundary}\r\ncontent-disposition: form-data; {disposition}\r\n").bytes());
        if !kind.is_empty() {
            body.extend(format!("content-type: {kind}\r\n").bytes());
        }
        body.extend(b"\r\n");
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[actix_rt::test]
async fn a_form_is_as_good_as_a_body_and_what_is_mislabelled_is_not() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let mislabelled = app.watch("gametriggers_assets_refused_total", "mislabelled").await;
    let send = async |kind: &str, body: &[u8]| {
        let request = Request::new("POST", "/api/assets").key(&brand.key).header("content-type", kind);
        app.send(request.bytes(body)).await
    };
    let name = app.add_asset(&brand.key, PICTURE).await.ok(201)["name"].clone();
    let file = |kind| ("name=\"file\"; filename=\"a.webp\"", kind, PICTURE);
    for parts in [
        vec![file("image/webp")],
        vec![file("")],
        vec![("name=\"title\"", "", &b"Summer"[..]), file("application/octet-stream")],
        vec![file("image/webp"), ("name=\"note\"", "text/plain", b"thanks")],
    ] {
        let (kind, body) = form(&parts);
        assert_eq!(send(&kind, &body).await.ok(201)["name"], name);
    }
    let (kind, body) = form(&[file("image/png")]);
    assert_eq!(send(&kind, &body).await.problem(415, "unsupported-media-type")["reason"], "mislabelled");
    let said = send("image/jpeg", PICTURE).await.problem(415, "unsupported-media-type");
    assert_eq!(said["reason"], "mislabelled");
    assert!(said["detail"].as_str().unwrap().contains("image/webp"), "{said}");
    mislabelled.grows(&app, 2).await;
    assert_eq!(send("image/webp", PICTURE).await.ok(201)["name"], name);
    let long = vec![b'x'; 5000];
    for parts in [
        vec![],
        vec![("name=\"title\"", "", &b"Summer"[..])],
        vec![file("image/webp"), file("image/webp")],
        vec![("name=\"title\"", "", &long), file("image/webp")],
        vec![("name=\"a\"", "", &b"b"[..]); 9],
    ] {
        let (kind, body) = form(&parts);
        send(&kind, &body).await.problem(400, "malformed");
    }
    let (kind, body) = form(&[file("image/webp")]);
    send(&kind, &body[..body.len() - 200]).await.problem(400, "malformed");
    send("multipart/form-data", &body).await.problem(400, "malformed");
    app.finish().await;
}

/// Sends a head and the beginning of a body, and goes on sending a byte each `every`.
async fn trickle(addr: SocketAddr, key: &str, every: Duration) -> (u16, Duration) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "POST /api/assets HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {key}\r\n\
         content-length: 500000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&PICTURE[..2000]).await.unwrap();
    let (began, mut answer) = (Instant::now(), [0; 12]);
    let (mut from, mut to) = stream.split();
    let drip = async {
        loop {
            tokio::time::sleep(every).await;
            if to.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        read = from.read_exact(&mut answer) => { read.unwrap(); }
        () = drip => {}
    }
    let status = std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap();
    (status, began.elapsed())
}

#[actix_rt::test]
async fn an_upload_that_stands_still_ends_and_takes_no_place_for_long() {
    let more =
        [("ASSETS__STALL_MS", "1000"), ("ASSETS__UPLOAD_MS", "2500"), ("ASSETS__UPLOADS_PER_BRAND", "2")];
    let app = TestApp::with(&more).await;
    let (brand, other) = (app.brand("Crisp", 0).await, app.brand("Soggy", 0).await);
    let stalled = app.watch("gametriggers_assets_refused_total", "stalled").await;
    let still = trickle(app.addr, &brand.key, Duration::from_secs(60));
    let slow = trickle(app.addr, &brand.key, Duration::from_millis(200));
    let meanwhile = async {
        sleep_ms(300).await;
        let full = app.add_asset(&brand.key, PICTURE).await;
        full.problem(503, "busy");
        assert_eq!(full.header("retry-after"), "2");
        app.add_asset(&other.key, PICTURE).await.ok(201);
    };
    let ((still, first), (slow, second), ()) = futures_util::future::join3(still, slow, meanwhile).await;
    assert_eq!((still, slow), (408, 408));
    assert!(first >= Duration::from_millis(900) && first < Duration::from_millis(2300), "{first:?}");
    assert!(second >= Duration::from_millis(2300), "{second:?}");
    stalled.grows(&app, 2).await;
    app.add_asset(&brand.key, PICTURE).await.ok(201);
    app.finish().await;
}

#[actix_rt::test]
async fn a_body_without_an_end_is_ended() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    let head = format!(
        "POST /api/assets HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         transfer-encoding: chunked\r\n\r\n",
        app.addr, brand.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let block = [&b"10000\r\n"[..], &WEBM[..512], &vec![0; 65_536 - 512], b"\r\n"].concat();
    let mut sent = 0;
    while stream.write_all(&block).await.is_ok() && sent < 256 << 20 {
        sent += block.len();
    }
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    // A head that says it is too long is answered before the body is sent.
    let said = Request::new("POST", "/api/assets").key(&brand.key).bytes(vec![0; 5_000_000]);
    app.send(said).await.problem(413, "too-large");
    app.add_asset(&brand.key, PICTURE).await.ok(201);
    app.finish().await;
}

#[actix_rt::test]
async fn what_a_policy_refuses_is_named_with_everything_that_was_found() {
    let app = TestApp::start().await;
    let brand = app.brand("Crisp", 0).await;
    // The head says that it runs for 200 seconds: a float of 2000 ticks became one of 200 000.
    let mut long = include_bytes!("../../config/demo/voltade-loop.webm").to_vec();
    let at = long.windows(3).position(|window| window == [0x44, 0x89, 0x88]).unwrap() + 3;
    long[at..at + 8].copy_from_slice(&200_000_f64.to_be_bytes());
    let said = app.add_asset(&brand.key, &long).await.problem(422, "asset-refused");
    assert_eq!(said["reason"], "policy");
    let errors = said["errors"].as_array().unwrap();
    let duration = errors.iter().find(|error| error["field"] == "duration").unwrap();
    assert!(duration["message"].as_str().unwrap().starts_with("refused: it runs for 200000 ms"), "{said}");
    assert!(errors.iter().any(|error| error["field"] == "flashing"), "{said}");
    let view = app.add_asset(&brand.key, MP4).await.ok(201);
    let of = |check: &str| {
        let all = view["findings"].as_array().unwrap().iter();
        all.filter(|finding| finding["check"] == check)
            .map(|finding| finding["verdict"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("codec"), [json!("warning")]);
    assert_eq!(of("flashing"), [json!("unknown")]);
    assert_eq!(of("label_contrast"), [json!("passed")]);
    assert!(of("area").contains(&json!("warning")), "no video on Twitch: {view}");
    let image = app.add_asset(&brand.key, PICTURE).await.ok(201);
    let verdicts: Vec<_> = image["findings"].as_array().unwrap().iter().map(|f| &f["verdict"]).collect();
    assert!(!verdicts.contains(&&json!("unknown")), "{image}");
    app.finish().await;
}
