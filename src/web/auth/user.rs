//! `/api/admin/users`: users that operators make and change. What changes for whom a user acts, or that they
//! may not sign in, ends their sessions everywhere within a second. All of it is on record.

use super::body::{UserView, email};
use super::grant::changed;
use super::{private, random};
use crate::identity::password::fault;
use crate::web::Shared;
use crate::web::account_body::reason;
use crate::web::caller::Caller;
use crate::web::fields::{Fields, line};
use crate::web::json::Json;
use crate::web::listing::is_full;
use crate::web::problem::{FieldError, Problem};
use crate::web::schema::{Email, Id, Line};
use crate::web::wire::{PageBody, limit, refused};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use gametriggers_actors::domain::id::{BrandId, StreamerId, UserId};
use gametriggers_actors::ports::{ByHand, Event, NewOwner, NewUser, Principal, StoreError, UserChange};
use schemars::JsonSchema;
use serde::Deserialize;

/// Users on a page, unless asked otherwise, and at most.
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1000;

/// For whom a user acts: exactly one of a brand, a streamer, or operators.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewUserBody {
    /// With which the user signs in.
    #[schemars(with = "Email", example = &"asha@example.com")]
    email: String,
    /// For people.
    #[schemars(with = "Line<80>", example = &"Asha")]
    name: String,
    /// A first password; without one the user signs in at a provider.
    #[schemars(length(min = 10, max = 128), example = &"correct horse battery staple")]
    password: Option<String>,
    /// For which brand they act.
    #[schemars(with = "Option<Id>", example = 1)]
    brand_id: Option<i64>,
    /// Or for which streamer.
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// Or whether they are an operator.
    #[serde(default)]
    admin: bool,
    /// Why, for the record.
    #[schemars(with = "Option<Line<200>>")]
    reason: Option<String>,
}

/// A change of a user: what is left out stays as it is. Something has to be named.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct UserBody {
    /// For which brand they act from now on.
    #[schemars(with = "Option<Id>")]
    brand_id: Option<i64>,
    /// Or for which streamer.
    #[schemars(with = "Option<Id>")]
    streamer_id: Option<i64>,
    /// Or that they are an operator.
    #[serde(default)]
    admin: bool,
    /// Whether they may not sign in.
    #[schemars(example = false)]
    disabled: Option<bool>,
    /// Whether their second factor is forgotten, for who has lost it.
    #[serde(default)]
    reset_two_factor: bool,
    /// Why, for the record.
    #[schemars(with = "Option<Line<200>>", example = &"back from leave")]
    reason: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct UsersQuery {
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    after: Option<i64>,
    /// Users on a page; 100 unless it says otherwise.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// The one that is named; none when it is not exactly one.
fn one_of(brand: Option<i64>, streamer: Option<i64>, admin: bool) -> Option<Principal> {
    match (brand, streamer, admin) {
        (Some(id), None, false) => Some(Principal::Brand(BrandId(id))),
        (None, Some(id), false) => Some(Principal::Streamer(StreamerId(id))),
        (None, None, true) => Some(Principal::Admin),
        _ => None,
    }
}

const ONE: &str = "exactly one of brand_id, streamer_id and admin";

fn no_such_owner() -> Problem {
    let message = "there is no such brand or streamer".to_owned();
    Problem::invalid(vec![FieldError { field: "brand_id or streamer_id".to_owned(), message }])
}

impl NewUserBody {
    fn read(&self) -> Result<(NewUser, Option<&str>), Problem> {
        let mut fields = Fields::default();
        let email = fields.need("email", email(&self.email), "an e-mail address").unwrap_or_default();
        let name = fields.need("name", line(&self.name, 1, 80), "1 to 80 characters").unwrap_or_default();
        let owner = fields.need("admin", one_of(self.brand_id, self.streamer_id, self.admin), ONE);
        if let Some(message) = self.password.as_deref().and_then(|it| fault(it, &[&email, &name])) {
            fields.need::<()>("password", None, message);
        }
        fields.end()?;
        let owner = NewOwner::Existing(owner.ok_or_else(no_such_owner)?);
        Ok((NewUser { email, name, owner, password: None, link: None }, self.password.as_deref()))
    }
}

pub(in crate::web) async fn add(
    shared: Data<Shared>,
    caller: Caller,
    body: Json<NewUserBody>,
) -> Result<HttpResponse, Problem> {
    let hand = ByHand { actor: caller.operator()?, reason: reason(body.reason.as_deref(), "a new user")? };
    let (mut new, password) = body.read()?;
    if let Some(password) = password {
        new.password = Some(shared.identity.passwords.hash(password, random(&shared.engine)).await?);
    }
    let engine = &shared.engine;
    let made = engine.ports.users.add_user(&new, Some(&hand), engine.now()).await;
    let made = made.map_err(|error| match error {
        StoreError::Constraint(_) => no_such_owner(),
        other => other.into(),
    })?;
    let taken = || Problem::conflict("email-taken", "a user signs in with this address already");
    let user = made.ok_or_else(taken)?;
    engine.ports.bus.publish(Event::UserChanged(user.id));
    Ok(private(&mut HttpResponse::Created(), UserView::of(&user)))
}

pub(in crate::web) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<UsersQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator()?;
    let limit = limit(query.limit, (PAGE, PAGE_MAX))?;
    let users = shared.engine.ports.users.user_page(query.after.map(UserId), limit).await?;
    let full = is_full(&users, limit);
    let next = users.last().filter(|_| full).map(|user| user.id.to_string());
    let page = PageBody { items: users.iter().map(UserView::of).collect(), next };
    Ok(private(&mut HttpResponse::Ok(), page))
}

pub(in crate::web) async fn change(
    shared: Data<Shared>,
    caller: Caller,
    id: Path<i64>,
    body: Json<UserBody>,
) -> Result<HttpResponse, Problem> {
    let hand =
        ByHand { actor: caller.operator()?, reason: reason(body.reason.as_deref(), "a changed user")? };
    let names_one = body.brand_id.is_some() || body.streamer_id.is_some() || body.admin;
    let mut fields = Fields::default();
    let acts_for = if names_one {
        fields.need("admin", one_of(body.brand_id, body.streamer_id, body.admin), ONE)
    } else {
        None
    };
    fields.end()?;
    let change =
        UserChange { acts_for, disabled: body.disabled, forget_second_factor: body.reset_two_factor };
    if change == UserChange::default() {
        let message = "say what is to change: this, brand_id, streamer_id, disabled or reset_two_factor";
        return Err(refused("admin", message));
    }
    let (engine, id) = (&shared.engine, UserId(*id));
    let user = engine.ports.users.change_user(id, &change, &hand, engine.now()).await;
    let user = user.map_err(|error| match error {
        StoreError::Constraint(_) => no_such_owner(),
        other => other.into(),
    })?;
    changed(&shared, id).await?;
    Ok(private(&mut HttpResponse::Ok(), UserView::of(&user)))
}
