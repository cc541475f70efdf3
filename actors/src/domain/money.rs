//! Money: whole micros (10^-6 of a currency's unit) in an `i64`, checked, never a float.

use std::fmt;
use std::str::FromStr;

/// An amount in micros. Arithmetic is checked: there is no `+`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, or none when it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or none when it does not fit. It may be negative.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The product with a count, or none when it does not fit.
    #[must_use]
    pub fn checked_times(self, count: u64) -> Option<Self> {
        self.0.checked_mul(i64::try_from(count).ok()?).map(Self)
    }

    /// The sum of many, or none when it does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

/// An ISO 4217 code, three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// The text is not three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters")]
pub struct NotACurrency;

impl Currency {
    /// The Indian rupee, the first market's currency.
    pub const INR: Self = Self(*b"INR");

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// The three bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 3] {
        self.0
    }
}

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(NotACurrency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// How much.
    pub amount: Micros,
    /// Of what.
    pub currency: Currency,
}

/// The platform's share of a price, in basis points: 0 to 10 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeBps(u16);

impl FeeBps {
    /// None above 10 000.
    #[must_use]
    pub const fn new(bps: u16) -> Option<Self> {
        if bps <= 10_000 { Some(Self(bps)) } else { None }
    }
}

/// One price and who gets it. `price = fee + earn`, fixed when the play is decided, so that a
/// replay in another batch gives the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// What the campaign pays.
    pub price: Micros,
    /// What the platform keeps: rounded down.
    pub fee: Micros,
    /// What the streamer earns: the rest.
    pub earn: Micros,
}

impl Split {
    /// Splits a price. None when the price is negative.
    #[must_use]
    pub fn of(price: Micros, fee: FeeBps) -> Option<Self> {
        if price.0 < 0 {
            return None;
        }
        let share = i128::from(price.0) * i128::from(fee.0) / 10_000;
        let fee = Micros(i64::try_from(share).ok()?);
        let earn = price.checked_sub(fee)?;
        Some(Self { price, fee, earn })
    }

    /// Whether the parts make the whole.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.price.0 >= 0
            && self.fee.0 >= 0
            && self.earn.0 >= 0
            && self.fee.checked_add(self.earn) == Some(self.price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_split_is_exact_and_never_favours_the_platform(price in 0_i64.., bps in 0_u16..=10_000) {
            let split = Split::of(Micros(price), FeeBps::new(bps).unwrap()).unwrap();
            prop_assert!(split.is_exact());
            let exact = i128::from(price) * i128::from(bps);
            prop_assert!(i128::from(split.fee.0) * 10_000 <= exact);
            prop_assert!((i128::from(split.fee.0) + 1) * 10_000 > exact);
        }

        #[test]
        fn sums_refuse_to_wrap(a in any::<i64>(), b in any::<i64>()) {
            let sum = Micros::sum([Micros(a), Micros(b)]);
            prop_assert_eq!(
                sum.map(|m| i128::from(m.0)),
                i64::try_from(i128::from(a) + i128::from(b)).ok().map(i128::from),
            );
        }
    }

    #[test]
    fn a_negative_price_has_no_split() {
        assert_eq!(Split::of(Micros(-1), FeeBps::new(2000).unwrap()), None);
        assert_eq!(FeeBps::new(10_001), None);
    }

    #[test]
    fn currencies_are_three_capital_letters() {
        assert_eq!("INR".parse(), Ok(Currency::INR));
        for bad in ["inr", "IN", "INRR", "I1R", ""] {
            assert_eq!(bad.parse::<Currency>(), Err(NotACurrency));
        }
    }
}
