//! The log of plays and the counters per minute.

use super::failure::Attempt;
use super::row::{Columns, columns, count, known};
use super::{PostgresStore, rule, statements, supply};
use async_trait::async_trait;
use gametriggers_actors::domain::campaign::Category;
use gametriggers_actors::domain::conflict::{PlayShown, Presence};
use gametriggers_actors::domain::id::{BrandId, CampaignId, CreativeId, LeaseId, PlayId, StreamerId};
use gametriggers_actors::domain::money::Split;
use gametriggers_actors::domain::reason::Reason;
use gametriggers_actors::domain::rotation::CreativeCounts;
use gametriggers_actors::domain::supply::SupplyHistory;
use gametriggers_actors::domain::time::{Millis, UnixMillis};
use gametriggers_actors::ports::{
    Batch, ClickTerms, MinuteCounts, MinuteKey, PLAYS_LOOKED_AT, PlayFilter, PlayLog, PlayOutcome,
    PlayRecord, SeriesPoint, StoreResult,
};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use uuid::Uuid;

statements! {
    /// A record may come late or twice, never undoes a more final one, and keeps the click terms that an
    /// earlier one brought and the later of the times on screen: who does not know it says a time before it.
    /// Rows are taken in the order of the key, here and below: two nodes that write the same ones wait for
    /// each other, and never in a circle.
    UPSERT = "INSERT INTO play AS p (play_id, slot_at, streamer_id, campaign_id, creative_id, viewers, price,
          fee, earn, stage, click_lease, click_price, click_fee, click_earn, clicks_max, clicks_end, shown_at,
          outcome, reason, currency, click_code)
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
          $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
          $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
          $18::text[], $19::text[], $20::text[], $21::text[]) ORDER BY 1
        ON CONFLICT (play_id) DO UPDATE SET
          slot_at = CASE WHEN excluded.stage >= p.stage THEN excluded.slot_at ELSE p.slot_at END,
          outcome = CASE WHEN excluded.stage >= p.stage THEN excluded.outcome ELSE p.outcome END,
          reason = CASE WHEN excluded.stage >= p.stage THEN excluded.reason ELSE p.reason END,
          stage = greatest(excluded.stage, p.stage),
          streamer_id = excluded.streamer_id, campaign_id = excluded.campaign_id,
          creative_id = excluded.creative_id, viewers = excluded.viewers, currency = excluded.currency,
          price = excluded.price, fee = excluded.fee, earn = excluded.earn,
          click_code = coalesce(excluded.click_code, p.click_code),
          click_lease = coalesce(excluded.click_lease, p.click_lease),
          click_price = coalesce(excluded.click_price, p.click_price),
          click_fee = coalesce(excluded.click_fee, p.click_fee),
          click_earn = coalesce(excluded.click_earn, p.click_earn),
          clicks_max = coalesce(excluded.clicks_max, p.clicks_max),
          clicks_end = coalesce(excluded.clicks_end, p.clicks_end),
          shown_at = greatest(excluded.shown_at, p.shown_at)
        WHERE excluded.stage >= p.stage OR excluded.shown_at > coalesce(p.shown_at, 0)
          OR p.click_code IS NULL AND excluded.click_code IS NOT NULL";
    ADD_MINUTES = "INSERT INTO metric_minute AS m (campaign_id, minute, streamer_id, plays, impressions,
          viewers, clicks_link, clicks_qr, clicks_chat, lost, spend, earn)
        SELECT u.campaign, u.minute, u.streamer, sum(u.plays)::bigint, sum(u.impressions)::bigint,
          sum(u.viewers)::bigint, sum(u.link)::bigint, sum(u.qr)::bigint, sum(u.chat)::bigint,
          sum(u.lost)::bigint, sum(u.spend)::bigint, sum(u.earn)::bigint
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
          AS u (campaign, minute, streamer, plays, impressions, viewers, link, qr, chat, lost, spend, earn)
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (campaign_id, minute, streamer_id) DO UPDATE SET plays = m.plays + excluded.plays,
          impressions = m.impressions + excluded.impressions, viewers = m.viewers + excluded.viewers,
          clicks_link = m.clicks_link + excluded.clicks_link, clicks_qr = m.clicks_qr + excluded.clicks_qr,
          clicks_chat = m.clicks_chat + excluded.clicks_chat, lost = m.lost + excluded.lost,
          spend = m.spend + excluded.spend, earn = m.earn + excluded.earn";
    ADD_REJECTS = "INSERT INTO metric_reject AS r (campaign_id, minute, streamer_id, reason, count)
        SELECT u.campaign, u.minute, u.streamer, u.reason, sum(u.count)::bigint
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
          AS u (campaign, minute, streamer, count, reason)
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (campaign_id, minute, streamer_id, reason)
        DO UPDATE SET count = r.count + excluded.count";
    ADD_CREATIVES = "INSERT INTO creative_count AS c (creative_id, plays, impressions, viewers, clicks)
        SELECT u.creative, sum(u.plays)::bigint, sum(u.impressions)::bigint, sum(u.viewers)::bigint,
          sum(u.clicks)::bigint
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
          AS u (creative, plays, impressions, viewers, clicks)
        GROUP BY 1 ORDER BY 1
        ON CONFLICT (creative_id) DO UPDATE SET plays = c.plays + excluded.plays,
          impressions = c.impressions + excluded.impressions, viewers = c.viewers + excluded.viewers,
          clicks = c.clicks + excluded.clicks";
    SERIES = "SELECT minute - minute % $4 AS at, sum(plays)::bigint AS plays,
          sum(impressions)::bigint AS impressions, sum(viewers)::bigint AS viewers,
          sum(clicks_link)::bigint AS clicks_link, sum(clicks_qr)::bigint AS clicks_qr,
          sum(clicks_chat)::bigint AS clicks_chat, sum(lost)::bigint AS lost,
          sum(spend)::bigint AS spend, sum(earn)::bigint AS earn
        FROM metric_minute WHERE campaign_id = $1 AND minute >= $2 AND minute < $3 GROUP BY 1";
    REJECT_SERIES = "SELECT minute - minute % $4 AS at, reason, sum(count)::bigint AS count
        FROM metric_reject WHERE campaign_id = $1 AND minute >= $2 AND minute < $3 GROUP BY 1, 2";
    RECENT = "SELECT * FROM play WHERE streamer_id = $1 ORDER BY play_id DESC LIMIT $2";
    RECENT_BEFORE = "SELECT * FROM play WHERE streamer_id = $1 AND play_id < $3
        ORDER BY play_id DESC LIMIT $2";
    /// So many plays are looked at, whatever is asked of them: a rare outcome does not read a whole campaign.
    OF_CAMPAIGN = "SELECT * FROM (SELECT * FROM play WHERE campaign_id = $1 AND play_id < $2
          ORDER BY play_id DESC LIMIT $3) AS newest
        WHERE ($4::text IS NULL OR outcome = $4) AND ($5::text IS NULL OR reason = $5)
        ORDER BY play_id DESC LIMIT $6";
    LOOKED_AT = "SELECT play_id FROM play WHERE campaign_id = $1 AND play_id < $2
        ORDER BY play_id DESC LIMIT 1 OFFSET $3";
    /// What was on screen, whatever became of it: a row that does not say when is of an earlier release, and
    /// says it by its outcome, as the domain does. An id begins with the time of its play.
    SHOWN_SINCE = "SELECT p.campaign_id, c.brand_id, c.category,
          max(coalesce(p.shown_at, p.slot_at)) AS last_shown
        FROM play AS p JOIN campaign AS c ON c.id = p.campaign_id
        WHERE p.streamer_id = $1 AND p.play_id >= $2
          AND (p.shown_at IS NOT NULL OR p.outcome IN ('shown', 'rejected', 'settled'))
        GROUP BY p.campaign_id, c.brand_id, c.category ORDER BY p.campaign_id";
    SHOWN_AFTER = "SELECT p.play_id, p.streamer_id, p.campaign_id, c.brand_id, c.category
        FROM play AS p JOIN campaign AS c ON c.id = p.campaign_id
        WHERE p.play_id > $1
          AND (p.shown_at IS NOT NULL OR p.outcome IN ('shown', 'rejected', 'settled'))
        ORDER BY p.play_id LIMIT $2";
    PLAYS_SINCE = "SELECT campaign_id, coalesce(shown_at, slot_at) FROM play
        WHERE streamer_id = $1 AND play_id >= $2
          AND (shown_at IS NOT NULL OR outcome IN ('shown', 'rejected', 'settled'))
        ORDER BY play_id DESC LIMIT $3";
    /// The id of a click begins with the time of its play: a few rows of the primary key.
    CLICKS = "SELECT count(*) FROM settle_click
        WHERE play_id = $1 AND event_id BETWEEN $2 AND $3 AND event_id <> $4";
    BY_CLICK_CODE = "SELECT * FROM play WHERE click_code = $1 ORDER BY play_id DESC LIMIT 1";
}

#[async_trait]
impl PlayLog for PostgresStore {
    async fn append(&self, batch: &Batch) -> StoreResult<()> {
        if *batch == Batch::default() {
            return Ok(());
        }
        let rows = Arc::new(Rows::of(batch)?);
        // Counts are added, so a transaction must not be written twice: the lane finds out what became of it.
        Ok(self.log()?.run(move |c| Box::pin(append(c, rows))).await?)
    }

    async fn series(
        &self,
        campaign: CampaignId,
        from: UnixMillis,
        to: UnixMillis,
        step: Millis,
    ) -> StoreResult<Vec<SeriesPoint>> {
        let bound = |sql| sqlx::query(sql).bind(campaign.0).bind(from.0).bind(to.0).bind(step.0);
        self.read(async {
            // One snapshot: a flush writes both tables at once.
            let mut snapshot = self.snapshot().await?;
            let counts = bound(SERIES).fetch_all(&mut *snapshot).await?;
            points(&counts, &bound(REJECT_SERIES).fetch_all(&mut *snapshot).await?)
        })
        .await
    }

    async fn recent(
        &self,
        streamer: StreamerId,
        before: Option<PlayId>,
        limit: u32,
    ) -> StoreResult<Vec<PlayRecord>> {
        let query = sqlx::query(if before.is_some() { RECENT_BEFORE } else { RECENT });
        let query = query.bind(streamer.0).bind(i64::from(limit));
        let query = if let Some(before) = before { query.bind(before.0) } else { query };
        self.read(async { query.fetch_all(&self.readers).await?.iter().map(record).collect() }).await
    }

    async fn of_campaign(
        &self,
        campaign: CampaignId,
        of: PlayFilter,
        before: Option<PlayId>,
        limit: u32,
    ) -> StoreResult<(Vec<PlayRecord>, Option<PlayId>)> {
        self.read(async {
            let mut snapshot = self.snapshot().await?;
            of_campaign(&mut snapshot, campaign, of, (before, limit)).await
        })
        .await
    }

    async fn shown_since(&self, streamer: StreamerId, since: UnixMillis) -> StoreResult<Vec<Presence>> {
        let query = sqlx::query(SHOWN_SINCE).bind(streamer.0).bind(PlayId::first_at(since).0);
        self.read(async { query.fetch_all(&self.readers).await?.iter().map(presence).collect() }).await
    }

    async fn shown_after(&self, after: PlayId, limit: u32) -> StoreResult<Vec<PlayShown>> {
        let query = sqlx::query(SHOWN_AFTER).bind(after.0).bind(i64::from(limit));
        self.read(async { query.fetch_all(&self.readers).await?.iter().map(play_shown).collect() }).await
    }

    async fn plays_since(
        &self,
        streamer: StreamerId,
        since: UnixMillis,
        limit: u32,
    ) -> StoreResult<Vec<(CampaignId, UnixMillis)>> {
        let first = PlayId::first_at(since);
        let query = sqlx::query_as(PLAYS_SINCE).bind(streamer.0).bind(first.0).bind(i64::from(limit));
        self.read(async {
            let rows: Vec<(i64, i64)> = query.fetch_all(&self.readers).await?;
            Ok(rows.into_iter().rev().map(|(campaign, at)| (CampaignId(campaign), UnixMillis(at))).collect())
        })
        .await
    }

    async fn supply(&self, from: UnixMillis, to: UnixMillis) -> StoreResult<SupplyHistory> {
        self.read(supply::read(self, from, to)).await
    }

    async fn prune_supply(&self, before: UnixMillis) -> StoreResult<u64> {
        Ok(self.log()?.run(move |c| Box::pin(supply::prune(c, before))).await?)
    }

    async fn by_click_code(&self, code: &str) -> StoreResult<Option<PlayRecord>> {
        let query = sqlx::query(BY_CLICK_CODE).bind(code);
        self.read(async { query.fetch_optional(&self.readers).await?.as_ref().map(record).transpose() }).await
    }

    async fn clicks_billed(&self, play: PlayId, besides: PlayId) -> StoreResult<u32> {
        let (first, last) = play.neighbours();
        let query = sqlx::query_scalar(CLICKS).bind(play.0).bind(first.0).bind(last.0).bind(besides.0);
        self.read(async {
            let count: i64 = query.fetch_one(&self.readers).await?;
            known("clicks", u32::try_from(count).ok())
        })
        .await
    }
}

/// A page of a campaign's plays, and where the next one begins.
async fn of_campaign(
    snapshot: &mut PgConnection,
    campaign: CampaignId,
    of: PlayFilter,
    (before, limit): (Option<PlayId>, u32),
) -> Attempt<(Vec<PlayRecord>, Option<PlayId>)> {
    let before = before.unwrap_or(PlayId(Uuid::max()));
    let query = sqlx::query(OF_CAMPAIGN).bind(campaign.0).bind(before.0);
    let query = query.bind(i64::from(PLAYS_LOOKED_AT)).bind(of.outcome.map(PlayOutcome::code));
    let query = query.bind(of.reason.map(Reason::code)).bind(i64::from(limit));
    let rows = query.fetch_all(&mut *snapshot).await?;
    let plays = rows.iter().map(record).collect::<Attempt<Vec<_>>>()?;
    if u32::try_from(plays.len()).is_ok_and(|found| found < limit) {
        let last = sqlx::query_scalar(LOOKED_AT).bind(campaign.0).bind(before.0);
        let last = last.bind(i64::from(PLAYS_LOOKED_AT - 1));
        let last: Option<Uuid> = last.fetch_optional(&mut *snapshot).await?;
        return Ok((plays, last.map(PlayId)));
    }
    let last = plays.last().map(|play| play.play);
    Ok((plays, last))
}

/// What a flush writes, column by column in the order of the statements.
struct Rows {
    plays: Vec<Uuid>,
    play_numbers: [Vec<Option<i64>>; 16],
    play_texts: [Vec<Option<String>>; 4],
    minutes: [Vec<i64>; 12],
    rejects: [Vec<i64>; 4],
    reasons: Vec<&'static str>,
    rules: rule::CountRows,
    creatives: [Vec<i64>; 5],
    supply: supply::Rows,
}

impl Rows {
    fn of(batch: &Batch) -> Attempt<Self> {
        let Batch { plays, minutes, rejects, rules, creatives, supply } = batch;
        let plays = most_final(plays);
        let rejected = |(key, _, times): &(MinuteKey, Reason, u64)| {
            Ok([key.campaign.0, key.minute.0, key.streamer.0, count(*times)?])
        };
        let achieved = |(creative, counts): &(CreativeId, CreativeCounts)| {
            let CreativeCounts { plays, impressions, viewers, clicks } = *counts;
            Ok([creative.0, count(plays)?, count(impressions)?, count(viewers)?, count(clicks)?])
        };
        Ok(Self {
            plays: plays.iter().map(|record| record.play.0).collect(),
            play_numbers: columns(plays.iter().map(numbers)),
            play_texts: columns(plays.iter().map(texts)),
            minutes: columns(minutes.iter().map(counted).collect::<Attempt<Vec<_>>>()?),
            rejects: columns(rejects.iter().map(rejected).collect::<Attempt<Vec<_>>>()?),
            reasons: rejects.iter().map(|(_, reason, _)| reason.code()).collect(),
            rules: rule::CountRows::of(rules)?,
            creatives: columns(creatives.iter().map(achieved).collect::<Attempt<Vec<_>>>()?),
            supply: supply::Rows::of(supply)?,
        })
    }
}

async fn append(connection: &mut PgConnection, rows: Arc<Rows>) -> Attempt<()> {
    if !rows.plays.is_empty() {
        let query = sqlx::query(UPSERT).bind(&rows.plays);
        let query = rows.play_numbers.iter().fold(query, |query, column| query.bind(column));
        let query = rows.play_texts.iter().fold(query, |query, column| query.bind(column));
        query.execute(&mut *connection).await?;
    }
    if rows.minutes.iter().any(|column| !column.is_empty()) {
        let query = rows.minutes.iter().fold(sqlx::query(ADD_MINUTES), |query, column| query.bind(column));
        query.execute(&mut *connection).await?;
    }
    if !rows.reasons.is_empty() {
        let query = rows.rejects.iter().fold(sqlx::query(ADD_REJECTS), |query, column| query.bind(column));
        query.bind(&rows.reasons).execute(&mut *connection).await?;
    }
    if rows.creatives.iter().any(|column| !column.is_empty()) {
        let query =
            rows.creatives.iter().fold(sqlx::query(ADD_CREATIVES), |query, column| query.bind(column));
        query.execute(&mut *connection).await?;
    }
    supply::add(connection, &rows.supply).await?;
    rule::count(connection, &rows.rules).await
}

/// One record for each play: a statement can not touch a row twice. The rule is the statement's.
fn most_final(plays: &[PlayRecord]) -> Vec<PlayRecord> {
    let mut kept: BTreeMap<PlayId, PlayRecord> = BTreeMap::new();
    for record in plays {
        match kept.entry(record.play) {
            Entry::Vacant(free) => {
                free.insert(record.clone());
            }
            Entry::Occupied(mut before) => before.get_mut().merge(record.clone()),
        }
    }
    kept.into_values().collect()
}

fn numbers(record: &PlayRecord) -> [Option<i64>; 16] {
    let Split { price, fee, earn } = record.split;
    let clicks = record.clicks;
    let split = clicks.map(|terms| terms.split);
    [
        Some(record.at.0),
        Some(record.streamer.0),
        Some(record.campaign.0),
        Some(record.creative.0),
        Some(i64::from(record.viewers)),
        Some(price.0),
        Some(fee.0),
        Some(earn.0),
        Some(record.outcome.stage()),
        clicks.map(|terms| terms.lease.0),
        split.map(|split| split.price.0),
        split.map(|split| split.fee.0),
        split.map(|split| split.earn.0),
        clicks.map(|terms| i64::from(terms.clicks_max)),
        clicks.map(|terms| terms.expires.0),
        record.shown.map(|at| at.0),
    ]
}

fn texts(record: &PlayRecord) -> [Option<String>; 4] {
    [
        Some(record.outcome.code().to_owned()),
        record.reason.map(|reason| reason.code().to_owned()),
        Some(record.currency.to_string()),
        record.click_code.as_deref().map(str::to_owned),
    ]
}

fn counted((key, counts): &(MinuteKey, MinuteCounts)) -> Attempt<[i64; 12]> {
    Ok([
        key.campaign.0,
        key.minute.0,
        key.streamer.0,
        count(counts.plays)?,
        count(counts.impressions)?,
        count(counts.viewers)?,
        count(counts.clicks_link)?,
        count(counts.clicks_qr)?,
        count(counts.clicks_chat)?,
        count(counts.lost)?,
        counts.spend.0,
        counts.earn.0,
    ])
}

/// Both tables as one series. A step may have refusals and nothing else.
fn points(counts: &[PgRow], rejects: &[PgRow]) -> Attempt<Vec<SeriesPoint>> {
    let mut points: BTreeMap<UnixMillis, SeriesPoint> = BTreeMap::new();
    let empty = |at| SeriesPoint { at, counts: MinuteCounts::default(), rejects: Vec::new() };
    for row in counts {
        let at = row.moment("at")?;
        points.entry(at).or_insert_with(|| empty(at)).counts = minute_counts(row)?;
    }
    for row in rejects {
        let at = row.moment("at")?;
        let reason = row.code("reason", Reason::from_code)?;
        points.entry(at).or_insert_with(|| empty(at)).rejects.push((reason, row.number("count")?));
    }
    points.values_mut().for_each(|point| point.rejects.sort_unstable());
    Ok(points.into_values().collect())
}

fn minute_counts(row: &PgRow) -> Attempt<MinuteCounts> {
    Ok(MinuteCounts {
        plays: row.number("plays")?,
        impressions: row.number("impressions")?,
        viewers: row.number("viewers")?,
        clicks_link: row.number("clicks_link")?,
        clicks_qr: row.number("clicks_qr")?,
        clicks_chat: row.number("clicks_chat")?,
        lost: row.number("lost")?,
        spend: row.micros("spend")?,
        earn: row.micros("earn")?,
    })
}

fn presence(row: &PgRow) -> Attempt<Presence> {
    Ok(Presence {
        campaign: CampaignId(row.number("campaign_id")?),
        brand: BrandId(row.number("brand_id")?),
        category: Category::new(row.shared("category")?),
        last_shown: row.moment("last_shown")?,
    })
}

fn play_shown(row: &PgRow) -> Attempt<PlayShown> {
    Ok(PlayShown {
        play: row.play_id("play_id")?,
        streamer: StreamerId(row.number("streamer_id")?),
        campaign: CampaignId(row.number("campaign_id")?),
        brand: BrandId(row.number("brand_id")?),
        category: Category::new(row.shared("category")?),
    })
}

fn record(row: &PgRow) -> Attempt<PlayRecord> {
    let reason = row.optional_text("reason")?;
    let (at, outcome) = (row.moment("slot_at")?, row.code("outcome", PlayOutcome::from_code)?);
    Ok(PlayRecord {
        play: row.play_id("play_id")?,
        at,
        streamer: StreamerId(row.number("streamer_id")?),
        campaign: CampaignId(row.number("campaign_id")?),
        creative: CreativeId(row.number("creative_id")?),
        outcome,
        reason: reason.and_then(|code| Reason::from_code(&code)),
        // A row of an earlier release says it by its outcome alone.
        shown: row.optional("shown_at")?.map(UnixMillis).or(outcome.was_on_screen().then_some(at)),
        viewers: row.number("viewers")?,
        currency: row.currency("currency")?,
        split: Split { price: row.micros("price")?, fee: row.micros("fee")?, earn: row.micros("earn")? },
        click_code: row.optional_text("click_code")?,
        clicks: clicks(row)?,
    })
}

fn clicks(row: &PgRow) -> Attempt<Option<ClickTerms>> {
    let Some(lease) = row.optional("click_lease")? else { return Ok(None) };
    let split = Split {
        price: row.micros("click_price")?,
        fee: row.micros("click_fee")?,
        earn: row.micros("click_earn")?,
    };
    Ok(Some(ClickTerms {
        lease: LeaseId(lease),
        split,
        clicks_max: row.number("clicks_max")?,
        expires: UnixMillis(row.number("clicks_end")?),
    }))
}
