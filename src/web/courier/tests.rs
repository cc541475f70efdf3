//! The way out, against receivers that misbehave and names that change their mind.

use super::*;
use gametriggers_actors::ports::Secret;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// Answers what it is told to, in turn; the last answer stays.
#[derive(Default)]
struct Fickle {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolver for Fickle {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let next = answers.front().cloned();
        if answers.len() > 1 {
            answers.pop_front();
        }
        next.ok_or_else(|| std::io::Error::other("no such name"))
    }
}

fn fickle(answers: &[&[&str]]) -> Arc<Fickle> {
    let read = |one: &&[&str]| one.iter().map(|address| address.parse().unwrap()).collect();
    Arc::new(Fickle { answers: Mutex::new(answers.iter().map(read).collect()), asked: AtomicUsize::new(0) })
}

/// A receiver that sends the same to everybody; how many came.
struct Receiver {
    address: SocketAddr,
    came: Arc<AtomicUsize>,
    heard: Arc<Mutex<String>>,
}

async fn receiver(at: SocketAddr, answer: impl Into<Vec<u8>>, then: Then) -> Receiver {
    let listener = TcpListener::bind(at).await.unwrap();
    let (address, answer) = (listener.local_addr().unwrap(), answer.into());
    let (came, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
    let (count, words) = (Arc::clone(&came), Arc::clone(&heard));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let (answer, words) = (answer.clone(), Arc::clone(&words));
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 * 1024];
                let read = stream.read(&mut bytes).await.unwrap_or(0);
                *words.lock().unwrap() = String::from_utf8_lossy(&bytes[..read]).into_owned();
                let _ = stream.write_all(&answer).await;
                match then {
                    Then::Close => {}
                    Then::Hang => tokio::time::sleep(Duration::from_secs(60)).await,
                    Then::Flood => while stream.write_all(&[b'x'; 64 * 1024]).await.is_ok() {},
                }
            });
        }
    });
    Receiver { address, came, heard }
}

#[derive(Clone, Copy)]
enum Then {
    Close,
    Hang,
    Flood,
}

impl Receiver {
    fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }
}

fn local(host: u8, port: u16) -> SocketAddr {
    ([127, 0, 0, host], port).into()
}

/// May call 127.0.0.1 and nothing else that is not public, by a name.
fn courier(resolver: &Arc<Fickle>) -> HttpCourier {
    let networks = vec!["127.0.0.1".parse().unwrap()];
    let hosts = ["hooks.example", "127.0.0.1", "127.0.0.2", "10.0.0.1"];
    let allowed = Allowed { networks, http_hosts: hosts.map(str::to_owned).to_vec() };
    let resolver: Arc<dyn Resolver> = Arc::<Fickle>::clone(resolver);
    HttpCourier::with(allowed, Duration::from_millis(700), resolver, RootCertStore::empty()).unwrap()
}

fn parcel(url: &str) -> Parcel {
    Parcel {
        url: url.into(),
        message: "msg_1".to_owned(),
        at: NOW,
        body: "{\"type\":\"play.settled\"}".to_owned(),
        secrets: vec![Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())],
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_reaches_nothing_that_was_not_checked() {
    let good = receiver(local(1, 0), "HTTP/1.1 204 \r\n\r\n", Then::Close).await;
    let port = good.address.port();
    let inside = receiver(local(2, port), "HTTP/1.1 200 \r\n\r\n", Then::Close).await;
    let resolver =
        fickle(&[&["127.0.0.1"], &["127.0.0.2"], &["10.0.0.1", "127.0.0.1"], &["::ffff:127.0.0.2"]]);
    let courier = courier(&resolver);
    let url = format!("http://hooks.example:{port}/in?a=b");
    let first = courier.send(parcel(&url)).await.unwrap();
    assert_eq!((first.status, good.came(), resolver.asked.load(Ordering::Relaxed)), (204, 1, 1));
    // Another answer at the next attempt: it is checked again.
    assert_eq!(courier.send(parcel(&url)).await, Err(Undelivered::Refused));
    // Of several addresses only those that pass are called.
    assert_eq!(courier.send(parcel(&url)).await.unwrap().status, 204);
    assert_eq!(courier.send(parcel(&url)).await, Err(Undelivered::Refused));
    assert_eq!((good.came(), inside.came(), resolver.asked.load(Ordering::Relaxed)), (2, 0, 4));
    for literal in [format!("http://127.0.0.2:{port}/"), "http://10.0.0.1/".to_owned()] {
        assert_eq!(courier.send(parcel(&literal)).await, Err(Undelivered::Refused), "{literal}");
    }
    assert_eq!(inside.came(), 0);
    let heard = good.heard.lock().unwrap().clone();
    for line in [
        "POST /in?a=b HTTP/1.1\r\n",
        &format!("host: hooks.example:{port}\r\n"),
        "webhook-id: msg_1\r\n",
        "webhook-timestamp: 1700000000\r\n",
        "webhook-signature: v1,",
        "\r\n\r\n{\"type\":\"play.settled\"}",
    ] {
        assert!(heard.contains(line), "{line}: {heard}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_an_address() {
    let elsewhere = receiver(local(1, 0), "HTTP/1.1 200 \r\n\r\n", Then::Close).await;
    let answer = format!("HTTP/1.1 307 \r\nlocation: http://{}/\r\n\r\n", elsewhere.address);
    let first = receiver(local(1, 0), answer, Then::Close).await;
    let courier = courier(&fickle(&[]));
    let reply = courier.send(parcel(&format!("http://{}/", first.address))).await.unwrap();
    assert_eq!((reply.status, first.came(), elsewhere.came()), (307, 1, 0));
}

#[tokio::test]
async fn whatever_the_other_side_does_the_answer_comes_in_time_and_in_bounds() {
    let courier = courier(&fickle(&[]));
    let long_head = format!("HTTP/1.1 200 \r\nx: {}\r\n\r\n", "a".repeat(2 * HEAD_MAX));
    for (answer, then, wanted) in [
        ("", Then::Hang, Err(Undelivered::TimedOut)),
        ("HTTP/1.1 200 \r\nx: ", Then::Hang, Err(Undelivered::TimedOut)),
        ("HTTP/1.1 200 \r\nx: ", Then::Flood, Err(Undelivered::Broken)),
        ("", Then::Close, Err(Undelivered::Broken)),
        ("SSH-2.0-OpenSSH\r\n", Then::Close, Err(Undelivered::Broken)),
        (&*long_head, Then::Close, Err(Undelivered::Broken)),
        ("HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok", Then::Hang, Ok((200, 2))),
        ("HTTP/1.1 500 \r\ncontent-length: 9\r\n\r\nok", Then::Close, Ok((500, 2))),
        ("HTTP/1.1 200 \r\n\r\n", Then::Flood, Ok((200, ANSWER_MAX))),
    ] {
        let receiver = receiver(local(1, 0), answer, then).await;
        let began = tokio::time::Instant::now();
        let sent = courier.send(parcel(&format!("http://{}/", receiver.address))).await;
        assert!(began.elapsed() < Duration::from_secs(3), "{answer:?}");
        assert_eq!(sent.map(|reply| (reply.status, reply.answer.len())), wanted, "{:.40}", answer);
    }
    let closed = TcpListener::bind(local(1, 0)).await.unwrap().local_addr().unwrap();
    let nobody = courier.send(parcel(&format!("http://{closed}/"))).await;
    assert_eq!(nobody, Err(Undelivered::Unreachable));
    assert_eq!(courier.send(parcel("http://hooks.example/")).await, Err(Undelivered::NoAddress));
    assert_eq!(courier.send(parcel("http://other.example/")).await, Err(Undelivered::BadUrl));
}

#[tokio::test]
async fn what_an_answer_says_is_kept_as_plain_text() {
    let answer = b"HTTP/1.1 400 \r\n\r\nno\0 \xff \x1b[31m\tway\n".to_vec();
    let receiver = receiver(local(1, 0), answer, Then::Close).await;
    let courier = courier(&fickle(&[]));
    let reply = courier.send(parcel(&format!("http://{}/", receiver.address))).await.unwrap();
    assert_eq!(reply.answer, "no\u{fffd} \u{fffd} \u{fffd}[31m\tway\n");
}

#[test]
fn a_pause_is_asked_for_in_seconds_or_until_a_date() {
    let asked = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        pause(&headers, NOW)
    };
    assert_eq!(asked("120"), Some(Millis::seconds(120)));
    assert_eq!(asked("Tue, 14 Nov 2023 22:14:20 GMT"), Some(Millis::minutes(1)));
    for odd in ["", "-1", "soon", "1e3", "Tue, 14 Nov 2023 22:13:19 GMT", "99999999999999999999"] {
        assert_eq!(asked(odd), None, "{odd}");
    }
    assert_eq!(pause(&HeaderMap::new(), NOW), None);
}

/// A certificate for hooks.example that signed itself, and its key.
fn certificate() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let config = "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nCN=hooks.example\n\
                  [ext]\nsubjectAltName=DNS:hooks.example\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(at("config"), config).unwrap();
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let (config, key, der, certificate) = (at("config"), at("key"), at("key.der"), at("certificate"));
    let curve = "ec_paramgen_curve:prime256v1";
    run(&[
        "req",
        "-x509",
        "-config",
        &config,
        "-newkey",
        "ec",
        "-pkeyopt",
        curve,
        "-nodes",
        "-days",
        "2",
        "-keyout",
        &key,
        "-outform",
        "DER",
        "-out",
        &certificate,
    ]);
    run(&["pkcs8", "-topk8", "-nocrypt", "-in", &key, "-outform", "DER", "-out", &der]);
    let key = PrivateKeyDer::try_from(std::fs::read(der).unwrap()).unwrap();
    (CertificateDer::from(std::fs::read(certificate).unwrap()), key)
}

#[tokio::test]
async fn tls_is_for_the_name_and_from_a_known_authority_or_not_at_all() {
    let (certificate, key) = certificate();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(local(1, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut bytes = [0; 4096];
            let _ = stream.read(&mut bytes).await;
            let _ = stream.write_all(b"HTTP/1.1 202 \r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let with = |roots: RootCertStore| {
        let allowed = Allowed { networks: vec!["127.0.0.1".parse().unwrap()], http_hosts: Vec::new() };
        HttpCourier::with(allowed, Duration::from_secs(5), fickle(&[&["127.0.0.1"]]), roots).unwrap()
    };
    let (known, unknown) = (with(roots), with(RootCertStore::empty()));
    let url = |host: &str| format!("https://{host}:{port}/");
    assert_eq!(known.send(parcel(&url("hooks.example"))).await.map(|reply| reply.status), Ok(202));
    assert_eq!(known.send(parcel(&url("other.example"))).await, Err(Undelivered::Tls));
    assert_eq!(unknown.send(parcel(&url("hooks.example"))).await, Err(Undelivered::Tls));
    let plain = receiver(local(1, 0), "HTTP/1.1 200 \r\n\r\n", Then::Close).await;
    let plain = format!("https://hooks.example:{}/", plain.address.port());
    assert_eq!(known.send(parcel(&plain)).await, Err(Undelivered::Tls));
}
