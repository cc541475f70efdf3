//! What a decision may choose from: campaigns, rules and who takes part, as one snapshot that is
//! replaced whole when something changes.

use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::{Campaign, Category, Pricing, click_rate_ppm};
use crate::domain::conflict::RuleIndex;
use crate::domain::decision::{Candidate, Guide};
use crate::domain::id::{BrandId, CampaignId, StreamerId};
use crate::domain::money::{Currency, Micros};
use crate::domain::pacing::{BudgetView, DayView, Pace, Plan, Purse, TUNED};
use crate::domain::streamer::live::Market;
use crate::domain::streamer::{Profile, Streamer};
use crate::domain::supply::{Planner, SupplyHistory};
use crate::domain::targeting::Targeting;
use crate::domain::time::UnixMillis;
use crate::ports::CatalogueRows;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A campaign's money as its actor last published it. A view may be a few messages old, and its parts of
/// different messages, because the actor checks again when it is asked for money.
#[derive(Debug, Default)]
pub struct BudgetCell {
    funded: AtomicI64,
    committed: AtomicI64,
    /// Tokens, committed and share where the plan begins.
    pace: [AtomicI64; 3],
    /// Committed in a UTC day, and which.
    day: [AtomicI64; 2],
    /// Viewers and clicks so far.
    seen: [AtomicU64; 2],
}

impl BudgetCell {
    /// Publishes.
    pub fn publish(&self, view: &BudgetView, budget: &Budget) {
        let set = |cell: &AtomicI64, value: i64| cell.store(value, Ordering::Relaxed);
        set(&self.funded, view.funded.0);
        set(&self.committed, view.committed.0);
        let Pace { tokens, committed, share } = view.pace;
        for (cell, value) in self.pace.iter().zip([tokens.0, committed.0, share]) {
            set(cell, value);
        }
        if let Some(day) = view.day {
            self.day.iter().zip([day.committed.0, day.date]).for_each(|(cell, value)| set(cell, value));
        }
        for (cell, value) in self.seen.iter().zip([budget.viewers, budget.clicks]) {
            cell.store(value, Ordering::Relaxed);
        }
    }

    /// Reads. `cap` is the campaign's cap of a day.
    #[must_use]
    pub fn view(&self, cap: Option<Micros>) -> BudgetView {
        let get = |cell: &AtomicI64| cell.load(Ordering::Relaxed);
        let [tokens, committed, share] = &self.pace;
        let [today, date] = &self.day;
        BudgetView {
            funded: Micros(get(&self.funded)),
            committed: Micros(get(&self.committed)),
            pace: Pace { tokens: Micros(get(tokens)), committed: Micros(get(committed)), share: get(share) },
            day: cap.map(|cap| DayView { cap, committed: Micros(get(today)), date: get(date) }),
        }
    }

    /// Clicks to expect of a million viewers.
    fn click_rate_ppm(&self) -> u32 {
        let [viewers, clicks] = &self.seen;
        click_rate_ppm(viewers.load(Ordering::Relaxed), clicks.load(Ordering::Relaxed))
    }
}

impl Purse for BudgetCell {
    fn view(&self, campaign: &Campaign, _: UnixMillis) -> BudgetView {
        self.view(campaign.daily_cap)
    }
}

/// A campaign with its money.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The campaign.
    pub campaign: Arc<Campaign>,
    /// Its money.
    pub budget: Arc<BudgetCell>,
    /// How its money is spread over the flight.
    pub plan: Arc<Plan>,
    /// The rules that may speak against it.
    rules: Arc<[usize]>,
    /// The campaign's, here so that a bid needs no look at the campaign.
    pricing: Pricing,
    currency: Currency,
}

/// The snapshot.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
    rules: RuleIndex,
    /// Places of the open campaigns, by what they ask of a stream.
    open: Reach,
    /// Places of the closed campaigns that a streamer takes part in.
    participants: HashMap<StreamerId, Vec<usize>>,
    /// What the plans were learned from.
    supply: Arc<SupplyHistory>,
}

impl Catalogue {
    /// Builds a snapshot; the money of campaigns that were in `before` stays where it is, and plans are
    /// learned from the same supply.
    #[must_use]
    pub fn new(rows: CatalogueRows, before: &Self) -> Self {
        Self::learned(rows, before, Arc::clone(&before.supply))
    }

    /// The same, with plans learned from `supply`. A plan that comes out as it was before stays the same one.
    #[must_use]
    pub fn learned(rows: CatalogueRows, before: &Self, supply: Arc<SupplyHistory>) -> Self {
        let rules = RuleIndex::with(rows.rules, rows.overrides);
        let mut said: HashMap<(Category, BrandId), Arc<[usize]>> = HashMap::new();
        let mut planner = Planner::new(&supply);
        let no_news = Arc::ptr_eq(&supply, &before.supply);
        let mut entry = |campaign: Campaign| {
            let (category, brand) = (campaign.category.clone(), campaign.brand.id);
            let said = said.entry((category, brand)).or_insert_with_key(|(c, b)| rules.known(c, *b));
            let rules = Arc::clone(said);
            let known = before.entry(campaign.id);
            let plan = known.filter(|known| no_news && as_planned(&known.campaign, &campaign));
            let plan = plan.map(|known| Arc::clone(&known.plan)).unwrap_or_else(|| {
                let plan = planner.plan(&campaign);
                let same = known.filter(|known| *known.plan == plan);
                same.map_or_else(|| Arc::new(plan), |known| Arc::clone(&known.plan))
            });
            let budget = known.map(|known| Arc::clone(&known.budget)).unwrap_or_default();
            let (pricing, currency) = (campaign.pricing, campaign.currency);
            Entry { campaign: Arc::new(campaign), budget, plan, rules, pricing, currency }
        };
        let mut entries: Vec<Entry> = rows.campaigns.into_iter().map(&mut entry).collect();
        entries.sort_by_key(|e| e.campaign.id);
        let mut open = Reach::default();
        for (place, entry) in entries.iter().enumerate().filter(|(_, e)| e.campaign.open) {
            open.add(&entry.campaign.targeting, place);
        }
        let mut participants: HashMap<StreamerId, Vec<usize>> = HashMap::new();
        for (streamer, campaign) in rows.participations {
            let place = entries.binary_search_by_key(&campaign, |e| e.campaign.id);
            let closed = place.ok().filter(|place| entries.get(*place).is_some_and(|e| !e.campaign.open));
            participants.entry(streamer).or_default().extend(closed);
        }
        Self { entries, rules, open, participants, supply }
    }

    /// What the plans were learned from.
    #[must_use]
    pub fn supply(&self) -> &SupplyHistory {
        &self.supply
    }

    /// One campaign; none when it has ended.
    #[must_use]
    pub fn entry(&self, id: CampaignId) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&id, |e| e.campaign.id).ok()?;
        self.entries.get(at)
    }

    /// All campaigns that have not ended.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// Whether a plan goes by the same things as before.
fn as_planned(before: &Campaign, now: &Campaign) -> bool {
    before.flight == now.flight
        && before.targeting == now.targeting
        && before.pricing.code() == now.pricing.code()
}

impl Entry {
    /// The campaign as a candidate, before so many viewers.
    fn candidate(&self, viewers: u32, reached: bool) -> Candidate<'_> {
        let quote = self.pricing.quote(viewers);
        let rate = if matches!(self.pricing, Pricing::Cpc(_)) { self.budget.click_rate_ppm() } else { 0 };
        let value = quote.map_or(Micros::ZERO, |quote| quote.expected(viewers, rate));
        let Self { campaign, budget, plan, rules, currency, .. } = self;
        let (purse, rules) = (&**budget, Some(&**rules));
        Candidate { campaign, currency: *currency, purse, reached, rules, plan, quote, value }
    }
}

impl Market for Catalogue {
    fn guide(&self) -> Guide<'_> {
        let offers = !(self.open.places.is_empty() && self.open.rough.is_empty());
        Guide { rules: &self.rules, pacing: &TUNED, charge_max_bps: 10_000, offers }
    }

    fn candidates(&self, streamer: &Streamer, viewers: u32) -> Vec<Candidate<'_>> {
        let found = self.open.places(&streamer.profile);
        let assigned = self.participants.get(&streamer.id).map_or(&[][..], Vec::as_slice);
        let places = found.iter().flat_map(|(whole, places)| places.iter().map(|place| (*whole, *place)));
        let places = places.chain(assigned.iter().map(|place| (false, *place)));
        let count = found.iter().map(|(_, places)| places.len()).sum::<usize>() + assigned.len();
        let mut candidates = Vec::with_capacity(count);
        candidates.extend(
            places.filter_map(|(whole, place)| Some(self.entries.get(place)?.candidate(viewers, whole))),
        );
        candidates
    }

    fn named(
        &self,
        streamer: &Streamer,
        campaign: CampaignId,
        viewers: u32,
    ) -> Option<(Candidate<'_>, bool)> {
        let place = self.entries.binary_search_by_key(&campaign, |e| e.campaign.id).ok()?;
        let entry = self.entries.get(place)?;
        let takes_part = self.participants.get(&streamer.id).is_some_and(|places| places.contains(&place));
        Some((entry.candidate(viewers, false), entry.campaign.open || takes_part))
    }
}

/// Campaigns by the content categories, languages and countries that they want: a stream finds those that
/// want it with a few look-ups, however many others there are.
#[derive(Debug, Default)]
struct Reach {
    /// Each word that a campaign names, as a number; zero stands for any.
    words: HashMap<Arc<str>, u32>,
    places: HashMap<[u32; 3], Vec<usize>>,
    /// The same for campaigns with lists so long that one was left out.
    rough: HashMap<[u32; 3], Vec<usize>>,
}

/// Combinations under which one campaign is filed, at most: its longest list is left to the decision then.
const COMBINATIONS_MAX: usize = 256;

impl Reach {
    fn add(&mut self, targeting: &Targeting, place: usize) {
        let mut wanted = [&targeting.categories, &targeting.languages, &targeting.countries].map(|list| {
            let mut numbers: Vec<u32> = list.iter().map(|word| self.number(word)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            if numbers.is_empty() { vec![0] } else { numbers }
        });
        let mut whole = true;
        while wanted.iter().map(Vec::len).product::<usize>() > COMBINATIONS_MAX {
            whole = false;
            if let Some(longest) = wanted.iter_mut().max_by_key(|list| list.len()) {
                *longest = vec![0];
            }
        }
        let [categories, languages, countries] = &wanted;
        let file = if whole { &mut self.places } else { &mut self.rough };
        for category in categories {
            for language in languages {
                for country in countries {
                    file.entry([*category, *language, *country]).or_default().push(place);
                }
            }
        }
    }

    fn number(&mut self, word: &Arc<str>) -> u32 {
        let next = u32::try_from(self.words.len()).unwrap_or(u32::MAX).saturating_add(1);
        *self.words.entry(Arc::clone(word)).or_insert(next)
    }

    /// The campaigns that may want a stream, each once, in lists; with each list whether its campaigns
    /// are known to want the stream's words.
    fn places(&self, profile: &Profile) -> Vec<(bool, &[usize])> {
        // A word that no campaign names finds only those that take any.
        let ways = |word: &Arc<str>| [Some(0), self.words.get(word).copied()].into_iter().flatten();
        let (categories, languages, countries) =
            (ways(&profile.content_category), ways(&profile.language), ways(&profile.country));
        let mut found = Vec::with_capacity(WAYS);
        for category in categories {
            for language in languages.clone() {
                for country in countries.clone() {
                    let key = [category, language, country];
                    found.extend(self.places.get(&key).map(|places| (true, places.as_slice())));
                    if !self.rough.is_empty() {
                        found.extend(self.rough.get(&key).map(|places| (false, places.as_slice())));
                    }
                }
            }
        }
        found
    }
}

/// Lists that one stream looks at, as a rule: each of three words, or any.
const WAYS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decision::tests::{campaign, profile};
    use crate::domain::streamer::Settings;
    use proptest::prelude::*;

    const WORDS: [&str; 4] = ["a", "b", "c", "d"];

    fn list(picked: &[usize]) -> Vec<Arc<str>> {
        picked.iter().map(|at| Arc::from(WORDS[*at])).collect()
    }

    proptest! {
        /// The index finds what looking at every campaign finds, and nothing twice.
        #[test]
        fn the_index_finds_what_a_scan_finds(
            wants in proptest::collection::vec(proptest::collection::vec(
                proptest::collection::vec(0_usize..4, 0..6), 3..4), 0..30),
            closed in proptest::collection::vec(any::<bool>(), 30),
            stream in proptest::collection::vec(0_usize..4, 3..4),
        ) {
            let made = |(id, wants): (usize, &Vec<Vec<usize>>)| {
                let mut made = campaign(i64::try_from(id).unwrap());
                made.open = !closed[id];
                made.targeting.categories = list(&wants[0]);
                made.targeting.languages = list(&wants[1]);
                made.targeting.countries = list(&wants[2]);
                made
            };
            let campaigns: Vec<Campaign> = wants.iter().enumerate().map(made).collect();
            let profile = Arc::new(Profile {
                content_category: WORDS[stream[0]].into(),
                language: WORDS[stream[1]].into(),
                country: WORDS[stream[2]].into(),
                ..profile()
            });
            let settings = Arc::new(Settings::default());
            let streamer = Streamer { id: StreamerId(1), profile: Arc::clone(&profile), settings };
            let takes_part = |c: &&Campaign| c.id.0 % 3 == 0;
            let participations = campaigns.iter().filter(takes_part).map(|c| (StreamerId(1), c.id)).collect();
            let (rules, overrides) = (vec![], vec![]);
            let rows = CatalogueRows { campaigns: campaigns.clone(), rules, overrides, participations };
            let catalogue = Catalogue::new(rows, &Catalogue::default());
            let candidates = catalogue.candidates(&streamer, 10);
            let mut found: Vec<_> = candidates.iter().map(|c| c.campaign.id).collect();
            found.sort_unstable();
            let fits = |c: &&Campaign| {
                let any = |list: &[Arc<str>], word: &Arc<str>| list.is_empty() || list.contains(word);
                let suits = any(&c.targeting.categories, &profile.content_category)
                    && any(&c.targeting.languages, &profile.language)
                    && any(&c.targeting.countries, &profile.country);
                if c.open { suits } else { takes_part(c) }
            };
            let expected: Vec<_> = campaigns.iter().filter(fits).map(|c| c.id).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
