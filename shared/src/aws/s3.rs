//! Objects in an S3 bucket.
//!
//! A key is written once: what is there already was written by another delivery of the same item, so it stays, and
//! nobody who reads it sees it change. How objects are encrypted at rest is the bucket's own setting.

use anyhow::Context as _;
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use tokio::time::Instant;

use super::{
    Aws,
    client::{Patience, is_elsewhere},
    fault::Fault,
};
use crate::objects::{Objects, check_key};

/// From this size on an object is put in parts, and so large are they; S3 takes none that is smaller than 5 MiB.
const PART: usize = 8 * 1024 * 1024;

/// Proves on arrival that nothing was changed on the way.
const CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Sha256;

/// Only where nothing is yet.
const NOTHING_THERE: &str = "*";

/// Somebody else's object is there.
const PRECONDITION_FAILED: u16 = 412;

/// Somebody else is writing it just now.
const CONFLICT: u16 = 409;

/// Objects in a bucket.
#[derive(Debug, Clone)]
pub struct S3Objects {
    client: Client,
    bucket: String,
    prefix: String,
    setting: &'static str,
    patience: Patience,
}

/// What putting came to.
enum Put {
    Written,
    WasThere,
}

impl S3Objects {
    /// Objects in `bucket`, each key after `prefix`, as the setting of that name says.
    pub async fn new(
        aws: &Aws,
        bucket: &str,
        prefix: &str,
        setting: &'static str,
        patience: Patience,
    ) -> anyhow::Result<Self> {
        let shared = aws.config("S3", patience).await?;
        // Other servers than AWS seldom have a host name for each bucket.
        let path_style = is_elsewhere(&shared, "AWS_ENDPOINT_URL_S3");
        let config = aws_sdk_s3::config::Builder::from(&shared).force_path_style(path_style).build();
        Ok(Self {
            client: Client::from_conf(config),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            setting,
            patience,
        })
    }

    async fn put_once(&self, key: &str, content_type: &str, body: &Bytes) -> Result<Put, Fault> {
        let put = if body.len() < PART {
            self.put_whole(key, content_type, body).await
        } else {
            self.put_in_parts(key, content_type, body).await
        };
        match put {
            Ok(()) => Ok(Put::Written),
            Err(fault) if fault.status == PRECONDITION_FAILED || fault.code == "PreconditionFailed" => {
                Ok(Put::WasThere)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn put_whole(&self, key: &str, content_type: &str, body: &Bytes) -> Result<(), Fault> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        let put = put.checksum_algorithm(CHECKSUM).if_none_match(NOTHING_THERE);
        put.body(ByteStream::from(body.clone())).send().await.map(drop).map_err(|error| Fault::of(&error))
    }

    async fn put_in_parts(&self, key: &str, content_type: &str, body: &Bytes) -> Result<(), Fault> {
        let begin = self.client.create_multipart_upload().bucket(&self.bucket).key(key).content_type(content_type);
        let begun = begin.checksum_algorithm(CHECKSUM).send().await.map_err(|error| Fault::of(&error))?;
        let upload = begun.upload_id().unwrap_or_default();
        let put = self.put_parts(key, upload, body).await;
        if put.is_err() {
            self.abort(key, upload).await;
        }
        put
    }

    async fn put_parts(&self, key: &str, upload: &str, body: &Bytes) -> Result<(), Fault> {
        let mut parts = Vec::new();
        for (number, from) in (1..).zip((0..body.len()).step_by(PART)) {
            let part = body.slice(from..body.len().min(from + PART));
            let put = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload).part_number(number);
            let put = put.checksum_algorithm(CHECKSUM).body(ByteStream::from(part)).send().await;
            let put = put.map_err(|error| Fault::of(&error))?;
            let part = CompletedPart::builder().part_number(number).set_e_tag(put.e_tag);
            parts.push(part.set_checksum_sha256(put.checksum_sha256).build());
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        let complete = complete.multipart_upload(parts).if_none_match(NOTHING_THERE);
        complete.send().await.map(drop).map_err(|error| Fault::of(&error))
    }

    /// Parts that nobody completes cost money. What stays after a crash is deleted by the bucket's own rule.
    async fn abort(&self, key: &str, upload: &str) {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        if let Err(error) = abort.send().await {
            let error = Fault::of(&error);
            tracing::warn!(setting = self.setting, key, %error, "an upload in parts could not be ended");
        }
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn put(&self, key: &str, content_type: &str, body: Vec<u8>) -> anyhow::Result<String> {
        check_key(key)?;
        let (key, body) = (format!("{}{key}", self.prefix), Bytes::from(body));
        let (mut tries, begun) = (1, Instant::now());
        let put = loop {
            let put = self.put_once(&key, content_type, &body).await;
            match self.patience.wait(tries, begun) {
                Some(wait) if put.as_ref().is_err_and(|fault| fault.status == CONFLICT) => {
                    tokio::time::sleep(wait).await;
                    tries += 1;
                }
                _ => break put.with_context(|| format!("S3, at the bucket that {} names", self.setting))?,
            }
        };
        if let Put::WasThere = put {
            tracing::info!(key, "the object was there already, and stays as it is");
        }
        Ok(format!("s3://{}/{key}", self.bucket))
    }
}
