//! One request over one connection, and as much of its answer as is read.

use std::pin::pin;

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Fault;

/// The most bytes of an answer's head.
const LONGEST_HEAD: usize = 32 << 10;

/// The most headers of an answer.
const MOST_HEADERS: usize = 100;

/// What came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The body, where it was asked for.
    pub(crate) body: Vec<u8>,
}

/// Which body is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// The most bytes of it.
    pub(crate) most: usize,
    /// Whether it is kept to be looked at.
    pub(crate) keep: bool,
}

/// Sends a request and reads its answer to the end. The connection ends with it.
pub(crate) async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, reading: Reading) -> Result<Answer, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LONGEST_HEAD).max_header_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|error| Fault::of_http(&error))?;
    let mut answered = pin!(async {
        let answer = sender.send_request(request).await.map_err(|error| Fault::of_http(&error))?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: read(answer.into_body(), reading).await? })
    });
    let mut connection = pin!(connection);
    tokio::select! {
        // The request first, so that the connection knows what it reads an answer to.
        biased;
        answered = &mut answered => return answered,
        // It has ended, well or not, and what it had to say is on its way.
        _ = &mut connection => {}
    }
    answered.await
}

async fn read(mut body: Incoming, reading: Reading) -> Result<Vec<u8>, Fault> {
    let (mut count, mut kept) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| Fault::of_http(&error))?.into_data() else { continue };
        count += data.len();
        if count > reading.most {
            return Err(Fault::TooLarge);
        }
        if reading.keep {
            kept.extend_from_slice(&data);
        }
    }
    Ok(kept)
}
