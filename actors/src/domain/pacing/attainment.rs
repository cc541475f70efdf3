//! What a streamer earned of what they could have earned.

use super::{ONE, utc_day};
use crate::domain::money::{Currency, Micros};
use crate::domain::time::UnixMillis;

/// How a streamer stands among all, in Q20: below zero they earned less of what they could have earned than
/// all streamers together, above it more. Between `-ONE` and `ONE`.
pub type Standing = i64;

/// What was earned, and the sum of the best charges of all slots, in one currency and on one UTC day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attainment {
    day: i64,
    /// Granted to plays.
    pub earned: Micros,
    /// If each slot had gone to the campaign that pays most, whatever rules and budgets say.
    pub attainable: Micros,
}

impl Attainment {
    /// As it is at `now`: each UTC day begins with nothing.
    #[must_use]
    pub fn at(self, now: UnixMillis) -> Self {
        let day = utc_day(now);
        if self.day == day { self } else { Self { day, ..Self::default() } }
    }

    /// A slot fell due that was worth `best`.
    pub fn due(&mut self, best: Micros, now: UnixMillis) {
        *self = self.at(now);
        self.attainable = Micros(self.attainable.0.saturating_add(best.0));
    }

    /// A play was granted, or with a negative price taken back.
    pub fn granted(&mut self, price: Micros, now: UnixMillis) {
        *self = self.at(now);
        self.earned = Micros(self.earned.0.saturating_add(price.0).max(0));
    }

    /// How a streamer with `self` stands among `all`. Before anybody earned anything everybody may borrow.
    #[must_use]
    pub fn standing(self, all: Self) -> Standing {
        if all.earned.0 <= 0 || self.attainable.0 <= 0 {
            return -ONE;
        }
        let own = i128::from(self.earned.0) * i128::from(all.attainable.0);
        let whole = i128::from(self.attainable.0) * i128::from(all.earned.0);
        // Past twice the share it does not matter how far: and the shift can not overflow.
        if own >= whole.saturating_mul(2) {
            return ONE;
        }
        let ratio = own
            .checked_mul(i128::from(ONE))
            .map_or_else(|| own / (whole / i128::from(ONE)).max(1), |own| own / whole);
        i64::try_from(ratio).unwrap_or(i64::MAX).saturating_sub(ONE).clamp(-ONE, ONE)
    }
}

/// The same in each currency that slots had a price in: nearly always one. Amounts of two currencies are
/// never compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attainments(Vec<(Currency, Attainment)>);

impl Attainments {
    /// In one currency.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Attainment {
        self.0.iter().find(|(of, _)| *of == currency).map(|(_, attained)| *attained).unwrap_or_default()
    }

    /// A slot fell due that was worth `best`.
    pub fn due(&mut self, currency: Currency, best: Micros, now: UnixMillis) {
        self.change(currency, |attained| attained.due(best, now));
    }

    /// A play was granted, or with a negative price taken back.
    pub fn granted(&mut self, currency: Currency, price: Micros, now: UnixMillis) {
        self.change(currency, |attained| attained.granted(price, now));
    }

    fn change(&mut self, currency: Currency, change: impl FnOnce(&mut Attainment)) {
        if let Some((_, attained)) = self.0.iter_mut().find(|(of, _)| *of == currency) {
            return change(attained);
        }
        let mut attained = Attainment::default();
        change(&mut attained);
        self.0.reserve_exact(1);
        self.0.push((currency, attained));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(earned: i64, attainable: i64) -> Attainment {
        Attainment { day: 0, earned: Micros(earned), attainable: Micros(attainable) }
    }

    #[test]
    fn the_published_examples() {
        let (million, billion) = (1_000_000, 1_000_000_000);
        assert_eq!(of(3 * million, 10 * million).standing(of(billion / 2, billion)), -419_431);
        assert_eq!(of(9 * million, 10 * million).standing(of(billion / 2, billion)), 838_860);
        assert_eq!(of(10 * million, 10 * million).standing(of(4 * billion / 10, billion)), ONE);
        assert_eq!(of(0, 0).standing(of(0, 0)), -ONE);
    }

    #[test]
    fn each_day_begins_with_nothing() {
        let mut own = Attainment::default();
        own.due(Micros(10), UnixMillis(5));
        own.granted(Micros(7), UnixMillis(6));
        assert_eq!((own.earned, own.attainable), (Micros(7), Micros(10)));
        own.granted(Micros(-7), UnixMillis(7));
        assert_eq!(own.earned, Micros(0));
        own.due(Micros(3), UnixMillis(86_400_000));
        assert_eq!((own.earned, own.attainable), (Micros(0), Micros(3)));
    }
}
