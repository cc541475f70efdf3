//! A wire between a store and its server that breaks when it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the wire breaks, at the next COMMIT that is sent over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The COMMIT arrives, and its answer does not.
    AnswerLost,
    /// The COMMIT does not arrive. The server does not notice that the store is gone.
    NeverSent,
    /// The COMMIT arrives, and from then on nothing does, on a wire that looks sound.
    AnswerStalls,
    /// The COMMIT does not arrive, nothing does any more, on a wire that looks sound.
    Stalls,
}

/// The wire.
pub(super) struct Proxy {
    addr: SocketAddr,
    fault: Arc<Mutex<Option<Fault>>>,
}

/// What a simple query `COMMIT` ends with on the wire.
const COMMIT: &[u8] = b"COMMIT\0";

impl Proxy {
    /// A wire to the server of a URL.
    pub(super) async fn to(url: &str) -> Self {
        let address = url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { addr: listener.local_addr().unwrap(), fault: Arc::default() };
        let fault = Arc::clone(&proxy.fault);
        tokio::spawn(async move {
            while let Ok((store, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                store.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                tokio::spawn(carry(store, server, Arc::clone(&fault)));
            }
        });
        proxy
    }

    /// The URL over this wire.
    pub(super) fn url(&self, url: &str) -> String {
        let (credentials, rest) = url.rsplit_once('@').unwrap();
        format!("{credentials}@{}/{}", self.addr, rest.split_once('/').unwrap().1)
    }

    /// Breaks it at the next COMMIT.
    pub(super) fn break_at_commit(&self, fault: Fault) {
        *self.fault.lock().unwrap() = Some(fault);
    }

    /// Whether it was broken since.
    pub(super) fn is_broken(&self) -> bool {
        self.fault.lock().unwrap().is_none()
    }
}

async fn carry(mut store: TcpStream, mut server: TcpStream, fault: Arc<Mutex<Option<Fault>>>) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = store.read(&mut up) => {
                let Ok(n @ 1..) = read else { return };
                if up[..n].ends_with(COMMIT) && let Some(fault) = { fault.lock().unwrap().take() } {
                    return snap(fault, store, server, &up[..n]).await;
                }
                if server.write_all(&up[..n]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(n @ 1..) = read else { return };
                if store.write_all(&down[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn snap(fault: Fault, store: TcpStream, mut server: TcpStream, commit: &[u8]) {
    if matches!(fault, Fault::AnswerLost | Fault::AnswerStalls) {
        server.write_all(commit).await.unwrap();
        let mut answer = [0; 1];
        server.read_exact(&mut answer).await.unwrap();
    }
    match fault {
        Fault::AnswerLost => {}
        Fault::NeverSent => {
            drop(store);
            hold(server).await;
        }
        Fault::AnswerStalls | Fault::Stalls => {
            let _store = store;
            hold(server).await;
        }
    }
}

/// Until the server closes it.
async fn hold(mut server: TcpStream) {
    let mut rest = Vec::new();
    let _ = server.read_to_end(&mut rest).await;
}
