//! What every request passes first and every answer last: a name for the request, headers that are always
//! there, and a line in the log when it failed.

use super::Shared;
use super::problem::{PROBLEM_JSON, Problem};
use crate::session::request_id::{RequestId, X_REQUEST_ID};
use actix_cors::CorsError;
use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};

/// Goes around the whole application.
pub fn entered<S>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    let id = request.app_data::<Data<Shared>>().map(|shared| {
        let id = shared.request_ids.of(request.headers(), shared.engine.now());
        request.extensions_mut().insert(id.clone());
        id
    });
    let answer = service.call(request);
    async move {
        let mut response = answer.await?;
        if let Some(id) = id {
            response = about(response, &id);
            response.headers_mut().insert(X_REQUEST_ID, id.value());
        }
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !headers.contains_key(REFERRER_POLICY) {
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
        Ok(response)
    }
}

/// An answer whose problem, if it has one, says what the request is called.
fn about(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let problem = match (error.as_error::<Problem>(), error.as_error::<CorsError>()) {
        (Some(problem), _) => problem.clone(),
        (None, Some(refusal)) => {
            let problem = Problem::cross_origin(refusal.to_string());
            problem.count();
            problem
        }
        (None, None) => return response,
    };
    note(&problem, id, response.request());
    let body = problem.body(Some(id));
    response.map_body(|head, _| {
        head.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        BoxBody::new(body)
    })
}

/// The answer of a problem, for who sends it in a way of their own.
pub(super) fn answer(problem: &Problem, request: &HttpRequest) -> HttpResponse {
    let response = problem.error_response();
    match request.extensions().get::<RequestId>() {
        Some(id) => {
            note(problem, id, request);
            response.set_body(BoxBody::new(problem.body(Some(id))))
        }
        None => response,
    }
}

/// Logs what is not the client's fault, and the rest for who looks closely.
fn note(problem: &Problem, id: &RequestId, request: &HttpRequest) {
    let (request_id, status) = (id.text(), problem.status_code().as_u16());
    let (method, route) = (request.method().as_str(), request.match_pattern().unwrap_or_default());
    match problem.cause() {
        Some(cause) => tracing::warn!(request_id, status, method, route, cause, "a request failed"),
        None if status >= 500 => {
            tracing::warn!(request_id, status, method, route, problem = problem.name(), "a request failed");
        }
        None => {
            let problem = problem.name();
            tracing::debug!(request_id, status, method, route, problem, "a request was refused");
        }
    }
}
