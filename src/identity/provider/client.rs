//! Requests to providers: few at once, each bounded in time and size, none that follows a redirect. They wait
//! on threads of their own, not on those that serve.

use super::Failed;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use ureq::Agent;

/// A whole request may take as long.
const TIME_MAX: Duration = Duration::from_secs(5);
/// The largest answer.
const BYTES_MAX: u64 = 256 * 1024;
/// Requests at once; one more is refused.
const AT_ONCE: usize = 16;

/// Status and body.
type Answer = (u16, Vec<u8>);

/// Asks providers.
pub(super) struct Client {
    agent: Agent,
    turns: Arc<Semaphore>,
}

impl Client {
    pub(super) fn new() -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(TIME_MAX))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("gametriggers")
            .build();
        Self { agent: config.into(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Sends a form.
    pub(super) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, Failed> {
        let (agent, url) = (self.agent.clone(), url.to_owned());
        let form: Vec<(String, String)> =
            form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.ask(move || {
            let request = agent.post(&url).header("accept", "application/json");
            read(request.send_form(form)?)
        })
        .await
    }

    /// Asks with headers.
    pub(super) async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failed> {
        let mut request = self.agent.get(url).header("accept", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(move || read(request.call()?)).await
    }

    async fn ask(
        &self,
        ask: impl FnOnce() -> Result<Answer, ureq::Error> + Send + 'static,
    ) -> Result<Answer, Failed> {
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| Failed::Busy)?;
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask();
            drop(turn);
            answer
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a provider did not answer as it should");
                Err(Failed::Answer)
            }
            Err(_) => Err(Failed::Answer),
        }
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    Ok((status, response.body_mut().with_config().limit(BYTES_MAX).read_to_vec()?))
}
