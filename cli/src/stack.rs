//! Everything a command stands on, built from the settings.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use dead_letters::DeadLetters;
use invitation_worker::InvitationWorker;
use monthly_invitations::Planner;
use run_keeper::Keeper;
use shared::{
    aws::Aws,
    clock::Clock,
    config::{
        Database, DeliverySettings, EngineSettings, KeeperSettings, MemorySettings, PlannerSettings, RecordsAt, Values,
        WorkerSettings,
    },
    memory::MemoryWatch,
    ports,
    process::Holder,
    queue::RecordsQueue,
    records::{ConnectOptions, Migrated, Records},
    startup,
};

use crate::{
    args::Common,
    engine::{Engine, PlanHere},
    say::tell,
};

/// How long a command waits for a database that went away in the middle: a night's job has time.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// How long a command waits for its connections to be closed.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// What a run needs. Read together, so that whatever is wrong is said at once, and before anything is made.
pub type RunSettings =
    (EngineSettings, PlannerSettings, WorkerSettings, (KeeperSettings, DeliverySettings, MemorySettings));

/// The settings of this call: the environment, the file, and what was typed.
pub fn settings(common: &Common) -> Values {
    settings_with(common, &[])
}

/// The same, with values for what nobody has set.
pub fn settings_with(common: &Common, fallbacks: &[(&str, &str)]) -> Values {
    let typed = [
        ("ALMANAC_HOME", common.home.as_ref().map(|home| home.display().to_string())),
        ("DATABASE_URL", common.records.clone()),
        ("EMAIL_TRANSPORTS", common.mail.clone()),
    ];
    // Whoever types where the records are means neither the environment's secret nor its host and name.
    let named = common.records.is_some();
    let unsaid = ["DATABASE_SECRET", "DATABASE_HOST", "DATABASE_NAME"].into_iter().filter(|_| named);
    let unsaid = unsaid.map(|name| (name.into(), "".into()));
    let fallbacks = fallbacks.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let typed = typed.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into())));
    // Later ones win: what is typed over the environment, and that over what is only assumed.
    let values = Values::from_environment(fallbacks.chain(std::env::vars_os()).chain(typed).chain(unsaid));
    for notice in values.notices() {
        tell!("almanac: {notice}");
    }
    values
}

/// The records and where they are.
pub struct Stack {
    /// The settings that everything is built from.
    pub values: Values,
    /// What the engine needs of them.
    pub settings: EngineSettings,
    /// The records, with an up-to-date schema.
    pub records: Records,
    /// Where clients of AWS come from, when something stands there.
    aws: Aws,
}

impl Stack {
    /// Opens records that must be there: for commands that only look at them, or at what they hold.
    pub async fn open_existing(values: Values) -> anyhow::Result<Self> {
        let settings: EngineSettings = values.read()?;
        if let RecordsAt::Url(Database::Sqlite(path)) = &settings.records
            && !path.exists()
        {
            bail!("there are no records at {} yet: `almanac import` or `almanac demo` makes them", path.display());
        }
        Self::open(values).await
    }

    /// Opens the records, making the home folder and the schema where they are missing.
    pub async fn open(values: Values) -> anyhow::Result<Self> {
        let settings: EngineSettings = values.read()?;
        let aws = Aws::from_environment();
        let records = connect(&settings, &aws).await?;
        bring_up_to_date(&records, &settings).await?;
        Ok(Self { values, settings, records, aws })
    }

    /// Brings the schema of the records up to date, making them where there are none; says what was applied.
    pub async fn migrate(values: &Values) -> anyhow::Result<Migrated> {
        let settings: EngineSettings = values.read()?;
        let records = connect(&settings, &Aws::from_environment()).await?;
        bring_up_to_date(&records, &settings).await
    }

    /// Closes the records, after what is under way; a database that is away is not waited for.
    pub async fn close(&self) {
        tokio::time::timeout(CLOSING_TIME, self.records.close()).await.ok();
    }

    /// The planner of this machine.
    pub fn planner(&self, clock: &Clock) -> anyhow::Result<Planner> {
        let (planner, keeper) = self.values.read::<(PlannerSettings, KeeperSettings)>()?;
        let queue = Arc::new(RecordsQueue::invitations(self.records.clone(), keeper.worker_timeout));
        Ok(self.planner_on(queue, &planner, clock))
    }

    fn planner_on(&self, queue: Arc<RecordsQueue>, settings: &PlannerSettings, clock: &Clock) -> Planner {
        Planner {
            records: self.records.clone(),
            queue,
            clock: clock.clone(),
            zone: settings.timezone,
            batch_size: settings.batch_size as usize,
        }
    }

    /// The engine of this machine.
    pub async fn engine(&self, clock: Clock) -> anyhow::Result<Engine> {
        let (_, planner, worker, (keeper, delivery, memory)) = self.values.read::<RunSettings>()?;
        let locks = self.settings.home.join("processes");
        let holder = Holder::watched(&locks).with_context(|| format!("making a lock in {}", locks.display()))?;
        let worker_timeout = keeper.worker_timeout;
        let queue = Arc::new(RecordsQueue::invitations(self.records.clone(), worker_timeout));
        let planner = self.planner_on(queue.clone(), &planner, &clock);
        let worker =
            InvitationWorker::from_settings(self.records.clone(), &worker, clock.clone(), holder.clone()).await?;
        let workers = self.settings.max_workers.max(1);
        let keeper = Keeper {
            records: self.records.clone(),
            queue: queue.clone(),
            objects: ports::objects(&delivery, &self.aws).await?,
            news: ports::news(&delivery.news, &self.aws, &self.records, &clock).await?,
            door: Arc::new(PlanHere(planner.clone())),
            clock,
            zone: planner.zone,
            longest_run: keeper.max_job_duration,
        };
        Ok(Engine {
            records: self.records.clone(),
            messages_at_once: worker.batches_at_once().div_ceil(workers),
            worker: Arc::new(worker),
            worker_timeout,
            queue,
            planner,
            dead_letters: DeadLetters { records: self.records.clone(), clock: keeper.clock.clone() },
            keeper,
            holder,
            locks,
            workers,
            memory: MemoryWatch::new(memory.max_memory_mb.into(), memory.alert_threshold),
        })
    }
}

async fn connect(settings: &EngineSettings, aws: &Aws) -> anyhow::Result<Records> {
    make_folder(&settings.home)?;
    if let RecordsAt::Url(Database::Sqlite(path)) = &settings.records
        && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
    {
        make_folder(folder)?;
    }
    let connections = u32::try_from(settings.max_workers).unwrap_or(1) + 12;
    let options = ConnectOptions { connections, patience: PATIENCE };
    let records = startup::open_records(&settings.records, aws, options).await;
    records.with_context(|| format!("opening the records at {}", shown(settings)))
}

async fn bring_up_to_date(records: &Records, settings: &EngineSettings) -> anyhow::Result<Migrated> {
    let migrated = records.migrate().await;
    migrated.with_context(|| format!("bringing the schema of {} up to date", shown(settings)))
}

/// Where the records are, without what opens them.
fn shown(settings: &EngineSettings) -> String {
    match &settings.records {
        RecordsAt::Url(Database::Sqlite(path)) => path.display().to_string(),
        RecordsAt::Url(Database::MySql(url)) => url.to_string(),
        RecordsAt::Secret(_) => "what DATABASE_SECRET names".to_owned(),
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))
}
