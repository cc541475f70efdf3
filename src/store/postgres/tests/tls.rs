//! TLS to the server.

use super::*;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server of a test's own that speaks TLS, with a certificate that it signed itself.
struct TlsServer {
    folder: PathBuf,
    port: u16,
}

/// Runs a program as the user of the shared server: Postgres does not run as root.
fn run_as_server(program: &Path, arguments: &[&str]) {
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = if id.stdout == b"0\n" {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let output = command.current_dir("/").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl TlsServer {
    fn start() -> Self {
        let place = |name: &str| PathBuf::from(std::env::var(name).expect("run it with scripts/databases"));
        let bin = place("GAMETRIGGERS_TEST_POSTGRES_BIN");
        // In the folder of the shared server, which belongs to the server's user and goes with it.
        let folder = place("GAMETRIGGERS_TEST_POSTGRES_FOLDER").join(format!("tls_{}", std::process::id()));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = folder.display().to_string();
        run_as_server(
            &bin.join("initdb"),
            &["-D", &text, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8"],
        );
        let (key, certificate) = (format!("{text}/server.key"), format!("{text}/server.crt"));
        run_as_server(
            Path::new("openssl"),
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-keyout",
                &key,
                "-out",
                &certificate,
            ],
        );
        let settings =
            format!("-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c ssl=on");
        let log = format!("{text}/server.log");
        run_as_server(
            &bin.join("pg_ctl"),
            &["-D", &text, "-w", "-t", "30", "-l", &log, "-o", &settings, "start"],
        );
        Self { folder, port }
    }

    fn target(&self, more: &str) -> Target {
        let url = format!("postgres://postgres@localhost:{}/postgres?{more}", self.port);
        Target { url, writer: 1, production: false }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let bin = PathBuf::from(std::env::var("GAMETRIGGERS_TEST_POSTGRES_BIN").unwrap_or_default());
        let folder = self.folder.display().to_string();
        run_as_server(&bin.join("pg_ctl"), &["-D", &folder, "-m", "immediate", "-W", "stop"]);
    }
}

#[tokio::test]
async fn a_remote_server_is_spoken_to_over_tls_and_known_by_its_certificate() {
    let server = TlsServer::start();
    let store = PostgresStore::open(&server.target("sslmode=require")).await.unwrap();
    let over = "SELECT count(*)::bigint FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name LIKE 'gametriggers%' AND NOT ssl";
    let plain: i64 = sqlx::query_scalar(over).fetch_one(&store.readers).await.unwrap();
    assert_eq!(plain, 0);
    store.close().await;
    // Nobody vouches for this certificate, unless it is named.
    let error = PostgresStore::open(&server.target("sslmode=verify-full")).await.err().unwrap();
    assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
    let named = format!("sslmode=verify-full&sslrootcert={}/server.crt", server.folder.display());
    PostgresStore::open(&server.target(&named)).await.unwrap().close().await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_when_it_is_required() {
    let database = PostgresDatabase::new().await;
    let target = Target { url: format!("{}?sslmode=require", database.url), ..database.target() };
    let error = PostgresStore::open(&target).await.err().unwrap();
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
}
