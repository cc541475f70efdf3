//! The log of plays and the counters per minute.

use super::failure::{Attempt, Failure};
use super::row::{Columns, count, hex, json, play_id};
use super::{SqliteStore, rule, statements, supply};
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
use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;

statements! {
    /// A record may come late or twice, never undoes a more final one, and keeps the click terms that an
    /// earlier one brought and the later of the times on screen: who does not know it says a time before it.
    UPSERT = "INSERT INTO play (play_id, slot_at, streamer_id, campaign_id, creative_id,
           outcome, stage, reason,
          viewers, currency, price, fee, earn, click_code, click_lease, click_price, click_fee, click_earn,
          clicks_max, clicks_end, shown_at)
        SELECT unhex(value ->> 'play'), value ->> 'at', value ->> 'streamer', value ->> 'campaign',
          value ->> 'creative', value ->> 'outcome', value ->> 'stage', value ->> 'reason',
           value ->> 'viewers',
          value ->> 'currency', value ->> 'price', value ->> 'fee', value ->> 'earn', value ->> 'click_code',
          value ->> 'clicks' ->> 0, value ->> 'clicks' ->> 1, value ->> 'clicks' ->> 2,
          value ->> 'clicks' ->> 3, value ->> 'clicks' ->> 4, value ->> 'clicks' ->> 5,
          value ->> 'shown'
        FROM json_each(?1) WHERE true
        ON CONFLICT (play_id) DO UPDATE SET
          slot_at = CASE WHEN excluded.stage >= stage THEN excluded.slot_at ELSE slot_at END,
          outcome = CASE WHEN excluded.stage >= stage THEN excluded.outcome ELSE outcome END,
          reason = CASE WHEN excluded.stage >= stage THEN excluded.reason ELSE reason END,
          stage = max(excluded.stage, stage),
          streamer_id = excluded.streamer_id, campaign_id = excluded.campaign_id,
          creative_id = excluded.creative_id, viewers = excluded.viewers, currency = excluded.currency,
          price = excluded.price, fee = excluded.fee, earn = excluded.earn,
          click_code = coalesce(excluded.click_code, click_code),
          click_lease = coalesce(excluded.click_lease, click_lease),
          click_price = coalesce(excluded.click_price, click_price),
          click_fee = coalesce(excluded.click_fee, click_fee),
          click_earn = coalesce(excluded.click_earn, click_earn),
          clicks_max = coalesce(excluded.clicks_max, clicks_max),
          clicks_end = coalesce(excluded.clicks_end, clicks_end),
          shown_at = coalesce(max(excluded.shown_at, shown_at), excluded.shown_at, shown_at)
        WHERE excluded.stage >= stage OR excluded.shown_at > coalesce(shown_at, 0)
          OR click_code IS NULL AND excluded.click_code IS NOT NULL";
    ADD_MINUTES = "INSERT INTO metric_minute (minute, campaign_id, streamer_id, plays, impressions, viewers,
          clicks_link, clicks_qr, clicks_chat, lost, spend, earn)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
          value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11
        FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET plays = plays + excluded.plays,
          impressions = impressions + excluded.impressions, viewers = viewers + excluded.viewers,
          clicks_link = clicks_link + excluded.clicks_link, clicks_qr = clicks_qr + excluded.clicks_qr,
          clicks_chat = clicks_chat + excluded.clicks_chat, lost = lost + excluded.lost,
          spend = spend + excluded.spend, earn = earn + excluded.earn";
    ADD_REJECTS = "INSERT INTO metric_reject (minute, campaign_id, streamer_id, reason, count)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
        FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET count = count + excluded.count";
    ADD_CREATIVES = "INSERT INTO creative_count (creative_id, plays, impressions, viewers, clicks)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
        FROM json_each(?1) WHERE true
        ON CONFLICT DO UPDATE SET plays = plays + excluded.plays,
          impressions = impressions + excluded.impressions, viewers = viewers + excluded.viewers,
          clicks = clicks + excluded.clicks";
    SERIES = "SELECT minute - minute % ?4 AS at, sum(plays) AS plays, sum(impressions) AS impressions,
          sum(viewers) AS viewers, sum(clicks_link) AS clicks_link, sum(clicks_qr) AS clicks_qr,
          sum(clicks_chat) AS clicks_chat, sum(lost) AS lost, sum(spend) AS spend, sum(earn) AS earn
        FROM metric_minute WHERE campaign_id = ?1 AND minute >= ?2 AND minute < ?3
        GROUP BY at ORDER BY at";
    REJECT_SERIES = "SELECT minute - minute % ?4 AS at, reason, sum(count) AS count
        FROM metric_reject WHERE campaign_id = ?1 AND minute >= ?2 AND minute < ?3
        GROUP BY at, reason";
    RECENT = "SELECT * FROM play WHERE streamer_id = ?1 ORDER BY play_id DESC LIMIT ?2";
    RECENT_BEFORE = "SELECT * FROM play WHERE streamer_id = ?1 AND play_id < ?3
        ORDER BY play_id DESC LIMIT ?2";
    /// So many plays are looked at, whatever is asked of them: a rare outcome does not read a whole campaign.
    OF_CAMPAIGN = "SELECT * FROM (SELECT * FROM play WHERE campaign_id = ?1 AND play_id < ?2
          ORDER BY play_id DESC LIMIT ?3) AS newest
        WHERE (?4 IS NULL OR outcome = ?4) AND (?5 IS NULL OR reason = ?5)
        ORDER BY play_id DESC LIMIT ?6";
    LOOKED_AT = "SELECT play_id FROM play WHERE campaign_id = ?1 AND play_id < ?2
        ORDER BY play_id DESC LIMIT 1 OFFSET ?3";
    /// What was on screen, whatever became of it: a row that does not say when is of an earlier release, and
    /// says it by its outcome, as the domain does. An id begins with the time of its play.
    SHOWN_SINCE = "SELECT p.campaign_id, c.brand_id, c.category,
          max(coalesce(p.shown_at, p.slot_at)) AS last_shown
        FROM play AS p JOIN campaign AS c ON c.id = p.campaign_id
        WHERE p.streamer_id = ?1 AND p.play_id >= ?2
          AND (p.shown_at IS NOT NULL OR p.outcome IN ('shown', 'rejected', 'settled'))
        GROUP BY p.campaign_id, c.brand_id, c.category ORDER BY p.campaign_id";
    SHOWN_AFTER = "SELECT p.play_id, p.streamer_id, p.campaign_id, c.brand_id, c.category
        FROM play AS p JOIN campaign AS c ON c.id = p.campaign_id
        WHERE p.play_id > ?1
          AND (p.shown_at IS NOT NULL OR p.outcome IN ('shown', 'rejected', 'settled'))
        ORDER BY p.play_id LIMIT ?2";
    PLAYS_SINCE = "SELECT campaign_id, coalesce(shown_at, slot_at) FROM play
        WHERE streamer_id = ?1 AND play_id >= ?2
          AND (shown_at IS NOT NULL OR outcome IN ('shown', 'rejected', 'settled'))
        ORDER BY play_id DESC LIMIT ?3";
    /// The id of a click begins with the time of its play: a few rows of the primary key.
    CLICKS = "SELECT count(*) FROM settle_click
        WHERE play_id = ?1 AND event_id BETWEEN ?2 AND ?3 AND event_id <> ?4";
    BY_CLICK_CODE = "SELECT * FROM play WHERE click_code = ?1 ORDER BY play_id DESC LIMIT 1";
}

#[async_trait]
impl PlayLog for SqliteStore {
    async fn append(&self, batch: &Batch) -> StoreResult<()> {
        if *batch == Batch::default() {
            return Ok(());
        }
        let Batch { plays, minutes, rejects, rules, creatives, supply } = batch;
        let supply = supply::rows(supply)?;
        let rows = [rows(plays)?, minute_rows(minutes)?, reject_rows(rejects)?, creative_rows(creatives)?];
        let rules = rule::count_rows(rules)?;
        self.write(move |c| {
            Box::pin(async move {
                append(c, rows).await?;
                supply::add(c, supply).await?;
                rule::count(c, rules).await
            })
        })
        .await
    }

    async fn series(
        &self,
        campaign: CampaignId,
        from: UnixMillis,
        to: UnixMillis,
        step: Millis,
    ) -> StoreResult<Vec<SeriesPoint>> {
        // One snapshot: a flush writes both tables at once.
        let mut snapshot = self.snapshot().await?;
        let mut read = async |sql| {
            let query = sqlx::query(sql).bind(campaign.0).bind(from.0).bind(to.0).bind(step.0);
            query.fetch_all(&mut *snapshot).await.map_err(Failure::from)
        };
        let (counts, rejects) = (read(SERIES).await?, read(REJECT_SERIES).await?);
        Ok(points(&counts, &rejects)?)
    }

    async fn recent(
        &self,
        streamer: StreamerId,
        before: Option<PlayId>,
        limit: u32,
    ) -> StoreResult<Vec<PlayRecord>> {
        let query = sqlx::query(if before.is_some() { RECENT_BEFORE } else { RECENT });
        let query = query.bind(streamer.0).bind(limit);
        let query = if let Some(before) = before { query.bind(before.bytes().to_vec()) } else { query };
        let rows = query.fetch_all(&self.readers).await.map_err(Failure::from)?;
        Ok(rows.iter().map(record).collect::<Attempt<Vec<_>>>()?)
    }

    async fn of_campaign(
        &self,
        campaign: CampaignId,
        of: PlayFilter,
        before: Option<PlayId>,
        limit: u32,
    ) -> StoreResult<(Vec<PlayRecord>, Option<PlayId>)> {
        let mut snapshot = self.snapshot().await?;
        Ok(of_campaign(&mut snapshot, campaign, of, (before, limit)).await?)
    }

    async fn shown_since(&self, streamer: StreamerId, since: UnixMillis) -> StoreResult<Vec<Presence>> {
        let query = sqlx::query(SHOWN_SINCE).bind(streamer.0);
        let query = query.bind(PlayId::first_at(since).bytes().to_vec());
        let rows = query.fetch_all(&self.readers).await.map_err(Failure::from)?;
        Ok(rows.iter().map(presence).collect::<Attempt<Vec<_>>>()?)
    }

    async fn shown_after(&self, after: PlayId, limit: u32) -> StoreResult<Vec<PlayShown>> {
        let query = sqlx::query(SHOWN_AFTER).bind(after.bytes().to_vec()).bind(limit);
        let rows = query.fetch_all(&self.readers).await.map_err(Failure::from)?;
        Ok(rows.iter().map(play_shown).collect::<Attempt<Vec<_>>>()?)
    }

    async fn plays_since(
        &self,
        streamer: StreamerId,
        since: UnixMillis,
        limit: u32,
    ) -> StoreResult<Vec<(CampaignId, UnixMillis)>> {
        let first = PlayId::first_at(since);
        let query = sqlx::query_as(PLAYS_SINCE).bind(streamer.0).bind(first.bytes().to_vec()).bind(limit);
        let rows: Vec<(i64, i64)> = query.fetch_all(&self.readers).await.map_err(Failure::from)?;
        Ok(rows.into_iter().rev().map(|(campaign, at)| (CampaignId(campaign), UnixMillis(at))).collect())
    }

    async fn supply(&self, from: UnixMillis, to: UnixMillis) -> StoreResult<SupplyHistory> {
        Ok(supply::read(self, from, to).await?)
    }

    async fn prune_supply(&self, before: UnixMillis) -> StoreResult<u64> {
        self.write(move |c| Box::pin(supply::prune(c, before))).await
    }

    async fn by_click_code(&self, code: &str) -> StoreResult<Option<PlayRecord>> {
        let row = sqlx::query(BY_CLICK_CODE).bind(code).fetch_optional(&self.readers).await;
        Ok(row.map_err(Failure::from)?.as_ref().map(record).transpose()?)
    }

    async fn clicks_billed(&self, play: PlayId, besides: PlayId) -> StoreResult<u32> {
        let (first, last) = play.neighbours();
        let query = sqlx::query_scalar(CLICKS).bind(play.bytes().to_vec());
        let query =
            query.bind(first.bytes().to_vec()).bind(last.bytes().to_vec()).bind(besides.bytes().to_vec());
        Ok(query.fetch_one(&self.readers).await.map_err(Failure::from)?)
    }
}

/// A page of a campaign's plays, and where the next one begins.
async fn of_campaign(
    snapshot: &mut SqliteConnection,
    campaign: CampaignId,
    of: PlayFilter,
    (before, limit): (Option<PlayId>, u32),
) -> Attempt<(Vec<PlayRecord>, Option<PlayId>)> {
    let before = before.unwrap_or(PlayId(uuid::Uuid::max()));
    let query = sqlx::query(OF_CAMPAIGN).bind(campaign.0).bind(before.bytes().to_vec());
    let query = query.bind(i64::from(PLAYS_LOOKED_AT)).bind(of.outcome.map(PlayOutcome::code));
    let query = query.bind(of.reason.map(Reason::code)).bind(i64::from(limit));
    let rows = query.fetch_all(&mut *snapshot).await?;
    let plays = rows.iter().map(record).collect::<Attempt<Vec<_>>>()?;
    if u32::try_from(plays.len()).is_ok_and(|found| found < limit) {
        let last = sqlx::query_scalar(LOOKED_AT).bind(campaign.0).bind(before.bytes().to_vec());
        let last = last.bind(i64::from(PLAYS_LOOKED_AT - 1));
        let last: Option<Vec<u8>> = last.fetch_optional(&mut *snapshot).await?;
        let last = last.map(|bytes| play_id("play_id", &bytes)).transpose()?;
        return Ok((plays, last));
    }
    let last = plays.last().map(|play| play.play);
    Ok((plays, last))
}

async fn append(connection: &mut SqliteConnection, rows: [String; 4]) -> Attempt<()> {
    for (statement, rows) in [UPSERT, ADD_MINUTES, ADD_REJECTS, ADD_CREATIVES].into_iter().zip(rows) {
        sqlx::query(statement).bind(rows).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Both tables as one series. A step may have refusals and nothing else.
fn points(counts: &[SqliteRow], rejects: &[SqliteRow]) -> Attempt<Vec<SeriesPoint>> {
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

fn minute_counts(row: &SqliteRow) -> Attempt<MinuteCounts> {
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

#[derive(Serialize)]
struct PlayRow<'a> {
    play: String,
    at: i64,
    streamer: i64,
    campaign: i64,
    creative: i64,
    outcome: &'static str,
    stage: i64,
    reason: Option<&'static str>,
    shown: Option<i64>,
    viewers: u32,
    currency: String,
    price: i64,
    fee: i64,
    earn: i64,
    click_code: Option<&'a str>,
    /// Lease, price, fee, earning, clicks at most, end.
    clicks: Option<[i64; 6]>,
}

fn rows(plays: &[PlayRecord]) -> Attempt<String> {
    json(&plays.iter().map(play_row).collect::<Vec<_>>())
}

fn play_row(record: &PlayRecord) -> PlayRow<'_> {
    PlayRow {
        play: hex(record.play),
        at: record.at.0,
        streamer: record.streamer.0,
        campaign: record.campaign.0,
        creative: record.creative.0,
        outcome: record.outcome.code(),
        stage: record.outcome.stage(),
        reason: record.reason.map(Reason::code),
        shown: record.shown.map(|at| at.0),
        viewers: record.viewers,
        currency: record.currency.to_string(),
        price: record.split.price.0,
        fee: record.split.fee.0,
        earn: record.split.earn.0,
        click_code: record.click_code.as_deref(),
        clicks: record.clicks.map(|terms| {
            let Split { price, fee, earn } = terms.split;
            [terms.lease.0, price.0, fee.0, earn.0, i64::from(terms.clicks_max), terms.expires.0]
        }),
    }
}

fn minute_rows(minutes: &[(MinuteKey, MinuteCounts)]) -> Attempt<String> {
    let mut rows = Vec::with_capacity(minutes.len());
    for (key, counts) in minutes {
        let mut row = vec![key.minute.0, key.campaign.0, key.streamer.0];
        let MinuteCounts { plays, impressions, viewers, clicks_link, clicks_qr, clicks_chat, lost, .. } =
            *counts;
        for counter in [plays, impressions, viewers, clicks_link, clicks_qr, clicks_chat, lost] {
            row.push(count(counter)?);
        }
        row.extend([counts.spend.0, counts.earn.0]);
        rows.push(row);
    }
    json(&rows)
}

fn reject_rows(rejects: &[(MinuteKey, Reason, u64)]) -> Attempt<String> {
    let row = |(key, reason, times): &(MinuteKey, Reason, u64)| {
        Ok((key.minute.0, key.campaign.0, key.streamer.0, reason.code(), count(*times)?))
    };
    json(&rejects.iter().map(row).collect::<Attempt<Vec<_>>>()?)
}

fn presence(row: &SqliteRow) -> Attempt<Presence> {
    Ok(Presence {
        campaign: CampaignId(row.number("campaign_id")?),
        brand: BrandId(row.number("brand_id")?),
        category: Category::new(row.shared("category")?),
        last_shown: row.moment("last_shown")?,
    })
}

fn play_shown(row: &SqliteRow) -> Attempt<PlayShown> {
    Ok(PlayShown {
        play: row.play_id("play_id")?,
        streamer: StreamerId(row.number("streamer_id")?),
        campaign: CampaignId(row.number("campaign_id")?),
        brand: BrandId(row.number("brand_id")?),
        category: Category::new(row.shared("category")?),
    })
}

fn creative_rows(creatives: &[(CreativeId, CreativeCounts)]) -> Attempt<String> {
    let row = |(creative, counts): &(CreativeId, CreativeCounts)| {
        let CreativeCounts { plays, impressions, viewers, clicks } = *counts;
        Ok([creative.0, count(plays)?, count(impressions)?, count(viewers)?, count(clicks)?])
    };
    json(&creatives.iter().map(row).collect::<Attempt<Vec<_>>>()?)
}

fn record(row: &SqliteRow) -> Attempt<PlayRecord> {
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

fn clicks(row: &SqliteRow) -> Attempt<Option<ClickTerms>> {
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
