//! Where uploaded files are: a folder, or a bucket that speaks S3. A file is named by the hash of its
//! content, so it is written once and never changes.

use crate::config::Assets;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// How long one request to the store may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file, or what was asked of it.
pub struct Blob {
    /// The bytes that come.
    pub range: Range<u64>,
    /// The bytes of the whole file.
    pub total: u64,
    /// The bytes, piece by piece.
    pub bytes: BoxStream<'static, object_store::Result<Bytes>>,
}

/// The files can not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the store of files: {0}")]
pub struct BlobError(String);

impl BlobError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// The files.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Blobs {
    /// Opens the folder, which is made if need be, or the bucket, of which nothing is asked yet.
    ///
    /// # Errors
    /// The folder can not be made, or this build knows no buckets.
    pub fn open(config: &Assets) -> Result<Self, BlobError> {
        if !config.bucket.is_empty() {
            return bucket(&config.bucket);
        }
        let dir = &config.dir;
        let failed = |error: String| BlobError(format!("{}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(|error| failed(error.to_string()))?;
        let folder = LocalFileSystem::new_with_prefix(dir).map_err(|error| failed(error.to_string()))?;
        Ok(Self { store: Arc::new(folder.with_fsync(true)), prefix: Path::default() })
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    /// Writes a file, unless it is there. Nobody is served half of one.
    ///
    /// # Errors
    /// It can not be written; the disk may be full.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<(), BlobError> {
        if self.has(name).await? {
            return Ok(());
        }
        in_time(self.store.put(&self.path(name), bytes.into())).await.map(|_| ()).map_err(BlobError::of)
    }

    /// Whether a file is there.
    ///
    /// # Errors
    /// The store can not be reached.
    pub async fn has(&self, name: &str) -> Result<bool, BlobError> {
        match in_time(self.store.head(&self.path(name))).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(BlobError::of(error)),
        }
    }

    /// How long a file is; none if there is no such file.
    ///
    /// # Errors
    /// The store can not be reached.
    pub async fn length(&self, name: &str) -> Result<Option<u64>, BlobError> {
        match in_time(self.store.head(&self.path(name))).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::of(error)),
        }
    }

    /// A file or a range of it, which has to lie inside; none if there is no such file.
    ///
    /// # Errors
    /// The store can not be reached.
    pub async fn get(&self, name: &str, range: Option<Range<u64>>) -> Result<Option<Blob>, BlobError> {
        let options = GetOptions::new().with_range(range.map(GetRange::Bounded));
        match in_time(self.store.get_opts(&self.path(name), options)).await {
            Ok(found) => {
                let (range, total) = (found.range.clone(), found.meta.size);
                Ok(Some(Blob { range, total, bytes: found.into_stream() }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(BlobError::of(error)),
        }
    }
}

async fn in_time<T>(asked: impl Future<Output = object_store::Result<T>>) -> Result<T, object_store::Error> {
    let late = |_| Error::Generic { store: "assets", source: "no answer in time".into() };
    tokio::time::timeout(PATIENCE, asked).await.map_err(late)?
}

/// `BUCKET` or `BUCKET/PREFIX`. Keys, region and endpoint come from the usual variables, `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and `AWS_ENDPOINT`, so that no secret stands in a file.
#[cfg(feature = "s3")]
fn bucket(named: &str) -> Result<Blobs, BlobError> {
    bucket_of(object_store::aws::AmazonS3Builder::from_env(), named)
}

#[cfg(feature = "s3")]
fn bucket_of(builder: object_store::aws::AmazonS3Builder, named: &str) -> Result<Blobs, BlobError> {
    let (bucket, prefix) = named.split_once('/').unwrap_or((named, ""));
    // There is one provider of cryptography in this process, the one that the databases use.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = builder.with_bucket_name(bucket).build();
    let prefix = Path::parse(prefix).map_err(BlobError::of)?;
    Ok(Blobs { store: Arc::new(store.map_err(BlobError::of)?), prefix })
}

#[cfg(not(feature = "s3"))]
fn bucket(_: &str) -> Result<Blobs, BlobError> {
    Err(BlobError("assets.bucket needs a build with `--features s3`".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    async fn keeps_files(blobs: &Blobs) {
        let bytes = Bytes::from_static(b"0123456789");
        assert_eq!(blobs.length("a.webp").await.unwrap(), None);
        assert!(blobs.get("a.webp", None).await.unwrap().is_none());
        blobs.put("a.webp", bytes.clone()).await.unwrap();
        blobs.put("a.webp", bytes.clone()).await.unwrap();
        assert_eq!(blobs.length("a.webp").await.unwrap(), Some(10));
        let read = async |range| {
            let blob = blobs.get("a.webp", range).await.unwrap().unwrap();
            let (range, total) = (blob.range.clone(), blob.total);
            let bytes: Vec<Bytes> = blob.bytes.try_collect().await.unwrap();
            (range, total, bytes.concat())
        };
        assert_eq!(read(None).await, (0..10, 10, bytes.to_vec()));
        assert_eq!(read(Some(4..7)).await, (4..7, 10, b"456".to_vec()));
    }

    fn config() -> Assets {
        let sources = crate::config::Sources::default();
        crate::config::Config::load(&sources).unwrap().assets
    }

    #[tokio::test]
    async fn a_folder_keeps_files() {
        let folder = tempfile::tempdir().unwrap();
        let config = Assets { dir: folder.path().join("made/anew"), ..config() };
        keeps_files(&Blobs::open(&config).unwrap()).await;
        assert!(folder.path().join("made/anew/a.webp").exists());
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn a_bucket_needs_a_build_that_knows_it() {
        let config = Assets { bucket: "ads/creatives".to_owned(), ..config() };
        assert!(Blobs::open(&config).unwrap_err().to_string().contains("--features s3"));
    }

    #[cfg(feature = "s3")]
    #[tokio::test]
    async fn a_bucket_keeps_files() {
        let server = bucket_server().await;
        let builder = object_store::aws::AmazonS3Builder::new()
            .with_endpoint(format!("http://{server}"))
            .with_allow_http(true)
            .with_region("eu-central-1")
            .with_access_key_id("key")
            .with_secret_access_key("secret");
        keeps_files(&bucket_of(builder, "ads/creatives").unwrap()).await;
    }

    /// As much of S3 as is used here: it asks for a signature and keeps what it is given under its path.
    #[cfg(feature = "s3")]
    async fn bucket_server() -> std::net::SocketAddr {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut kept: std::collections::HashMap<String, Vec<u8>> = std::collections::HashMap::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
                let line: Vec<&str> = head.split(' ').collect();
                let of = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                assert!(of("authorization").unwrap().starts_with("aws4-hmac-sha256 credential=key/"));
                assert!(line[1].starts_with("/ads/creatives/"), "{}", line[1]);
                let mut body = vec![0; of("content-length").map_or(0, |n| n.parse().unwrap())];
                stream.read_exact(&mut body).await.unwrap();
                let tag = "etag: \"a\"\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nconnection: close";
                let found = kept.get(line[1]);
                let answer = match (line[0], found) {
                    ("put", _) => {
                        kept.insert(line[1].to_owned(), body);
                        format!("200 OK\r\n{tag}\r\ncontent-length: 0\r\n\r\n")
                    }
                    (_, None) => format!("404 Not Found\r\n{tag}\r\ncontent-length: 0\r\n\r\n"),
                    ("head", Some(file)) => {
                        format!("200 OK\r\n{tag}\r\ncontent-length: {}\r\n\r\n", file.len())
                    }
                    (_, Some(file)) => {
                        let text = String::from_utf8(file.clone()).unwrap();
                        match of("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) {
                            Some((from, to)) => {
                                let span = from.parse().unwrap()..=to.parse::<usize>().unwrap();
                                format!(
                                    "206 Partial Content\r\n{tag}\r\ncontent-range: bytes {from}-{to}/{}\r\n\
                                     content-length: {}\r\n\r\n{}",
                                    text.len(),
                                    text[span.clone()].len(),
                                    &text[span]
                                )
                            }
                            None => {
                                format!("200 OK\r\n{tag}\r\ncontent-length: {}\r\n\r\n{text}", text.len())
                            }
                        }
                    }
                };
                stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.unwrap();
            }
        });
        addr
    }
}
