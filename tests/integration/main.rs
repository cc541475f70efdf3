//! The whole server in one process, seen from outside: sockets, HTTP, money, restarts.
//!
//! Each test starts a server of its own on a free port with a folder of its own, and ends with the
//! reconciliation of its ledger, which has to show no drift.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]
#![expect(clippy::indexing_slicing, reason = "a test that finds nothing there has failed")]

mod account;
mod api;
mod api_campaign;
mod assets;
mod audit;
mod auth;
mod authorisation;
mod blocklist;
mod brands;
mod budget;
mod campaign_drafts;
mod campaign_lists;
mod campaign_socket;
mod claims;
mod click;
mod command_line;
mod commands;
mod conflict_rules;
mod cors;
mod demo;
mod flight;
mod frames;
mod front_end;
mod handshake;
mod keys;
mod liveness;
mod metrics;
mod outage;
mod pages;
mod participations;
mod providers;
mod rate_limits;
mod reconciler;
mod redis_bus;
mod redis_live;
mod redis_outage;
mod request_ids;
mod respawn;
mod restart;
mod rotation;
mod settings;
mod socket_tokens;
mod streamers;
mod suitability;
mod supply;
mod support;
mod two_factor;
mod uploads;
mod wallet;
mod webhooks;
mod why;
