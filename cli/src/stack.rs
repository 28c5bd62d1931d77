//! Everything a command stands on, built from the settings.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use invitation_worker::InvitationWorker;
use monthly_invitations::Planner;
use run_keeper::Keeper;
use shared::{
    clock::Clock,
    config::{Database, EngineSettings, KeeperSettings, MemorySettings, PlannerSettings, Values, WorkerSettings},
    memory::MemoryWatch,
    news::RecordsNews,
    objects::FolderObjects,
    process::Holder,
    queue::RecordsQueue,
    records::{ConnectOptions, Records},
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
pub type RunSettings = (EngineSettings, (PlannerSettings, (WorkerSettings, (KeeperSettings, MemorySettings))));

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
    let fallbacks = fallbacks.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let typed = typed.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into())));
    // Later ones win: what is typed over the environment, and that over what is only assumed.
    let values = Values::from_environment(fallbacks.chain(std::env::vars_os()).chain(typed));
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
}

impl Stack {
    /// Opens records that must be there: for commands that only look at them, or at what they hold.
    pub async fn open_existing(values: Values) -> anyhow::Result<Self> {
        let settings: EngineSettings = values.read()?;
        if let Database::Sqlite(path) = &settings.database
            && !path.exists()
        {
            bail!("there are no records at {} yet: `almanac import` or `almanac demo` makes them", path.display());
        }
        Self::open(values).await
    }

    /// Opens the records, making the home folder and the schema where they are missing.
    pub async fn open(values: Values) -> anyhow::Result<Self> {
        let settings: EngineSettings = values.read()?;
        make_folder(&settings.home)?;
        if let Database::Sqlite(path) = &settings.database
            && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            make_folder(folder)?;
        }
        let connections = u32::try_from(settings.max_workers).unwrap_or(1) + 12;
        let options = ConnectOptions { connections, patience: PATIENCE };
        let shown = match &settings.database {
            Database::Sqlite(path) => path.display().to_string(),
            Database::MySql(url) => url.to_string(),
        };
        let records = Records::connect(&settings.database, options)
            .await
            .with_context(|| format!("opening the records at {shown}"))?;
        records.migrate().await.with_context(|| format!("bringing the schema of {shown} up to date"))?;
        Ok(Self { values, settings, records })
    }

    /// Closes the records, after what is under way; a database that is away is not waited for.
    pub async fn close(&self) {
        tokio::time::timeout(CLOSING_TIME, self.records.close()).await.ok();
    }

    /// Where reports are.
    pub fn objects(&self) -> PathBuf {
        self.settings.home.join("objects")
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
        let (_, (planner, (worker, (keeper, memory)))) = self.values.read::<RunSettings>()?;
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
            objects: Arc::new(FolderObjects::new(self.objects())?),
            news: Arc::new(RecordsNews::new(self.records.clone(), clock.clone())),
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
            keeper,
            holder,
            locks,
            workers,
            memory: MemoryWatch::new(memory.max_memory_mb.into(), memory.alert_threshold),
        })
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))
}
