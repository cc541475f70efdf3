//! A provider as Twitch and Google are one, on loopback: codes, tokens, users and signed id tokens. What a
//! code begins with says how it misbehaves, and what a refresh token ends with.

use super::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sha2::Digest;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the provider calls the installation under test, and its secret.
pub(crate) const CLIENT: (&str, &str) = ("client-1", "client-secret-1");

/// A key of this run, made by the same tool that certificates of the other tests come from.
static KEYS: LazyLock<[Arc<RsaKeyPair>; 2]> = LazyLock::new(|| [(); 2].map(|()| Arc::new(key())));

fn key() -> RsaKeyPair {
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    RsaKeyPair::from_pkcs8(&made.stdout)
        .or_else(|_| RsaKeyPair::from_der(&made.stdout))
        .expect("a key of 2048 bits")
}

/// A provider that runs until the test ends.
pub(crate) struct FakeProvider {
    pub(crate) addr: SocketAddr,
    renewed: Renewed,
}

/// Where refresh tokens were shown, as `twitch` or `google` and the token.
type Renewed = Arc<Mutex<Vec<(String, String)>>>;

impl FakeProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        LazyLock::force(&KEYS);
        let renewed = Renewed::default();
        let seen = Arc::clone(&renewed);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let _ = answer(stream, addr, &seen).await;
                });
            }
        });
        Self { addr, renewed }
    }

    /// Where refresh tokens were shown since this was asked last.
    pub(crate) fn renewed(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.renewed.lock().unwrap())
    }

    /// Settings that lead a server here.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let base = format!("http://{}", self.addr);
        let google = format!("{base}/google");
        let provider = |more: &str| {
            format!(
                "{{ client_id = \"{}\", client_secret = \"{}\", \
                 authorize_url = \"{base}/authorize\", {more} }}",
                CLIENT.0, CLIENT.1
            )
        };
        let twitch = provider(&format!("token_url = \"{base}/twitch/token\", user_url = \"{base}/users\""));
        let google = provider(&format!(
            "token_url = \"{google}/token\", keys_url = \"{google}/keys\", issuer = \"{base}\""
        ));
        let both = format!("{{ twitch = {twitch}, google = {google} }}");
        vec![("AUTH__PROVIDERS".to_owned(), both)]
    }

    /// A user who agrees: where the provider sends the browser back, with a code that begins with `how`.
    pub(crate) async fn agree(&self, authorize_url: &str, how: &str) -> String {
        let path = authorize_url.split_once(&self.addr.to_string()).unwrap().1;
        let answer = Request::get(format!("{path}&how={how}")).send(self.addr).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.header("location").to_owned()
    }
}

fn pairs(text: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

async fn answer(mut stream: TcpStream, addr: SocketAddr, renewed: &Renewed) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            break (head.to_owned(), body.to_owned());
        }
        if count == 0 {
            return Ok(());
        }
    };
    let lower = head.to_ascii_lowercase();
    let header = |name: &str| lower.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let length: usize = header("content-length").and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    while body.len() < length {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        body.push_str(&String::from_utf8_lossy(&part[..count]));
    }
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (status, more, text) = match path {
        "/authorize" => authorize(&pairs(query)),
        "/twitch/token" | "/google/token" if body.contains("grant_type=refresh_token") => {
            let (at, form) = (path.split('/').nth(1).unwrap_or_default(), pairs(&body));
            renewed.lock().unwrap().push((at.to_owned(), form["refresh_token"].clone()));
            renew(addr, at, &form).await
        }
        "/twitch/token" | "/google/token" => token(addr, &pairs(&body)).await,
        "/users" => users(&head, header("client-id").unwrap_or_default()),
        "/google/keys" => (200, String::new(), json!({ "keys": [jwk()] }).to_string()),
        _ => (404, String::new(), String::new()),
    };
    let length = text.len();
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

type Answered = (u16, String, String);

/// What the token end has to know later travels in the code.
fn authorize(query: &HashMap<String, String>) -> Answered {
    assert_eq!((query["response_type"].as_str(), query["client_id"].as_str()), ("code", CLIENT.0));
    assert_eq!(query["code_challenge_method"], "S256");
    let code = format!("{}.{}.{}", query["how"], query["code_challenge"], query["nonce"]);
    let back = format!("location: {}?code={code}&state={}\r\n", query["redirect_uri"], query["state"]);
    (302, back, String::new())
}

async fn token(addr: SocketAddr, form: &HashMap<String, String>) -> Answered {
    let refused = |why: &str| (400, String::new(), json!({ "error": why }).to_string());
    let parts: Vec<&str> = form["code"].split('.').collect();
    let [how, challenge, nonce] = parts[..] else { return refused("invalid_grant") };
    let proved = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(form["code_verifier"].as_bytes()));
    if proved != challenge || (form["client_id"].as_str(), form["client_secret"].as_str()) != CLIENT {
        return refused("invalid_grant");
    }
    give(addr, how, Some(nonce)).await
}

/// Each takes its own tokens, and only from the client that it gave them to.
async fn renew(addr: SocketAddr, at: &str, form: &HashMap<String, String>) -> Answered {
    let ours = (form["client_id"].as_str(), form["client_secret"].as_str()) == CLIENT;
    let prefixes = if at == "twitch" { ["rt-", "rt-"] } else { ["1//", "old-google-"] };
    match prefixes.iter().find_map(|prefix| form["refresh_token"].strip_prefix(prefix)).filter(|_| ours) {
        Some(how) => give(addr, how, None).await,
        None => {
            (400, String::new(), json!({ "status": 400, "message": "Invalid refresh token" }).to_string())
        }
    }
}

async fn give(addr: SocketAddr, how: &str, nonce: Option<&str>) -> Answered {
    match how {
        "expired" => return (400, String::new(), json!({ "error": "invalid_grant" }).to_string()),
        "slow" => tokio::time::sleep(Duration::from_secs(30)).await,
        "huge" => return (200, String::new(), "x".repeat(4_000_000)),
        "broken" => return (200, String::new(), "{".to_owned()),
        "down" => return (503, String::new(), String::new()),
        "elsewhere" => return (302, format!("location: http://{addr}/users\r\n"), String::new()),
        _ => {}
    }
    let id_token = id_token(how, nonce, &format!("http://{addr}"));
    (200, String::new(), json!({ "access_token": format!("at-{how}"), "id_token": id_token }).to_string())
}

fn users(head: &str, client: &str) -> Answered {
    let how = head.split("earer at-").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if client != CLIENT.0 || how.is_empty() {
        return (401, String::new(), String::new());
    }
    let mut user = json!({ "id": format!("id-{how}"), "login": how, "display_name": "Nova" });
    if how != "unverified" {
        user["email"] = json!(format!("{how}@Provider.example"));
    }
    (200, String::new(), json!({ "data": [user] }).to_string())
}

fn jwk() -> Value {
    let components: ring::rsa::PublicKeyComponents<Vec<u8>> = KEYS[0].public_key().into();
    let (n, e) = (URL_SAFE_NO_PAD.encode(components.n), URL_SAFE_NO_PAD.encode(components.e));
    json!({ "kty": "RSA", "alg": "RS256", "kid": "g1", "n": n, "e": e })
}

fn id_token(how: &str, nonce: Option<&str>, issuer: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "a provider has a clock of its own")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut header = json!({ "alg": "RS256", "kid": "g1", "typ": "JWT" });
    let mut claims = json!({
        "iss": issuer, "aud": CLIENT.0, "sub": format!("id-{how}"), "iat": now,
        "exp": now + 3600, "email": format!("{how}@provider.example"), "email_verified": true, "name": "Nova",
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    let mut key = &KEYS[0];
    match how {
        "wrong-nonce" => claims["nonce"] = json!("another"),
        "wrong-audience" => claims["aud"] = json!("client-2"),
        "wrong-issuer" => claims["iss"] = json!("https://elsewhere.example"),
        "stale" => claims["exp"] = json!(now - 3600),
        "unverified" => claims["email_verified"] = json!(false),
        "forged" => key = &KEYS[1],
        "unknown-key" => header["kid"] = json!("g2"),
        "none" => header["alg"] = json!("none"),
        _ => {}
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let body = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body.as_bytes(), &mut signature).unwrap();
    if how == "none" {
        signature.clear();
    }
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
}
