//! Accounts and keys as an operator reads and writes them.

use super::fields::{Fields, line};
use super::key_body::{KeyView as OwnView, Wish, wish};
use super::problem::Problem;
use super::wallet_body::REASON_MAX;
use super::wire::rfc3339;
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::domain::streamer::{Platform, Profile, ProfileChange, Streamer};
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{KeyHash, KeyRow, Principal, key_id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A brand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BrandBody {
    name: String,
    reason: Option<String>,
}

/// A streamer, and what targeting looks at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamerBody {
    name: String,
    category: String,
    language: String,
    country: String,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    followers: u32,
    #[serde(default)]
    mature: bool,
    reason: Option<String>,
}

/// `PATCH /api/admin/streamers/{id}`: what is left out stays as it is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProfileBody {
    name: Option<String>,
    category: Option<String>,
    language: Option<String>,
    country: Option<String>,
    platform: Option<String>,
    followers: Option<u32>,
    mature: Option<bool>,
    reason: Option<String>,
}

/// What targeting looks at, as the API shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProfileView {
    streamer_id: i64,
    name: String,
    category: String,
    language: String,
    country: String,
    platform: &'static str,
    followers: u32,
    mature: bool,
}

/// A key for an operator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorBody {
    /// For people, 1 to 80 characters; `by hand` when left out.
    name: Option<String>,
    /// What the key may do. Left out: everything that the caller may.
    scopes: Option<Vec<String>>,
    /// The key is dead from then on, RFC 3339, within ten years. Left out: it never ends by itself.
    expires_at: Option<String>,
    /// Why, for the record.
    reason: Option<String>,
}

/// Who gets a further key. An overlay's is made anew by the streamer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HolderBody {
    /// The brand that gets it.
    brand_id: Option<i64>,
    /// Or the streamer.
    streamer_id: Option<i64>,
    /// For people, 1 to 80 characters; `by hand` when left out.
    name: Option<String>,
    /// What the key may do. Left out: everything that its owner may, as far as the caller may as well.
    scopes: Option<Vec<String>>,
    /// The key is dead from then on, RFC 3339, within ten years. Left out: it never ends by itself.
    expires_at: Option<String>,
    /// Why, for the record.
    reason: Option<String>,
}

/// The name of a key that an operator made without one.
const BY_HAND: &str = "by hand";

/// Who a key belongs to.
#[derive(Debug, Serialize, JsonSchema)]
struct HolderView {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streamer_id: Option<i64>,
}

/// What was opened. This is the only time that its keys are seen.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OpenedView {
    #[serde(flatten)]
    holder: HolderView,
    key_id: String,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboard_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlay_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlay_url: Option<String>,
}

/// A key, without the key.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct KeyView {
    #[serde(flatten)]
    holder: HolderView,
    /// The same as `name`.
    label: String,
    #[serde(flatten)]
    key: OwnView,
    /// Since when it is revoked.
    revoked_at: Option<String>,
}

/// Why: what was said, or else `usual`.
///
/// # Errors
/// It is too long, or more than a line.
pub(super) fn reason(said: Option<&str>, usual: &str) -> Result<String, Problem> {
    let mut fields = Fields::default();
    let reason = fields.need("reason", read_reason(said, usual), "1 to 200 characters");
    fields.end()?;
    reason.ok_or_else(|| Problem::malformed("a field is missing"))
}

fn read_reason(said: Option<&str>, usual: &str) -> Option<String> {
    line(said.unwrap_or(usual), 1, REASON_MAX)
}

impl BrandBody {
    /// The name, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self) -> Result<(String, String), Problem> {
        let mut fields = Fields::default();
        let name = fields.need("name", line(&self.name, 1, 80), "1 to 80 characters");
        let why = read_reason(self.reason.as_deref(), "a new brand");
        let why = fields.need("reason", why, "1 to 200 characters");
        fields.end()?;
        name.zip(why).ok_or_else(|| Problem::malformed("a field is missing"))
    }
}

impl StreamerBody {
    /// The profile, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self) -> Result<(Profile, String), Problem> {
        let mut fields = Fields::default();
        let name = line(&self.name, 1, 80).unwrap_or_default();
        let profile = Profile {
            name: name.into(),
            content_category: self.category.as_str().into(),
            language: self.language.as_str().into(),
            country: self.country.as_str().into(),
            platform: platform(self.platform.as_deref(), &mut fields).unwrap_or(Platform::Other),
            followers: self.followers,
            mature: self.mature,
        };
        for (field, message) in profile.faults() {
            fields.need::<()>(field, None, message);
        }
        let why = read_reason(self.reason.as_deref(), "a new streamer");
        let why = fields.need("reason", why, "1 to 200 characters");
        fields.end()?;
        Ok((profile, why.unwrap_or_default()))
    }
}

/// The platform that is named, if one is. One that nobody knows is noted.
fn platform(code: Option<&str>, fields: &mut Fields) -> Option<Platform> {
    code.and_then(|code| fields.need("platform", Platform::from_code(code), "twitch, youtube, kick or other"))
}

impl ProfileBody {
    /// The change of a profile, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self, before: &Profile) -> Result<(ProfileChange, String), Problem> {
        let mut fields = Fields::default();
        let shared = |text: &Option<String>| text.as_deref().map(Arc::<str>::from);
        let name = self.name.as_deref().map(|name| line(name, 1, 80).unwrap_or_default().into());
        let change = ProfileChange {
            name,
            content_category: shared(&self.category),
            language: shared(&self.language),
            country: shared(&self.country),
            platform: platform(self.platform.as_deref(), &mut fields),
            followers: self.followers,
            mature: self.mature,
        };
        for (field, message) in change.of(before).faults() {
            fields.need::<()>(field, None, message);
        }
        let why = read_reason(self.reason.as_deref(), "a changed profile");
        let why = fields.need("reason", why, "1 to 200 characters");
        fields.end()?;
        Ok((change, why.unwrap_or_default()))
    }
}

impl ProfileView {
    /// A streamer's profile.
    pub(super) fn of(streamer: &Streamer) -> Self {
        let profile = &streamer.profile;
        Self {
            streamer_id: streamer.id.0,
            name: profile.name.to_string(),
            category: profile.content_category.to_string(),
            language: profile.language.to_string(),
            country: profile.country.to_string(),
            platform: profile.platform.code(),
            followers: profile.followers,
            mature: profile.mature,
        }
    }
}

impl OperatorBody {
    /// What key, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self, now: UnixMillis) -> Result<(Wish, String), Problem> {
        let mut fields = Fields::default();
        let name = self.name.as_deref().unwrap_or(BY_HAND);
        let asked = (name, self.scopes.as_deref(), self.expires_at.as_deref());
        let wish = wish(&mut fields, Principal::Admin, asked, now);
        fields.end()?;
        Ok((wish, reason(self.reason.as_deref(), "a new operator")?))
    }
}

impl HolderBody {
    /// Who, what key, and why.
    ///
    /// # Errors
    /// Every field that is refused.
    pub(super) fn read(&self, now: UnixMillis) -> Result<(Principal, Wish, String), Problem> {
        let mut fields = Fields::default();
        let holder = match (self.brand_id, self.streamer_id) {
            (Some(brand), None) => Some(Principal::Brand(BrandId(brand))),
            (None, Some(streamer)) => Some(Principal::Streamer(StreamerId(streamer))),
            _ => None,
        };
        let holder = fields.need("brand_id", holder, "either brand_id or streamer_id says who gets it");
        let why = read_reason(self.reason.as_deref(), "a further key");
        let why = fields.need("reason", why, "1 to 200 characters");
        let asked =
            (self.name.as_deref().unwrap_or(BY_HAND), self.scopes.as_deref(), self.expires_at.as_deref());
        let wish = wish(&mut fields, holder.unwrap_or(Principal::Admin), asked, now);
        fields.end()?;
        let (holder, why) = holder.zip(why).ok_or_else(|| Problem::malformed("a field is missing"))?;
        Ok((holder, wish, why))
    }
}

impl HolderView {
    const fn of(holder: Principal) -> Self {
        let (kind, brand_id, streamer_id) = match holder {
            Principal::Brand(brand) => ("brand", Some(brand.0), None),
            Principal::Streamer(streamer) => ("streamer", None, Some(streamer.0)),
            Principal::Overlay(streamer) => ("overlay", None, Some(streamer.0)),
            Principal::Admin => ("admin", None, None),
        };
        Self { kind, brand_id, streamer_id }
    }
}

impl OpenedView {
    /// Who was opened, with which key.
    pub(super) fn of(holder: Principal, hash: KeyHash) -> Self {
        Self {
            holder: HolderView::of(holder),
            key_id: key_id(&hash),
            key: String::new(),
            dashboard_url: None,
            overlay_key: None,
            overlay_url: None,
        }
    }

    /// With the key itself.
    pub(super) fn with_key(self, key: String) -> Self {
        Self { key, ..self }
    }

    /// With a streamer's two addresses.
    pub(super) fn with_pages(self, url: &str, key: &str, overlay_key: &str) -> Self {
        Self {
            dashboard_url: Some(format!("{url}/dashboard/#k={key}")),
            overlay_url: Some(format!("{url}/overlay/#k={overlay_key}")),
            overlay_key: Some(overlay_key.to_owned()),
            ..self
        }
    }
}

impl KeyView {
    /// A key as an operator sees it.
    pub(super) fn of(key: &KeyRow) -> Self {
        Self {
            holder: HolderView::of(key.terms.holder),
            label: key.label.clone(),
            key: OwnView::of(key),
            revoked_at: key.revoked.map(rfc3339),
        }
    }
}
