//! Opening a socket: source address, TCP options, the WebSocket handshake, small buffers.

use crate::settings::Settings;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// An open socket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// TCP, upgrade and `welcome`, each; the page gives them as much.
pub(crate) const GREETING_MAX: Duration = Duration::from_secs(10);

const READ_BUFFER: usize = 2 * 1024;
const WRITE_BUFFER: usize = 1024;
const WRITE_BUFFER_MAX: usize = 64 * 1024;
const MESSAGE_MAX: usize = 64 * 1024;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("tcp: {0}")]
    Tcp(#[from] std::io::Error),
    #[error("handshake: {0}")]
    Handshake(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("address: {0}")]
    Address(String),
    #[error("no answer in time")]
    Late,
}

/// Opens a socket to `/ws/overlay`.
pub(crate) async fn open(settings: &Settings) -> Result<Socket, ConnectError> {
    match tokio::time::timeout(GREETING_MAX, handshake(settings)).await {
        Ok(opened) => opened,
        Err(_) => Err(ConnectError::Late),
    }
}

async fn handshake(settings: &Settings) -> Result<Socket, ConnectError> {
    let stream = connect(settings).await?;
    let server = settings.server;
    let address = format!("ws://{server}/ws/overlay");
    let uri = address.parse().map_err(|_| ConnectError::Address(address))?;
    // A page of this origin would send it, and the server may insist.
    let request = ClientRequestBuilder::new(uri).with_header("Origin", format!("http://{server}"));
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
    Ok(opened.map_err(Box::new)?.0)
}

async fn connect(settings: &Settings) -> std::io::Result<TcpStream> {
    let socket = if settings.server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bytes) = settings.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(source) = settings.source {
        socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
    }
    let stream = socket.connect(settings.server).await?;
    // Frames are small and each of them is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}
