//! What can be typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::{exit, import::TEAM_TAG};

/// Almanac runs an organisation's scheduled jobs: on AWS Lambda, or whole on this machine.
///
/// Everything local lives in one folder (`--home`): the records (almanac.db), the mails of the folder transport
/// (mail/*.eml), and the reports (objects/).
#[derive(Debug, Parser)]
#[command(name = "almanac", version, after_help = exit::TABLE)]
pub struct Args {
    /// What is the same for every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What is the same for every command.
#[derive(Debug, Clone, ClapArgs)]
pub struct Common {
    /// The folder for everything local [default: ALMANAC_HOME, else .almanac]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// The database: sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE [default: DATABASE_URL, else almanac.db]
    #[arg(long, global = true, value_name = "URL")]
    pub records: Option<String>,
    /// Where mail goes, in order of preference: dir:PATH, null:, smtp://HOST:PORT, ses:, ses+http://HOST:PORT
    /// [default: EMAIL_TRANSPORTS, else a folder]
    #[arg(long, global = true, value_name = "LIST")]
    pub mail: Option<String>,
    /// Print JSON for machines: one value a line, the last one is the result
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make up 5,000 people with some 100,000 contacts, invite them all into a folder, and show where to look
    Demo {
        /// Only make up the people
        #[arg(long)]
        people_only: bool,
        /// How many users
        #[arg(long, default_value_t = 5_000)]
        users: u32,
        /// How many contacts a user has, on average
        #[arg(long, default_value_t = 20)]
        contacts: u32,
    },
    /// Import people from two CSV files; bad lines go into a rejects file, and doing it again changes nothing
    Import {
        /// users.csv: id,username,email and optional columns
        users: PathBuf,
        /// contacts.csv: owner,email and optional columns; owner is a user's id
        contacts: PathBuf,
        /// Where lines go that are not taken [default: rejects.csv in the home folder]
        #[arg(long, value_name = "FILE")]
        rejects: Option<PathBuf>,
    },
    /// Run a job now, join its open run, or show the ledger of its closed one
    Run {
        /// The job: monthly-invitations, reminders
        job: String,
        /// The scheduled time it runs for, in the schedule's zone, past or future: 2026-11-05T18:00 [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Change nothing: only say who would be written to, and why others would not; how long it would take, and cost
        #[arg(long)]
        dry_run: bool,
        /// Also when it cannot be over within SCHEDULER_MAX_JOB_DURATION_HOURS
        #[arg(long)]
        however_long: bool,
    },
    /// List the newest runs, or show one
    Runs {
        /// Show one run
        #[command(subcommand)]
        command: Option<RunsCommand>,
        /// How many to list
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Say why a person was or was not written to
    Why {
        /// An address, or a contact's number
        who: String,
    },
    /// Pause a run: calls under way end, no new one begins
    Pause {
        /// The run's number
        id: i64,
    },
    /// Let a paused run go on; `almanac run` or any running engine takes it up
    Resume {
        /// The run's number
        id: i64,
    },
    /// Cancel a run for good: what was not sent will not be
    Cancel {
        /// The run's number
        id: i64,
    },
    /// Let a run begin that its schedule fired later than its deadline
    Approve {
        /// The run's number
        id: i64,
    },
    /// Do again what a closed run left behind, as a run of its own: parked batches, and letters that were not taken
    Redrive(Redrive),
    /// List the newest dead letters, messages that came to nothing, or show one with what it says
    DeadLetters {
        /// Show one letter
        #[command(subcommand)]
        command: Option<LettersCommand>,
        /// How many to list
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Take in what mails say of letters: bounces (RFC 3464) and reports of spam (RFC 5965) of a mailbox
    ///
    /// A mail is believed when it brings back the headers of a letter of ours, whole. What was taken in is moved to
    /// FOLDER/taken; every other mail stays where it is. Reading one again changes nothing.
    Feedback(Feedback),
    /// Decide about one contact
    Contact {
        /// What to do
        #[command(subcommand)]
        command: ContactCommand,
    },
    /// Keep every schedule on this machine, and work on whatever is opened, until it is stopped
    ///
    /// What fell due while nobody was there is made up for as each job declares: `almanac schedule` shows how. Days, hours and
    /// zone are those of the settings (SCHEDULER_MONTHLY_JOB_DAY, _HOUR, SCHEDULER_TIMEZONE).
    Serve(Serve),
    /// Simulate a year: every schedule, made-up people who answer, bounce and leave, and whether every promise was kept
    ///
    /// It has records of its own, in simulated-YEAR of the home folder, and writes to nobody.
    Simulate(Simulate),
    /// Show when every schedule of the template fires next, by its zone's clocks and in UTC
    Schedule(Schedule),
    /// Show every setting: its value, where it comes from, and what is wrong with it
    Config {
        /// Print a file of all settings with their defaults instead: .env.example
        #[arg(long)]
        example: bool,
    },
    /// Bring the records' schema up to date, and say what was applied
    Migrate,
    /// Predict what many invitations take on the deployed stack: when they are over, workers, connections, cost, what bounds
    /// them, and what to raise until they fit into their time
    ///
    /// It simulates planner, queue, workers, database and sending quota as the template declares them, and touches nothing.
    Capacity(Capacity),
    /// Show how the teams of a hackathon stand: each criterion's verdict, its points and why
    Board {
        /// The hackathon, as the Hub names it [default: HACKATHON_ID, where a monitor is switched on]
        #[arg(long, value_name = "ID")]
        hackathon: Option<String>,
        /// Write a page with histories instead
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Show what providers have billed the teams of a hackathon: by team, and by day and provider
    Costs {
        /// Take in a breakdown of costs
        #[command(subcommand)]
        command: Option<CostsCommand>,
        /// The hackathon, as the Hub names it [default: HACKATHON_ID, where a monitor is switched on]
        #[arg(long, global = true, value_name = "ID")]
        hackathon: Option<String>,
    },
    /// Measure: make up people who may all be invited, invite them, and print what it took as JSON
    Bench(Bench),
}

/// About what was billed.
#[derive(Debug, Subcommand)]
pub enum CostsCommand {
    /// Take in files of what was billed; bad lines go into a rejects file, and doing it again changes nothing
    Import(CostsImport),
}

/// What is taken in of what was billed.
#[derive(Debug, Clone, ClapArgs)]
pub struct CostsImport {
    /// CSV in the columns of FOCUS, as clouds export it, or in team,day,provider,amount,currency. What the files together
    /// say of a team, day, provider and currency replaces what was kept of it
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// In FOCUS's Tags, the one that names the team; where there is none, the sub-account does. A column Team goes before
    #[arg(long, value_name = "NAME", default_value = TEAM_TAG)]
    pub team_tag: String,
    /// Where lines go that are not taken [default: rejects.csv in the home folder]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
}

/// About one run.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Show one run with its ledger
    Show {
        /// The run's number
        id: i64,
    },
}

/// About one contact.
#[derive(Debug, Subcommand)]
pub enum ContactCommand {
    /// Let a contact be written to again that opted out, bounced, complained or was blocked; nothing else ever does
    Restore {
        /// The contact's number; `almanac why ADDRESS` shows it
        id: i64,
    },
}

/// About one dead letter.
#[derive(Debug, Subcommand)]
pub enum LettersCommand {
    /// Show one letter, with its body, which may hold addresses
    Show {
        /// The letter's number
        id: i64,
    },
}

/// When schedules fire.
#[derive(Debug, Clone, ClapArgs)]
pub struct Schedule {
    /// Which schedules, and after which moment.
    #[command(flatten)]
    pub asked: Asked,
    /// How many firings of each
    #[arg(long, default_value_t = 5)]
    pub count: usize,
    /// Check them instead
    #[command(subcommand)]
    pub command: Option<ScheduleCommand>,
}

/// What is kept.
#[derive(Debug, Clone, ClapArgs)]
pub struct Serve {
    /// Which schedules.
    #[command(flatten)]
    pub which: Which,
    /// Answer unsubscribe links here as well: 127.0.0.1:8080, behind a web server that speaks TLS
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Answer operators here: /health, /health/live, /health/ready, /metrics and /board, such as 127.0.0.1:9090, not for the world
    #[arg(long, value_name = "ADDRESS")]
    pub admin: Option<SocketAddr>,
}

/// What is simulated.
#[derive(Debug, Clone, ClapArgs)]
pub struct Simulate {
    /// Which schedules.
    #[command(flatten)]
    pub which: Which,
    /// The year
    #[arg(long, value_parser = clap::value_parser!(i32).range(1990..=2037))]
    pub year: i32,
    /// How many users there are in the end
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub users: u32,
    /// How many contacts each has
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub contacts: u32,
    /// What people do is drawn from this number
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Which schedules, and after which moment.
#[derive(Debug, Clone, ClapArgs)]
pub struct Asked {
    /// Which schedules.
    #[command(flatten)]
    pub which: Which,
    /// After which moment, by the clocks of each schedule's zone: 2026-11-05T18:00 [default: now]
    #[arg(long, global = true, value_name = "TIME")]
    pub at: Option<String>,
}

/// Which schedules.
#[derive(Debug, Clone, ClapArgs)]
pub struct Which {
    /// The template that declares them [default: the one that this program was built with]
    #[arg(long, global = true, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// The value of a parameter of the template in place of its default; may be repeated
    #[arg(long = "parameter", global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    pub parameters: Vec<(String, String)>,
}

/// What is proved of schedules.
#[derive(Debug, Clone, Subcommand)]
pub enum ScheduleCommand {
    /// Prove of every schedule that no firing meets a clock change, or that its function declares in its Metadata what then
    /// happens: `DstPolicy: skip-gap-once-in-overlap`
    Check {
        /// For how long
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
        years: u32,
    },
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What is done again.
#[derive(Debug, Clone, ClapArgs)]
pub struct Redrive {
    /// The closed run's number
    pub id: i64,
    /// Only batches whose cause holds this text; `almanac runs show` lists causes
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub cause: String,
    /// Only this batch; may be repeated
    #[arg(long = "batch", value_name = "ID")]
    pub batches: Vec<i64>,
    /// The most letters a second that are let go [default: as fast as they go out]
    #[arg(long, value_name = "LETTERS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// Change nothing: only say what would be done again
    #[arg(long)]
    pub dry_run: bool,
    /// Leave the work to a running engine, or to the keeper of the deployed stack
    #[arg(long)]
    pub leave: bool,
}

/// Whose words about letters are to be taken in.
#[derive(Debug, clap::Args)]
pub struct Feedback {
    /// A Maildir, or a folder with one mail a file
    pub folder: PathBuf,
    /// Leave every file where it is
    #[arg(long)]
    pub keep: bool,
    /// The files hold events of SES that you have from SES itself, such as saved dead letters
    #[arg(long)]
    pub ses_events: bool,
}

/// What is predicted.
#[derive(Debug, Clone, ClapArgs)]
pub struct Capacity {
    /// Which stack.
    #[command(flatten)]
    pub which: Which,
    /// How many invitations; several numbers are separated by commas
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10_000_000, 100_000_000],
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub invitations: Vec<u64>,
    /// How many contacts a user has
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub contacts: u32,
    /// The letters a second that SES allows at first
    #[arg(long, value_name = "LETTERS", default_value_t = 14.0, value_parser = pace)]
    pub per_second: f64,
    /// The letters a day that SES allows at first
    #[arg(long, value_name = "LETTERS", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub per_day: u64,
    /// How long a call of SES takes on average
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=30_000))]
    pub call_ms: u32,
    /// Within how many hours a run has to be over [default: SCHEDULER_MAX_JOB_DURATION_HOURS]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    pub hours: Option<u32>,
    /// Latencies are drawn from this number
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

fn pace(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(letters) if (0.01..=1_000_000.0).contains(&letters) => Ok(letters),
        _ => Err("expected letters a second, from 0.01 to 1000000".to_owned()),
    }
}

/// What is measured.
#[derive(Debug, Clone, ClapArgs)]
pub struct Bench {
    /// How many users
    #[arg(long, default_value_t = 5_000)]
    pub users: u32,
    /// How many contacts each user has
    #[arg(long, default_value_t = 20)]
    pub contacts: u32,
    /// How many workers [default: SCHEDULER_MAX_WORKERS]
    #[arg(long)]
    pub workers: Option<usize>,
    /// Then send everybody the first reminder, and print what that took as a second line
    #[arg(long)]
    pub reminders: bool,
}
