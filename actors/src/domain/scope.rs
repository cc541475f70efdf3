//! What a credential may do. The list is closed: a scope that is not here can not be granted, and a
//! credential never has more of them than its kind of holder may have.

/// One permission. The order is that of the list in tokens and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// See campaigns, their numbers and the reasons of decisions.
    CampaignsRead,
    /// Make and change campaigns, and answer applications.
    CampaignsWrite,
    /// See balances and statements.
    WalletRead,
    /// Move money between a wallet and campaigns.
    WalletWrite,
    /// See a streamer's settings, plays, policy and keys.
    StreamerRead,
    /// Change a streamer's settings and keys, and apply for campaigns.
    StreamerWrite,
    /// Upload images and videos.
    AssetsWrite,
    /// See conflict rules and what they did.
    RulesRead,
    /// See which API keys there are; never the keys.
    KeysRead,
    /// Make, rotate and revoke API keys. No key gets a scope that its maker lacks.
    KeysWrite,
    /// Everything that operators do: accounts, money by hand, rules, overrides.
    Admin,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 11] = [
        Self::CampaignsRead,
        Self::CampaignsWrite,
        Self::WalletRead,
        Self::WalletWrite,
        Self::StreamerRead,
        Self::StreamerWrite,
        Self::AssetsWrite,
        Self::RulesRead,
        Self::KeysRead,
        Self::KeysWrite,
        Self::Admin,
    ];

    /// Its name in tokens and answers; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CampaignsRead => "campaigns:read",
            Self::CampaignsWrite => "campaigns:write",
            Self::WalletRead => "wallet:read",
            Self::WalletWrite => "wallet:write",
            Self::StreamerRead => "streamer:read",
            Self::StreamerWrite => "streamer:write",
            Self::AssetsWrite => "assets:write",
            Self::RulesRead => "rules:read",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::Admin => "admin",
        }
    }

    /// The scope of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.code() == code)
    }

    const fn bit(self) -> u16 {
        match self {
            Self::CampaignsRead => 1,
            Self::CampaignsWrite => 1 << 1,
            Self::WalletRead => 1 << 2,
            Self::WalletWrite => 1 << 3,
            Self::StreamerRead => 1 << 4,
            Self::StreamerWrite => 1 << 5,
            Self::AssetsWrite => 1 << 6,
            Self::RulesRead => 1 << 7,
            Self::Admin => 1 << 8,
            Self::KeysRead => 1 << 9,
            Self::KeysWrite => 1 << 10,
        }
    }
}

/// Some scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u16);

impl Scopes {
    /// None: good for signing in to the end, and nothing else.
    pub const NONE: Self = Self(0);
    /// All that a brand may have.
    pub const BRAND: Self = Self::of(&[
        Scope::CampaignsRead,
        Scope::CampaignsWrite,
        Scope::WalletRead,
        Scope::WalletWrite,
        Scope::AssetsWrite,
        Scope::RulesRead,
        Scope::KeysRead,
        Scope::KeysWrite,
    ]);
    /// All that a streamer may have.
    pub const STREAMER: Self = Self::of(&[
        Scope::CampaignsRead,
        Scope::WalletRead,
        Scope::StreamerRead,
        Scope::StreamerWrite,
        Scope::RulesRead,
        Scope::KeysRead,
        Scope::KeysWrite,
    ]);
    /// All that an operator may have: all there are.
    pub const ADMIN: Self = Self::of(&Scope::ALL);

    /// These.
    #[must_use]
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut rest) = (0, scopes);
        while let [first, others @ ..] = rest {
            bits |= first.bit();
            rest = others;
        }
        Self(bits)
    }

    /// Whether a scope is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first of them that is not among the others; none when the others have all of these.
    #[must_use]
    pub fn beyond(self, others: Self) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| self.has(*scope) && !others.has(*scope))
    }

    /// Their names, in the order of the list.
    #[must_use]
    pub fn codes(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).map(Scope::code).collect()
    }

    /// Reads names with blanks between them, as tokens carry them. None when one is not known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let scopes: Option<Vec<Scope>> = text.split_ascii_whitespace().map(Scope::from_code).collect();
        Some(Self::of(&scopes?))
    }

    /// Those of the names that are known: a newer program may have written others, and what is not known here
    /// is not allowed here.
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self::of(&text.split_ascii_whitespace().filter_map(Scope::from_code).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_a_name_of_its_own_and_a_bit_of_its_own() {
        for scope in Scope::ALL {
            assert_eq!(Scope::from_code(scope.code()), Some(scope));
            let alone = Scopes::of(&[scope]);
            assert_eq!(Scope::ALL.into_iter().filter(|other| alone.has(*other)).count(), 1, "{scope:?}");
        }
        assert_eq!(Scope::from_code("Admin"), None);
    }

    #[test]
    fn scopes_are_written_and_read_in_the_same_order() {
        for scopes in [Scopes::NONE, Scopes::BRAND, Scopes::STREAMER, Scopes::ADMIN] {
            assert_eq!(Scopes::parse(&scopes.codes().join(" ")), Some(scopes));
        }
        assert_eq!(Scopes::parse("campaigns:read everything"), None);
        assert_eq!(Scopes::known("campaigns:read everything"), Scopes::of(&[Scope::CampaignsRead]));
        assert_eq!(Scopes::known(""), Scopes::NONE);
    }

    #[test]
    fn brands_and_streamers_can_not_do_what_operators_do() {
        for scopes in [Scopes::BRAND, Scopes::STREAMER] {
            assert!(!scopes.has(Scope::Admin));
            assert_eq!(scopes.and(Scopes::ADMIN), scopes);
        }
        let one = Scopes::of(&[Scope::RulesRead, Scope::KeysWrite]);
        assert_eq!((one.beyond(Scopes::BRAND), Scopes::NONE.beyond(Scopes::NONE)), (None, None));
        assert_eq!(one.beyond(Scopes::of(&[Scope::RulesRead])), Some(Scope::KeysWrite));
        assert!(!Scopes::STREAMER.has(Scope::CampaignsWrite) && !Scopes::BRAND.has(Scope::StreamerWrite));
    }
}
