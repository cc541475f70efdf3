//! Tickets: what opens one socket, once and soon, so that no key and no token has to be handed to the page
//! that opens it. They are signed as access tokens are, with a type of their own, so that neither is good for
//! the other; that none is used twice is kept in the database, since any node may meet it.

use super::token::{Tokens, decode, named, principal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashmap::DashMap;
use gametriggers_actors::domain::id::{CampaignId, StreamerId, UserId};
use gametriggers_actors::domain::scope::Scopes;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{Principal, SessionId};
use gametriggers_actors::session::Credential;
use serde::{Deserialize, Serialize};

/// A ticket that nobody shows is dead after this.
pub const TICKET_LIFE: Millis = Millis::seconds(30);
/// Their type.
const TICKET: &str = "ticket+jwt";
/// Tickets that one node remembers; those above are left to the database.
const REMEMBERED_MAX: usize = 20_000;

/// What a ticket opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The dashboard of a streamer.
    Dashboard(StreamerId),
    /// The socket of a campaign.
    Campaign(CampaignId),
}

/// A ticket: whoever shows it is taken for who asked for it, at one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The socket.
    pub purpose: Purpose,
    /// For whom.
    pub holder: Principal,
    /// What they may do.
    pub scopes: Scopes,
    /// What was shown for it: the socket lives as long as that.
    pub credential: Credential,
    /// Random.
    pub id: [u8; 16],
    /// It is dead from then on.
    pub expires: UnixMillis,
}

/// What a ticket says, as it stands in it. `exp` and `iat` are unix seconds, `until` is milliseconds.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    #[serde(rename = "for")]
    purpose: String,
    id: i64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<i64>,
    scope: String,
    #[serde(flatten)]
    shown: Shown,
    jti: String,
    iat: i64,
    exp: i64,
}

/// What was shown for a ticket.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Shown {
    Key { key: String },
    Token { sub: i64, epoch: i64, sid: String, until: i64 },
}

impl Shown {
    fn of(credential: &Credential) -> Self {
        match *credential {
            Credential::Key(hash) => Self::Key { key: URL_SAFE_NO_PAD.encode(hash) },
            Credential::Token { user, epoch, login, expires } => {
                Self::Token { sub: user.0, epoch, sid: URL_SAFE_NO_PAD.encode(login.0), until: expires.0 }
            }
        }
    }

    fn credential(&self) -> Option<Credential> {
        Some(match self {
            Self::Key { key } => Credential::Key(decode(key)?.try_into().ok()?),
            Self::Token { sub, epoch, sid, until } => Credential::Token {
                user: UserId(*sub),
                epoch: *epoch,
                login: SessionId(decode(sid)?.try_into().ok()?),
                expires: UnixMillis(*until),
            },
        })
    }
}

impl Purpose {
    /// The purpose of a name and an id.
    #[must_use]
    pub fn of(name: &str, id: i64) -> Option<Self> {
        match name {
            "dashboard" => Some(Self::Dashboard(StreamerId(id))),
            "campaign" => Some(Self::Campaign(CampaignId(id))),
            _ => None,
        }
    }

    const fn named(self) -> (&'static str, i64) {
        match self {
            Self::Dashboard(StreamerId(id)) => ("dashboard", id),
            Self::Campaign(CampaignId(id)) => ("campaign", id),
        }
    }
}

impl Tokens {
    /// Writes a ticket. Its time is kept in whole seconds; `expires` of what is read tells it.
    #[must_use]
    pub fn ticket(&self, ticket: &Ticket, now: UnixMillis) -> String {
        let ((iss, aud), (purpose, id)) = (self.names(), ticket.purpose.named());
        let (kind, owner_id) = named(ticket.holder);
        let claims = Claims {
            iss,
            aud,
            purpose: purpose.to_owned(),
            id,
            kind: kind.to_owned(),
            owner_id,
            scope: ticket.scopes.codes().join(" "),
            shown: Shown::of(&ticket.credential),
            jti: URL_SAFE_NO_PAD.encode(ticket.id),
            iat: now.0.div_euclid(1000),
            exp: ticket.expires.0.div_euclid(1000),
        };
        self.sign(TICKET, &claims)
    }

    /// Reads a ticket that is signed by one of the keys, of this installation, and not over. Whether it was
    /// used, and what was shown for it is still good, are other questions.
    #[must_use]
    pub fn read_ticket(&self, text: &str, now: UnixMillis) -> Option<Ticket> {
        let claims: Claims = self.open(TICKET, text)?;
        if !self.is_ours(&claims.iss, &claims.aud, (claims.iat, now)) {
            return None;
        }
        let holder = principal(&claims.kind, claims.owner_id)?;
        let ticket = Ticket {
            purpose: Purpose::of(&claims.purpose, claims.id)?,
            holder,
            scopes: Scopes::parse(&claims.scope)?.and(holder.scopes()),
            credential: claims.shown.credential()?,
            id: decode(&claims.jti)?.try_into().ok()?,
            expires: UnixMillis(claims.exp.checked_mul(1000)?),
        };
        (now < ticket.expires).then_some(ticket)
    }
}

/// The tickets that were shown to this node. The database is asked about each of them once only: who shows
/// one again and again costs it nothing.
#[derive(Debug, Default)]
pub struct Seen(DashMap<[u8; 16], UnixMillis>);

impl Seen {
    /// Whether a ticket is shown here for the first time.
    pub fn first(&self, ticket: &Ticket, now: UnixMillis) -> bool {
        if self.0.len() >= REMEMBERED_MAX {
            self.0.retain(|_, expires| now < *expires);
            if self.0.len() >= REMEMBERED_MAX {
                return !self.0.contains_key(&ticket.id);
            }
        }
        self.0.insert(ticket.id, ticket.expires).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::keys;
    use super::super::token::Pass;
    use super::*;
    use gametriggers_actors::domain::id::BrandId;
    use std::sync::Arc;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_400);

    fn tokens(issuer: &str) -> Tokens {
        Tokens::new(Arc::new(keys(&[1])), issuer.to_owned(), "gametriggers".to_owned(), Millis::minutes(10))
    }

    fn ticket() -> Ticket {
        Ticket {
            purpose: Purpose::Campaign(CampaignId(9)),
            holder: Principal::Brand(BrandId(3)),
            scopes: Scopes::BRAND,
            credential: Credential::Key([7; 32]),
            id: [5; 16],
            expires: UnixMillis(1_700_000_030_000),
        }
    }

    #[test]
    fn a_ticket_says_what_it_was_made_of_for_half_a_minute() {
        let tokens = tokens("https://ads.example");
        let credential = Credential::Token {
            user: UserId(4),
            epoch: 2,
            login: SessionId([6; 16]),
            expires: NOW + Millis::minutes(9),
        };
        let purpose = Purpose::Dashboard(StreamerId(1));
        let holder = Principal::Streamer(StreamerId(1));
        let other = Ticket { purpose, holder, scopes: Scopes::STREAMER, credential, ..ticket() };
        let admin = Ticket { holder: Principal::Admin, ..ticket() };
        for made in [ticket(), other, admin] {
            let text = tokens.ticket(&made, NOW);
            assert_eq!(tokens.read_ticket(&text, NOW), Some(made));
            assert_eq!(tokens.read_ticket(&text, UnixMillis(made.expires.0 - 1)), Some(made));
            assert_eq!(tokens.read_ticket(&text, made.expires), None);
        }
    }

    #[test]
    fn a_ticket_is_no_token_and_a_token_no_ticket_and_neither_is_one_of_elsewhere() {
        let (tokens, elsewhere) = (tokens("https://ads.example"), tokens("https://other.example"));
        let text = tokens.ticket(&ticket(), NOW);
        assert_eq!(tokens.read(&text, NOW), None);
        assert_eq!(elsewhere.read_ticket(&text, NOW), None);
        let pass = Pass {
            user: UserId(4),
            acts_for: ticket().holder,
            scopes: Scopes::BRAND,
            epoch: 2,
            session: SessionId([6; 16]),
            expires: NOW,
        };
        let token = tokens.issue(&pass, [1; 16], NOW);
        assert_eq!(tokens.read_ticket(&token, NOW), None);
        for odd in ["", "..", "a.b.c", &text[1..], &"a".repeat(5000), &format!("{text}x")] {
            assert_eq!(tokens.read_ticket(odd, NOW), None, "{odd}");
        }
        for at in (0..text.len()).step_by(5) {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(tokens.read_ticket(&String::from_utf8(other).unwrap(), NOW), None, "changed at {at}");
        }
    }

    #[test]
    fn a_node_knows_a_ticket_again_and_forgets_dead_ones() {
        let seen = Seen::default();
        let of = |n: usize, expires| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_be_bytes());
            Ticket { id, expires, ..ticket() }
        };
        assert!(seen.first(&of(0, NOW + Millis(1)), NOW));
        assert!(!seen.first(&of(0, NOW + Millis(1)), NOW));
        for n in 1..REMEMBERED_MAX + 9 {
            assert!(seen.first(&of(n, NOW + Millis(1)), NOW));
        }
        assert_eq!(seen.0.len(), REMEMBERED_MAX);
        assert!(!seen.first(&of(1, NOW + Millis(1)), NOW), "those that are remembered stay so");
        assert!(seen.first(&of(0, NOW + Millis(9)), NOW + Millis(1)));
        assert_eq!(seen.0.len(), 1);
    }
}
