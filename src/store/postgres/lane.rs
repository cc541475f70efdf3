//! A thread for a connection that writes. Whatever the actors are busy with, and wherever the store was
//! opened, the next statement goes out as soon as the last one is answered.

use std::future::Future;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The thread. It ends when this is dropped, which everything that runs on it has to outlive.
pub(super) struct Lane {
    handle: Handle,
    _open: oneshot::Sender<()>,
}

impl Lane {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(writer: i64) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel();
        let run = move || {
            let _ = runtime.block_on(closed);
        };
        std::thread::Builder::new().name(format!("writer {writer}")).spawn(run)?;
        Ok(Self { handle, _open: open })
    }

    /// Runs something on it.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(work)
    }
}
