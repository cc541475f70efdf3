//! A socket: the upgrade, the pump, and the actor that is its codec. The only file that names
//! `actix_web_actors`.
//!
//! Sockets leave the HTTP dispatcher: the upgrade service takes the TCP stream over, and
//! `WebsocketContext` is pumped by a task of our own. It costs a fraction of the memory, and it
//! cures three faults of the dispatcher path: a reader that stalls is closed by a write deadline, a
//! declared frame size is checked before it is buffered (`frame`), and a read buffer exists only
//! while there is something to read.

use super::frame::{Guard, Pace};
use super::guest::Guest;
use super::peer::{Link, Peer, Turn};
use super::seat::Seat;
use crate::identity::ticket::Ticket;
use actix::prelude::*;
use actix_http::error::PayloadError;
use actix_rt::net::TcpStream;
use actix_web_actors::ws;
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use gametriggers_actors::engine::Engine;
use gametriggers_actors::session::ToSession;
use gametriggers_protocol::close::CloseCode;
use std::cell::Cell;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Read at once, at most. On the stack, for as long as one poll takes.
const READ_BYTES: usize = 4096;
/// What is sent at once has to be written within this time, or the socket ends.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// A client has so long to greet.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// After our close frame the peer has so long to read it.
const LINGER: Duration = Duration::from_secs(1);

/// Why the guard ended the socket; shared between the reader and its actor, which live in one task.
type Verdict = Rc<Cell<Option<CloseCode>>>;

/// A connection that was taken over from HTTP.
pub struct Line {
    /// The connection.
    pub stream: TcpStream,
    /// What came behind the upgrade request.
    pub early: Bytes,
    /// Its place among the sockets.
    pub seat: Seat,
}

/// Runs a socket until it ends. The actor and its context are made before the future, which only borrows
/// them: an `async fn` would keep room for them twice, as it was given them and where it uses them, for as
/// long as the socket lives.
pub fn run<P: Peer>(line: Line, link: Link, pace: Pace, peer: P) -> impl Future<Output = ()> {
    let Line { stream, early, seat } = line;
    let stream = Rc::new(stream);
    let verdict = Verdict::default();
    let guard = Guard::new(pace, link.engine.now());
    let input = Input {
        stream: Rc::clone(&stream),
        early,
        guard,
        engine: Arc::clone(&link.engine),
        verdict: Rc::clone(&verdict),
        held: false,
        over: false,
    };
    let session = Session { peer, link, verdict, hello: None };
    let mut output = ws::WebsocketContext::create(session, input);
    async move {
        let _seat = &seat;
        while let Some(Ok(bytes)) = output.next().await {
            if !write_all(&stream, bytes).await {
                return;
            }
        }
        drop(output);
        linger(&stream).await;
    }
}

/// Writes everything, or gives up at the deadline, which is one for all of it: who reads a byte now and
/// then does not read. The timer exists only while a write waits.
async fn write_all(stream: &TcpStream, mut bytes: Bytes) -> bool {
    let mut deadline = None;
    while bytes.has_remaining() {
        match stream.try_write(&bytes) {
            Ok(written) => bytes.advance(written),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let until = *deadline.get_or_insert_with(|| tokio::time::Instant::now() + WRITE_DEADLINE);
                let ready = Box::pin(tokio::time::timeout_at(until, stream.writable()));
                if !matches!(ready.await, Ok(Ok(()))) {
                    closed(CloseCode::SlowConsumer);
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
    true
}

/// Says that nothing more comes and waits for the peer to hang up, so that the kernel does not
/// throw our close frame away.
async fn linger(stream: &TcpStream) {
    if socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write).is_err() {
        return;
    }
    let drain = async {
        let mut sink = [0; 512];
        while stream.readable().await.is_ok() {
            match stream.try_read(&mut sink) {
                Ok(0) => break,
                Err(error) if error.kind() != ErrorKind::WouldBlock => break,
                _ => {}
            }
        }
    };
    let _ = Box::pin(tokio::time::timeout(LINGER, drain)).await;
}

fn closed(code: CloseCode) {
    metrics::counter!("gametriggers_sockets_closed_total", "reason" => code.reason()).increment(1);
}

/// What the client sends, guarded.
struct Input {
    stream: Rc<TcpStream>,
    early: Bytes,
    guard: Guard,
    engine: Arc<Engine>,
    verdict: Verdict,
    /// A chunk was handed up: the parser above has to look at it before it gets the next one.
    held: bool,
    over: bool,
}

impl Input {
    fn guarded(&mut self, chunk: Bytes) -> Poll<Option<Result<Bytes, PayloadError>>> {
        match self.guard.pass(&chunk, self.engine.now()) {
            Ok(()) => {
                self.held = true;
                Poll::Ready(Some(Ok(chunk)))
            }
            Err(code) => {
                self.verdict.set(Some(code));
                self.over = true;
                Poll::Ready(Some(Err(PayloadError::Overflow)))
            }
        }
    }
}

impl Stream for Input {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            return self.guarded(early);
        }
        loop {
            if ready!(self.stream.poll_read_ready(cx)).is_err() {
                return Poll::Ready(None);
            }
            if std::mem::take(&mut self.held) {
                // More has come already: the parser asks until it hears "pending", and would
                // buffer without end. It hears it here, and is woken at once.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut buffer = [0; READ_BYTES];
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Poll::Ready(None),
                Ok(read) => {
                    let chunk = Bytes::copy_from_slice(buffer.get(..read).unwrap_or_default());
                    return self.guarded(chunk);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(None),
            }
        }
    }
}

/// The actor of a socket: a codec and a bounded outbox, with no state worth saving.
struct Session<P: Peer> {
    peer: P,
    link: Link,
    verdict: Verdict,
    hello: Option<SpawnHandle>,
}

impl<P: Peer> Session<P> {
    /// Sends what the peer has to say, opens the outbox after the greeting, or ends the socket.
    fn after(&mut self, turn: Turn, ctx: &mut ws::WebsocketContext<Self>) {
        turn.frames.into_iter().for_each(|frame| ctx.text(frame));
        if let Some(outbox) = turn.outbox {
            if let Some(deadline) = self.hello.take() {
                ctx.cancel_future(deadline);
            }
            ctx.add_stream(outbox);
        }
        if let Some(code) = turn.close {
            Self::close(code, ctx);
        } else if let Some(ticket) = turn.ticket {
            self.spend(ticket, ctx);
        }
    }

    /// Uses a ticket up and goes on with its guest; until then nothing more of the client is heard.
    fn spend(&self, ticket: Ticket, ctx: &mut ws::WebsocketContext<Self>) {
        let engine = Arc::clone(&self.link.engine);
        let spend = async move {
            let spent = engine.ports.users.use_ticket(ticket.id, ticket.expires, engine.now());
            tokio::time::timeout(HELLO_DEADLINE, spent).await
        };
        ctx.wait(spend.into_actor(self).map(move |spent, session: &mut Self, ctx| {
            let mut turn = Turn::default();
            let entered = match spent {
                Ok(Ok(true)) => session.peer.enter(Guest::of(&ticket), &mut session.link, &mut turn),
                Ok(Ok(false)) => Err(CloseCode::Unauthorized),
                Ok(Err(_)) | Err(_) => Err(CloseCode::ServerError),
            };
            turn.close = entered.err();
            session.after(turn, ctx);
        }));
    }

    fn close(code: CloseCode, ctx: &mut ws::WebsocketContext<Self>) {
        closed(code);
        let reason = Some(code.reason().to_owned());
        ctx.close(Some(ws::CloseReason { code: ws::CloseCode::Other(code.code()), description: reason }));
        ctx.stop();
    }
}

impl<P: Peer> Actor for Session<P> {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.hello =
            Some(ctx.run_later(HELLO_DEADLINE, |_, ctx| Self::close(CloseCode::AuthenticationTimeout, ctx)));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.peer.gone(&self.link);
        self.link.close();
    }
}

impl<P: Peer> StreamHandler<Result<ws::Message, ws::ProtocolError>> for Session<P> {
    fn handle(&mut self, frame: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        match frame {
            Ok(ws::Message::Text(text)) => {
                self.link.hear();
                let mut turn = Turn::default();
                let heard = self.link.is_good();
                if let Err(code) = heard.and_then(|()| self.peer.said(&text, &mut self.link, &mut turn)) {
                    turn.close = Some(code);
                }
                self.after(turn, ctx);
            }
            Ok(ws::Message::Ping(data)) => ctx.pong(&data),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Close(_)) => {
                ctx.close(None);
                ctx.stop();
            }
            Ok(ws::Message::Binary(_) | ws::Message::Continuation(_)) => {
                Self::close(CloseCode::UnsupportedFrame, ctx)
            }
            Err(_) => Self::close(self.verdict.take().unwrap_or(CloseCode::Malformed), ctx),
        }
    }
}

impl<P: Peer> StreamHandler<ToSession> for Session<P> {
    fn handle(&mut self, message: ToSession, ctx: &mut Self::Context) {
        let mut turn = Turn::default();
        self.peer.tell(message, &self.link, &mut turn);
        self.after(turn, ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::overlay::OverlaySession;

    /// The size of what a function returns.
    fn size_of_result<A, B, C, D, R>(_: impl Fn(A, B, C, D) -> R) -> usize {
        size_of::<R>()
    }

    /// Each overlay is one task, and there are tens of thousands of them: what is in it twice, or needed for
    /// the handshake only, is seen here. The context that actix makes has some 600 bytes of it.
    #[test]
    fn the_task_of_a_socket_is_its_context_and_little_else() {
        let (session, task) = (size_of::<Session<OverlaySession>>(), size_of_result(run::<OverlaySession>));
        assert!(session <= 160, "{session}");
        assert!(task <= 832, "{task}");
    }
}
