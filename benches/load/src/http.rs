//! As much HTTP/1.1 as it takes to ask a server on this machine one thing: a request, one answer,
//! the end of the connection.

use crate::failure::Failure;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const ANSWER_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// The status of `GET path`; none when nobody answers.
pub(crate) async fn get(server: SocketAddr, path: &str) -> Option<u16> {
    exchange(server, &format!("GET {path} HTTP/1.1\r\n"), "").await.ok().map(|(status, _)| status)
}

/// The body of `GET path`; none when nobody answers it with 200.
pub(crate) async fn read(server: SocketAddr, path: &str) -> Option<String> {
    let answer = exchange(server, &format!("GET {path} HTTP/1.1\r\n"), "").await.ok()?;
    (answer.0 == 200).then_some(answer.1)
}

/// The status and body of `GET path`, asked as the holder of the key.
pub(crate) async fn ask(server: SocketAddr, path: &str, key: &str) -> std::io::Result<(u16, String)> {
    exchange(server, &format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {key}\r\n"), "").await
}

/// Follows a short link, as a browser does.
pub(crate) async fn follow(server: SocketAddr, code: &str) -> Result<(), Failure> {
    let head = format!("GET /r/{code}?k=qr HTTP/1.1\r\nUser-Agent: Mozilla/5.0 (viewer)\r\n");
    exchange(server, &head, "").await.map(|_| ()).map_err(Failure::io("follow a link"))
}

/// Posts JSON as the holder of the key; the body of the answer. Any answer but 201 is a failure.
pub(crate) async fn post(
    server: SocketAddr,
    path: &str,
    key: &str,
    once: &str,
    body: &str,
) -> Result<String, Failure> {
    match tell(server, ("POST", path), key, once, body).await? {
        (201, answer) => Ok(answer),
        (status, answer) => Err(Failure::Server(format!("{path} answered {status}: {answer}"))),
    }
}

/// Sends JSON by that method, as the holder of the key; the status and body of the answer.
pub(crate) async fn tell(
    server: SocketAddr,
    (method, path): (&str, &str),
    key: &str,
    once: &str,
    body: &str,
) -> Result<(u16, String), Failure> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {once}\r\n\
         Content-Type: application/json\r\n"
    );
    exchange(server, &head, body).await.map_err(Failure::io("ask for a change"))
}

/// Patches with JSON as the holder of the key; whether the server said that it is done.
pub(crate) async fn patch(server: SocketAddr, path: &str, key: &str, once: &str, body: &str) -> bool {
    matches!(tell(server, ("PATCH", path), key, once, body).await, Ok((200, _)))
}

async fn exchange(server: SocketAddr, head: &str, body: &str) -> std::io::Result<(u16, String)> {
    let length = body.len();
    let request =
        format!("{head}Host: {server}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    let work = async {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(ANSWER_MAX, work).await??;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
    Ok((status.ok_or(std::io::ErrorKind::InvalidData)?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn one_question_gets_one_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let serve = tokio::spawn(async move {
            for answer in ["200 OK\r\n\r\n{}", "201 Created\r\n\r\n{}", "422 No\r\n\r\nwrong"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                assert!(request[..read].starts_with(b"GET") || request[..read].ends_with(b"\r\n\r\n{}"));
                stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.unwrap();
            }
        });
        assert_eq!(get(server, "/health/ready").await, Some(200));
        post(server, "/api/campaigns", "key", "once-and-only", "{}").await.unwrap();
        let refused = post(server, "/api/campaigns", "key", "once-and-only", "{}").await.unwrap_err();
        assert!(refused.to_string().contains("422: wrong"), "{refused}");
        serve.await.unwrap();
        assert_eq!(get(server, "/health/ready").await, None);
    }
}
