//! MySQL's client/server protocol, as far as it says which statement is on its way.
//!
//! Each packet is a length of three bytes, a number, and a payload; a command is a client's packet of number 0. A text
//! comes by itself (`COM_QUERY`) or is prepared (`COM_STMT_PREPARE`), and is called by the number that the server gave it
//! from then on (`COM_STMT_EXECUTE`).

use std::{
    collections::HashMap,
    io,
    sync::{Mutex, PoisonError},
};

use memchr::memmem;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{Step, Trap};

const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;

/// What begins the text of each step. A text may hold several: results and the next claims go out together.
const STEPS: [(Step, &[u8]); 3] = [
    (Step::BeforeResult, b"UPDATE sends SET state = 1"),
    (Step::BeforeClaim, b"INSERT INTO sends "),
    (Step::BeforeClose, b"SELECT 1 FROM batches WHERE run_id = "),
];

/// What is known of one connection's statements.
#[derive(Debug, Default)]
struct Statements {
    /// The steps of a text that the server has not given its number yet.
    preparing: Option<Vec<Step>>,
    prepared: HashMap<[u8; 4], Vec<Step>>,
}

pub(super) async fn pass(client: TcpStream, server: TcpStream, trap: &Trap) -> io::Result<()> {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let statements = Mutex::default();
    tokio::select! {
        ended = commands(from_client, to_server, &statements, trap) => ended,
        ended = answers(from_server, to_client, &statements, trap) => ended,
    }
}

async fn commands(
    client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    statements: &Mutex<Statements>,
    trap: &Trap,
) -> io::Result<()> {
    let mut client = BufReader::new(client);
    loop {
        let packet = packet(&mut client).await?;
        let steps = lock(statements).steps_of(&packet);
        for step in steps {
            trap.reach(step).await;
        }
        trap.pass().await;
        server.write_all(&packet).await?;
    }
}

async fn answers(
    server: OwnedReadHalf,
    client: OwnedWriteHalf,
    statements: &Mutex<Statements>,
    trap: &Trap,
) -> io::Result<()> {
    let (mut server, mut client) = (BufReader::new(server), BufWriter::new(client));
    loop {
        let packet = packet(&mut server).await?;
        lock(statements).hear(&packet);
        trap.pass().await;
        client.write_all(&packet).await?;
        if server.buffer().is_empty() {
            client.flush().await?;
        }
    }
}

impl Statements {
    /// The steps that a client's packet takes.
    fn steps_of(&mut self, packet: &[u8]) -> Vec<Step> {
        match packet {
            [_, _, _, 0, QUERY, text @ ..] => steps_in(text),
            [_, _, _, 0, PREPARE, text @ ..] => {
                self.preparing = Some(steps_in(text));
                Vec::new()
            }
            [_, _, _, 0, EXECUTE, a, b, c, d, ..] => self.prepared.get(&[*a, *b, *c, *d]).cloned().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Learns a statement's number from the answer to its preparation.
    fn hear(&mut self, packet: &[u8]) {
        let Some(steps) = self.preparing.take() else { return };
        if let [_, _, _, _, 0, a, b, c, d, ..] = packet {
            self.prepared.insert([*a, *b, *c, *d], steps);
        }
    }
}

fn steps_in(text: &[u8]) -> Vec<Step> {
    STEPS.iter().filter(|(_, words)| memmem::find(text, words).is_some()).map(|(step, _)| *step).collect()
}

async fn packet(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    from.read_exact(&mut packet).await?;
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + length, 0);
    from.read_exact(&mut packet[4..]).await?;
    Ok(packet)
}

fn lock(statements: &Mutex<Statements>) -> std::sync::MutexGuard<'_, Statements> {
    statements.lock().unwrap_or_else(PoisonError::into_inner)
}
