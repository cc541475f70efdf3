//! What the design page and CONTRIBUTING.md promise about the tree, as tests.
//!
//! Every rule is a pure function from files to findings, and has two tests: `holds` looks at the
//! tree, `is_noticed` at a small sample that breaks the rule, so that no rule can pass by being
//! blind. A finding names `file:line` and says what to do.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use tree::{File, is_engine, is_rust, is_script};

/// How many files a rule looked at, and what it found.
#[derive(Default)]
struct Found {
    seen: usize,
    faults: Vec<String>,
}

impl Found {
    fn look<'a>(&mut self, files: &'a [File], wanted: impl Fn(&str) -> bool) -> Vec<&'a File> {
        let chosen: Vec<_> = files.iter().filter(|file| wanted(&file.path)).collect();
        self.seen += chosen.len();
        chosen
    }

    fn fault(&mut self, path: &str, line: usize, advice: impl std::fmt::Display) {
        self.faults.push(format!("{path}:{line}: {advice}"));
    }
}

fn under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whole words that may stand only where `free` says.
fn kept_to(files: &[File], banned: &[&str], free: impl Fn(&str) -> bool, advice: &str) -> Found {
    let mut found = Found::default();
    for file in found.look(files, |path| is_rust(path) && !free(path)) {
        for (line, word) in file.words() {
            if banned.iter().any(|banned| word == *banned || word.starts_with(&format!("{banned}_"))) {
                found.fault(&file.path, line, format!("`{word}`: {advice}"));
            }
        }
    }
    found
}

/// Paths that may not be imported from some places.
fn without(files: &[File], wanted: impl Fn(&str) -> bool, banned: &[&str], advice: &str) -> Found {
    let mut found = Found::default();
    for file in found.look(files, |path| is_rust(path) && wanted(path)) {
        for (line, path) in file.paths() {
            if banned.iter().any(|banned| under(&path, banned)) {
                found.fault(&file.path, line, format!("`{path}`: {advice}"));
            }
        }
    }
    found
}

fn sql(files: &[File]) -> Found {
    // The crash harness audits the database from outside, past the store that it tests; the bench measures
    // what the same database does without it.
    let audit = ["benches/load/src/crash/", "benches/load/src/failure.rs", "benches/settle/"];
    let free = |path: &str| {
        path.starts_with("src/store/")
            || path.starts_with("tests/")
            || audit.iter().any(|audit| path.starts_with(audit))
    };
    kept_to(
        files,
        &["sqlx"],
        free,
        "only src/store speaks SQL; add a method to a port in actors/src/ports/mod.rs",
    )
}

fn socket(files: &[File]) -> Found {
    let free = |path: &str| path == "src/session/socket.rs";
    kept_to(files, &["actix_web_actors"], free, "only src/session/socket.rs knows this crate; go through it")
}

fn engine(files: &[File]) -> Found {
    let free = |path: &str| !path.starts_with("actors/");
    let banned = ["sqlx", "redis", "actix_web", "serde"];
    let mut found =
        kept_to(files, &banned, free, "the engine knows no database, bus, web or wire; use a port");
    for file in found.look(files, |path| path == "actors/Cargo.toml") {
        for (line, text) in (1..).zip(file.text.lines()) {
            let name = text.split(['=', '.', ' ']).next().unwrap_or_default().replace('-', "_");
            if banned.iter().any(|banned| name.starts_with(banned)) {
                found.fault(&file.path, line, format!("`{name}`: the engine must not depend on it"));
            }
        }
    }
    found
}

fn domain(files: &[File]) -> Found {
    let inside = |path: &str| path.starts_with("actors/src/domain/");
    let banned =
        ["actix", "tokio", "tracing", "metrics", "serde", "rand", "getrandom", "SystemTime", "Instant"];
    let advice = "the domain is pure; take it as a parameter";
    let mut found = kept_to(files, &banned, |path| !inside(path), advice);
    let world = ["std::fs", "std::net", "std::env", "std::io", "std::thread", "std::process"];
    found.faults.extend(without(files, inside, &world, advice).faults);
    found
}

fn shell(files: &[File]) -> Found {
    let inside = |path: &str| path.starts_with("src/session/") || path.starts_with("src/web/");
    without(files, inside, &["crate::store", "crate::bus"], "sockets and HTTP see ports and messages only")
}

fn adapters(files: &[File]) -> Found {
    let inside = |path: &str| path.starts_with("src/store/") || path.starts_with("src/bus/");
    let banned = ["crate::web", "crate::session", "actix", "actix_web", "actix_http", "actix_web_actors"];
    let mut found = without(files, inside, &banned, "store and bus see the domain and the ports only");
    let each = [("src/store/", "crate::bus"), ("src/bus/", "crate::store")];
    for (place, other) in each {
        let more =
            without(files, |path| path.starts_with(place), &[other], "store and bus do not know each other");
        found.faults.extend(more.faults);
    }
    let ports = |path: &str| path.starts_with("actors/src/ports/");
    found.faults.extend(without(files, ports, &["actix"], "a port is a trait, not an actor").faults);
    found
}

/// The names of the packages that the root package uses.
fn dependencies(files: &[File]) -> BTreeSet<String> {
    let manifest = files.iter().find(|file| file.path == "Cargo.toml").map_or("", |file| file.text.as_str());
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

fn config(files: &[File]) -> Found {
    let mut found = Found::default();
    let packages = dependencies(files);
    for file in found.look(files, |path| is_rust(path) && path.starts_with("src/config/")) {
        for (line, path) in file.paths() {
            let first = path.split("::").next().unwrap_or_default();
            let known = ["std", "schemars", "serde", "toml", "thiserror"].contains(&first);
            let own = under(&path, "crate::config") || path == "crate::world::token_key";
            let foreign = (first == "crate" && path != "crate" && !own)
                || (packages.contains(first) && path.contains("::") && !known);
            if foreign {
                let advice = "config knows nobody; others are given their own section";
                found.fault(&file.path, line, format!("`{path}`: {advice}"));
            }
        }
    }
    found
}

fn root(files: &[File]) -> Found {
    let free = ["src/app.rs", "src/cli.rs", "src/operator.rs", "src/demo/", "src/lib.rs"];
    let inside = |path: &str| path.starts_with("src/") && !free.iter().any(|free| path.starts_with(free));
    without(files, inside, &["crate::app"], "the composition root is imported by the command line only")
}

fn calls(files: &[File]) -> Found {
    let mut found =
        kept_to(files, &["do_send"], |_| false, "ignores the mailbox bound; use try_send or send");
    let banned = ["dbg", "todo", "unimplemented", "print", "println", "eprint", "eprintln"];
    for file in found.look(files, is_engine) {
        for (line, code) in (1..).zip(file.code.lines()) {
            for (before, _) in code.match_indices('!').filter_map(|(at, _)| code.split_at_checked(at)) {
                let name =
                    before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                if banned.contains(&name) {
                    found.fault(&file.path, line, format!("`{name}!`: use tracing, or `say` in src/cli.rs"));
                }
            }
        }
    }
    found
}

fn notes(files: &[File]) -> Found {
    let mut found = Found::default();
    let note = concat!("FIX", "ME");
    let kinds = [".rs", ".js", ".mjs", ".css", ".html", ".sql", ".toml"];
    for file in found.look(files, |path| kinds.iter().any(|kind| path.ends_with(kind))) {
        for (line, _) in (1..).zip(file.text.lines()).filter(|(_, text)| text.contains(note)) {
            found.fault(&file.path, line, format!("`{note}`: mend it, or say what is so in a plain comment"));
        }
    }
    found
}

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 110;
const HANDLERS_MAX: usize = 8;

fn sizes(files: &[File]) -> Found {
    let mut found = Found::default();
    // A file of tests stands beside its code so that the code stays small.
    let is_test = |path: &str| path.contains("tests/") || path.ends_with("tests.rs");
    for file in found.look(files, |path| is_rust(path) && !is_test(path)) {
        let lines: Vec<&str> = file.code.lines().collect();
        let tests =
            lines.windows(2).position(|pair| matches!(pair, ["#[cfg(test)]", next] if next.contains("mod ")));
        let count = tests.unwrap_or(lines.len());
        if count > FILE_LINES_MAX {
            let advice = format!("{count} lines without tests; split by responsibility at {FILE_LINES_MAX}");
            found.fault(&file.path, count, advice);
        }
    }
    found
}

fn columns(files: &[File]) -> Found {
    let mut found = Found::default();
    for file in found.look(files, is_rust) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let width = text.chars().count();
            if width > COLUMNS_MAX {
                found.fault(&file.path, line, format!("{width} columns; break the line at {COLUMNS_MAX}"));
            }
        }
    }
    found
}

/// By the indentation that rustfmt gives: from `fn` to the brace in the same column.
fn functions(files: &[File]) -> Found {
    let mut found = Found::default();
    let marks = ["pub", "const", "async", "unsafe", "extern", "default"];
    for file in found.look(files, is_rust) {
        let lines: Vec<&str> = file.code.lines().map(str::trim_end).collect();
        for (start, line) in lines.iter().enumerate() {
            let mut words = line.split_whitespace().skip_while(|word| {
                marks.iter().any(|mark| word == mark || word.starts_with("pub("))
                    || ["crate)", "super)"].contains(word)
            });
            let one_line = line.ends_with('}') || line.ends_with(';');
            if words.next() != Some("fn") || one_line {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let after = lines.get(start + 1..).unwrap_or_default();
            let end = after.iter().position(|line| {
                let at = line.len() - line.trim_start().len();
                at == indent && (line.trim() == "}" || line.ends_with(';'))
            });
            let length = end.map_or(1, |end| end + 2);
            if length > FUNCTION_LINES_MAX {
                let advice = format!("a function of {length} lines; take a step out at {FUNCTION_LINES_MAX}");
                found.fault(&file.path, start + 1, advice);
            }
        }
    }
    found
}

fn openings(files: &[File]) -> Found {
    let mut found = Found::default();
    for file in found.look(files, is_engine).into_iter().filter(|file| !file.text.starts_with("//!")) {
        found.fault(&file.path, 1, "open the file with `//!` and what it is for");
    }
    found
}

fn actors(files: &[File]) -> Found {
    let mut found = Found::default();
    for file in found.look(files, |path| is_rust(path) && path.starts_with("actors/src/")) {
        let count = |what: &str| file.code.matches(what).count();
        let (actors, handlers) = (count("\nimpl Actor for "), count("\nimpl Handler<"));
        if actors > 1 {
            found.fault(&file.path, 1, "one actor, one file");
        }
        if handlers > HANDLERS_MAX {
            found.fault(
                &file.path,
                1,
                format!("{handlers} handlers; {HANDLERS_MAX} at most, divide the actor"),
            );
        }
        let bound = count("set_mailbox_capacity(") > 0 && file.text.contains("//! Mailbox: ");
        if actors > 0 && handlers > 0 && !bound {
            found.fault(
                &file.path,
                1,
                "set the mailbox capacity in `started`, and say after `//! Mailbox:` what full means",
            );
        }
    }
    found
}

fn modules(files: &[File]) -> Found {
    let mut found = Found::default();
    for file in found.look(files, is_rust) {
        let folder = format!("{}/", file.path.trim_end_matches(".rs"));
        if files.iter().any(|other| is_rust(&other.path) && other.path.starts_with(&folder)) {
            found.fault(&file.path, 1, format!("stands beside its folder; move it to {folder}mod.rs"));
        }
    }
    found
}

fn names(files: &[File]) -> Found {
    let mut found = Found::default();
    let banned = ["util", "utils", "helper", "helpers", "common", "manager", "managers"];
    let is_banned = |name: &str| name.split(['_', '-']).any(|part| banned.contains(&part));
    let kinds =
        |path: &str| is_rust(path) || is_script(path) || path.ends_with(".css") || path.ends_with(".sql");
    for file in found.look(files, kinds) {
        let mut parts = file.path.split(['/', '.']);
        if let Some(part) = parts.find(|part| is_banned(part)) {
            found.fault(&file.path, 1, format!("`{part}` says nothing; name it after what it holds"));
        }
        let words: Vec<_> = file.words().filter(|_| is_rust(&file.path)).collect();
        for pair in words.windows(2) {
            if let [(_, "mod"), (line, name)] = pair
                && is_banned(name)
            {
                found.fault(&file.path, *line, format!("`{name}` says nothing; name it after what it holds"));
            }
        }
    }
    found
}

fn migrations(files: &[File]) -> Found {
    let mut found = Found::default();
    let mut sets: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for file in found.look(files, |path| path.starts_with("migrations/") && path.ends_with(".sql")) {
        let mut parts = file.path.split('/').skip(1);
        let (database, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let number = name.split('_').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            found.fault(&file.path, 1, "name it NNNN_noun.sql");
        }
        if let Some(other) = sets.entry(database).or_default().insert(number, name) {
            found.fault(&file.path, 1, format!("takes the number of {other}; use the next free one"));
        }
    }
    if let (Some(one), Some(two)) = (sets.get("sqlite"), sets.get("postgres")) {
        let both: BTreeSet<_> = one.values().chain(two.values()).collect();
        for name in both {
            for (database, set) in [("sqlite", one), ("postgres", two)] {
                if !set.values().any(|other| other == name) {
                    found.fault(
                        &format!("migrations/{database}/{name}"),
                        1,
                        "missing: migrations come in pairs",
                    );
                }
            }
        }
    }
    found
}

/// A key's line follows a comment, or a key that shares the comment.
fn keys(files: &[File]) -> Found {
    let mut found = Found::default();
    for file in found.look(files, |path| path == "config/default.toml") {
        let mut explained = false;
        for (line, text) in (1..).zip(file.text.lines()) {
            let key = text.split_once('=').map(|(key, _)| key.trim()).filter(|key| !key.is_empty());
            let is_key =
                key.is_some_and(|key| key.chars().all(|c| c.is_alphanumeric() || "_-.\"".contains(c)));
            if text.starts_with('#') {
                explained = true;
            } else if text.trim().is_empty() || text.starts_with('[') {
                explained = false;
            } else if is_key && !explained {
                found.fault(&file.path, line, "say above the key what it does and in what unit");
            }
        }
    }
    found
}

fn metrics(files: &[File]) -> Found {
    const HOME: &str = "src/telemetry/metric.rs";
    let mut found = Found::default();
    let packages = ["actors", "protocol", "simulated_overlay", "load"];
    let is_metric = |text: &str| {
        let name = text.strip_prefix("gametriggers_");
        name.is_some_and(|name| {
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !packages.contains(&name)
        })
    };
    let chosen = found.look(files, is_engine);
    let literals = |file: &&'_ File| {
        let own = file.strings.iter().filter(|(_, text)| is_metric(text));
        own.map(|(line, name)| (file.path.clone(), *line, name.clone())).collect::<Vec<_>>()
    };
    let home = chosen.iter().find(|file| file.path == HOME).map_or("", |file| file.code.as_str());
    let listed = || (1..).zip(home.lines()).skip_while(|(_, code)| !code.contains("CATALOGUE"));
    let end = listed().find(|(_, code)| code.starts_with("];")).map_or(0, |(line, _)| line);
    let all: Vec<_> = chosen.iter().flat_map(literals).collect();
    let (catalogue, used): (Vec<_>, Vec<_>) =
        all.iter().partition(|(path, line, _)| path == HOME && *line <= end);
    for (path, line, name) in &used {
        if !catalogue.iter().any(|(_, _, listed)| listed == name) {
            found.fault(
                path,
                *line,
                format!("`{name}` is not in the CATALOGUE of {HOME}; add it with its meaning"),
            );
        }
    }
    for (path, line, name) in catalogue {
        if !used.iter().any(|(path, _, used)| path != HOME && used == name) {
            found.fault(path, *line, format!("nothing counts `{name}`; take it out of the catalogue"));
        }
    }
    found
}

fn pages(files: &[File]) -> Found {
    let mut found = Found::default();
    let served = |path: &str| path.starts_with("overlay/") && !path.starts_with("overlay/tests/");
    for file in found.look(files, |path| served(path) && is_script(path)) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let statement = ["import", "export", "}"].iter().any(|start| text.starts_with(start));
            let mut after = Vec::new();
            for mark in [" from ", "import "] {
                after.extend(text.split(mark).nth(1).filter(|_| statement));
            }
            after.extend(text.split("import(").nth(1));
            let quoted = after.into_iter().filter_map(|rest| rest.strip_prefix(['\'', '"', '`']));
            if quoted.into_iter().any(|from| !from.starts_with("./") && !from.starts_with("../")) {
                found.fault(&file.path, line, "pages import their own files only, by relative path");
            }
        }
    }
    for file in found.look(files, |path| served(path) && path.ends_with(".html")) {
        for (line, text) in (1..).zip(file.text.lines()) {
            let loads = ["<script", "<link", "<iframe"].iter().any(|tag| text.contains(tag));
            if loads && text.contains("//") {
                found.fault(&file.path, line, "pages load nothing from elsewhere");
            }
        }
    }
    found
}

fn map(files: &[File]) -> Found {
    let mut found = Found::default();
    let folders: BTreeSet<_> = found
        .look(files, is_engine)
        .iter()
        .filter_map(|file| file.path.rsplit_once("src/").and_then(|(_, inside)| inside.split_once('/')))
        .map(|(folder, _)| format!("{folder}/"))
        .collect();
    for file in files.iter().filter(|file| file.path == "ARCHITECTURE.md") {
        for folder in folders.iter().filter(|folder| !file.text.contains(*folder)) {
            found.fault(&file.path, 1, format!("`{folder}` is not on the map; say what it is for"));
        }
    }
    found
}

#[cfg(test)]
mod rules {
    use super::*;
    use std::sync::LazyLock;

    static TREE: LazyLock<Vec<File>> = LazyLock::new(tree::files);

    fn holds(rule: fn(&[File]) -> Found) {
        let found = rule(&TREE);
        assert!(found.seen > 0, "the rule looked at no file: it has lost sight of what it guards");
        assert!(found.faults.is_empty(), "{} to mend:\n{}", found.faults.len(), found.faults.join("\n"));
    }

    fn is_noticed(rule: fn(&[File]) -> Found, sample: &[(&str, String)], places: &[&str]) {
        let files: Vec<_> = sample.iter().map(|(path, text)| File::new(path, text)).collect();
        let found = rule(&files);
        assert!(found.seen > 0);
        let of = |fault: &String| fault.split(": ").next().unwrap_or_default().to_owned();
        let mut noticed: Vec<_> = found.faults.iter().map(of).collect();
        noticed.sort();
        assert_eq!(noticed, places, "{:#?}", found.faults);
    }

    macro_rules! rules {
        ($($name:ident($rule:ident): $($path:literal = $text:expr),+ => $($place:literal),+;)*) => {$(
            mod $name {
                #[test]
                fn holds() {
                    super::holds(super::$rule);
                }

                #[test]
                fn is_noticed() {
                    let sample = [$(($path, String::from($text))),+];
                    super::is_noticed(super::$rule, &sample, &[$($place),+]);
                }
            }
        )*};
    }

    rules! {
        only_the_store_speaks_sql(sql):
            "src/web/a.rs" = "// sqlx\nuse sqlx::Pool;\nlet a = \"sqlx\";",
            "src/store/b.rs" = "use sqlx::Pool;",
            "benches/load/src/main.rs" = "fn a() -> sqlx::Error {\n}"
            => "benches/load/src/main.rs:1", "src/web/a.rs:2";
        only_one_file_knows_the_socket_crate(socket):
            "src/session/socket.rs" = "use actix_web_actors::ws;",
            "src/session/frame.rs" = "use a::b;\nuse actix_web_actors::ws;" => "src/session/frame.rs:2";
        the_engine_knows_no_database_bus_or_web(engine):
            "actors/src/a.rs" = "use serde::Serialize;\nuse serde_json::json;\n/// redis\nfn redis() {}",
            "actors/Cargo.toml" = "[dependencies]\nactix = { workspace = true }\nactix-web.workspace = true"
            => "actors/Cargo.toml:3", "actors/src/a.rs:1", "actors/src/a.rs:2", "actors/src/a.rs:4";
        the_domain_is_pure(domain):
            "actors/src/domain/a.rs" = "//! metrics, Instant\nuse std::{fs, fmt};\nuse std::time::Instant;",
            "actors/src/engine.rs" = "use tokio::sync::oneshot;"
            => "actors/src/domain/a.rs:2", "actors/src/domain/a.rs:3";
        sockets_and_http_do_not_see_store_or_bus(shell):
            "src/web/a.rs" = "use crate::{\n    store::Store,\n    world,\n};",
            "src/session/b.rs" = "use super::super::bus::memory;\nuse crate::storehouse;"
            => "src/session/b.rs:1", "src/web/a.rs:2";
        store_and_bus_see_domain_and_ports_only(adapters):
            "src/store/a.rs" = "let a = crate::web::pages();\n#[actix_rt::test]\nfn b() { crate::bus::c() }",
            "src/bus/b.rs" = "use actix::Addr;",
            "actors/src/ports/mod.rs" = "use actix::Message;"
            => "actors/src/ports/mod.rs:1", "src/bus/b.rs:1", "src/store/a.rs:1", "src/store/a.rs:3";
        config_imports_nobody(config):
            "Cargo.toml" = "[package]\n\n[dependencies]\nserde = { a = 1 }\nactix-web = { a = 1 }\n\n[x]",
            "src/config/mod.rs" = "use serde::A;\nuse super::b;\nactix_web::c;\nuse crate::world::token_key;"
            => "src/config/mod.rs:2", "src/config/mod.rs:3";
        the_composition_root_is_not_imported(root):
            "src/cli.rs" = "use crate::app::App;",
            "src/web/mod.rs" = "use crate::{app as root, world};" => "src/web/mod.rs:1";
        nothing_ignores_a_mailbox_or_prints(calls):
            "src/a.rs" = "// println!()\nlet a = b != c;\nx.do_send(1);\n    println!(\"\");\nsay!(dbg!(1));",
            "benches/b.rs" = "println!();" => "src/a.rs:3", "src/a.rs:4", "src/a.rs:5";
        nothing_is_left_for_later(notes):
            "src/a.rs" = "//! A.",
            "overlay/source/a.js" = concat!("// A.\n// FIX", "ME: b") => "overlay/source/a.js:2";
        files_stay_small(sizes):
            "src/long.rs" = "\n".repeat(501),
            "src/long_tests.rs" = "\n".repeat(501),
            "src/tested.rs" = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}", "\n".repeat(501)),
            "src/gate.rs" = format!("#[cfg(test)]\nuse a;\n{}", "\n".repeat(500))
            => "src/gate.rs:502", "src/long.rs:501";
        lines_stay_short(columns):
            "src/a.rs" = format!("{}\n{}", "é".repeat(110), "/".repeat(111)) => "src/a.rs:2";
        functions_stay_small(functions):
            "src/a.rs" = format!("trait A {{\n    fn a(\n        b: u8,\n    );\n}}\n{}", "\n".repeat(99)),
            "src/b.rs" = format!("fn a() {{}}\n{}", "\n".repeat(99)),
            "src/c.rs" = format!("\npub(crate) async fn a(\n    b: u8,\n) {{\n{}}}", "    c();\n".repeat(68)),
            "src/d.rs" = format!("fn a() {{\n{}}}", "    c();\n".repeat(68)) => "src/c.rs:2";
        files_say_what_they_are_for(openings):
            "actors/src/a.rs" = "//! A.",
            "src/b.rs" = "use a;" => "src/b.rs:1";
        actors_are_small_and_bounded(actors):
            "actors/src/a.rs" = "\nimpl Actor for A {}\nimpl Handler<B> for A {}",
            "actors/src/b.rs" = "\nimpl Actor for A {}\nimpl Actor for B {}",
            "actors/src/c.rs" = format!("a\n{}", "impl Handler<B> for A {}\n".repeat(9))
            => "actors/src/a.rs:1", "actors/src/b.rs:1", "actors/src/c.rs:1";
        a_folder_is_opened_by_its_mod(modules):
            "src/a.rs" = "",
            "src/a/b.rs" = "",
            "src/c/mod.rs" = "" => "src/a.rs:1";
        names_say_something(names):
            "src/web/url_utils.rs" = "",
            "overlay/helpers/a.js" = "",
            "src/a.rs" = "// mod common\npub mod common;"
            => "overlay/helpers/a.js:1", "src/a.rs:2", "src/web/url_utils.rs:1";
        migrations_are_numbered_and_paired(migrations):
            "migrations/sqlite/0001_a.sql" = "",
            "migrations/sqlite/0001_b.sql" = "",
            "migrations/postgres/0001_b.sql" = "",
            "migrations/postgres/2_c.sql" = ""
            => "migrations/postgres/2_c.sql:1", "migrations/sqlite/0001_b.sql:1",
               "migrations/sqlite/2_c.sql:1";
        every_key_is_explained(keys):
            "config/default.toml" = "# A.\na = 1\nb = [\n  \"c\",\n]\n\nd = 2\n# E.\n[e]\nf = 1"
            => "config/default.toml:10", "config/default.toml:7";
        every_metric_is_in_the_catalogue(metrics):
            "src/telemetry/metric.rs" = "const CATALOGUE = &[\n\"gametriggers_a\",\n\"gametriggers_b\"\n];",
            "actors/src/a.rs" = "// \"gametriggers_d\"\na!(\"gametriggers_a\");\na!(\"gametriggers_c\");"
            => "actors/src/a.rs:3", "src/telemetry/metric.rs:3";
        pages_load_their_own_files_only(pages):
            "overlay/source/a.js" = "import { b } from './b.js';\nimport c from 'c';\nawait import('d');",
            "overlay/home/index.html" = "<a href=\"https://a.example\">\n<script src=\"//b\"></script>"
            => "overlay/home/index.html:2", "overlay/source/a.js:2", "overlay/source/a.js:3";
        the_map_shows_every_folder(map):
            "ARCHITECTURE.md" = "`store/`",
            "src/store/a.rs" = "",
            "actors/src/domain/b.rs" = "" => "ARCHITECTURE.md:1";
    }

    #[test]
    fn rust_is_read_without_its_comments_and_strings() {
        let text = "a /* b /* c */ d */ 'x' '\\'' &'l \"e\\\"f\" r#\"g\"h\"# br\"i\" // j\nbr(k)";
        let file = File::new("src/a.rs", text);
        let words: Vec<_> = file.words().map(|(_, word)| word).collect();
        assert_eq!(words, ["a", "l", "br", "k"]);
        let strings: Vec<_> = file.strings.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(strings, ["e\\\"f", "g\"h", "i"]);
    }

    #[test]
    fn imports_are_read_from_the_root() {
        let text = "use super::{a::{self, B as C}, d};\npub use e::*;\nlet f = self::g::h::<I>();";
        let paths = File::new("src/web/x.rs", text).paths();
        let paths: Vec<_> =
            paths.iter().map(|(_, path)| path.as_str()).filter(|path| path.contains("::")).collect();
        assert_eq!(
            paths,
            ["crate::web::a::self", "crate::web::a::B", "crate::web::d", "crate::web::x::g::h"]
        );
    }
}
