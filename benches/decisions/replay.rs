//! The published days of `benches/traces`, replayed, and the bounds that they have to keep.

use crate::{Outcome, say};
use gametriggers::simulate::{Algorithm, Kind, chaos, generate, read, replay};
use gametriggers_actors::sim::chaos::Scope;
use gametriggers_actors::sim::score::Score;
use std::path::Path;

/// The ordinary days: a ratio of budgets to supply, the least share of the bound in percent, the largest
/// error of the shape, the least evenness among streamers. Means of three seeds.
const DAYS: [(&str, f64, f64, f64); 3] =
    [("0.25", 98.2, 0.02, 0.72), ("0.50", 96.4, 0.03, 0.79), ("1.00", 93.9, 0.045, 0.82)];
/// The others, and their least share of the bound in percent.
const OTHERS: [(&str, f64); 2] = [("t2-adversarial-s1", 63.2), ("t3-surge-s1-r0.50", 97.0)];

fn day(name: &str, algorithm: Algorithm) -> Outcome<(Score, f64)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/traces");
    let trace = read(&folder.join(format!("{name}.json.gz")))?;
    let replayed = replay(&trace, algorithm);
    Ok((replayed.score, replayed.decisions_per_s))
}

/// Replays the days. One that misses its bound fails the run.
pub(crate) fn run(quick: bool) -> Outcome<String> {
    let algorithms: &[(&str, Algorithm)] = &[
        ("token-bucket", Algorithm::TokenBucket),
        ("tb-msvv", Algorithm::TbMsvv),
        ("greedy", Algorithm::Greedy),
    ];
    let algorithms = if quick { algorithms.get(..1).unwrap_or_default() } else { algorithms };
    say("day               algorithm     % of bound  early  shape   jain    overspend  decisions/s");
    let (mut reached, mut missed) = (Vec::new(), Vec::new());
    for (ratio, bound, shape_max, jain_min) in DAYS {
        for (name, algorithm) in algorithms {
            let days: Vec<(Score, f64)> = ["1", "2", "3"]
                .iter()
                .map(|seed| day(&format!("t1-day-s{seed}-r{ratio}"), *algorithm))
                .collect::<Outcome<_>>()?;
            let mean = |of: &dyn Fn(&(Score, f64)) -> f64| days.iter().map(of).sum::<f64>() / 3.0;
            let (lp, shape) = (mean(&|d| d.0.lp_percent), mean(&|d| d.0.shape_rmse));
            let (jain, rate) = (mean(&|d| d.0.jain), mean(&|d| d.1));
            let early: usize = days.iter().map(|d| d.0.early).sum();
            let overspend: i64 = days.iter().map(|d| d.0.overspend.0).sum();
            say(&format!(
                "t1-day r{ratio}      {name:13} {lp:9.2}  {early:5}  {shape:.4}  {jain:.4}  {overspend:9}  \
                 {rate:9.0}"
            ));
            let keeps = lp >= bound && early == 0 && shape <= shape_max && jain >= jain_min && overspend == 0;
            if *algorithm == Algorithm::TokenBucket {
                reached
                    .push(format!("lp_r{ratio}={lp:.2} shape_r{ratio}={shape:.4} jain_r{ratio}={jain:.4}"));
                if !keeps {
                    missed.push(format!("t1-day r{ratio}"));
                }
            }
        }
    }
    for (name, bound) in OTHERS {
        let (score, rate) = day(name, Algorithm::TokenBucket)?;
        let (lp, early, shape, jain) = (score.lp_percent, score.early, score.shape_rmse, score.jain);
        let overspend = score.overspend.0;
        say(&format!(
            "{name:17} token-bucket  {lp:9.2}  {early:5}  {shape:.4}  {jain:.4}  {overspend:9}  {rate:9.0}"
        ));
        reached.push(format!("lp_{}={lp:.2}", name.get(..2).unwrap_or(name)));
        if lp < bound || overspend != 0 {
            missed.push(name.to_owned());
        }
    }
    let seeds = if quick { 300 } else { 3_000 };
    let (counts, failures) = chaos(1..=seeds, Scope::default());
    failures.iter().for_each(|failure| say(&failure.to_string()));
    say(&format!("chaos: seeds={seeds} {counts} failed={}", failures.len()));
    if !failures.is_empty() {
        missed.push("chaos".to_owned());
    }
    if !quick {
        let rate = replay(&generate(Kind::T6, 1, 50), Algorithm::TokenBucket).decisions_per_s;
        reached.push(format!("t6_decisions_per_s={rate:.0}"));
    }
    if !missed.is_empty() {
        return Err(format!("these days missed their bounds: {}", missed.join(", ")).into());
    }
    Ok(reached.join(" "))
}
