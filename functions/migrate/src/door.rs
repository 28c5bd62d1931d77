//! The way to CloudFormation: a file of S3's that it watches, at an address signed beforehand.

use std::{io, time::Duration};

use anyhow::{Context as _, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, Uri, body::Bytes};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// How often an answer is tried.
const TRIES: u32 = 5;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The client that answers.
#[derive(Debug)]
pub struct Door {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    first_wait: Duration,
}

impl Door {
    /// A door with the system's certificates. It waits for `first_wait` before the second try, and twice as long
    /// before each one after.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub fn new(first_wait: Duration) -> io::Result<Self> {
        let https = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(https), first_wait })
    }

    /// Puts `body` at `address`. The address is a secret, so no error names it.
    ///
    /// # Errors
    /// When the address is none, when it refuses the body, or when it could not be reached again and again.
    pub async fn put(&self, address: &str, body: String) -> anyhow::Result<()> {
        let address: Uri = address.parse().context("ResponseURL: is not a URL")?;
        let body = Bytes::from(body);
        let mut wait = self.first_wait;
        for left in (0..TRIES).rev() {
            let fault = match tokio::time::timeout(PATIENCE, self.try_put(&address, &body)).await {
                Ok(Ok(status)) if status.is_success() => return Ok(()),
                // What was signed is wrong or too old, and stays so.
                Ok(Ok(status)) if status.is_client_error() => bail!("the answer was refused: {status}"),
                Ok(Ok(status)) => anyhow::anyhow!("the answer was not taken: {status}"),
                Ok(Err(error)) => error,
                Err(_) => anyhow::anyhow!("no reply within {} seconds", PATIENCE.as_secs()),
            };
            if left == 0 {
                return Err(fault);
            }
            tracing::warn!(
                error = format!("{fault:#}"),
                tries_left = left,
                "an answer to CloudFormation did not arrive"
            );
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        bail!("no answer was tried")
    }

    async fn try_put(&self, address: &Uri, body: &Bytes) -> anyhow::Result<StatusCode> {
        // The address is signed for an empty content type, so none is sent.
        let request = Request::put(address.clone()).body(Full::from(body.clone())).context("ResponseURL")?;
        let response = self.client.request(request).await.context("reaching CloudFormation")?;
        let status = response.status();
        // Read to its end, so that the connection can be used again.
        response.into_body().collect().await.context("reading CloudFormation's reply")?;
        Ok(status)
    }
}
