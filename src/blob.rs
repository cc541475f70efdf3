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
    let (bucket, prefix) = named.split_once('/').unwrap_or((named, ""));
    // There is one provider of cryptography in this process, the one that the databases use.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = object_store::aws::AmazonS3Builder::from_env().with_bucket_name(bucket).build();
    let prefix = Path::parse(prefix).map_err(BlobError::of)?;
    Ok(Blobs { store: Arc::new(store.map_err(BlobError::of)?), prefix })
}

#[cfg(not(feature = "s3"))]
fn bucket(_: &str) -> Result<Blobs, BlobError> {
    Err(BlobError("assets.bucket needs a build with `--features s3`".to_owned()))
}
