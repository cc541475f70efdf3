//! The demo as a process: killed while it sows its world, and started again.

use gametriggers::store::sqlite::SqliteStore;
use gametriggers_actors::ports::{AccountStore, CampaignStore, LedgerStore};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

fn demo(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gametriggers"));
    command.args(["demo", "--json", "--port", "0", "--data"]).arg(data).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

/// A demo that runs, and the line that it printed.
async fn started(data: &Path) -> (Child, serde_json::Value) {
    let mut child = demo(data, &[]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap();
    let line = line.expect("the demo says where it is");
    (child, serde_json::from_str(&line).unwrap())
}

#[actix_rt::test]
async fn a_demo_that_is_killed_while_it_sows_has_one_world_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let mut child = demo(folder.path(), &[]).spawn().unwrap();
        // Sooner or later within what a start takes.
        tokio::time::sleep(Duration::from_millis(40 + 60 * round)).await;
        child.kill().await.unwrap();
    }
    let (mut child, first) = started(folder.path()).await;
    assert_eq!(first["campaign_ids"], serde_json::json!([1, 2, 3, 4, 5, 6, 7]));
    child.kill().await.unwrap();
    let (mut child, second) = started(folder.path()).await;
    child.kill().await.unwrap();
    assert_eq!(first["brand_api_key"], second["brand_api_key"]);
    let store = SqliteStore::open_read_only(&folder.path().join("demo.db")).await.unwrap();
    assert_eq!((store.brands().await.unwrap().len(), store.streamers().await.unwrap().len()), (2, 1));
    // The operator, two brands, the streamer and the overlay.
    assert_eq!(store.keys(gametriggers_actors::domain::time::UnixMillis(0)).await.unwrap().len(), 5);
    let rows = store.catalogue().await.unwrap();
    assert_eq!((rows.campaigns.len(), rows.rules.len()), (7, 3));
    for check in store.reconcile(true).await.unwrap() {
        assert_eq!((check.mismatches, check.drift_micros), (0, 0), "{check:?}");
    }
}

#[actix_rt::test]
async fn reset_forgets_files_and_says_that_it_can_not_forget_a_server() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("GAMETRIGGERS__DATABASE__URL", "postgres://nobody@127.0.0.1:1/nothing"),
        ("GAMETRIGGERS__REDIS__URL", "redis://127.0.0.1:1"),
    ] {
        let mut demo = demo(folder.path(), &["--reset"]);
        let output = demo.stderr(Stdio::piped()).env(name, value).output().await.unwrap();
        assert!(!output.status.success());
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains("--reset forgets the files"), "{words}");
    }
}
