//! Every setting, once: its name, kind, default, meaning and who reads it.
//!
//! A new setting is a row here, a line in the group that reads it, and `.env.example` written anew
//! (`almanac config --example > .env.example`); tests hold the three together.

use super::host::Host;
use crate::{hackathon::Criterion, mail::providers::Provider};

use super::kinds::{
    Address, AlertsPlace, ApiKeyKind, BaseUrlKind, DatabaseKind, DatabaseName, DoubtPolicy, EventsPlace, Folder,
    Fraction, HostName, Kind, Moment, Networks, ObjectsPlace, QueuePlace, SecretName, SendLogPlace, ServiceUrlKind,
    Switch, Text, TokenKind, Transports, UserAgent, Whole, Zone,
};
use super::setting::{Row, Section, Setting};
use super::values::Values;

const PLANNER: &str = "monthly-invitations";
const WORKER: &str = "invitation-worker";
const KEEPER: &str = "run-keeper";
const DEAD_LETTERS: &str = "dead-letters";
const FEEDBACK: &str = "delivery-feedback";
const MIGRATE: &str = "migrate";
const REMINDERS: &str = "reminders";
const CLEANUP: &str = "cleanup";
const UNSUBSCRIBE: &str = "unsubscribe";
const COSTS: &str = "cost-tracking";
const GIT: &str = "git-monitor";
const PERFORMANCE: &str = "performance-monitor";
const DEPLOYMENTS: &str = "deployment-monitor";
const HEALTH: &str = "health-check";
const CLI: &str = "almanac";

/// `almanac` runs every job, so it reads whatever a job reads.
const EVERYONE: &[&str] = &[
    PLANNER,
    WORKER,
    KEEPER,
    DEAD_LETTERS,
    FEEDBACK,
    MIGRATE,
    REMINDERS,
    CLEANUP,
    UNSUBSCRIBE,
    COSTS,
    GIT,
    PERFORMANCE,
    DEPLOYMENTS,
    HEALTH,
    CLI,
];
/// Whose use of memory is watched: all but what runs once, at a deployment.
const WATCHED: &[&str] = &[
    PLANNER,
    WORKER,
    KEEPER,
    DEAD_LETTERS,
    FEEDBACK,
    REMINDERS,
    CLEANUP,
    UNSUBSCRIBE,
    COSTS,
    GIT,
    PERFORMANCE,
    DEPLOYMENTS,
    HEALTH,
    CLI,
];
const SENDERS: &[&str] = &[WORKER, CLI];
/// Not `almanac`: the engine of one machine has its own workers, which take from its own queue.
const QUEUERS: &[&str] = &[PLANNER, KEEPER, REMINDERS];
/// The monitors, which all speak to the Hub.
const MONITORS: &[&str] = &[COSTS, GIT, PERFORMANCE, DEPLOYMENTS, CLI];
/// Those of them that ask others than the Hub.
const ASKERS: &[&str] = &[GIT, PERFORMANCE, DEPLOYMENTS, CLI];
/// Those that hand pages of teams to workers. Not `almanac`: on one machine the one process measures them all.
const PAGED: &[&str] = &[GIT, PERFORMANCE, DEPLOYMENTS];
/// Those of budgets and judges' scores.
const COST_MONITORS: &[&str] = &[COSTS, CLI];
/// That of what teams have deployed.
const PROBERS: &[&str] = &[DEPLOYMENTS, CLI];
/// That of load tests.
const LOAD_TESTS: &[&str] = &[PERFORMANCE, CLI];
/// That of repositories.
const GIT_MONITOR: &[&str] = &[GIT, CLI];
const DELIVERERS: &[&str] = &[KEEPER, CLI];

/// The settings by which the template names what stands in AWS.
pub(super) static IN_AWS: [&dyn Row; 9] = [
    &DATABASE_SECRET,
    &DATABASE_HOST,
    &DATABASE_NAME,
    &INVITATIONS_QUEUE,
    &MONITOR_QUEUE,
    &OBJECTS,
    &ALERTS_TOPIC,
    &EVENT_BUS,
    &EMAIL_TRANSPORTS,
];

/// Declares each setting under its own name, with its one doc line for readers of code and of `.env.example` alike,
/// and lists them all in [`TABLE`].
macro_rules! settings {
    ($($section:ident { $(#[doc = $doc:literal] $name:ident: $kind:ty = $value:expr $(, $method:ident($($argument:expr),*))*;)+ })+) => {
        $($(
            #[doc = $doc]
            pub static $name: Setting<$kind> =
                Setting::new(stringify!($name), $doc, Section::$section, $value)$(.$method($($argument),*))*;
        )+)+

        /// All settings, in the order in which they are listed.
        pub static TABLE: &[&dyn Row] = &[$($(&$name),+),+];
    };
}

settings! {
    Places {
        /// The settings file; not set means `almanac.env` under the home, when it is there.
        ALMANAC_CONFIG: Folder = Folder, environment_only(), read_by(EVERYONE);

        /// The folder in which one machine keeps records, mail and locks.
        ALMANAC_HOME: Folder = Folder,
            derived(".almanac; under `sam local` almanac in the temporary folder", home, "no home"),
            read_by(EVERYONE);

        /// A file of AWS's prices, in place of those built in: `cli/src/capacity/prices.json`.
        ALMANAC_PRICES: Folder = Folder, read_by(&[CLI]);

        /// The database that holds the records.
        DATABASE_URL: DatabaseKind = DatabaseKind,
            derived("sqlite:<home>/almanac.db; on Lambda it or DATABASE_SECRET must be set", database,
                "on Lambda an embedded database would be lost with the instance; DATABASE_SECRET will do as well"),
            replaced_by("DATABASE_SECRET"), secret(), read_by(EVERYONE);
    }

    Aws {
        /// The secret or parameter with username, password, host, port and dbname, in place of DATABASE_URL.
        DATABASE_SECRET: SecretName = SecretName, secret(), read_by(EVERYONE);

        /// A host in place of the secret's, such as a proxy's endpoint.
        DATABASE_HOST: HostName = HostName, read_by(EVERYONE);

        /// A database in place of the secret's.
        DATABASE_NAME: DatabaseName = DatabaseName, read_by(EVERYONE);

        /// The queue between the planner and the workers.
        INVITATIONS_QUEUE: QueuePlace = QueuePlace,
            derived("records:, a table of the records; on Lambda it must be set", in_the_records,
                "on Lambda nothing takes messages from the records"),
            read_by(QUEUERS);

        /// The monitor's own queue, by which it hands teams beyond the first 256 to workers; not set: it measures all itself.
        MONITOR_QUEUE: QueuePlace = QueuePlace, read_by(PAGED);

        /// Where runs' reports go, and what is archived.
        OBJECTS: ObjectsPlace = ObjectsPlace,
            derived("<home>/objects; on Lambda it must be set", objects,
                "on Lambda a folder of reports would be lost with the instance"),
            read_by(&[KEEPER, CLEANUP, CLI]);

        /// The topic for what people are to be told.
        ALERTS_TOPIC: AlertsPlace = AlertsPlace,
            derived("records:, a table of the records; on Lambda it must be set", in_the_records,
                "on Lambda nobody would see an alert in the records"),
            read_by(DELIVERERS);

        /// The bus for what other programs are to be told, and by which a planner is started again.
        EVENT_BUS: EventsPlace = EventsPlace,
            derived("records:, a table of the records; on Lambda it must be set", in_the_records,
                "on Lambda nothing listens to events in the records"),
            read_by(DELIVERERS);
    }

    Schedule {
        /// The day of the month on which the cycle begins.
        SCHEDULER_MONTHLY_JOB_DAY: Whole = Whole::range(1, 28),
            default("5"), formerly("MONTHLY_JOB_DAY"), read_by(&[PLANNER, CLI]);

        /// The hour of that day, in the schedule's zone.
        SCHEDULER_MONTHLY_JOB_HOUR: Whole = Whole::range(0, 23),
            default("18"), formerly("MONTHLY_JOB_HOUR"), read_by(&[PLANNER, CLI]);

        /// How late the invitations' schedule may fire before their run waits for a person: `almanac approve RUN`.
        SCHEDULER_INVITATION_DEADLINE_HOURS: Whole = Whole::range(1, 168).of("hours"),
            default("4"), read_by(&[PLANNER, CLI]);

        /// What becomes of an invitation whose provider gave no result: it is left in doubt, or sent once more.
        SCHEDULER_INVITATIONS_IN_DOUBT: DoubtPolicy = DoubtPolicy,
            default("never-again"), read_by(&[PLANNER, CLI]);

        /// The same of a reminder.
        SCHEDULER_REMINDERS_IN_DOUBT: DoubtPolicy = DoubtPolicy,
            default("never-again"), read_by(&[REMINDERS, CLI]);

        /// The zone in which days, hours and months are meant.
        SCHEDULER_TIMEZONE: Zone = Zone,
            default("Europe/Paris"), formerly("TIMEZONE"), read_by(&[PLANNER, KEEPER, CLEANUP, CLI]);
    }

    Work {
        /// How many users a batch holds.
        SCHEDULER_BATCH_SIZE: Whole = Whole::range(1, 300).of("users"),
            default("50"), formerly("BATCH_SIZE"), read_by(&[PLANNER, CLI]);

        /// How many invitations are written in one statement.
        SCHEDULER_INVITATION_BATCH_SIZE: Whole = Whole::range(1, 1000).of("invitations"),
            default("100"), formerly("INVITATION_BATCH_SIZE"), read_by(&[WORKER, CLI]);

        /// How many batches one machine works on at once.
        SCHEDULER_MAX_WORKERS: Whole = Whole::range(1, 64),
            default("4"), formerly("MAX_WORKERS"), read_by(EVERYONE);

        /// How long one batch may take.
        SCHEDULER_WORKER_TIMEOUT: Whole = Whole::range(1_000, 900_000).of("milliseconds"),
            default("300000"), formerly("WORKER_TIMEOUT"), read_by(&[WORKER, CLI]);

        /// How much memory a process of one machine may use; on Lambda the function's own size counts.
        SCHEDULER_MAX_MEMORY_MB: Whole = Whole::range(64, 10_240).of("MiB"),
            default("512"), formerly("MAX_MEMORY_MB"), read_by(WATCHED);

        /// How long a run may take before it is reported as stuck.
        SCHEDULER_MAX_JOB_DURATION_HOURS: Whole = Whole::range(1, 168).of("hours"),
            default("1"), formerly("MAX_JOB_DURATION_HOURS"), read_by(&[KEEPER, HEALTH, CLI]);
    }

    Email {
        /// Who carries letters; several are tried in order.
        EMAIL_TRANSPORTS: Transports = Transports,
            derived("dir:<home>/mail; on Lambda it must be set", transports,
                "on Lambda a folder of letters would be lost with the instance"),
            secret(), read_by(SENDERS);

        /// The address that letters come from.
        EMAIL_FROM_ADDRESS: Address = Address,
            derived("invitations@almanac.example while no transport is smtp or ses; else it must be set",
                |values| pretend(values, "invitations@almanac.example"), "EMAIL_TRANSPORTS reaches real people"),
            read_by(SENDERS);

        /// The name that stands before that address.
        EMAIL_FROM_NAME: Text = Text::up_to(100), read_by(SENDERS);

        /// Where the application is reached; links in letters begin with it.
        APP_BASE_URL: BaseUrlKind = BaseUrlKind,
            derived("https://almanac.example while no transport is smtp or ses; else it must be set",
                |values| pretend(values, "https://almanac.example"), "EMAIL_TRANSPORTS reaches real people"),
            read_by(SENDERS);

        /// Where `unsubscribe` is reached, if not below APP_BASE_URL; the links by which people stop letters begin with it.
        UNSUBSCRIBE_BASE_URL: BaseUrlKind = BaseUrlKind, read_by(SENDERS);

        /// How many letters go into one call to a provider.
        EMAIL_BATCH_SIZE: Whole = Whole::range(1, 50).of("letters"), default("50"), read_by(SENDERS);

        /// The most letters a minute, of all workers together; not set means SES's own quota, and else no limit.
        EMAIL_RATE_LIMIT_PER_MINUTE: Whole = Whole::range(1, 1_000_000).of("letters"), read_by(SENDERS);

        /// The most letters a second, of all workers together; of several limits the strictest holds.
        EMAIL_RATE_LIMIT_PER_SECOND: Whole = Whole::range(1, 10_000).of("letters"), read_by(SENDERS);

        /// Where it is counted what all workers together have sent, if anything limits them.
        EMAIL_SEND_LOG: SendLogPlace = SendLogPlace, default("records:"), secret(), read_by(SENDERS);

        /// A folder of templates to use in place of those built in.
        EMAIL_TEMPLATES_DIR: Folder = Folder, read_by(SENDERS);

    }

    Invitations {
        /// How long an invitation can be answered.
        INVITATION_EXPIRATION_DAYS: Whole = Whole::range(1, 365).of("days"), default("60"), read_by(&[WORKER, CLI]);

        /// How long after an invitation the first reminder is due.
        SCHEDULER_FIRST_REMINDER_DAYS: Whole = Whole::range(1, 90).of("days"),
            default("3"), formerly("FIRST_REMINDER_DAYS"), read_by(&[REMINDERS, CLI]);

        /// How long after an invitation the second reminder is due; later than the first.
        SCHEDULER_SECOND_REMINDER_DAYS: Whole = Whole::range(2, 180).of("days"),
            default("7"), formerly("SECOND_REMINDER_DAYS"), read_by(&[REMINDERS, CLI]);
    }

    Cleanup {
        /// How long an expired invitation is kept before it is archived and deleted.
        SCHEDULER_EXPIRED_TOKEN_RETENTION_DAYS: Whole = Whole::range(1, 3_650).of("days"),
            default("90"), formerly("EXPIRED_TOKEN_RETENTION_DAYS"), read_by(&[CLEANUP, CLI]);

        /// How long the history of metrics is kept: events and alerts that were delivered.
        SCHEDULER_METRICS_RETENTION_HOURS: Whole = Whole::range(1, 8_760).of("hours"),
            default("72"), formerly("METRICS_RETENTION_HOURS"), read_by(&[CLEANUP, CLI]);

        /// After how long of a provider's silence a letter in doubt was not taken, if it spoke of all letters around it.
        SCHEDULER_SILENCE_HOURS: Whole = Whole::range(1, 8_760).of("hours"), default("24"), read_by(&[CLEANUP, CLI]);
    }

    Health {
        /// The share of errors above which an alert is raised.
        SCHEDULER_ERROR_RATE_THRESHOLD: Fraction = Fraction,
            default("0.05"), formerly("ERROR_RATE_THRESHOLD"), read_by(&[HEALTH, CLI]);

        /// The share of the memory limit above which an alert is raised.
        SCHEDULER_MEMORY_ALERT_THRESHOLD: Fraction = Fraction,
            default("0.8"), formerly("MEMORY_ALERT_THRESHOLD"), read_by(WATCHED);
    }

    Hackathon {
        /// Whether teams are judged by what their servers answer (DEPLOYED_SOLUTION).
        DEPLOYMENT_MONITOR_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Whether teams are judged by load tests of their search for events (EVENT_SEARCH).
        EVENT_SEARCH_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Whether teams are judged by load tests of their search in the archive (ARCHIVE_SEARCH).
        ARCHIVE_SEARCH_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Whether teams are judged by load tests of their log-in (AUTH_PERFORMANCE).
        AUTH_PERFORMANCE_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Whether teams are judged by load tests of their bookings (TICKET_BOOKING).
        TICKET_BOOKING_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Whether teams are judged by what they have spent (BUDGET_TRACKING).
        COST_TRACKING_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Whether what the judges gave is told to the Hub (JUDGE_SCORE).
        JUDGE_SCORE_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Whether teams are judged by what they commit (CODE_REPO).
        GIT_MONITOR_ENABLED: Switch = Switch, default("false"), read_by(MONITORS);

        /// Where the Hub is reached; needed where any monitor is switched on.
        API_BASE_URL: BaseUrlKind = BaseUrlKind, read_by(MONITORS);

        /// The key by which the Hub knows this service; needed where any monitor is switched on.
        SERVICE_API_KEY: ApiKeyKind = ApiKeyKind,
            replaced_by("SERVICE_API_KEY_SECRET"), secret(), read_by(MONITORS);

        /// The secret or parameter that holds the key, in place of SERVICE_API_KEY.
        SERVICE_API_KEY_SECRET: SecretName = SecretName, secret(), read_by(MONITORS);

        /// The hackathon, as the Hub names it; needed where any monitor is switched on.
        HACKATHON_ID: Text = Text::up_to(64), read_by(MONITORS);

        /// How long one call to the Hub may take.
        API_TIMEOUT: Whole = Whole::range(100, 120_000).of("milliseconds"), default("30000"), read_by(MONITORS);

        /// How often a call to the Hub that failed for the moment is tried again.
        API_RETRIES: Whole = Whole::range(0, 10), default("3"), read_by(MONITORS);

        /// The most calls to the Hub in any minute, of one process.
        RATE_LIMIT_PER_MINUTE: Whole = Whole::range(1, 10_000).of("calls"), default("60"), read_by(MONITORS);

        /// How many teams are looked at together.
        MAX_CONCURRENT_JOBS: Whole = Whole::range(1, 1_000).of("teams"), default("64"), read_by(MONITORS);

        /// How many runs in a row must say the same of a team whose status changes to and fro before the Hub is told.
        CRITERIA_SETTLE_AFTER: Whole = Whole::range(1, 10).of("runs"), default("3"), read_by(MONITORS);

        /// How long what criteria said of teams is kept.
        VERDICT_RETENTION_DAYS: Whole = Whole::range(1, 3_650).of("days"), default("60"), read_by(MONITORS);

        /// How long one request to others than the Hub may take in all.
        HTTP_TIMEOUT: Whole = Whole::range(100, 60_000).of("milliseconds"), default("10000"), read_by(ASKERS);

        /// What requests to others than the Hub call their sender.
        USER_AGENT: UserAgent = UserAgent, default("almanac-monitor"), read_by(ASKERS);

        /// Where Prometheus is, which knows what load tests came to; or GRAFANA_API_URL, through which it is asked.
        PROMETHEUS_URL: ServiceUrlKind = ServiceUrlKind, replaced_by("GRAFANA_API_URL"), read_by(LOAD_TESTS);

        /// Where Grafana is, through which Prometheus is asked.
        GRAFANA_API_URL: BaseUrlKind = BaseUrlKind, read_by(LOAD_TESTS);

        /// The UID of Grafana's data source that is Prometheus.
        GRAFANA_DATA_SOURCE: Text = Text::up_to(40), default("prometheus"), read_by(LOAD_TESTS);

        /// The token of a service account of Grafana's, or of what stands before Prometheus; none where none is needed.
        GRAFANA_TOKEN: TokenKind = TokenKind,
            replaced_by("GRAFANA_TOKEN_SECRET"), secret(), read_by(LOAD_TESTS);

        /// The secret or parameter that holds the token, in place of GRAFANA_TOKEN.
        GRAFANA_TOKEN_SECRET: SecretName = SecretName, secret(), read_by(LOAD_TESTS);

        /// The dashboard that shows a load test, to whose address `?var-testid=` is added.
        GRAFANA_DASHBOARD_BASE_URL: BaseUrlKind = BaseUrlKind, read_by(LOAD_TESTS);

        /// Whether load tests must be as fast as the rules say, too.
        P95_THRESHOLDS_ENFORCED: Switch = Switch, default("false"), read_by(LOAD_TESTS);

        /// A file of rules in place of those built in: `infra/rules/cost-tracking.json`.
        COST_TRACKING_RULES: Folder = Folder, read_by(COST_MONITORS);

        /// A file of rules in place of those built in: `infra/rules/performance-monitor.json`.
        PERFORMANCE_MONITOR_RULES: Folder = Folder, read_by(LOAD_TESTS);

        /// Networks of the operator's own in which teams' servers are probed too: otherwise only public addresses are.
        PROBE_ALLOWED_NETWORKS: Networks = Networks, read_by(PROBERS);

        /// A file of certificates (PEM) of authorities that probes trust beside the system's.
        PROBE_CA_FILE: Folder = Folder, read_by(PROBERS);

        /// A file of probes and rules in place of those built in: `infra/rules/deployment-monitor.json`.
        DEPLOYMENT_MONITOR_RULES: Folder = Folder, read_by(PROBERS);

        /// When the hackathon began; needed where commits are counted (CODE_REPO).
        HACKATHON_START: Moment = Moment, read_by(GIT_MONITOR);

        /// Where GitHub's API is; a GitHub Enterprise's is https://HOST/api/v3.
        GITHUB_API_URL: BaseUrlKind = BaseUrlKind, default("https://api.github.com"), read_by(GIT_MONITOR);

        /// A token by which GitHub shows private repositories, and takes more requests an hour.
        GITHUB_TOKEN: TokenKind = TokenKind, replaced_by("GITHUB_TOKEN_SECRET"), secret(), read_by(GIT_MONITOR);

        /// The secret or parameter that holds the token, in place of GITHUB_TOKEN.
        GITHUB_TOKEN_SECRET: SecretName = SecretName, secret(), read_by(GIT_MONITOR);

        /// The number of a GitHub App that asks in place of a token.
        GITHUB_APP_ID: Whole = Whole::range(1, u32::MAX), read_by(GIT_MONITOR);

        /// The file that holds the app's private key, as PEM.
        GITHUB_APP_KEY: Folder = Folder, replaced_by("GITHUB_APP_KEY_SECRET"), read_by(GIT_MONITOR);

        /// The secret or parameter that holds the app's private key, in place of GITHUB_APP_KEY.
        GITHUB_APP_KEY_SECRET: SecretName = SecretName, secret(), read_by(GIT_MONITOR);

        /// A file of rules, in place of those built in: `infra/rules/git-monitor.json`.
        GIT_MONITOR_RULES: Folder = Folder, read_by(GIT_MONITOR);
    }
}

/// The setting that switches the monitor of a criterion on.
pub fn switch_of(criterion: Criterion) -> &'static Setting<Switch> {
    match criterion {
        Criterion::DeployedSolution => &DEPLOYMENT_MONITOR_ENABLED,
        Criterion::CodeRepo => &GIT_MONITOR_ENABLED,
        Criterion::EventSearch => &EVENT_SEARCH_ENABLED,
        Criterion::ArchiveSearch => &ARCHIVE_SEARCH_ENABLED,
        Criterion::AuthPerformance => &AUTH_PERFORMANCE_ENABLED,
        Criterion::TicketBooking => &TICKET_BOOKING_ENABLED,
        Criterion::BudgetTracking => &COST_TRACKING_ENABLED,
        Criterion::JudgeScore => &JUDGE_SCORE_ENABLED,
    }
}

fn home(values: &Values) -> Option<String> {
    Some(match values.host() {
        // There the code's own folder is read-only and thrown away.
        Host::SamLocal => std::env::temp_dir().join("almanac").to_string_lossy().into_owned(),
        Host::Machine | Host::Lambda => ".almanac".to_owned(),
    })
}

fn database(values: &Values) -> Option<String> {
    under_home(values).map(|home| format!("sqlite:{home}/almanac.db"))
}

fn objects(values: &Values) -> Option<String> {
    under_home(values).map(|home| format!("{home}/objects"))
}

fn in_the_records(values: &Values) -> Option<String> {
    (values.host() != Host::Lambda).then(|| "records:".to_owned())
}

fn transports(values: &Values) -> Option<String> {
    under_home(values).map(|home| format!("dir:{home}/mail"))
}

/// The home, where something may be embedded in it.
fn under_home(values: &Values) -> Option<String> {
    match values.host() {
        Host::Lambda => None,
        Host::Machine | Host::SamLocal => values.text(&ALMANAC_HOME.about),
    }
}

/// A made-up sender, as long as no letter reaches anybody. Wrong or missing transports are reported by themselves.
fn pretend(values: &Values, example: &str) -> Option<String> {
    let transports = values.text(&EMAIL_TRANSPORTS.about).and_then(|text| EMAIL_TRANSPORTS.kind.parse(&text).ok());
    let real = transports.is_some_and(|transports| transports.iter().any(Provider::is_real));
    (!real).then(|| example.to_owned())
}
