//! The same test on a server with either database.

use super::{TestApp, World, postgres};
use crate::support::http::{Request, Response};
use serde_json::Value;

/// Which database a server has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On {
    /// A file.
    Sqlite,
    /// A database of its own on the server for tests.
    Postgres,
}

impl On {
    /// A server.
    pub(crate) async fn start(self) -> TestApp {
        match self {
            Self::Sqlite => TestApp::start().await,
            Self::Postgres => {
                let database = postgres::database().await;
                World::new(&[("DATABASE__URL", database.as_str())]).start(None).await
            }
        }
    }

    /// The end of a test: the money has to agree with itself.
    pub(crate) async fn finish(self, app: TestApp) {
        match self {
            Self::Sqlite => app.finish().await,
            Self::Postgres => {
                for check in app.engine().ports.ledger.reconcile(true).await.unwrap() {
                    assert_eq!((check.mismatches, check.drift_micros), (0, 0), "{check:?}");
                }
            }
        }
    }
}

/// Makes a test on each database of every function named.
macro_rules! on_each_store {
    ($($name:ident;)*) => {
        mod sqlite {
            $(
                #[actix_rt::test]
                async fn $name() {
                    super::$name(crate::support::store::On::Sqlite).await;
                }
            )*
        }

        mod postgres {
            $(
                #[actix_rt::test]
                async fn $name() {
                    super::$name(crate::support::store::On::Postgres).await;
                }
            )*
        }
    };
}
pub(crate) use on_each_store;

/// A request with a JSON body.
pub(crate) async fn ask(app: &TestApp, of: (&'static str, &str), key: &str, body: &Value) -> Response {
    app.send(Request::new(of.0, of.1).key(key).json(body)).await
}

/// A GET.
pub(crate) async fn get(app: &TestApp, path: &str, key: &str) -> Response {
    app.send(Request::get(path).key(key)).await
}

/// The fields that a problem names.
pub(crate) fn named(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// One field of every item, on all pages of a list. Between two pages `meanwhile` is done.
pub(crate) async fn walk(
    app: &TestApp,
    (path, key): (&str, &str),
    field: &str,
    meanwhile: impl AsyncFn(),
) -> Vec<Value> {
    let (mut next, mut seen) = (String::new(), Vec::new());
    loop {
        let page = get(app, &format!("{path}{next}"), key).await.ok(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item[field].clone()));
        let Some(after) = page["next"].as_str() else { return seen };
        next = format!("&after={after}");
        meanwhile().await;
    }
}
