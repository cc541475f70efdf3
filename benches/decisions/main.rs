//! What the path from a due slot to `prepare` costs, and how many streamers one process carries.
//!
//! `replay` runs the published days and says how near decisions come to the best possible ones; `cost` is
//! one decision alone; `scale` is the real engine with its actors and its database, with pages in the
//! same process.
//! `scripts/bench decisions [--quick]` runs all, `--only` one of them; `--streamers`, `--campaigns` and
//! `--seconds` change the last. Each part ends with a line of figures.

#![expect(clippy::disallowed_methods, reason = "a bench looks at the system's clock")]

mod cost;
mod market;
mod page;
mod replay;
mod scale;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Prints a line: this is a tool, and its output is the point.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A count as a number to divide.
#[expect(clippy::as_conversions, reason = "counts stay far below 2^53")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

fn main() {
    if let Err(error) = run() {
        say(&format!("decisions: {error}"));
        std::process::exit(1);
    }
}

fn run() -> Outcome<()> {
    let argument = |name: &str| std::env::args().skip_while(move |argument| argument != name).nth(1);
    let count = |name: &str| argument(name).map(|value| value.parse::<u32>()).transpose();
    let quick = std::env::args().any(|argument| argument == "--quick");
    let only = argument("--only");
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut lines = Vec::new();
    if wanted("replay") {
        lines.push(replay::run(quick)?);
    }
    if wanted("cost") {
        lines.push(cost::run(quick)?);
    }
    if wanted("scale") {
        let trial = scale::Trial {
            streamers: count("--streamers")?.unwrap_or(if quick { 20_000 } else { 100_000 }),
            campaigns: count("--campaigns")?.unwrap_or(if quick { 200 } else { 1_000 }),
            seconds: count("--seconds")?.unwrap_or(if quick { 8 } else { 30 }),
        };
        lines.push(actix::System::new().block_on(scale::run(trial))?);
    }
    lines.iter().for_each(|line| say(line));
    Ok(())
}
