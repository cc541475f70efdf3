//! Configuration: compiled-in defaults, then a file, then variables. One struct per area;
//! contradictions are refused at start.

mod areas;
mod auth;
mod check;
mod limits;
mod network;
mod rule;

pub use areas::{
    Assets, Config, Database, Log, LogFormat, Mode, PlatformKind, Play, Redis, Secrets, Server, Session,
    Settlement, Webhooks,
};
pub use auth::{Auth, ProviderText, Providers, TokenAlgorithm, rsa_key};
pub use limits::{Cors, Limits};
pub use network::Network;
pub use rule::{RuleParameters, RuleText};

pub use check::{MADE_KEY, WRITER_MAX};

use std::path::Path;
use toml::{Table, Value};

/// Every key with its default.
pub const DEFAULT: &str = include_str!("../../config/default.toml");
/// What the demo changes.
pub const DEMO: &str = include_str!("../../config/demo.toml");
const PREFIX: &str = "GAMETRIGGERS__";

/// The configuration can not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can not be read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{place}: {message}")]
    Format {
        /// The file or the variable.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// Values that do not go together.
    #[error("the configuration is refused:\n  - {}", .0.join("\n  - "))]
    Refused(Vec<String>),
}

/// Where the configuration comes from, besides the defaults.
#[derive(Default)]
pub struct Sources<'a> {
    /// The demo's changes.
    pub demo: bool,
    /// A file.
    pub file: Option<&'a Path>,
    /// Variables of the environment.
    pub variables: Vec<(String, String)>,
}

impl<'a> Sources<'a> {
    /// A file, if any, and this process's variables.
    #[must_use]
    pub fn of_process(demo: bool, file: Option<&'a Path>) -> Self {
        Self { demo, file, variables: std::env::vars().collect() }
    }
}

impl Config {
    /// Reads and checks.
    ///
    /// # Errors
    /// Which key of which source is wrong, or what does not go together.
    pub fn load(sources: &Sources<'_>) -> Result<Self, ConfigError> {
        let config = Self::read(sources)?;
        check::check(&config)?;
        Ok(config)
    }

    /// Reads without checking what goes together.
    ///
    /// # Errors
    /// Which key of which source is wrong.
    pub fn read(sources: &Sources<'_>) -> Result<Self, ConfigError> {
        let mut table = parse(DEFAULT, "config/default.toml")?;
        if sources.demo {
            merge(&mut table, parse(DEMO, "config/demo.toml")?);
        }
        if let Some(path) = sources.file {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError::File { path: place.clone(), error })?;
            merge(&mut table, parse(&text, &place)?);
        }
        for (name, value) in &sources.variables {
            if let Some(key) = name.strip_prefix(PREFIX) {
                set(&mut table, &key.to_ascii_lowercase(), value);
            }
        }
        table.try_into().map_err(|error: toml::de::Error| ConfigError::Format {
            place: "configuration".to_owned(),
            message: error.message().to_owned(),
        })
    }
}

fn parse(text: &str, place: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| ConfigError::Format {
        place: place.to_owned(),
        message: error.to_string(),
    })
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(more)) => merge(below, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Sets `section__key`. What reads as a TOML value is one, everything else is text.
fn set(table: &mut Table, key: &str, value: &str) {
    let parsed = format!("value = {value}").parse::<Table>().ok().and_then(|mut t| t.remove("value"));
    let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
    match key.split_once("__") {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let below = table.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(below) = below {
                below.insert(rest.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::load(&Sources { variables, ..Sources::default() })
    }

    #[test]
    fn the_defaults_load_and_bind_loopback() {
        let config = with(&[]).unwrap();
        assert!(config.server.bind.ip().is_loopback());
        assert_eq!(config.mode, Mode::Development);
    }

    #[test]
    fn the_demo_differs_where_it_says_so() {
        let config = Config::load(&Sources { demo: true, ..Sources::default() }).unwrap();
        assert_eq!(config.mode, Mode::Demo);
        assert_eq!(config.platform.kind, PlatformKind::Simulated);
    }

    #[test]
    fn a_variable_replaces_one_key() {
        let config =
            with(&[("GAMETRIGGERS__PLAY__FEE_BPS", "1500"), ("GAMETRIGGERS__LOG__LEVEL", "debug")]).unwrap();
        assert_eq!((config.play.fee_bps, config.log.level.as_str()), (1500, "debug"));
    }

    #[test]
    fn an_unknown_key_and_a_wrong_type_are_errors() {
        assert!(with(&[("GAMETRIGGERS__PLAY__FEE", "1")]).unwrap_err().to_string().contains("fee"));
        assert!(with(&[("GAMETRIGGERS__PLAY__FEE_BPS", "a lot")]).is_err());
    }

    #[test]
    fn production_refuses_what_is_only_for_demos() {
        let refused = |more: &[(&str, &str)]| {
            let key = format!("[\"1:{}\"]", "abcd".repeat(16));
            let auth = format!("[\"1:{}\"]", "dcba".repeat(16));
            let mut all = vec![
                ("GAMETRIGGERS__MODE", "production"),
                ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", key.as_str()),
                ("GAMETRIGGERS__SECRETS__AUTH_KEYS", auth.as_str()),
            ];
            all.extend(more);
            with(&all)
        };
        assert!(refused(&[]).is_ok());
        let message = |r: Result<Config, ConfigError>| r.unwrap_err().to_string();
        let keys = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
            format!("[{}]", keys.join(","))
        };
        let (good, other) = (format!("1:{}", "abcd".repeat(16)), format!("2:{}", "01ef".repeat(16)));
        for (key, value) in [
            ("GAMETRIGGERS__PLATFORM__KIND", "simulated".to_owned()),
            ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", keys(&[])),
            ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", keys(&[&format!("1:{}", "00".repeat(32))])),
            ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", keys(&[&good, &format!("2:{}", "7f".repeat(32))])),
            ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", keys(&[&good, &good.replace("1:", "3:")])),
            ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", keys(&[&good, &other.replace("2:", "1:")])),
            ("GAMETRIGGERS__SECRETS__AUTH_KEYS", keys(&[])),
            ("GAMETRIGGERS__SECRETS__AUTH_KEYS", keys(&[&format!("1:{}", "00".repeat(32))])),
            ("GAMETRIGGERS__SECRETS__AUTH_KEYS", keys(&[&other, &other.replace("2:", "3:")])),
            ("GAMETRIGGERS__SECRETS__AUTH_KEYS", keys(&[&good.replace("1:", "9:")])),
            ("GAMETRIGGERS__SECRETS__SERVICE_KEY", "gt_demo_service_0123456789abcdef".to_owned()),
            ("GAMETRIGGERS__SECRETS__SERVICE_KEY", "short".to_owned()),
            ("GAMETRIGGERS__PLAY__REQUIRE_STREAMING", "false".to_owned()),
            ("GAMETRIGGERS__PLAY__FRAMES_PER_SECOND_MIN", "0".to_owned()),
        ] {
            let named = key.trim_start_matches("GAMETRIGGERS__").to_lowercase().replace("__", ".");
            let said = message(refused(&[(key, &value)]));
            assert!(said.contains(&named), "{key}={value}: {said}");
            assert!(with(&[(key, &value)]).is_ok(), "only in production: {key}={value}");
        }
        assert!(refused(&[("GAMETRIGGERS__SECRETS__TOKEN_KEYS", &keys(&[&good, &other]))]).is_ok());
    }

    #[test]
    fn production_is_reached_through_tls_unless_it_is_local() {
        let key = format!("[\"1:{}\"]", "abcd".repeat(16));
        let auth = format!("[\"1:{}\"]", "dcba".repeat(16));
        let production = |bind: &str, url: &str| {
            with(&[
                ("GAMETRIGGERS__MODE", "production"),
                ("GAMETRIGGERS__SECRETS__AUTH_KEYS", &auth),
                ("GAMETRIGGERS__SECRETS__TOKEN_KEYS", &key),
                ("GAMETRIGGERS__SERVER__BIND", bind),
                ("GAMETRIGGERS__SERVER__PUBLIC_URL", url),
            ])
        };
        for (bind, url, fits) in [
            ("127.0.0.1:7788", "", true),
            ("127.0.0.1:7788", "http://localhost:7788", true),
            ("0.0.0.0:7788", "https://ads.example", true),
            ("0.0.0.0:7788", "", false),
            ("0.0.0.0:7788", "http://ads.example", false),
            ("[::]:7788", "HTTP://ads.example", false),
        ] {
            match production(bind, url) {
                Ok(_) => assert!(fits, "{bind} {url}"),
                Err(error) => assert!(!fits && error.to_string().contains("server.public_url"), "{error}"),
            }
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = "redis://node:hun:t@er2@redis.example:6379/1";
        let config = with(&[("GAMETRIGGERS__REDIS__URL", url)]).unwrap();
        assert_eq!(config.redis.url, url);
        let shown = "redis://node:secret@redis.example:6379/1";
        for text in [format!("{config:?}"), toml::to_string(&config).unwrap()] {
            assert!(text.contains(shown) && !text.contains("er2") && !text.contains("hun"), "{text}");
        }
        assert!(with(&[("GAMETRIGGERS__REDIS__URL", "rediss://redis.example")]).is_ok());
        for plain in ["", "redis://127.0.0.1:6379", "unix:///run/redis.sock", "redis://node@h"] {
            assert_eq!(areas::hide_password(plain), plain);
        }
    }

    #[test]
    fn redis_needs_a_url_it_can_speak_and_a_prefix() {
        for (key, value) in [
            ("GAMETRIGGERS__REDIS__URL", "localhost:6379"),
            ("GAMETRIGGERS__REDIS__URL", "http://localhost"),
            ("GAMETRIGGERS__REDIS__PREFIX", "\"\""),
            ("GAMETRIGGERS__REDIS__PREFIX", "a b"),
            ("GAMETRIGGERS__SETTLEMENT__RECONCILE_S", "0"),
            ("GAMETRIGGERS__SETTLEMENT__PAYABLE_AFTER_DAYS", "400"),
        ] {
            let named = key.rsplit("__").next().unwrap_or_default().to_lowercase();
            assert!(with(&[(key, value)]).unwrap_err().to_string().contains(&named), "{key}={value}");
        }
    }

    #[test]
    fn a_database_is_a_file_or_on_postgres_and_its_password_is_never_shown() {
        let url = "postgres://node:hun:t@er2@db.example:5432/ads";
        let config = with(&[("GAMETRIGGERS__DATABASE__URL", url)]).unwrap();
        assert!(config.database.is_postgres() && config.database.url == url);
        for text in [format!("{config:?}"), toml::to_string(&config).unwrap()] {
            assert!(text.contains("postgres://node:secret@db.example:5432/ads"), "{text}");
            assert!(!text.contains("er2") && !text.contains("hun"), "{text}");
        }
        for (key, value) in [
            ("GAMETRIGGERS__DATABASE__URL", "mysql://h/db"),
            ("GAMETRIGGERS__DATABASE__URL", "postgres://h/db?password=hunter2"),
            ("GAMETRIGGERS__DATABASE__WRITER", "0"),
            ("GAMETRIGGERS__DATABASE__WRITER", "32760"),
        ] {
            let error = with(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains("database.") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_limit_that_lets_nobody_in_and_an_origin_that_is_none_are_refused() {
        for (key, value) in [
            ("LIMITS__KEY_BURST", "0"),
            ("LIMITS__WRITE_BURST", "0"),
            ("LIMITS__USER_PER_MINUTE", "2000000"),
            ("LIMITS__REMEMBERED_MAX", "10"),
            ("CORS__ALLOWED_ORIGINS", r#"["*", "https://a.example"]"#),
            ("CORS__ALLOWED_ORIGINS", r#"["https://a.example/"]"#),
        ] {
            let error = with(&[(&format!("GAMETRIGGERS__{key}"), value)]).unwrap_err().to_string();
            assert!(error.contains(if key.starts_with("LIMITS") { "limits" } else { "cors" }), "{error}");
        }
        let off = [("GAMETRIGGERS__LIMITS__KEY_PER_MINUTE", "0"), ("GAMETRIGGERS__LIMITS__KEY_BURST", "0")];
        assert!(with(&off).is_ok());
        assert!(with(&[("GAMETRIGGERS__CORS__ALLOWED_ORIGINS", r#"["*"]"#)]).is_ok());
    }

    #[test]
    fn rs256_needs_a_key_and_each_key_a_number_of_its_own() {
        let auth = format!("[\"1:{}\"]", "dcba".repeat(16));
        let load = |algorithm: &str, rsa: &str| {
            with(&[
                ("GAMETRIGGERS__AUTH__ALGORITHM", algorithm),
                ("GAMETRIGGERS__SECRETS__AUTH_KEYS", &auth),
                ("GAMETRIGGERS__SECRETS__RSA_KEYS", rsa),
            ])
        };
        let pem = r#"["3:-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]"#;
        for (algorithm, rsa, fits) in [
            ("EdDSA", "[]", true),
            ("RS256", r#"["2:/etc/key.pem"]"#, true),
            ("EdDSA", r#"["2:/etc/key.pem"]"#, true),
            ("RS256", pem, true),
            ("RS256", "[]", false),
            ("RS256", r#"["/etc/key.pem"]"#, false),
            ("RS256", r#"["2: "]"#, false),
            ("RS256", r#"["1:/etc/key.pem"]"#, false),
            ("RS256", r#"["2:/etc/key.pem", "2:/etc/other.pem"]"#, false),
            ("HS256", r#"["2:/etc/key.pem"]"#, false),
        ] {
            assert_eq!(load(algorithm, rsa).is_ok(), fits, "{algorithm} {rsa}");
        }
        let shown = format!("{:?}", load("RS256", pem).unwrap());
        assert!(!shown.contains("AAAA") && shown.contains("1 RSA keys"), "{shown}");
    }

    #[test]
    fn contradictions_are_refused_together() {
        let error = with(&[
            ("GAMETRIGGERS__SESSION__DEAD_AFTER_MS", "5000"),
            ("GAMETRIGGERS__PLAY__TOKEN_LIFE_S", "601"),
        ]);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("dead_after_ms") && message.contains("token_life_s"));
    }
}
