//! The files of the repository as `tidy` reads them: Rust without its comments and strings, word by
//! word and path by path.

use std::path::Path;

/// A file of the tree. Rust is read three ways: as text, without comments and strings, and by its
/// strings alone.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) code: String,
    pub(super) strings: Vec<(usize, String)>,
}

impl File {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (code, strings) = if is_rust(path) { strip(text) } else { (text.to_owned(), Vec::new()) };
        Self { path: path.to_owned(), text: text.to_owned(), code, strings }
    }

    /// Identifiers of the code with their lines.
    pub(super) fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines()).flat_map(|(line, code)| {
            let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.filter(|word| !word.is_empty()).map(move |word| (line, word))
        })
    }

    /// Every path that the code imports or spells out, from the root of its crate.
    pub(super) fn paths(&self) -> Vec<(usize, String)> {
        let tokens = tokens(&self.code);
        let (mut at, mut found) = (0, Vec::new());
        while let Some((line, token)) = tokens.get(at) {
            let next = tokens.get(at + 1).map_or("", |(_, token)| token.as_str());
            at += 1;
            if token == "use" && next != "<" {
                tree(&tokens, &mut at, "", &mut found);
            } else if is_word(token) {
                let mut path = token.clone();
                while tokens.get(at).is_some_and(|(_, token)| token == "::") {
                    let Some((_, part)) = tokens.get(at + 1).filter(|(_, part)| is_word(part)) else { break };
                    path = format!("{path}::{part}");
                    at += 2;
                }
                found.push((*line, path));
            }
        }
        found.into_iter().map(|(line, path)| (line, absolute(&self.path, &path))).collect()
    }
}

pub(super) fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

pub(super) fn is_script(path: &str) -> bool {
    path.ends_with(".js") || path.ends_with(".mjs")
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

pub(super) fn is_engine(path: &str) -> bool {
    is_rust(path) && (path.starts_with("src/") || path.starts_with("actors/src/"))
}

/// Blanks comments and the inside of strings, line for line, and collects the strings.
fn strip(text: &str) -> (String, Vec<(usize, String)>) {
    let (mut code, mut strings) = (String::new(), Vec::new());
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let identifier = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let raw = if identifier { None } else { raw_string(rest) };
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if let Some((start, end, length)) = raw {
            strings.push((line, rest.get(start..end).unwrap_or_default().to_owned()));
            length
        } else if first == '"' {
            let end = closing(rest, '"');
            strings.push((line, rest.get(1..end - 1).unwrap_or_default().to_owned()));
            end
        } else if first == '\'' && (rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'')) {
            closing(rest, '\'')
        } else {
            code.push(first);
            line += usize::from(first == '\n');
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        };
        let (gone, after) = rest.split_at(length.min(rest.len()));
        line += gone.matches('\n').count();
        code.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    (code, strings)
}

/// Where the inside of a raw string begins and ends, and its length with the marks around it.
fn raw_string(text: &str) -> Option<(usize, usize, usize)> {
    let marked = text.strip_prefix('b').unwrap_or(text).strip_prefix('r')?;
    let inside = marked.trim_start_matches('#').strip_prefix('"')?;
    let start = text.len() - inside.len();
    let mark = format!("\"{}", "#".repeat(marked.len() - inside.len() - 1));
    let end = start + inside.find(&mark).unwrap_or(inside.len());
    Some((start, end, end + mark.len()))
}

/// The length of a block comment, with those inside it.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let opens = rest.starts_with("/*");
        let closes = rest.starts_with("*/");
        depth = if opens { depth + 1 } else { depth.saturating_sub(usize::from(closes)) };
        at += if opens || closes { 2 } else { rest.chars().next().map_or(1, char::len_utf8) };
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a literal that starts and ends with `quote`.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let mut open = false;
        for c in text.chars() {
            let part = c.is_alphanumeric() || c == '_';
            match tokens.last_mut() {
                Some((_, last)) if open && part && is_word(last) => last.push(c),
                Some((_, last)) if open && c == ':' && last == ":" => last.push(c),
                _ if c.is_whitespace() => {}
                _ => tokens.push((line, c.to_string())),
            }
            open = !c.is_whitespace();
        }
    }
    tokens
}

/// The paths of one import, groups taken apart.
fn tree(tokens: &[(usize, String)], at: &mut usize, prefix: &str, found: &mut Vec<(usize, String)>) {
    let mut path = prefix.to_owned();
    let mut group = false;
    while let Some((line, token)) = tokens.get(*at) {
        match token.as_str() {
            "{" => {
                group = true;
                while tokens.get(*at).is_some_and(|(_, token)| token == "{" || token == ",") {
                    *at += 1;
                    tree(tokens, at, &path, found);
                }
            }
            "as" => *at += 1,
            "," | "}" | ";" => {
                if !group && path != prefix {
                    found.push((*line, path));
                }
                return;
            }
            word if is_word(word) => {
                path = if path.is_empty() { word.to_owned() } else { format!("{path}::{word}") };
            }
            _ => {}
        }
        *at += 1;
    }
}

/// `self` and `super` of a file's own module, spelled out. A module inside the file counts as it.
fn absolute(file: &str, path: &str) -> String {
    let stem = file.rsplit_once("src/").map_or(file, |(_, inside)| inside);
    let mut module: Vec<&str> = stem.trim_end_matches(".rs").split('/').collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(last)) {
        module.pop();
    }
    let mut parts = path.split("::").peekable();
    let relative = parts.peek().is_some_and(|first| ["self", "super"].contains(first));
    while let Some(step) = parts.next_if(|part| ["self", "super"].contains(part)) {
        if step == "super" {
            module.pop();
        }
    }
    let rest: Vec<&str> = parts.collect();
    let home: Vec<&str> = if relative { [vec!["crate"], module].concat() } else { Vec::new() };
    [home, rest].concat().join("::")
}

/// Every text file, but nothing that a build, a package manager or a server made.
pub(super) fn files() -> Vec<File> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut folders) = (Vec::new(), vec![home.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("a folder of the tree can be read");
        for entry in entries {
            let path = entry.expect("an entry of the tree can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let made = name == "node_modules" || name == ".git" || path.join("CACHEDIR.TAG").exists();
            let local = folder == home && ["data", "target"].contains(&name.as_str());
            if path.is_dir() && !made && !local {
                folders.push(path);
            } else if path.is_file()
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                let inside = path.strip_prefix(home).expect("the walk stays inside the tree");
                files.push(File::new(&inside.to_string_lossy().replace('\\', "/"), &text));
            }
        }
    }
    files.sort_by(|one, two| one.path.cmp(&two.path));
    files
}
