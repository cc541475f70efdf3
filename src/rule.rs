//! Conflict rules between their text, in a file or a request, and the engine.

use crate::config::{Config, ConfigError, RuleParameters, RuleText};
use gametriggers_actors::domain::conflict::{Draft, Fault, NewRule};
use gametriggers_actors::ports::{RULES_MAX, RuleRecord};

/// Checks a rule.
///
/// # Errors
/// Every field that is wrong.
pub(crate) fn read(text: &RuleText) -> Result<NewRule, Vec<Fault>> {
    let RuleText { name, description, kind, severity, priority, is_active, config } = text.clone();
    let RuleParameters { scope, categories, brands, competitors, span_s, cooldown_days, campaigns_max } =
        config;
    let draft = Draft {
        name,
        description,
        kind,
        severity,
        priority,
        active: is_active,
        scope,
        categories,
        brands,
        competitors,
        span_s,
        cooldown_days,
        campaigns_max,
    };
    draft.check()
}

/// A rule of the store as text, which reads back as the same rule.
#[must_use]
pub(crate) fn text(record: &RuleRecord) -> RuleText {
    let Draft { kind, scope, categories, brands, competitors, span_s, cooldown_days, campaigns_max, .. } =
        record.rule.kind.draft();
    RuleText {
        name: record.name.to_string(),
        description: record.description.to_string(),
        kind,
        severity: record.rule.severity.code().to_owned(),
        priority: record.rule.priority,
        is_active: record.active,
        config: RuleParameters {
            scope,
            categories,
            brands,
            competitors,
            span_s,
            cooldown_days,
            campaigns_max,
        },
    }
}

/// The rules of the configuration.
///
/// # Errors
/// Everything that is wrong with them, by rule and field; or a name that stands there twice.
pub(crate) fn configured(config: &Config) -> Result<Vec<NewRule>, ConfigError> {
    let (mut rules, mut wrong) = (Vec::<NewRule>::new(), Vec::new());
    for text in &config.conflict_rules {
        let place = format!("conflict_rules, {:?}", text.name);
        match read(text) {
            Err(faults) => {
                let line = |Fault { field, message }: &Fault| format!("{place}: {field}: {message}");
                wrong.extend(faults.iter().map(line));
            }
            Ok(rule) if rules.iter().any(|other| other.name == rule.name) => {
                wrong.push(format!("{place}: name: another rule of the file has it"));
            }
            Ok(rule) => rules.push(rule),
        }
    }
    if u32::try_from(rules.len()).unwrap_or(u32::MAX) > RULES_MAX {
        wrong.push(format!("conflict_rules: at most {RULES_MAX}"));
    }
    if wrong.is_empty() { Ok(rules) } else { Err(ConfigError::Refused(wrong)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn config(rules: &str) -> Config {
        let variables = vec![("GAMETRIGGERS__CONFLICT_RULES".to_owned(), rules.to_owned())];
        Config::load(&Sources { variables, ..Sources::default() }).unwrap()
    }

    #[test]
    fn what_is_wrong_with_a_rule_of_the_file_names_the_rule_and_the_field() {
        let good = r#"{ name = "A", type = "cooldown_period", severity = "blocking",
            config = { brands = [1], cooldown_days = 2 } }"#
            .replace('\n', " ");
        assert_eq!(configured(&config(&format!("[{good}]"))).unwrap().len(), 1);
        let twice = configured(&config(&format!("[{good}, {good}]"))).unwrap_err().to_string();
        assert!(twice.contains(r#"conflict_rules, "A": name: another"#), "{twice}");
        let bad = good.replace("cooldown_days = 2", "cooldown_days = 0").replace("blocking", "loud");
        let said = configured(&config(&format!("[{bad}]"))).unwrap_err().to_string();
        assert!(said.contains(r#"conflict_rules, "A": severity: blocking, warning or advisory"#), "{said}");
        assert!(said.contains(r#"conflict_rules, "A": config.cooldown_days: 1 to 30 days"#), "{said}");
    }

    #[test]
    fn the_rules_of_the_demo_can_be_used_and_the_configuration_can_be_printed() {
        let demo = Config::load(&Sources { demo: true, ..Sources::default() }).unwrap();
        assert_eq!(configured(&demo).unwrap().len(), 3);
        let printed: Config = toml::from_str(&toml::to_string(&demo).unwrap()).unwrap();
        assert_eq!(printed.conflict_rules, demo.conflict_rules);
    }
}
