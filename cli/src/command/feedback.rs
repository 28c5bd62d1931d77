//! `almanac feedback`: what is said of letters in a folder of mails, such as a bounce mailbox, is taken in; or in a folder
//! of SES's events, such as dead letters that were saved.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use delivery_feedback::{DeliveryFeedback, Reading};
use serde::Serialize;
use shared::{clock::Clock, feedback::Recorded, links::LinkKeys};

use crate::{
    args::{self, Common},
    exit::Exit,
    say::say,
    stack::{self, Stack},
    stop::Stop,
};

/// A larger file is no report about a letter; reading it would only take memory.
const LARGEST_MAIL: u64 = 8 * 1_024 * 1_024;

/// Where files go that were taken in. What says nothing about a letter of ours stays where it is: people write there too.
const TAKEN: &str = "taken";

pub(super) async fn feedback(common: &Common, asked: &args::Feedback) -> anyhow::Result<Exit> {
    let stop = Stop::listen();
    let stack = Stack::open_existing(stack::settings(common)).await?;
    let taken = stop.or(take_all(&stack, asked)).await;
    stack.close().await;
    let told = taken??;
    if common.json {
        say!("{}", serde_json::to_string(&told)?);
    } else {
        told.print(asked);
    }
    Ok(Exit::Done)
}

/// What the files of a folder came to.
#[derive(Debug, Default, Serialize)]
struct Told {
    /// How many files there were.
    read: u64,
    /// What was news, by what it says.
    news: BTreeMap<&'static str, u64>,
    /// How many said what was known.
    known: u64,
    /// How many were about letters that are not here.
    of_no_letter: u64,
    /// How many others there were, by why nothing follows from them.
    left: BTreeMap<String, u64>,
}

async fn take_all(stack: &Stack, asked: &args::Feedback) -> anyhow::Result<Told> {
    let door = DeliveryFeedback { records: stack.records.clone(), clock: Clock::system() };
    let keys = if asked.ses_events { None } else { Some(LinkKeys::of(&stack.records).await?) };
    let mut told = Told::default();
    for file in files(&asked.folder)? {
        let Some(content) = content(&file)? else { continue };
        told.read += 1;
        let feedback = match read(&content, keys.as_ref()) {
            Ok(feedback) => *feedback,
            Err(reason) => {
                *told.left.entry(reason).or_default() += 1;
                continue;
            }
        };
        let kind = feedback.kind.as_str();
        match door.take(feedback).await? {
            Recorded::News { .. } => *told.news.entry(kind).or_default() += 1,
            Recorded::Known => told.known += 1,
            Recorded::OfNoLetter => told.of_no_letter += 1,
        }
        // Whoever is stopped before this reads the file again, which changes nothing.
        if !asked.keep {
            put_away(&file, &asked.folder.join(TAKEN))?;
        }
    }
    Ok(told)
}

/// What a file says of a letter, or why it says nothing: a mail where there are keys, else an event of SES.
fn read(content: &Content, keys: Option<&LinkKeys>) -> Result<Box<shared::feedback::Feedback>, String> {
    let Content::Whole(bytes) = content else { return Err("too large for a report".to_owned()) };
    let reading = match keys {
        Some(keys) => delivery_feedback::read_mail(bytes, keys),
        None => delivery_feedback::read_event(bytes),
    };
    match reading {
        Ok(Reading::Feedback(feedback)) => Ok(Box::new(feedback)),
        Ok(Reading::Nothing(reason)) => Err(reason),
        Err(unreadable) => Err(unreadable.to_string()),
    }
}

/// The files of a folder, in the order of their names; of a Maildir those that are new, and those that were seen.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let maildir = ["new", "cur"].map(|name| folder.join(name));
    let folders = if maildir.iter().all(|part| part.is_dir()) { maildir.to_vec() } else { vec![folder.to_owned()] };
    let mut files = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(&folder).with_context(|| format!("reading the folder {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("reading the folder {}", folder.display()))?;
            // A name that begins with a dot is one that somebody is still writing under.
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

enum Content {
    Whole(Vec<u8>),
    TooLarge,
}

/// What a file holds; `None` when somebody else has taken it away.
fn content(mail: &Path) -> anyhow::Result<Option<Content>> {
    let reading = || format!("reading {}", mail.display());
    let file = match File::open(mail) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(reading),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST_MAIL + 1).read_to_end(&mut bytes).with_context(reading)?;
    let whole = bytes.len() as u64 <= LARGEST_MAIL;
    Ok(Some(if whole { Content::Whole(bytes) } else { Content::TooLarge }))
}

/// Moves a file into a folder, under a name that nothing there has.
fn put_away(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let Some(name) = file.file_name() else { return Ok(()) };
    let names = std::iter::once(name.to_owned()).chain((1..).map(|number: u32| {
        let mut other = name.to_owned();
        other.push(format!(".{number}"));
        other
    }));
    let moving = || format!("moving {} to {}", file.display(), folder.display());
    fs::create_dir_all(folder).with_context(moving)?;
    // A link is made only where there is nothing; a rename would replace what is there.
    for name in names {
        match fs::hard_link(file, folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            linked => return linked.and_then(|()| fs::remove_file(file)).with_context(moving),
        }
    }
    Ok(())
}

impl Told {
    fn print(&self, asked: &args::Feedback) {
        let news: u64 = self.news.values().sum();
        say!("{} files: {news} said something new of a letter, {} what was known", self.read, self.known);
        for (kind, files) in &self.news {
            say!("  {files:>9}  {kind}");
        }
        if self.of_no_letter > 0 {
            say!("  {:>9}  about letters that are not here", self.of_no_letter);
        }
        for (reason, files) in &self.left {
            say!("  {files:>9}  left where they are: {reason}");
        }
        if !asked.keep && self.read > self.left.values().sum() {
            say!("Those taken in are in {}", asked.folder.join(TAKEN).display());
        }
    }
}
