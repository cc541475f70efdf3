//! `/api/admin/audit`: what operators did, as it is on record and in the chain of hashes. A brand sees what
//! was done to it, and not by whom.

use super::Shared;
use super::brand::private;
use super::caller::Caller;
use super::fields::{Fields, line};
use super::listing::{is_full, limit};
use super::problem::Problem;
use super::schema::{Line, Moment, SHA256, Sha256};
use super::wire::{PageBody, moment, rfc3339};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::audit::Hash;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::time::UnixMillis;
use gametriggers_actors::ports::{ActionFilter, ActionPlace, SealedAction};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which actions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct AuditQuery {
    /// Who: the start of a key's hash, `user:` and a number, or `command line`.
    #[schemars(with = "Option<Line<40>>")]
    actor: Option<String>,
    /// What, such as `deposit`.
    #[schemars(with = "Option<Line<40>>")]
    action: Option<String>,
    /// To whom: `brand`, `streamer`, `overlay`, `admin`, `user`, `rule` or `override`.
    #[schemars(regex(pattern = "^[a-z]{1,20}$"))]
    subject_kind: Option<String>,
    /// To whom exactly; needs `subject_kind`.
    #[schemars(with = "Option<i64>")]
    subject_id: Option<i64>,
    /// Not before.
    #[schemars(with = "Option<Moment>")]
    since: Option<String>,
    /// Before.
    #[schemars(with = "Option<Moment>")]
    until: Option<String>,
    /// The `next` of the page before.
    #[serde(alias = "cursor")]
    #[schemars(regex(pattern = r"^[0-9]{1,18}(\.[0-9]{1,18}){2}$"))]
    after: Option<String>,
    /// Actions on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Which actions on a brand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct OwnAuditQuery {
    /// The `next` of the page before.
    #[serde(alias = "cursor")]
    #[schemars(regex(pattern = r"^[0-9]{1,18}(\.[0-9]{1,18}){2}$"))]
    after: Option<String>,
    /// Actions on a page; 50 unless it says otherwise.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// What an operator did.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct ActionView {
    /// The writer's number and the action's number there, which has no gap.
    #[schemars(example = &"1:17")]
    id: String,
    /// When.
    #[schemars(with = "Moment")]
    at: String,
    /// Who: the start of a key's hash, `user:` and a number, or `command line`.
    #[schemars(example = &"9c56cc51")]
    actor: String,
    /// What.
    #[schemars(example = &"deposit")]
    action: String,
    /// To whom, such as `brand:7`.
    #[schemars(example = &"brand:1")]
    subject: String,
    /// Why.
    #[schemars(example = &"bank transfer 2026-11-24/0193")]
    reason: String,
    /// With what.
    #[schemars(example = &"500000000 INR")]
    detail: String,
    /// SHA-256 of this action, in hexadecimal digits, as the chain has it.
    #[schemars(with = "Sha256", example = &SHA256)]
    hash: String,
    /// The block of the chain that it is in; null until it is sealed.
    block: Option<BlockView>,
}

/// A block of a writer's chain of hashes.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct BlockView {
    /// Whose chain.
    #[schemars(range(min = 1))]
    writer: i64,
    /// Its number there.
    #[schemars(range(min = 1), example = 12)]
    number: i64,
    /// SHA-256 over the block before it and everything in it.
    #[schemars(with = "Sha256", example = &SHA256)]
    hash: String,
    /// The hash of the block before it.
    #[schemars(with = "Sha256", example = &SHA256)]
    prev_hash: String,
    /// When it was sealed.
    #[schemars(with = "Moment")]
    sealed_at: String,
}

/// What an operator did to a brand, as the brand sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::web) struct OwnActionView {
    /// The writer's number and the action's number there.
    #[schemars(example = &"1:17")]
    id: String,
    /// When.
    #[schemars(with = "Moment")]
    at: String,
    /// What.
    #[schemars(example = &"deposit")]
    action: String,
    /// Why.
    #[schemars(example = &"bank transfer 2026-11-24/0193")]
    reason: String,
    /// With what.
    #[schemars(example = &"500000000 INR")]
    detail: String,
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ActionView {
    fn of(one: &SealedAction) -> Self {
        let block = one.sealed.map(|sealed| BlockView {
            writer: one.writer,
            number: sealed.block,
            hash: hex(&sealed.hash),
            prev_hash: hex(&sealed.prev_hash),
            sealed_at: rfc3339(sealed.sealed),
        });
        let OwnActionView { id, at, action, reason, detail } = OwnActionView::of(one);
        let (actor, subject) = (one.action.actor.clone(), one.action.subject.clone());
        let hash = hex(&one.action.digest(one.writer));
        Self { id, at, actor, action, subject, reason, detail, hash, block }
    }
}

impl OwnActionView {
    fn of(one: &SealedAction) -> Self {
        Self {
            id: format!("{}:{}", one.writer, one.action.seq),
            at: rfc3339(UnixMillis(one.action.at)),
            action: one.action.action.clone(),
            reason: one.action.reason.clone(),
            detail: one.action.detail.clone(),
        }
    }
}

/// Where a page begins, out of the cursor that ended the last one.
fn place(cursor: Option<&str>, fields: &mut Fields) -> Option<ActionPlace> {
    let read = |cursor: &str| {
        let mut parts = cursor.splitn(3, '.').map(|part| part.parse().ok());
        let (at, writer, seq) = (parts.next()??, parts.next()??, parts.next()??);
        Some(ActionPlace { at: UnixMillis(at), writer, seq })
    };
    cursor.and_then(|cursor| fields.need("after", read(cursor), "the next of the last page"))
}

fn page<V: Serialize>(
    actions: &[SealedAction],
    limit: u32,
    view: impl Fn(&SealedAction) -> V,
) -> HttpResponse {
    let last = actions.last().filter(|_| is_full(actions, limit));
    let next = last.map(|one| format!("{}.{}.{}", one.action.at, one.writer, one.action.seq));
    private(&PageBody { items: actions.iter().map(view).collect(), next })
}

impl AuditQuery {
    fn read(&self) -> Result<(ActionFilter, Option<ActionPlace>), Problem> {
        let mut fields = Fields::default();
        let mut name = |field: &str, said: Option<&String>| {
            said.and_then(|said| fields.need(field, line(said, 1, 40), "1 to 40 characters"))
        };
        let (actor, action) = (name("actor", self.actor.as_ref()), name("action", self.action.as_ref()));
        let kind = self.subject_kind.as_ref().and_then(|kind| {
            let fits = (1..=20).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_lowercase());
            fields.need("subject_kind", fits.then(|| kind.clone()), "1 to 20 small letters")
        });
        if self.subject_id.is_some() && self.subject_kind.is_none() {
            fields.need::<()>("subject_kind", None, "subject_id needs it");
        }
        let mut time = |field: &str, said: Option<&String>| {
            said.and_then(|said| fields.need(field, moment(said), "a time of RFC 3339"))
        };
        let (since, until) = (time("since", self.since.as_ref()), time("until", self.until.as_ref()));
        let before = place(self.after.as_deref(), &mut fields);
        fields.end()?;
        let subject = kind.map(|kind| (kind, self.subject_id));
        Ok((ActionFilter { actor, action, subject, since, until }, before))
    }
}

pub(super) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    let ((of, before), limit) = (query.read()?, limit(query.limit)?);
    let actions = shared.engine.ports.audit.actions(&of, before, limit).await?;
    Ok(page(&actions, limit, ActionView::of))
}

pub(super) async fn of_brand(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    query: Query<OwnAuditQuery>,
) -> Result<HttpResponse, Problem> {
    caller.owns(BrandId(*id))?;
    let mut fields = Fields::default();
    let (before, limit) = (place(query.after.as_deref(), &mut fields), limit(query.limit)?);
    fields.end()?;
    let (audit, profiles) = (&shared.engine.ports.audit, &shared.engine.ports.profiles);
    profiles.brand_record(BrandId(*id)).await?;
    let of = ActionFilter { subject: Some(("brand".to_owned(), Some(*id))), ..ActionFilter::default() };
    Ok(page(&audit.actions(&of, before, limit).await?, limit, OwnActionView::of))
}
