//! Keys as their owners and operators read and write them.

use super::account_body::reason;
use super::caller::Caller;
use super::fields::{Fields, line};
use super::problem::Problem;
use super::wire::{moment, rfc3339};
use gametriggers_actors::domain::scope::{Scope, Scopes};
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{KeyRow, Principal, key_id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of a name.
const NAME_MAX: usize = 80;
/// The longest life of a key.
const LIFE_MAX: Millis = Millis::minutes(10 * 366 * 24 * 60);
/// The longest overlap of two keys, in seconds.
const OVERLAP_S_MAX: u32 = 7 * 24 * 60 * 60;

/// A new API key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyBody {
    /// For people, 1 to 80 characters.
    name: String,
    /// What the key may do. Left out: everything that its owner may, as far as the caller may as well.
    scopes: Option<Vec<String>>,
    /// The key is dead from then on, RFC 3339, within ten years. Left out: it never ends by itself.
    expires_at: Option<String>,
    /// Why an operator does it, for the record.
    reason: Option<String>,
}

/// Another name of an API key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiKeyNameBody")]
pub(super) struct NameBody {
    /// For people, 1 to 80 characters.
    name: String,
    /// Why an operator does it, for the record.
    reason: Option<String>,
}

/// How an API key is rotated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateBody {
    /// For so many seconds the old key is good beside the new one: 0 to 604800, a day when left out.
    #[serde(default = "a_day")]
    overlap_s: u32,
    /// Why an operator does it, for the record.
    reason: Option<String>,
}

const fn a_day() -> u32 {
    24 * 60 * 60
}

/// An API key, without the key itself.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKeyView")]
pub(super) struct KeyView {
    /// By which it is named here: the first digits of its hash.
    key_id: String,
    /// For people.
    name: String,
    /// The first characters of the key, to tell it from others. Null for keys made before these were kept,
    /// and for those that came with an account.
    prefix: Option<String>,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// Since when, RFC 3339.
    created_at: String,
    /// It is dead from then on; null when it never ends by itself.
    expires_at: Option<String>,
    /// When it was last used, to the hour; null when it was not, or that is not known yet.
    last_used_at: Option<String>,
    /// The `key_id` of its successor, once it was rotated.
    replaced_by: Option<String>,
    /// It is dead from then on, since it was rotated.
    rotates_at: Option<String>,
}

/// An API key that was just made. This is the only time that the key itself is seen.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewApiKeyView")]
pub(super) struct NewKeyView {
    #[serde(flatten)]
    view: KeyView,
    /// The key: `Authorization: Bearer KEY`.
    key: String,
}

/// Every API key that is good now, oldest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ApiKeysView")]
pub(super) struct KeysView {
    /// The keys, at most fifty.
    pub(super) items: Vec<KeyView>,
}

/// What a new key is asked to be.
pub(super) struct Wish {
    pub(super) name: String,
    pub(super) scopes: Option<Scopes>,
    pub(super) expires: Option<UnixMillis>,
}

/// Reads the name, the scopes and the end of a new key of `holder`, as they stand in several bodies.
pub(super) fn wish(
    fields: &mut Fields,
    holder: Principal,
    (name, scopes, expires_at): (&str, Option<&[String]>, Option<&str>),
    now: UnixMillis,
) -> Wish {
    let name = fields.need("name", line(name, 1, NAME_MAX), "1 to 80 characters").unwrap_or_default();
    let scopes = scopes.and_then(|names| {
        let known: Option<Vec<Scope>> = names.iter().map(|name| Scope::from_code(name)).collect();
        let some = known.map(|known| Scopes::of(&known)).filter(|some| !some.is_empty());
        let fits = some.filter(|some| some.beyond(holder.scopes()).is_none());
        let message = || format!("at least one of {}", holder.scopes().codes().join(", "));
        fields.need("scopes", fits, &message())
    });
    let expires = expires_at.and_then(|text| {
        let at = moment(text).filter(|at| *at > now && *at - now <= LIFE_MAX);
        fields.need("expires_at", at, "a time of RFC 3339 in the next ten years")
    });
    Wish { name, scopes, expires }
}

impl Wish {
    /// The scopes that a caller can give: no key gets one that its maker lacks. None for all that its holder
    /// may have.
    ///
    /// # Errors
    /// The caller lacks one of them.
    pub(super) fn granted(&self, caller: Caller, holder: Principal) -> Result<Option<Scopes>, Problem> {
        let (most, own) = (holder.scopes(), caller.scopes());
        let Some(beyond) = self.scopes.unwrap_or(most).beyond(own) else { return Ok(self.scopes) };
        let shared = most.and(own);
        if self.scopes.is_some() || shared.is_empty() {
            return Err(Problem::out_of_scope(beyond));
        }
        Ok(Some(shared))
    }
}

impl KeyBody {
    /// Checks everything.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self, holder: Principal, now: UnixMillis) -> Result<Wish, Problem> {
        let mut fields = Fields::default();
        let asked = (self.name.as_str(), self.scopes.as_deref(), self.expires_at.as_deref());
        let wish = wish(&mut fields, holder, asked, now);
        fields.end()?;
        Ok(wish)
    }

    /// Why, in the words of an operator.
    ///
    /// # Errors
    /// The field is refused.
    pub(super) fn reason(&self) -> Result<String, Problem> {
        reason(self.reason.as_deref(), "a further key")
    }
}

impl NameBody {
    /// The name, and why.
    ///
    /// # Errors
    /// The field that is refused.
    pub(super) fn read(&self) -> Result<(String, String), Problem> {
        let mut fields = Fields::default();
        let name = fields.need("name", line(&self.name, 1, NAME_MAX), "1 to 80 characters");
        fields.end()?;
        Ok((name.unwrap_or_default(), reason(self.reason.as_deref(), "another name")?))
    }
}

impl RotateBody {
    /// The overlap, and why.
    ///
    /// # Errors
    /// The field that is refused.
    pub(super) fn read(&self) -> Result<(Millis, String), Problem> {
        let mut fields = Fields::default();
        let overlap = Some(self.overlap_s).filter(|seconds| *seconds <= OVERLAP_S_MAX);
        let overlap = fields.need("overlap_s", overlap, "0 to 604800 seconds");
        fields.end()?;
        let reason = reason(self.reason.as_deref(), "rotated")?;
        Ok((Millis::seconds(i64::from(overlap.unwrap_or_default())), reason))
    }
}

impl KeyView {
    /// A key as it may be shown.
    pub(super) fn of(key: &KeyRow) -> Self {
        let prefix = key.masked.as_deref().and_then(|masked| masked.split_once('…'));
        Self {
            key_id: key_id(&key.hash),
            name: key.label.clone(),
            prefix: prefix.map(|(prefix, _)| prefix.to_owned()),
            scopes: key.terms.scopes.codes(),
            created_at: rfc3339(key.created),
            expires_at: key.terms.expires.map(rfc3339),
            last_used_at: key.used.map(rfc3339),
            replaced_by: key.successor.as_ref().map(key_id),
            rotates_at: key.terms.replaced.map(rfc3339),
        }
    }

    /// With the key, this one time.
    pub(super) fn with_key(self, key: String) -> NewKeyView {
        NewKeyView { view: self, key }
    }
}
