//! What somebody gets who has proved who they are: a session, an access token and a refresh token.

use super::{count, random};
use crate::identity::refresh::{Kind, Shown, Verdict, hash, make};
use crate::identity::token::Pass;
use crate::web::Shared;
use crate::web::problem::Problem;
use gametriggers_actors::domain::id::UserId;
use gametriggers_actors::domain::scope::Scopes;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::ports::{EndedWhy, Event, Login, NextToken, Principal, SessionId, User};

/// Tokens for a client.
pub(super) struct Granted {
    /// For requests.
    pub(super) access: String,
    /// To go on; none where the client keeps the one it has.
    pub(super) refresh: Option<String>,
    /// Life of the first one in seconds.
    pub(super) expires_in: i64,
    /// What it may do.
    pub(super) scopes: Scopes,
}

/// What other nodes have to know of a user, and this one does at once.
pub(super) async fn changed(shared: &Shared, user: UserId) -> Result<(), Problem> {
    shared.engine.ports.bus.publish(Event::UserChanged(user));
    Ok(shared.engine.reload_login(user).await?)
}

/// What a user may do now. An operator without the second factor that they need may do nothing but set it up.
pub(super) fn scopes_for(shared: &Shared, user: &User) -> Scopes {
    let lacks = user.acts_for == Principal::Admin && !user.has_second_factor();
    if lacks && shared.identity.rules.admin_two_factor { Scopes::NONE } else { user.acts_for.scopes() }
}

/// An access token of a session, with the refresh token that goes with it.
pub(super) fn tell(shared: &Shared, user: &User, session: SessionId, refresh: Option<String>) -> Granted {
    let (identity, now) = (&shared.identity, shared.engine.now());
    let life = identity.lives.access;
    let pass = Pass {
        user: user.id,
        acts_for: user.acts_for,
        scopes: scopes_for(shared, user),
        epoch: user.epoch,
        session,
        expires: now + life,
    };
    let access = identity.tokens.issue(&pass, random(&shared.engine), now);
    Granted { access, refresh, expires_in: life.0.div_euclid(1000), scopes: pass.scopes }
}

/// A code that nobody exchanged is dead after this.
const CODE_LIFE: Millis = Millis::minutes(1);

/// Begins a session for a user who has proved everything that is asked for.
pub(super) async fn begin(shared: &Shared, user: &User) -> Result<Granted, Problem> {
    let (id, refresh) = open(shared, user, Kind::Refresh, shared.identity.lives.idle).await?;
    Ok(tell(shared, user, id, Some(refresh)))
}

/// Begins a session at a provider's word: with a code, which is exchanged once.
pub(super) async fn begin_with_code(shared: &Shared, user: &User) -> Result<String, Problem> {
    Ok(open(shared, user, Kind::Code, CODE_LIFE).await?.1)
}

async fn open(
    shared: &Shared,
    user: &User,
    kind: Kind,
    idle: Millis,
) -> Result<(SessionId, String), Problem> {
    let (identity, engine) = (&shared.identity, &shared.engine);
    let (id, now) = (SessionId(random(engine)), engine.now());
    let first = make(&identity.keys, kind, id, 0);
    let login = Login {
        id,
        user: user.id,
        hash: hash(&first),
        generation: 0,
        rotated: now,
        idle_until: now + idle,
        expires: now + identity.lives.session,
        ended: None,
    };
    engine.ports.users.begin_session(&login, identity.rules.sessions_max, now).await?;
    Ok((id, first))
}

/// The user of a code that is good now; none for every other one. Nothing is used up.
pub(super) async fn user_of_code(shared: &Shared, code: &str) -> Result<Option<User>, Problem> {
    let (identity, users) = (&shared.identity, &shared.engine.ports.users);
    let Some(shown) = Shown::read(code, Kind::Code) else { return Ok(None) };
    let Some(login) = users.session(shown.session).await? else { return Ok(None) };
    match shown.judge(&identity.keys, &login, &identity.lives, shared.engine.now()) {
        Verdict::Next(_) => Ok(Some(users.user(login.user).await?)),
        _ => Ok(None),
    }
}

pub(super) fn over() -> Problem {
    Problem::unproved("session-over", "this token is not, or no longer, good; sign in again")
}

/// Goes on with a session. A token that was good once ends it.
pub(super) async fn carry_on(shared: &Shared, text: &str, kind: Kind) -> Result<(Granted, User), Problem> {
    let (identity, engine) = (&shared.identity, &shared.engine);
    let users = &engine.ports.users;
    let what = if kind == Kind::Code { "code" } else { "refresh" };
    let refuse = |result| {
        count(what, result);
        over()
    };
    let shown = Shown::read(text, kind).ok_or_else(|| refuse("wrong"))?;
    // A second time when the same token came twice at once, and the other one was first.
    for _ in 0..2 {
        let now = engine.now();
        let login = users.session(shown.session).await?.ok_or_else(|| refuse("wrong"))?;
        match shown.judge(&identity.keys, &login, &identity.lives, now) {
            Verdict::Refused => return Err(refuse("wrong")),
            Verdict::Reused => {
                if users.end_session(login.id, EndedWhy::Reused, now).await? {
                    tracing::warn!(
                        user = login.user.0,
                        "an old refresh token came again; its session has ended"
                    );
                    changed(shared, login.user).await?;
                }
                return Err(refuse("reused"));
            }
            Verdict::Again(token) => {
                let user = allowed(users.user(login.user).await?).ok_or_else(|| refuse("disabled"))?;
                count(what, "again");
                return Ok((tell(shared, &user, login.id, Some(token)), user));
            }
            Verdict::Next(token) => {
                let user = allowed(users.user(login.user).await?).ok_or_else(|| refuse("disabled"))?;
                let idle_until = now + identity.lives.idle;
                let next = NextToken { after: login.generation, hash: hash(&token), idle_until };
                if users.rotate(login.id, &next, now).await? {
                    count(what, "ok");
                    return Ok((tell(shared, &user, login.id, Some(token)), user));
                }
            }
        }
    }
    Err(refuse("wrong"))
}

/// A user who may sign in.
fn allowed(user: User) -> Option<User> {
    user.disabled.is_none().then_some(user)
}
