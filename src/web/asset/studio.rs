//! Where uploads are decoded and drawn anew: away from the threads that serve, a few at a time, each within a
//! bound of memory.

use super::gate::Ticket;
use super::intake::Upload;
use super::view::unfit;
use crate::blob::Blobs;
use crate::web::problem::Problem;
use bytes::Bytes;
use futures_util::TryStreamExt;
use gametriggers_actors::domain::area;
use gametriggers_actors::domain::asset::{Asset, AssetFile, Media, Reel};
use gametriggers_actors::domain::contrast;
use gametriggers_actors::domain::creative::Placement;
use gametriggers_actors::domain::id::BrandId;
use gametriggers_actors::domain::time::Millis;
use gametriggers_actors::engine::Engine;
use gametriggers_media::picture::{self, Bounds, Written};
use gametriggers_media::sniff::{Format, sniff};
use gametriggers_media::{Refusal, clip};
use sha2::Digest;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::sync::oneshot;

/// What is decoded: up to a picture of 4096 x 2160, at four bytes a pixel or eight.
const BOUNDS: Bounds = Bounds { side: 4096, pixels: 4096 * 2160, memory: 80 << 20 };

/// An asset and the bytes of its files.
pub(super) struct Made {
    pub(super) asset: Asset,
    pub(super) files: Vec<(Arc<str>, Bytes)>,
}

/// An upload, its ticket, and who waits for what it becomes.
type Job = (Upload, Ticket, oneshot::Sender<Result<(Ticket, Made), Refusal>>);

/// A few threads that do nothing else. They are their own, and not any of a pool: what decoding took of the
/// memory is used again by the next one.
#[derive(Clone, Debug)]
pub struct Studio(mpsc::Sender<Job>);

impl Studio {
    /// One that works on so many uploads at once. As many wait as there are tickets.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn new(at_once: usize) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..at_once {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name("studio".to_owned()).spawn(move || work(&queue))?;
        }
        Ok(Self(jobs))
    }

    /// Makes an asset of an upload. The upload's ticket goes along and comes back: also when its sender has
    /// gone, it is given up only when the work is done.
    pub(super) async fn make(&self, upload: Upload, ticket: Ticket) -> Result<(Ticket, Made), Problem> {
        let (done, made) = oneshot::channel();
        self.0.send((upload, ticket, done)).map_err(|_| Problem::unavailable())?;
        made.await.map_err(|_| Problem::unavailable())?.map_err(unfit)
    }
}

/// Until the server is gone. A decoder that panics is one upload that is not answered, and nothing more.
fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((upload, ticket, done)) = job else { return };
        match std::panic::catch_unwind(AssertUnwindSafe(|| make(upload))) {
            Ok(made) => {
                let _ = done.send(made.map(|made| (ticket, made)));
            }
            Err(_) => tracing::error!("a decoder of pictures panicked; its upload was refused"),
        }
    }
}

fn make(Upload { format, mut bytes }: Upload) -> Result<Made, Refusal> {
    if format.is_video() {
        let clip = clip::read(format, &mut bytes)?;
        let media = if format == Format::Webm { Media::Webm } else { Media::Mp4 };
        let (file, bytes) = named(media, (clip.width, clip.height), bytes);
        let duration = Millis(i64::from(clip.duration_ms));
        let reel = Some(Reel { duration, frames: clip.frames, sound: clip.sound });
        let files = vec![(Arc::clone(&file.name), bytes)];
        return Ok(Made { asset: Asset { file, others: Vec::new(), reel, visible_bps: 0 }, files });
    }
    let places = Placement::ALL.map(area::picture_max);
    let drawn = picture::redraw((format, &bytes), BOUNDS, &places, (contrast::GROUND, contrast::visible))?;
    drop(bytes);
    let (mut others, mut files) = (Vec::new(), Vec::new());
    for one in drawn.renditions {
        let media = match one.written {
            Written::Webp => Media::Webp,
            Written::Png => Media::Png,
        };
        let (file, bytes) = named(media, (one.width, one.height), one.bytes);
        files.push((Arc::clone(&file.name), bytes));
        others.push(file);
    }
    // The first is the one that is shown.
    let file = others.remove(0);
    Ok(Made { asset: Asset { file, others, reel: None, visible_bps: drawn.visible_bps }, files })
}

/// A file under the name of its hash.
fn named(media: Media, (width, height): (u32, u32), bytes: Vec<u8>) -> (AssetFile, Bytes) {
    let hash: String =
        sha2::Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("{hash}.{}", media.extension()).into();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    (AssetFile { name, media, width, height, bytes: length }, bytes.into())
}

/// Keeps a file that comes with the program, as a brand's own.
///
/// # Errors
/// It is no upload that would be taken, or it can not be kept.
pub async fn keep(
    engine: &Engine,
    blobs: &Blobs,
    brand: BrandId,
    bytes: &[u8],
) -> Result<Asset, Box<dyn std::error::Error>> {
    let upload = Upload { format: sniff(bytes)?, bytes: bytes.to_vec() };
    let made = make(upload)?;
    engine.ports.assets.keep_asset(Some(brand), &made.asset, i64::MAX, engine.now()).await?;
    for (name, bytes) in made.files {
        blobs.put(&name, bytes).await?;
    }
    Ok(made.asset)
}

/// What a file is that was uploaded before that was written down; none if there is no such file.
///
/// # Errors
/// The files can not be reached.
pub(super) async fn described(blobs: &Blobs, name: &str) -> Result<Option<Asset>, Problem> {
    const MOST: u64 = 16 << 20;
    let Some(media) = Media::of_name(name) else { return Ok(None) };
    let Some(blob) = blobs.get(name, None).await?.filter(|blob| blob.total <= MOST) else { return Ok(None) };
    let gathered = blob.bytes.try_fold(Vec::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    });
    let mut bytes = gathered.await.map_err(|_| Problem::unavailable())?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let (size, reel) = if media.is_video() {
        let format = if media == Media::Mp4 { Format::Mp4 } else { Format::Webm };
        let Ok(clip) = clip::read(format, &mut bytes) else { return Ok(None) };
        let duration = Millis(i64::from(clip.duration_ms));
        ((clip.width, clip.height), Some(Reel { duration, frames: clip.frames, sound: clip.sound }))
    } else {
        let Ok(size) = imagesize::blob_size(&bytes) else { return Ok(None) };
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        ((side(size.width), side(size.height)), None)
    };
    let file = AssetFile { name: name.into(), media, width: size.0, height: size.1, bytes: length };
    // Nobody has looked at its pixels.
    Ok(Some(Asset { file, others: Vec::new(), reel, visible_bps: 10_000 }))
}
