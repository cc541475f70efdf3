//! Live counters on Redis: one hash per campaign and per streamer, absolute values with their version,
//! replaced only by newer ones.

use super::connection::Link;
use async_trait::async_trait;
use gametriggers_actors::domain::id::{CampaignId, StreamerId};
use gametriggers_actors::domain::money::Micros;
use gametriggers_actors::ports::{Budget, CampaignTotals, LiveCounters, LiveError, StreamerTotals};
use redis::{RedisError, Script, ServerErrorKind};
use std::sync::Arc;

/// Counters that nobody writes any more go away after this.
const LIFE_SECONDS: u64 = 86_400;
/// Hashes in one call of the script: other commands wait while it runs.
const KEYS_MAX: usize = 500;
const CAMPAIGN: [&str; 8] =
    ["version", "funded", "spent", "leased", "plays", "viewers", "clicks", "rejected"];
const STREAMER: [&str; 2] = ["plays", "earned"];

/// For each hash: its number of fields, then names and values, the version first. Versions are compared
/// as text, by length and then by digit, because a number in Lua holds 53 bits. A version with more
/// digits is the larger one: there are no signs and no leading zeros.
const WRITE: &str = "
local at, written = 2, 0
for _, key in ipairs(KEYS) do
  local count = tonumber(ARGV[at])
  local name, version = ARGV[at + 1], ARGV[at + 2]
  local known = redis.call('HGET', key, name)
  if not known or #version > #known or (#version == #known and version > known) then
    redis.call('HSET', key, unpack(ARGV, at + 1, at + 2 * count))
    redis.call('EXPIRE', key, ARGV[1])
    written = written + 1
  end
  at = at + 1 + 2 * count
end
return written";

/// The counters.
pub(super) struct RedisLive {
    link: Arc<Link>,
    prefix: String,
    script: Script,
}

/// A hash to be written: its key, then names and values.
type Hash = (String, Vec<(&'static str, String)>);

impl RedisLive {
    pub(super) fn new(link: Arc<Link>, prefix: &str) -> Self {
        Self { link, prefix: prefix.to_owned(), script: Script::new(WRITE) }
    }

    fn campaign_key(&self, id: CampaignId) -> String {
        format!("{}:campaign:{id}", self.prefix)
    }

    fn streamer_key(&self, id: StreamerId) -> String {
        format!("{}:streamer:{id}", self.prefix)
    }

    /// One pipeline: one round trip, however many calls of the script it takes.
    async fn write(&self, hashes: &[Hash]) -> Result<(), RedisError> {
        let mut connection = self.link.get().map_err(|error| std::io::Error::other(error.0))?;
        let mut pipe = redis::pipe();
        for chunk in hashes.chunks(KEYS_MAX) {
            let call = pipe.cmd("EVALSHA").arg(self.script.get_hash()).arg(chunk.len());
            chunk.iter().for_each(|(key, _)| {
                call.arg(key);
            });
            call.arg(LIFE_SECONDS);
            for (_, fields) in chunk {
                call.arg(fields.len());
                fields.iter().for_each(|(name, value)| {
                    call.arg(*name).arg(value);
                });
            }
            call.ignore();
        }
        let written: Result<(), RedisError> = pipe.query_async(&mut connection).await;
        match written {
            Err(error) if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.script.load_async(&mut connection).await?;
                pipe.query_async(&mut connection).await
            }
            other => other,
        }
    }

    /// The fields of a hash; none unless all are there.
    async fn read(&self, key: String, fields: &[&str]) -> Result<Option<Vec<i64>>, LiveError> {
        let mut connection = self.link.get()?;
        let mut get = redis::cmd("HMGET");
        get.arg(key).arg(fields);
        let found: Result<Vec<Option<i64>>, RedisError> = get.query_async(&mut connection).await;
        found.map(|values| values.into_iter().collect()).map_err(|error| self.link.failed(&error))
    }
}

#[async_trait]
impl LiveCounters for RedisLive {
    async fn publish(
        &self,
        campaigns: &[(CampaignId, CampaignTotals)],
        streamers: &[(StreamerId, StreamerTotals)],
    ) -> Result<(), LiveError> {
        let campaigns = campaigns.iter().map(|(id, totals)| {
            let (version, b) = (totals.version.max(0).to_string(), &totals.budget);
            let money = [b.funded, b.spent, b.leased].map(|micros| micros.0.to_string());
            let counts = [b.plays, b.viewers, b.clicks, b.rejected].map(|count| count.to_string());
            let values = std::iter::once(version).chain(money).chain(counts);
            (self.campaign_key(*id), CAMPAIGN.into_iter().zip(values).collect())
        });
        let streamers = streamers.iter().map(|(id, totals)| {
            let values = [totals.plays.to_string(), totals.earned.0.to_string()];
            (self.streamer_key(*id), STREAMER.into_iter().zip(values).collect())
        });
        let hashes: Vec<Hash> = campaigns.chain(streamers).collect();
        if hashes.is_empty() {
            return Ok(());
        }
        self.write(&hashes).await.map_err(|error| {
            ::metrics::counter!("gametriggers_live_publishes_failed_total").increment(1);
            self.link.failed(&error)
        })
    }

    async fn campaign(&self, id: CampaignId) -> Result<Option<CampaignTotals>, LiveError> {
        let found = self.read(self.campaign_key(id), &CAMPAIGN).await?;
        Ok(found.as_deref().and_then(|values| {
            let &[version, funded, spent, leased, plays, viewers, clicks, rejected] = values else {
                return None;
            };
            let count = |value: i64| u64::try_from(value).ok();
            let budget = Budget {
                funded: Micros(funded),
                spent: Micros(spent),
                leased: Micros(leased),
                plays: count(plays)?,
                viewers: count(viewers)?,
                clicks: count(clicks)?,
                rejected: count(rejected)?,
                ..Budget::default()
            };
            Some(CampaignTotals { version, budget })
        }))
    }

    async fn streamer(&self, id: StreamerId) -> Result<Option<StreamerTotals>, LiveError> {
        let found = self.read(self.streamer_key(id), &STREAMER).await?;
        Ok(found.as_deref().and_then(|values| {
            let &[plays, earned] = values else { return None };
            Some(StreamerTotals { plays: u64::try_from(plays).ok()?, earned: Micros(earned) })
        }))
    }

    fn is_up(&self) -> bool {
        self.link.is_up()
    }
}
