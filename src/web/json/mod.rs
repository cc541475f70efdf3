//! Bodies in JSON, read as the contract describes them and in no other form.

mod strict;

use self::strict::Strict;
use super::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::de::DeserializeOwned;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

/// JSON bodies are small.
const BYTES_MAX: usize = 64 * 1024;

/// The body of a request.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

/// The body of a request that may have none. What is there is read in full, or refused.
#[derive(Debug)]
pub(super) struct MaybeJson<T>(pub(super) Option<T>);

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Json<T> {
    /// The body itself.
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            is_json(&request)?;
            parse(&whole(&request, payload).await?).map(Self)
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for MaybeJson<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = whole(&request, payload).await?;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            is_json(&request)?;
            parse(&bytes).map(|body| Self(Some(body)))
        })
    }
}

/// # Errors
/// 415 for every other type, and for none.
fn is_json(request: &HttpRequest) -> Result<(), Problem> {
    let named = request.mime_type().ok().flatten();
    let fits = named.is_some_and(|mime| {
        mime.subtype() == "json" || mime.suffix().is_some_and(|suffix| suffix.as_str() == "json")
    });
    if fits {
        return Ok(());
    }
    let said = if request.headers().contains_key(CONTENT_TYPE) { "this is another type" } else { "say so" };
    Err(Problem::unsupported(format!("send application/json as Content-Type; {said}")))
}

async fn whole(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let too_large = || Problem::too_large(format!("a JSON body has at most {BYTES_MAX} bytes"));
    let said = request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    if said.is_some_and(|said: usize| said > BYTES_MAX) {
        return Err(too_large());
    }
    let payload = &mut { payload };
    let body = actix_web::web::Payload::from_request(request, payload).await;
    let body = body.map_err(|error| Problem::malformed(error.to_string()))?;
    match body.to_bytes_limited(BYTES_MAX).await {
        Ok(read) => read.map_err(|error| Problem::malformed(error.to_string())),
        Err(_) => Err(too_large()),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let unreadable = |error: serde_json::Error| Problem::malformed(error.to_string());
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let body = T::deserialize(Strict(&mut json)).map_err(unreadable)?;
    json.end().map_err(unreadable)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Body {
        amount: Option<Amount>,
        names: Vec<String>,
        #[serde(deserialize_with = "crate::web::wire::present")]
        cap: Option<Option<u32>>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Amount {
        amount_micros: i64,
        currency: String,
    }

    fn read(text: &str) -> Option<Body> {
        parse(text.as_bytes()).ok()
    }

    fn micros(text: &str) -> Option<i64> {
        let body = read(&format!(r#"{{"amount":{{"amount_micros":{text},"currency":"INR"}}}}"#))?;
        body.amount.map(|amount| amount.amount_micros)
    }

    #[test]
    fn an_object_is_an_object_wherever_it_stands() {
        assert_eq!(read("{}"), Some(Body::default()));
        assert!(read(r#"{"names":["a"],"cap":null}"#).is_some_and(|body| body.cap == Some(None)));
        for text in ["[]", "[null,[],null]", r#"{"amount":[1,"INR"]}"#, "1", "null", r#"{"names":{}}"#] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in [r#"{"cap":1,"cap":2}"#, r#"{"other":1}"#, "{} {}", "{", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    /// For JSON Schema a number is an integer by its value, whatever it looks like.
    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        assert_eq!(micros("655068.0"), Some(655_068));
        assert_eq!(micros("-1e3"), Some(-1000));
        assert_eq!(micros("9007199254740992.0"), Some(9_007_199_254_740_992));
        assert_eq!(micros("9223372036854775807"), Some(i64::MAX));
        for text in ["0.5", "1e16", "9007199254740994.0", "1e400", "9223372036854775808", "\"1\"", "true"] {
            assert_eq!(micros(text), None, "{text}");
        }
        assert!(read(r#"{"cap":3.0}"#).is_some_and(|body| body.cap == Some(Some(3))));
        assert_eq!(read(r#"{"cap":-3.0}"#), None);
        assert_eq!(read(r#"{"cap":4294967296.0}"#), None);
    }
}
