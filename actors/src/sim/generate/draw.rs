//! Distributions in whole numbers: what the last digits of a math library are decides nothing.
//!
//! Everything is Q32 fixed point in 128 bits. A normal number is the sum of twelve uniform ones less six,
//! whose tails end at six deviations; `exp` is a power of two by shifts and a short series; a Pareto number
//! of shape 1.1 is `exp(-ln(u) / 1.1)`, with `ln` by repeated squaring. Addition, multiplication and shifts
//! of integers are the same everywhere, so the days are as well.

use crate::sim::random::Random;

/// One in Q32.
pub const ONE: i128 = 1 << 32;
/// The logarithm of two in Q32.
const LN_2: i128 = 2_977_044_472;

/// A ratio in Q32.
#[must_use]
pub const fn ratio(part: i128, whole: i128) -> i128 {
    part * ONE / whole
}

/// A standard normal number in Q32.
pub fn normal(random: &mut Random) -> i128 {
    let sum: i128 = (0..12).map(|_| i128::from(random.bits() >> 32)).sum();
    sum - 6 * ONE
}

/// A normal number of this mean and deviation, rounded down.
pub fn normal_of(random: &mut Random, (mean, deviation): (i64, i64)) -> i64 {
    let drawn = i128::from(mean) + ((normal(random) * i128::from(deviation)) >> 32);
    i64::try_from(drawn).unwrap_or(mean)
}

/// e to the power of a number in Q32, in Q32; zero for what is below its last digit, and the largest for
/// what is above 2^40.
#[must_use]
pub fn exp(x: i128) -> i128 {
    let twos = x.div_euclid(LN_2);
    let rest = x.rem_euclid(LN_2);
    // Below ln 2, sixteen terms are exact to the last digit.
    let (mut term, mut sum) = (ONE, ONE);
    for n in 1..=16 {
        term = ((term * rest) >> 32) / n;
        sum += term;
    }
    match twos {
        ..=-33 => 0,
        -32..=-1 => u32::try_from(-twos).map_or(0, |by| sum >> by),
        0..=40 => u32::try_from(twos).map_or(0, |by| sum << by),
        _ => ONE << 40,
    }
}

/// The natural logarithm of a number above zero in Q32, in Q32.
#[must_use]
pub fn ln(x: i128) -> i128 {
    let bits = 127 - i128::from(x.max(1).leading_zeros());
    let twos = bits - 32;
    // Into [1, 2), then bit by bit of the logarithm to the base of two.
    let by = u32::try_from(twos.unsigned_abs()).unwrap_or(0);
    let mut rest = if twos >= 0 { x >> by } else { x.max(1) << by };
    let mut log = twos << 32;
    for place in 1..=32 {
        rest = (rest * rest) >> 32;
        if rest >= 2 * ONE {
            rest >>= 1;
            log += ONE >> place;
        }
    }
    (log * LN_2) >> 32
}

/// A log-normal number: `median` times e to the power of a normal number of this deviation in Q32.
pub fn log_normal(random: &mut Random, median: i64, deviation: i128) -> i64 {
    let power = (normal(random) * deviation) >> 32;
    i64::try_from((i128::from(median) * exp(power)) >> 32).unwrap_or(i64::MAX)
}

/// A Lomax number of shape 1.1, in Q32: a Pareto number less its least.
pub fn pareto(random: &mut Random) -> i128 {
    let uniform = i128::from(random.bits() >> 32).max(1);
    exp(-ln(uniform) * 10 / 11) - ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_are_near_the_real_ones() {
        // e, e^-3, e^10, ln 10 and ln 0.001 in Q32.
        for (found, real) in [
            (exp(ONE), 11_674_931_555),
            (exp(-3 * ONE), 213_833_830),
            (exp(10 * ONE), 94_602_950_235_157),
            (ln(10 * ONE), 9_889_527_670),
            (ln(ratio(1, 1000)), -29_668_583_000),
        ] {
            let off: i128 = found - real;
            assert!(off.abs() * 1_000_000 <= real.abs(), "{found} {real}");
        }
        assert_eq!((exp(-40 * ONE), ln(ONE)), (0, 0));
    }

    #[test]
    fn draws_have_the_moments_they_should() {
        let mut random = Random::new(5);
        let count = 20_000;
        let drawn: Vec<i128> = (0..count).map(|_| normal(&mut random)).collect();
        let mean = drawn.iter().sum::<i128>() / count;
        let variance = drawn.iter().map(|x| (x * x) >> 32).sum::<i128>() / count;
        assert!(mean.abs() < ONE / 40 && (variance - ONE).abs() < ONE / 25, "{mean} {variance}");
        let mut wide: Vec<i64> = (0..count).map(|_| log_normal(&mut random, 1_000_000, ONE / 2)).collect();
        wide.sort_unstable();
        assert!((wide[wide.len() / 2] - 1_000_000).abs() < 30_000);
        // A Pareto number of shape 1.1 has its median at 2^(1/1.1) = 1.878.
        let mut heavy: Vec<i128> = (0..count).map(|_| pareto(&mut random)).collect();
        heavy.sort_unstable();
        assert!((heavy[heavy.len() / 2] - ratio(878, 1000)).abs() < ratio(4, 100));
    }
}
