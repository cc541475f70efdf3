//! The operations of the API, each declared once: from its declaration come its route, the gate before its
//! handler, and its description in the contract. What is not declared here has no route, what has no gate of
//! its own is open to nobody.

mod document;
mod example;
mod gate;
mod part;
mod schemas;
#[cfg(test)]
mod tests;

pub(super) use self::document::document;

use self::gate::{Guard, gate};
use super::cors;
use super::problem::Problem;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, HttpResponse, Responder, Route, guard, web};
use gametriggers_actors::domain::scope::Scope;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;

/// How a type is described.
type Shape = fn(&mut SchemaGenerator) -> Schema;

/// Who comes to the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody.
    Anyone,
    /// A service of the same house, by the internal listener or the service key; the handler asks.
    Service,
    /// A user with an access token, whatever their scopes: this is how they come to have some.
    User,
    /// A key or a token with one of these scopes; whose things it may touch is for the handler to say.
    Scopes(&'static [Scope]),
}

/// Whether a type reads a body.
type Reads = fn(&str) -> Result<(), String>;

/// What a request brings.
enum Body {
    None,
    Json(Shape, Reads),
    /// Nothing, or JSON.
    Maybe(Shape, Reads),
    /// Bytes of one of these types.
    Bytes(&'static [&'static str]),
}

/// What a good answer brings.
enum Answer {
    Nothing,
    Json(Shape),
    Elsewhere,
}

/// Whether an Idempotency-Key belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyed {
    No,
    Sometimes,
    Always,
}

/// One method of a path.
pub(super) struct Operation {
    method: Method,
    route: Route,
    access: Access,
    summary: &'static str,
    details: &'static str,
    query: Option<Shape>,
    body: Body,
    status: StatusCode,
    answer: Answer,
    /// 200 as well, when there was nothing to make.
    or_ok: bool,
    /// 202 with this, when somebody else decides first.
    or_accepted: Option<Shape>,
    /// Another form of the answer, for who asks for it.
    or_bytes: Option<&'static str>,
    keyed: Keyed,
    versioned: bool,
    problems: Vec<&'static str>,
}

/// A path and its methods.
pub(super) struct Resource {
    path: &'static str,
    operations: Vec<Operation>,
}

/// Resources that belong together.
pub(super) struct Section {
    name: &'static str,
    about: &'static str,
    /// What their paths begin with.
    root: &'static str,
    resources: Vec<Resource>,
}

fn operation<F, Args>(method: Method, handler: F, summary: &'static str) -> Operation
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Operation {
        route: web::route().to(handler),
        method,
        access: Access::Scopes(&[]),
        summary,
        details: "",
        query: None,
        body: Body::None,
        status: StatusCode::OK,
        answer: Answer::Nothing,
        or_ok: false,
        or_accepted: None,
        or_bytes: None,
        keyed: Keyed::No,
        versioned: false,
        problems: Vec::new(),
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name<F, Args>(handler: F, summary: &'static str) -> Operation
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            operation(Method::$method, handler, summary)
        }
    )*};
}

methods! {
    /// Reads. HEAD is answered as well, without a body.
    get GET;
    /// Makes, or does.
    post POST;
    /// Sets the whole.
    put PUT;
    /// Changes what is named.
    patch PATCH;
    /// Ends.
    delete DELETE;
}

fn reads<T: DeserializeOwned>(body: &str) -> Result<(), String> {
    serde_json::from_str::<T>(body).map(drop).map_err(|error| error.to_string())
}

fn shape<T: JsonSchema>() -> Shape {
    SchemaGenerator::subschema_for::<T>
}

fn either<A: JsonSchema, B: JsonSchema>(of: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [of.subschema_for::<A>(), of.subschema_for::<B>()] })
}

impl Operation {
    /// Everybody may call it.
    pub(super) const fn open(mut self) -> Self {
        self.access = Access::Anyone;
        self
    }

    /// Services of the same house may call it; the handler asks.
    pub(super) const fn for_services(mut self) -> Self {
        self.access = Access::Service;
        self
    }

    /// A user with an access token may call it.
    pub(super) const fn for_users(mut self) -> Self {
        self.access = Access::User;
        self
    }

    /// A key or a token with one of these scopes may call it.
    pub(super) const fn needs(mut self, scopes: &'static [Scope]) -> Self {
        self.access = Access::Scopes(scopes);
        self
    }

    /// More to be said than the summary.
    pub(super) const fn about(mut self, details: &'static str) -> Self {
        self.details = details;
        self
    }

    /// Its query.
    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(shape::<T>());
        self
    }

    /// Its body, as JSON.
    pub(super) fn takes<T: JsonSchema + DeserializeOwned>(mut self) -> Self {
        self.body = Body::Json(shape::<T>(), reads::<T>);
        self
    }

    /// Its body, as JSON, which may be left out.
    pub(super) fn may_take<T: JsonSchema + DeserializeOwned>(mut self) -> Self {
        self.body = Body::Maybe(shape::<T>(), reads::<T>);
        self
    }

    /// Its body, as it is.
    pub(super) const fn takes_bytes(mut self, types: &'static [&'static str]) -> Self {
        self.body = Body::Bytes(types);
        self
    }

    /// 200 with this.
    pub(super) fn gives<T: JsonSchema>(mut self) -> Self {
        self.answer = Answer::Json(shape::<T>());
        self
    }

    /// 200 with one of two, as it comes.
    pub(super) fn gives_either<A: JsonSchema, B: JsonSchema>(mut self) -> Self {
        self.answer = Answer::Json(either::<A, B>);
        self
    }

    /// 201 with one of two, as it comes, and with its address.
    pub(super) fn makes_either<A: JsonSchema, B: JsonSchema>(mut self) -> Self {
        self.status = StatusCode::CREATED;
        self.gives_either::<A, B>()
    }

    /// 201 with this, and with its address.
    pub(super) fn makes<T: JsonSchema>(mut self) -> Self {
        self.status = StatusCode::CREATED;
        self.gives::<T>()
    }

    /// 200 with the same when there was nothing to make.
    pub(super) const fn or_ok(mut self) -> Self {
        self.or_ok = true;
        self
    }

    /// 202 with this when somebody else decides first.
    pub(super) fn or_accepts<T: JsonSchema>(mut self) -> Self {
        self.or_accepted = Some(shape::<T>());
        self
    }

    /// The same in another form for who asks for it.
    pub(super) const fn or_bytes(mut self, media: &'static str) -> Self {
        self.or_bytes = Some(media);
        self
    }

    /// 204.
    pub(super) const fn gives_nothing(mut self) -> Self {
        self.status = StatusCode::NO_CONTENT;
        self
    }

    /// 302 or 303 to somewhere else.
    pub(super) const fn leads_elsewhere(mut self, status: StatusCode) -> Self {
        self.status = status;
        self.answer = Answer::Elsewhere;
        self
    }

    /// It moves money: the same Idempotency-Key never does so twice.
    pub(super) const fn keyed(mut self) -> Self {
        self.keyed = Keyed::Always;
        self
    }

    /// It may move money, and then needs an Idempotency-Key.
    pub(super) const fn keyed_with_money(mut self) -> Self {
        self.keyed = Keyed::Sometimes;
        self
    }

    /// Its answer has an ETag; a change takes If-Match, a read If-None-Match.
    pub(super) const fn versioned(mut self) -> Self {
        self.versioned = true;
        self
    }

    /// Problems besides those that follow from what it takes, by the last part of their type.
    pub(super) fn fails(mut self, problems: &[&'static str]) -> Self {
        self.problems.extend_from_slice(problems);
        self
    }

    fn routed(self, path: &'static str) -> Route {
        let Self { access, keyed, versioned, .. } = self;
        let guarded = Guard { access, keyed, versioned, path };
        let route = self.route.wrap(from_fn(move |request, next| gate(guarded, request, next)));
        match self.method {
            Method::GET => route.guard(guard::Any(guard::Get()).or(guard::Head())),
            method => route.method(method),
        }
    }
}

/// A path and its methods.
pub(super) const fn at(path: &'static str, operations: Vec<Operation>) -> Resource {
    Resource { path, operations }
}

impl Resource {
    /// The methods that it has, as an answer to others names them.
    fn methods(&self) -> String {
        let named = self.operations.iter().flat_map(|operation| match operation.method {
            Method::GET => vec!["GET", "HEAD"],
            ref method => vec![method.as_str()],
        });
        named.collect::<Vec<_>>().join(", ")
    }

    fn routed(self) -> actix_web::Resource {
        let allow = self.methods();
        let other = move || {
            let mut answer = HttpResponse::from_error(Problem::method());
            if let Ok(allow) = header::HeaderValue::from_str(&allow) {
                answer.headers_mut().insert(header::ALLOW, allow);
            }
            std::future::ready::<HttpResponse>(answer)
        };
        let resource = web::resource(self.path).default_service(web::to(other));
        self.operations.into_iter().fold(resource, |resource, one| resource.route(one.routed(self.path)))
    }
}

impl Section {
    /// Resources under `/api`.
    pub(super) const fn new(name: &'static str, about: &'static str, resources: Vec<Resource>) -> Self {
        Self { name, about, root: "/api", resources }
    }

    /// Resources whose paths others have laid down.
    pub(super) const fn elsewhere(name: &'static str, about: &'static str, resources: Vec<Resource>) -> Self {
        Self { name, about, root: "", resources }
    }

    /// Whether its paths are under `/api`.
    pub(super) fn is_api(&self) -> bool {
        !self.root.is_empty()
    }
}

/// Makes routes of sections, in the scope of their root. A part of a path that is spelled out comes before
/// one that may be any word, so that the table can stand in the order in which it is read. Pages of those
/// origins may read what is well known.
pub(super) fn register(sections: Vec<Section>, app: &mut web::ServiceConfig, origins: &[String]) {
    let mut resources: Vec<_> = sections.into_iter().flat_map(|section| section.resources).collect();
    resources.sort_by_cached_key(|resource| by_part(resource.path));
    for resource in resources {
        let is_well_known = resource.path.starts_with("/.well-known/");
        let routed = resource.routed();
        if is_well_known {
            app.service(routed.wrap(cors::allowed(origins)));
        } else {
            app.service(routed);
        }
    }
}

/// Sorts paths part by part, what is spelled out first.
fn by_part(path: &str) -> Vec<(bool, String)> {
    path.split('/').map(|part| (part.contains('{'), part.to_owned())).collect()
}
