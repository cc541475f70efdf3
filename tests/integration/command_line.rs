//! The commands of an operator as processes, on their own and beside a server.

use crate::support::http::Request;
use crate::support::{World, eventually, postgres, redis};
use gametriggers::store::sqlite::SqliteStore;
use gametriggers_actors::ports::AuditStore;
use std::net::{SocketAddr, TcpListener};
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Variables of the environment under which a command runs.
type Variables = Vec<(String, String)>;

fn variable(name: &str, value: &str) -> (String, String) {
    (format!("GAMETRIGGERS__{name}"), value.to_owned())
}

async fn run(variables: &Variables, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gametriggers"));
    command.args(arguments).envs(variables.iter().cloned()).stdin(Stdio::null()).kill_on_drop(true);
    command.output().await.unwrap()
}

/// What a command printed that has to work.
async fn said(variables: &Variables, arguments: &[&str]) -> String {
    let output = run(variables, arguments).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The key in what `add` printed.
fn key(said: &str) -> String {
    let found = said.split_whitespace().find(|word| word.starts_with("gt_"));
    found.unwrap_or_else(|| panic!("no key in {said:?}")).to_owned()
}

/// A server as a process of its own.
async fn serve(variables: &Variables) -> (Child, SocketAddr) {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_gametriggers"))
        .arg("serve")
        .envs(variables.iter().cloned())
        .env("GAMETRIGGERS__SERVER__BIND", addr.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("the process listens", async || tokio::net::TcpStream::connect(addr).await.is_ok()).await;
    (child, addr)
}

async fn on_postgres() -> (TempDir, Variables) {
    let folder = tempfile::tempdir().unwrap();
    let variables = vec![
        variable("DATABASE__URL", &postgres::database().await),
        variable("ASSETS__DIR", &folder.path().join("assets").display().to_string()),
        variable("REDIS__URL", &redis::shared_url()),
        variable("REDIS__PREFIX", &redis::prefix()),
    ];
    (folder, variables)
}

/// Five at the same moment: each step is applied by one of them, and all of them are content.
async fn migrate_together(variables: &Variables) {
    let (a, b, c, d, e) = tokio::join!(
        said(variables, &["migrate"]),
        said(variables, &["migrate"]),
        said(variables, &["migrate"]),
        said(variables, &["migrate"]),
        said(variables, &["migrate"]),
    );
    let applied: usize = [a, b, c, d, e].iter().map(|said| said.matches("applied 0").count()).sum();
    let steps = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap().count();
    assert_eq!(applied, steps, "they are paired: as many on the other database");
    assert!(said(variables, &["migrate"]).await.contains("steps applied: 0"));
}

#[actix_rt::test]
async fn processes_that_migrate_a_file_at_once_do_each_step_once_and_one_beside_a_server_works() {
    let world = World::new(&[]);
    let variables = world.variables().to_vec();
    migrate_together(&variables).await;
    let app = world.start(None).await;
    assert!(said(&variables, &["migrate"]).await.contains("steps applied: 0"));
    app.brand("Crisp", 1).await;
    app.finish().await;
}

#[actix_rt::test]
async fn processes_that_migrate_a_postgres_at_once_do_each_step_once_and_one_beside_a_server_works() {
    let (_folder, variables) = on_postgres().await;
    migrate_together(&variables).await;
    let (mut server, addr) = serve(&variables).await;
    assert!(said(&variables, &["migrate"]).await.contains("steps applied: 0"));
    assert_eq!(Request::get("/health/ready").send(addr).await.status, 200);
    server.kill().await.unwrap();
}

#[actix_rt::test]
async fn on_a_file_accounts_wait_for_the_server_to_stop_and_a_deposit_is_in_the_chain() {
    let world = World::new(&[]);
    let variables = world.variables().to_vec();
    let brand = ["brand", "add", "--name", "Crisp", "--deposit-micros", "5000", "--reason", "bank 4711"];
    let key = key(&said(&variables, &brand).await);
    said(&variables, &["admin", "add"]).await;
    let store = SqliteStore::open_read_only(&world.database()).await.unwrap();
    let chain = store.verify().await.unwrap();
    // The account, the deposit and the operator.
    assert_eq!((chain.transactions, chain.actions, chain.first_bad), (1, 3, None));
    store.close().await;
    let wrong = run(&variables, &["streamer", "add", "--country", "India"]).await;
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--country"));
    let streamer = ["streamer", "add", "--language", "de", "--country", "DE", "--category", "chess"];
    said(&variables, &streamer).await;
    let app = world.start(None).await;
    let nova = app.engine().streamers.iter().next().unwrap().clone();
    assert_eq!((&*nova.profile.language, &*nova.profile.content_category), ("de", "chess"));
    assert_eq!((nova.settings.hourly_max, nova.settings.first_ad_delay.0), (6, 300_000));
    let wallet = app.send(Request::get("/api/brands/1/wallet").key(&key)).await.ok(200);
    assert_eq!(wallet["items"][0]["available"]["amount_micros"], 5000);
    let refused = run(&variables, &brand).await;
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("API"), "{refused:?}");
    // To list them it need not stop.
    assert_eq!(said(&variables, &["key", "list"]).await.lines().count(), 4);
    app.finish().await;
}

#[actix_rt::test]
async fn on_postgres_accounts_and_revoked_keys_reach_a_running_server() {
    let (_folder, variables) = on_postgres().await;
    let (mut server, addr) = serve(&variables).await;
    let admin = key(&said(&variables, &["admin", "add"]).await);
    let brand = ["brand", "add", "--name", "Crisp", "--deposit-micros", "5000"];
    let key = key(&said(&variables, &brand).await);
    let wallet = async || Request::get("/api/brands/1/wallet").key(&key).send(addr).await.status;
    eventually("the server knows the key", async || wallet().await == 200).await;
    let list = said(&variables, &["key", "list"]).await;
    assert!(!list.contains(&key) && list.lines().count() == 2, "{list}");
    let id = list.lines().find(|line| line.contains("brand")).unwrap().split(' ').next().unwrap();
    said(&variables, &["key", "revoke", id, "--reason", "leaked"]).await;
    eventually("the server knows that the key is dead", async || wallet().await == 401).await;
    assert!(said(&variables, &["key", "list"]).await.contains("revoked"));
    let unknown = run(&variables, &["key", "revoke", "0123456789abcdef"]).await;
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("key list"));
    assert_eq!(Request::get("/api/brands/1/wallet").key(&admin).send(addr).await.status, 200);
    for check in [["ledger", "reconcile"], ["ledger", "verify"]] {
        said(&variables, &check).await;
    }
    server.kill().await.unwrap();
}
