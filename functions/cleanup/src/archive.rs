//! The archive: what is deleted, as lines of JSON among the objects.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shared::objects::Objects;

use crate::invitations::Archived;

/// Puts invitations, neighbours of one batch, into the archive. The key tells what is in the file, so that the same
/// invitations put twice are one file, and others never take its place.
pub(crate) async fn put(objects: &dyn Objects, invitations: &[Archived]) -> anyhow::Result<()> {
    let (Some(first), Some(last)) = (invitations.first(), invitations.last()) else { return Ok(()) };
    let mut lines = Vec::new();
    for invitation in invitations {
        serde_json::to_writer(&mut lines, invitation)?;
        lines.push(b'\n');
    }
    let digest = HEXLOWER.encode(&Sha256::digest(&lines)[..8]);
    let key = format!("archive/invitations/{}/{}-{}-{digest}.jsonl", first.month, first.id, last.id);
    objects.put(&key, "application/x-ndjson", lines).await.map(drop)
}
