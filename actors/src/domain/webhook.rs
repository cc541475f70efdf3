//! Telling others over HTTP what happened: the events, when an attempt is made again, and what an answer
//! means.
//!
//! The protocol is Standard Webhooks: at least once, with an id that stays the same in every attempt.

use super::money::Micros;
use super::time::{Millis, UnixMillis};

/// What may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A campaign was made.
    CampaignCreated,
    /// A campaign or its budget is another one, and runs as before or again.
    CampaignChanged,
    /// A campaign was stopped for now.
    CampaignPaused,
    /// A campaign was ended for good.
    CampaignEnded,
    /// A brand hands a campaign in for review.
    CampaignSubmitted,
    /// An operator let a campaign through.
    CampaignApproved,
    /// An operator sent a campaign back to its brand.
    CampaignRejected,
    /// A campaign was put away.
    CampaignArchived,
    /// A brand asks a streamer to take part.
    ParticipationInvited,
    /// A streamer asks to take part.
    ParticipationApplied,
    /// Who was asked said yes.
    ParticipationApproved,
    /// The brand said no.
    ParticipationRejected,
    /// One of them went away.
    ParticipationWithdrawn,
    /// It is over.
    ParticipationCompleted,
    /// What a campaign settled since the last such event.
    PlaySettled,
    /// A share of a campaign's budget is spent.
    BudgetThreshold,
    /// An endpoint is told nothing any more.
    EndpointDisabled,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::CampaignCreated,
        Self::CampaignChanged,
        Self::CampaignPaused,
        Self::CampaignEnded,
        Self::CampaignSubmitted,
        Self::CampaignApproved,
        Self::CampaignRejected,
        Self::CampaignArchived,
        Self::ParticipationInvited,
        Self::ParticipationApplied,
        Self::ParticipationApproved,
        Self::ParticipationRejected,
        Self::ParticipationWithdrawn,
        Self::ParticipationCompleted,
        Self::PlaySettled,
        Self::BudgetThreshold,
        Self::EndpointDisabled,
    ];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CampaignCreated => "campaign.created",
            Self::CampaignChanged => "campaign.changed",
            Self::CampaignPaused => "campaign.paused",
            Self::CampaignEnded => "campaign.ended",
            Self::CampaignSubmitted => "campaign.submitted",
            Self::CampaignApproved => "campaign.approved",
            Self::CampaignRejected => "campaign.rejected",
            Self::CampaignArchived => "campaign.archived",
            Self::ParticipationInvited => "participation.invited",
            Self::ParticipationApplied => "participation.applied",
            Self::ParticipationApproved => "participation.approved",
            Self::ParticipationRejected => "participation.rejected",
            Self::ParticipationWithdrawn => "participation.withdrawn",
            Self::ParticipationCompleted => "participation.completed",
            Self::PlaySettled => "play.settled",
            Self::BudgetThreshold => "budget.threshold",
            Self::EndpointDisabled => "endpoint.disabled",
        }
    }

    /// The event of a name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.code() == code)
    }
}

/// From one attempt to the next: the first is made at once, and after the last there is none.
const SCHEDULE: [Millis; 10] = [
    Millis(0),
    Millis::seconds(5),
    Millis::minutes(5),
    Millis::minutes(30),
    Millis::minutes(2 * 60),
    Millis::minutes(5 * 60),
    Millis::minutes(10 * 60),
    Millis::minutes(14 * 60),
    Millis::minutes(20 * 60),
    Millis::minutes(24 * 60),
];

/// An endpoint that did nothing but fail for so long is told nothing any more.
pub const FAILING_MAX: Millis = Millis::minutes(5 * 24 * 60);

/// An old secret signs beside the new one for so long.
pub const OVERLAP: Millis = Millis::minutes(24 * 60);

/// The longest pause that an endpoint may ask for.
pub const PAUSE_MAX: Millis = Millis::minutes(24 * 60);

/// How long to wait after so many attempts that failed; none when there is no further one. Up to a fifth is
/// added by `chance`, so that those who failed together do not come back together.
#[must_use]
pub fn wait(attempts: u32, chance: u32) -> Option<Millis> {
    let wait = SCHEDULE.get(usize::try_from(attempts).ok()?)?;
    let part = i64::from(chance % 1000);
    Some(Millis(wait.0.saturating_add(wait.0 / 5000 * part)))
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Delivered,
    /// The endpoint is gone for good.
    Gone,
    /// The endpoint has too much to do: what it says of when to come back counts.
    Throttled,
    /// It was not taken.
    Failed,
}

impl Verdict {
    /// Of an HTTP status.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            429 | 502 | 503 | 504 => Self::Throttled,
            _ => Self::Failed,
        }
    }
}

/// The shares of a budget that are told, in percent.
pub const SHARES: [u8; 3] = [50, 80, 100];

/// What a campaign has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Plays settled.
    pub plays: i64,
    /// Viewers of those plays.
    pub viewers: i64,
    /// Clicks billed.
    pub clicks: i64,
    /// Claims refused.
    pub rejected: i64,
    /// Settled.
    pub spent: Micros,
}

impl Counts {
    /// What came since an earlier reading.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            plays: self.plays.saturating_sub(before.plays),
            viewers: self.viewers.saturating_sub(before.viewers),
            clicks: self.clicks.saturating_sub(before.clicks),
            rejected: self.rejected.saturating_sub(before.rejected),
            spent: Micros(self.spent.0.saturating_sub(before.spent.0)),
        }
    }
}

/// How far the summaries of a campaign have told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: UnixMillis,
    /// Its counters then.
    pub counts: Counts,
    /// Its budget then.
    pub budget: Micros,
    /// The highest share of it that was told, in percent.
    pub told: u8,
}

/// What there is to tell of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What it counted since the mark; none when nothing.
    pub settled: Option<Counts>,
    /// Shares of the budget that are spent now, and were not at the mark.
    pub shares: Vec<u8>,
    /// The mark when this is told.
    pub next: Mark,
}

impl Mark {
    /// What there is to tell, with these counters and this budget. Each share is told once for a budget: a
    /// higher one takes back the shares that are not spent of it.
    #[must_use]
    pub fn news(self, counts: Counts, budget: Micros, now: UnixMillis) -> News {
        let spent = |share: &u8| {
            budget.is_positive()
                && i128::from(counts.spent.0) * 100 >= i128::from(budget.0) * i128::from(*share)
        };
        let reached: Vec<u8> = SHARES.into_iter().filter(spent).collect();
        let shares = reached.iter().copied().filter(|share| *share > self.told).collect();
        let told = reached.last().copied().unwrap_or(0);
        let settled = Some(counts.since(self.counts)).filter(|counts| *counts != Counts::default());
        News { settled, shares, next: Self { at: now, counts, budget, told } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_that_of_the_standard_with_up_to_a_fifth_more() {
        let seconds: Vec<i64> =
            (0..).map_while(|attempts| wait(attempts, 0)).map(|wait| wait.0 / 1000).collect();
        let hours = |hours: i64| hours * 3600;
        let long = [hours(2), hours(5), hours(10), hours(14), hours(20), hours(24)];
        assert_eq!(seconds, [&[0, 5, 300, 1800], &long[..]].concat());
        assert_eq!(seconds.iter().sum::<i64>(), hours(75) + 35 * 60 + 5);
        for attempts in 1..10 {
            let (least, most) = (wait(attempts, 0).unwrap().0, wait(attempts, 999).unwrap().0);
            assert!(least < most && most <= least * 6 / 5, "{attempts}: {least} {most}");
        }
        assert_eq!((wait(10, 0), wait(u32::MAX, u32::MAX)), (None, None));
    }

    #[test]
    fn only_a_2xx_is_a_success() {
        for status in 100..=999 {
            assert_eq!(Verdict::of(status) == Verdict::Delivered, (200..300).contains(&status), "{status}");
        }
        assert_eq!(Verdict::of(410), Verdict::Gone);
        assert_eq!([429, 502, 503, 504].map(Verdict::of), [Verdict::Throttled; 4]);
        assert_eq!([301, 400, 404, 500].map(Verdict::of), [Verdict::Failed; 4]);
    }

    #[test]
    fn names_read_back() {
        for event in EventType::ALL {
            assert_eq!(EventType::from_code(event.code()), Some(event));
        }
        assert_eq!(EventType::from_code("campaign.*"), None);
    }

    fn spent(spent: i64) -> Counts {
        Counts { plays: spent, spent: Micros(spent), ..Counts::default() }
    }

    #[test]
    fn a_summary_holds_what_came_since_and_each_share_is_told_once() {
        let (at, budget) = (UnixMillis(1000), Micros(100));
        let first = Mark::default().news(spent(49), budget, at);
        assert_eq!((first.settled, first.shares), (Some(spent(49)), Vec::new()));
        let second = first.next.news(spent(85), budget, at);
        assert_eq!((second.settled, second.shares), (Some(spent(36)), vec![50, 80]));
        let third = second.next.news(spent(85), budget, at);
        assert_eq!((third.settled, third.shares, third.next), (None, Vec::new(), second.next));
        assert_eq!(third.next.news(spent(100), budget, at).shares, [100]);
        assert!(Mark::default().news(spent(0), Micros(0), at).shares.is_empty());
        assert_eq!(Mark::default().news(spent(i64::MAX), Micros(i64::MAX), at).shares, SHARES);
    }

    #[test]
    fn a_higher_budget_takes_back_the_shares_that_are_not_spent_of_it() {
        let at = UnixMillis(1000);
        let told = Mark::default().news(spent(80), Micros(100), at).next;
        assert_eq!(told.told, 80);
        let raised = told.news(spent(80), Micros(120), at);
        assert_eq!((raised.shares, raised.next.told), (Vec::new(), 50));
        assert_eq!(raised.next.news(spent(96), Micros(120), at).shares, [80]);
        let doubled = told.news(spent(80), Micros(200), at).next;
        assert_eq!(doubled.news(spent(100), Micros(200), at).shares, [50]);
        assert_eq!(told.news(spent(80), Micros(80), at).shares, [100], "a lower one is spent sooner");
    }
}
