//! Refresh tokens that a provider gave to a front end of this installation, which signs people in there by
//! itself. Whoever shows one proves the account: a provider takes a refresh token only from the client that
//! it was given to (RFC 6749, 6), so one that it takes from here was not given to another application.
//!
//! Nothing of the provider's is kept. When the provider gives another refresh token in the place of the one
//! that was shown, that is lost; the session that begins here goes on without either.

use super::{Account, Failed, Providers};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{Link, Provider};
use sha2::Digest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest token that is sent on, in bytes.
const BYTES_MAX: usize = 2048;
/// Tokens that are remembered at once.
const REMEMBERED_MAX: usize = 10_000;

/// What became of a token, and when.
type Known = Option<(UnixMillis, Link)>;

/// Who asks about which token, by its hash. Two pages that find their session over at the same time show the
/// same token twice, and the provider may take it once.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<[u8; 32], Arc<tokio::sync::Mutex<Known>>>>);

impl Turns {
    fn of(&self, token: &str) -> Arc<tokio::sync::Mutex<Known>> {
        let hash = sha2::Sha256::digest(token.as_bytes()).into();
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= REMEMBERED_MAX {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(turns.entry(hash).or_default())
    }
}

/// The providers, the likely one first: no token should be shown to a provider that it is not of. Google's
/// begin like this; where that changes one day, the order is wrong and the answer still right.
fn likely(token: &str) -> [Provider; 2] {
    if token.starts_with("1//") {
        [Provider::Google, Provider::Twitch]
    } else {
        [Provider::Twitch, Provider::Google]
    }
}

impl Providers {
    /// The account that a provider's refresh token is of. Unless `provider` says of which it is, those that
    /// are set up are asked in turn; one that does not answer ends that, since the token may be its own. A
    /// token that was good is not shown to the provider again within `grace`.
    ///
    /// # Errors
    /// No provider takes it, or one does not answer, or says what can not be believed.
    pub async fn redeem(
        &self,
        token: &str,
        provider: Option<Provider>,
        (now, grace): (UnixMillis, Millis),
    ) -> Result<Link, Failed> {
        let fits =
            (1..=BYTES_MAX).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(Failed::Code);
        }
        let turn = self.turns.of(token);
        let mut known = turn.lock().await;
        if let Some((_, link)) = known.as_ref().filter(|(at, _)| now - *at <= grace) {
            let asked = provider.is_none_or(|provider| provider == link.provider);
            return if asked { Ok(link.clone()) } else { Err(Failed::Code) };
        }
        let set_up = |one: &Provider| self.access(*one).is_some() && provider.is_none_or(|only| only == *one);
        for one in likely(token).into_iter().filter(set_up) {
            match self.renewed(one, token, now).await {
                Ok(account) => {
                    *known = Some((now, account.link.clone()));
                    return Ok(account.link);
                }
                Err(Failed::Code) => {}
                Err(failed) => return Err(failed),
            }
        }
        Err(Failed::Code)
    }

    async fn renewed(&self, provider: Provider, token: &str, now: UnixMillis) -> Result<Account, Failed> {
        let access = self.access(provider).ok_or(Failed::Answer)?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &access.client_id),
            ("client_secret", &access.client_secret.0),
        ];
        self.granted(provider, &form, None, now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_tokens_is_bounded_and_forgets_nobody_who_is_asking() {
        let turns = Turns::default();
        let asking = turns.of("asking");
        for number in 0..3 * REMEMBERED_MAX {
            drop(turns.of(&number.to_string()));
        }
        assert!(turns.0.lock().unwrap().len() <= REMEMBERED_MAX);
        assert!(Arc::ptr_eq(&asking, &turns.of("asking")));
    }
}
