//! HTTP/1.1 to a provider: a request begins a piece of what the client sends, because it waits for each reply.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{Step, Trap};

/// How a bulk call begins.
const CALL: &[u8] = b"POST /v2/email/outbound-bulk-emails";

/// The most that passes in one piece.
const PIECE: usize = 64 * 1_024;

pub(super) async fn pass(client: TcpStream, server: TcpStream, trap: &Trap) -> io::Result<()> {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let called = AtomicBool::new(false);
    tokio::select! {
        ended = requests(from_client, to_server, &called, trap) => ended,
        ended = replies(from_server, to_client, &called, trap) => ended,
    }
}

async fn requests(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    called: &AtomicBool,
    trap: &Trap,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = client.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        if piece[..length].starts_with(CALL) {
            called.store(true, Relaxed);
            trap.reach(Step::AfterClaim).await;
        } else {
            trap.pass().await;
        }
        server.write_all(&piece[..length]).await?;
    }
}

async fn replies(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    called: &AtomicBool,
    trap: &Trap,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = server.read(&mut piece).await?;
        // Its end is a reply too: a call that was taken and not answered.
        if called.swap(false, Relaxed) {
            trap.reach(Step::AfterCall).await;
        } else {
            trap.pass().await;
        }
        if length == 0 {
            return Ok(());
        }
        client.write_all(&piece[..length]).await?;
    }
}
