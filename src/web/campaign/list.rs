//! `GET /api/campaigns`: which ones, in which order, page by page.

use super::offer;
use crate::web::Shared;
use crate::web::caller::Caller;
use crate::web::campaign_view::RecordView;
use crate::web::cursor;
use crate::web::fields::{Fields, line, word};
use crate::web::listing::{is_full, limit};
use crate::web::problem::Problem;
use crate::web::schema::{Id, Line, Listed, Moment, OneOf, Text, Word};
use crate::web::wire::{PageBody, moment};
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use gametriggers_actors::domain::id::{BrandId, StreamerId};
use gametriggers_actors::ports::{
    CampaignQuery, CampaignSort, CampaignState, ListedCampaigns, Principal, SortBy,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Which campaigns, in which order.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ListQuery {
    /// `next` of the page before, with the same sort.
    #[schemars(with = "Option<Text<1000>>")]
    after: Option<String>,
    /// Items on a page; 50 unless it says otherwise. Streamers may be given fewer on a page that is not the
    /// last.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// Those in one of these states, with commas; without it all but archived ones.
    #[schemars(regex(pattern = states()))]
    status: Option<String>,
    /// Archived ones as well.
    include_archived: Option<bool>,
    /// For an operator: of one brand.
    #[serde(default, deserialize_with = "crate::web::wire::id")]
    #[schemars(with = "Option<Id>")]
    brand_id: Option<i64>,
    /// A part of the name, in capitals or not.
    #[schemars(with = "Option<Line<80>>")]
    q: Option<String>,
    /// What they advertise.
    #[schemars(with = "Option<Word>")]
    category: Option<String>,
    /// Made at this moment or later.
    #[schemars(with = "Option<Moment>")]
    created_after: Option<String>,
    /// Made before this moment.
    #[schemars(with = "Option<Moment>")]
    created_before: Option<String>,
    /// The flight starts before this moment.
    #[schemars(with = "Option<Moment>")]
    starts_before: Option<String>,
    /// The flight ends after this moment.
    #[schemars(with = "Option<Moment>")]
    ends_after: Option<String>,
    /// The order, with a minus in front for the largest first; `id` unless it is named. A draft without a
    /// flight stands where one would that begins when it was made, for thirty days.
    #[schemars(with = "Option<OneOf<Order>>")]
    sort: Option<String>,
}

/// What names some states.
fn states() -> String {
    let names = CampaignState::ALL.map(CampaignState::code).join("|");
    format!("^({names})(,({names}))*$")
}

/// The orders by name.
const ORDERS: [(&str, SortBy, bool); 8] = [
    ("id", SortBy::Id, false),
    ("-id", SortBy::Id, true),
    ("name", SortBy::Name, false),
    ("-name", SortBy::Name, true),
    ("starts_at", SortBy::Starts, false),
    ("-starts_at", SortBy::Starts, true),
    ("ends_at", SortBy::Ends, false),
    ("-ends_at", SortBy::Ends, true),
];

struct Order;
impl Listed for Order {
    fn codes() -> Vec<&'static str> {
        ORDERS.iter().map(|(name, ..)| *name).collect()
    }
}

/// The orders, for people.
const SORTS: &str = "id, name, starts_at or ends_at, with a minus in front or not";

/// The name of an order.
fn order(sort: CampaignSort) -> &'static str {
    let found =
        ORDERS.into_iter().find(|(_, by, descending)| (*by, *descending) == (sort.by, sort.descending));
    found.map_or("id", |(name, ..)| name)
}

/// The order of a name.
fn sort(text: &str) -> Option<CampaignSort> {
    let (_, by, descending) = ORDERS.into_iter().find(|(name, ..)| *name == text)?;
    Some(CampaignSort { by, descending })
}

impl ListQuery {
    fn states(&self, fields: &mut Fields) -> Option<Vec<CampaignState>> {
        let archived = self.include_archived.unwrap_or(false);
        let named = self.status.as_deref().map(|names| {
            let states = names.split(',').map(CampaignState::from_code).collect::<Option<Vec<_>>>();
            fields.need(
                "status",
                states,
                "draft, review, active, paused, completed, archived; several with commas",
            )
        });
        match named {
            Some(states) => states.map(|mut states| {
                states.extend(archived.then_some(CampaignState::Archived));
                states
            }),
            None => archived.then(|| CampaignState::ALL.to_vec()),
        }
    }

    fn read(&self, brand: Option<BrandId>) -> Result<CampaignQuery, Problem> {
        let mut fields = Fields::default();
        let states = self.states(&mut fields);
        let mut time = |field: &str, said: &Option<String>| {
            let said = said.as_deref()?;
            fields.need(field, moment(said), "a time of RFC 3339")
        };
        let (created_after, created_before) =
            (time("created_after", &self.created_after), time("created_before", &self.created_before));
        let (starts_before, ends_after) =
            (time("starts_before", &self.starts_before), time("ends_after", &self.ends_after));
        let name =
            self.q.as_deref().and_then(|part| fields.need("q", line(part, 1, 80), "1 to 80 characters"));
        let category = self.category.as_deref();
        let category =
            category.and_then(|name| fields.need("category", word(name), "1 to 40 of a-z, 0-9 and _"));
        let sort = fields.need("sort", sort(self.sort.as_deref().unwrap_or("id")), SORTS);
        let after = self.after.as_deref().zip(sort).and_then(|(text, sort)| {
            let read = cursor::read(order(sort), sort.is_by_text(), text);
            fields.need("after", read, "next of the page before, with the same sort")
        });
        fields.end()?;
        Ok(CampaignQuery {
            brand,
            states,
            name,
            category: category.map(str::to_owned),
            created_after,
            created_before,
            starts_before,
            ends_after,
            sort: sort.unwrap_or(CampaignQuery::all(0).sort),
            after,
            limit: limit(self.limit)?,
        })
    }
}

/// Where the page behind this one starts; none when this is the last.
fn next(listed: &ListedCampaigns, query: &CampaignQuery) -> Option<String> {
    let full = is_full(listed, query.limit);
    listed.last().filter(|_| full).map(|(_, place)| cursor::write(order(query.sort), place))
}

/// A brand's campaigns, or all of them for an operator; for a streamer those that they may apply for.
pub(in crate::web) async fn list(
    shared: Data<Shared>,
    caller: Caller,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let brand = match caller.0 {
        Principal::Streamer(streamer) => return offers(&shared, streamer, &query).await,
        Principal::Admin => query.brand_id.map(BrandId),
        _ => Some(caller.brand(query.brand_id)?),
    };
    let query = query.read(brand)?;
    let listed = shared.engine.ports.campaigns.list(&query).await?;
    let items = listed.iter().map(|(record, _)| RecordView::of(record)).collect::<Result<Vec<_>, _>>()?;
    Ok(HttpResponse::Ok().json(PageBody { items, next: next(&listed, &query) }))
}

async fn offers(shared: &Shared, streamer: StreamerId, said: &ListQuery) -> Result<HttpResponse, Problem> {
    if said.status.is_some() || said.include_archived.is_some() {
        return Err(Problem::forbidden("a streamer sees what is active, and nothing else"));
    }
    let query = said.read(said.brand_id.map(BrandId))?;
    let now = shared.engine.now();
    let query = CampaignQuery {
        states: Some(vec![CampaignState::Active]),
        ends_after: query.ends_after.max(Some(now)),
        ..query
    };
    let listed = shared.engine.ports.campaigns.list(&query).await?;
    let items: Vec<_> = listed.iter().filter_map(|(record, _)| offer(shared, record, streamer)).collect();
    Ok(HttpResponse::Ok().json(PageBody { items, next: next(&listed, &query) }))
}
