//! S3: `PutObject` and uploads in parts, with conditions and checksums.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::{
    Object, Service, State,
    server::{Asked, Reply, error},
};

/// S3 takes no smaller part, but for the last one.
const SMALLEST_PART: usize = 5 * 1024 * 1024;

/// An upload in parts that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where it goes: `bucket/key`.
    pub place: String,
    content_type: String,
    parts: BTreeMap<u32, Vec<u8>>,
}

pub(super) fn operation(asked: &Asked) -> &'static str {
    match (asked.method.as_str(), asked.has_query("uploads"), asked.has_query("uploadId")) {
        ("PUT", false, false) => "PutObject",
        ("POST", true, _) => "CreateMultipartUpload",
        ("PUT", _, true) => "UploadPart",
        ("POST", _, true) => "CompleteMultipartUpload",
        ("DELETE", _, true) => "AbortMultipartUpload",
        _ => "Unknown",
    }
}

pub(super) fn answer(state: &mut State, operation: &str, asked: &Asked) -> Reply {
    let place = asked.path.trim_start_matches('/').to_owned();
    let content_type = asked.header("content-type").to_owned();
    let id = asked.query("uploadId").to_owned();
    match operation {
        "PutObject" => {
            if !is_whole(asked) {
                return error(Service::S3, 400, "BadDigest");
            }
            if is_taken(state, asked, &place) {
                return error(Service::S3, 412, "PreconditionFailed");
            }
            state.objects.insert(place, Object { content_type, body: asked.body.to_vec() });
            Reply { headers: vec![("etag", "\"whole\"".to_owned())], ..xml("") }
        }
        "CreateMultipartUpload" => {
            let id = format!("upload-{}", state.calls.len());
            let (bucket, key) = place.split_once('/').unwrap_or((&place, ""));
            let reply = format!(
                "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>\
                 </InitiateMultipartUploadResult>"
            );
            state.uploads.insert(id, Upload { place, content_type, parts: BTreeMap::new() });
            xml(&reply)
        }
        "UploadPart" => {
            let Some(upload) = state.uploads.get_mut(&id) else { return error(Service::S3, 404, "NoSuchUpload") };
            if !is_whole(asked) {
                return error(Service::S3, 400, "BadDigest");
            }
            let number = asked.query("partNumber").parse().unwrap_or_default();
            upload.parts.insert(number, asked.body.to_vec());
            let checksum = asked.header("x-amz-checksum-sha256").to_owned();
            let headers = vec![("etag", format!("\"part-{number}\"")), ("x-amz-checksum-sha256", checksum)];
            Reply { headers, ..xml("") }
        }
        "CompleteMultipartUpload" => complete(state, asked, &id),
        "AbortMultipartUpload" => match state.uploads.remove(&id) {
            Some(_) => Reply { status: 204, ..xml("") },
            None => error(Service::S3, 404, "NoSuchUpload"),
        },
        _ => error(Service::S3, 405, "MethodNotAllowed"),
    }
}

fn complete(state: &mut State, asked: &Asked, id: &str) -> Reply {
    let Some(upload) = state.uploads.get(id).cloned() else { return error(Service::S3, 404, "NoSuchUpload") };
    if is_taken(state, asked, &upload.place) {
        return error(Service::S3, 412, "PreconditionFailed");
    }
    let listed = String::from_utf8_lossy(&asked.body).matches("<PartNumber>").count();
    let before_last = upload.parts.len().saturating_sub(1);
    if listed != upload.parts.len() || upload.parts.values().take(before_last).any(|part| part.len() < SMALLEST_PART) {
        return error(Service::S3, 400, "EntityTooSmall");
    }
    state.uploads.remove(id);
    let body = upload.parts.into_values().flatten().collect();
    state.objects.insert(upload.place, Object { content_type: upload.content_type, body });
    xml("<CompleteMultipartUploadResult><ETag>\"parts\"</ETag></CompleteMultipartUploadResult>")
}

fn is_taken(state: &State, asked: &Asked, place: &str) -> bool {
    asked.header("if-none-match") == "*" && state.objects.contains_key(place)
}

/// Whether the body is what its checksum says; one without a checksum is not.
fn is_whole(asked: &Asked) -> bool {
    let digest = Sha256::digest(&asked.body);
    asked.header("x-amz-checksum-sha256") == BASE64.encode(&digest)
}

fn xml(body: &str) -> Reply {
    let head = if body.is_empty() { "" } else { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>" };
    Reply::of("application/xml", format!("{head}{body}"))
}
