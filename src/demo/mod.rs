//! `gametriggers demo`: a server with something to look at, on one SQLite file.

mod seed;
mod simulated;

use crate::app::{App, StartError};
use crate::cli::{say, until_told};
use crate::config::{Config, Sources};
use crate::telemetry;
use clap::Args;
use gametriggers_actors::ports::Event;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// `demo`.
#[derive(Args)]
pub struct Options {
    /// Folder of the database and the assets.
    #[arg(long, value_name = "DIR", default_value = "./data")]
    data: PathBuf,
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 7788)]
    port: u16,
    /// Print the addresses and keys as one line of JSON first.
    #[arg(long)]
    json: bool,
    /// Forget everything and start afresh.
    #[arg(long)]
    reset: bool,
    /// Streamers whose overlays are simulated by real sockets.
    #[arg(long, default_value_t = 0, value_name = "N")]
    streamers: u32,
}

/// Puts the assets, and the database unless it is a Postgres, into the demo's folder.
pub fn place(config: &mut Config, data: &Path) {
    if !config.database.is_postgres() {
        config.database.url = format!("sqlite:{}", data.join("demo.db").display());
    }
    config.assets.dir = data.join("assets");
}

/// Runs the demo until it is told to stop.
///
/// # Errors
/// The folder can not be used, or the port is taken.
pub async fn run(options: Options) -> Result<(), StartError> {
    let mut config = Config::load(&Sources::of_process(true, None))?;
    place(&mut config, &options.data);
    config.server.bind = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    telemetry::start_log(&config.log)?;
    std::fs::create_dir_all(&options.data)?;
    if options.reset {
        if config.database.is_postgres() || !config.redis.url.is_empty() {
            return Err(
                "--reset forgets the files of the demo, not a Postgres or a Redis: drop that database and \
                        the keys under redis.prefix, or leave them out"
                    .into(),
            );
        }
        seed::forget(&options.data)?;
    }
    let app = App::start(&config).await?;
    let keys = seed::plant(&app.engine, &options.data, &app.blobs).await?;
    let crowd = simulated::plant(&app.engine, &options.data, options.streamers).await?;
    app.engine.reload_catalogue().await?;
    app.engine.ports.bus.publish(Event::CatalogueChanged);
    announce(&app, &keys, options.json);
    let overlays = simulated::start(app.addr, crowd);
    until_told(&app).await?;
    for overlay in overlays {
        overlay.stop().await;
    }
    app.stop().await;
    Ok(())
}

fn announce(app: &App, keys: &seed::Keys, as_json: bool) {
    let url = &app.public_url;
    let overlay = format!("{url}/overlay/#k={}", keys.overlay_key);
    let dashboard = format!("{url}/dashboard/#k={}", keys.streamer_key);
    if as_json {
        let line = json!({
            "overlay_url": overlay,
            "dashboard_url": dashboard,
            "api_url": format!("{url}/api"),
            "metrics_url": format!("{url}/metrics"),
            "brand_api_key": keys.brand_key,
            "admin_api_key": keys.admin_key,
            "streamer_id": keys.streamer_id,
            "campaign_ids": keys.campaign_ids,
        });
        say(&line.to_string());
        return;
    }
    say(&format!(
        "Gametriggers demo, ads every 15 seconds\n\n  \
         Overlay    {overlay}\n             an OBS browser source of 1920 x 1080, or a browser window\n  \
         Dashboard  {dashboard}\n  \
         API        {url}/api\n  \
         Brand key  {}\n  \
         Admin key  {}\n  \
         Start page {url}/\n\n\
         Stop with Ctrl-C; start again with the same data, or afresh with --reset.",
        keys.brand_key, keys.admin_key
    ));
}
