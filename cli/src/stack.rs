//! Everything a command stands on, built from the settings.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use cleanup::Cleanup;
use dead_letters::DeadLetters;
use invitation_worker::InvitationWorker;
use run_keeper::Keeper;
use shared::{
    aws::Aws,
    clock::Clock,
    config::{
        CleanupSettings, CostSettings, Database, DeliverySettings, EngineSettings, GitHubSettings, KeeperSettings,
        LoadTestSettings, MemorySettings, MonitorSettings, PlannerSettings, ProbeSettings, RecordsAt, ReminderSettings,
        Values, WorkerSettings,
        table::{DATABASE_HOST, DATABASE_NAME, DATABASE_SECRET},
    },
    hackathon::Monitoring,
    memory::MemoryWatch,
    objects::Objects,
    ports,
    process::Holder,
    queue::RecordsQueue,
    records::{ConnectOptions, Dialect, Migrated, Records},
    run::job::Job,
    startup,
};
use tokio::sync::watch;

use crate::{
    args::Common,
    engine::{Engine, Jobs, PlanHere},
    say::tell,
    schema::{self, Schema},
};

/// How long a command waits for a database that went away in the middle: a night's job has time.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// How long a command waits for its connections to be closed.
const CLOSING_TIME: Duration = Duration::from_secs(5);

/// What a run needs. Read together, so that whatever is wrong is said at once, and before anything is made.
pub type RunSettings =
    (EngineSettings, JobSettings, WorkerSettings, (KeeperSettings, DeliverySettings, MemorySettings));

/// What the jobs need that can be fired.
pub type JobSettings = (PlannerSettings, ReminderSettings, CleanupSettings, AllMonitorSettings);

/// The settings of all monitors.
pub type AllMonitorSettings = (MonitorSettings, (CostSettings, GitHubSettings, LoadTestSettings, ProbeSettings));

/// The settings of this call: what was typed, else the environment, else the file.
pub fn settings(common: &Common) -> Values {
    settings_and(common, None)
}

/// The same, with one more that was typed.
pub fn settings_and(common: &Common, typed: Option<(&str, String)>) -> Values {
    let typed = [
        common.home.as_ref().map(|home| ("ALMANAC_HOME", home.display().to_string())),
        common.records.clone().map(|records| ("DATABASE_URL", records)),
        common.mail.clone().map(|mail| ("EMAIL_TRANSPORTS", mail)),
        typed,
    ];
    let typed = typed.into_iter().flatten().map(|(name, value)| (name.into(), value.into()));
    // Later ones win.
    let mut values = Values::from_environment(std::env::vars_os().chain(typed));
    if common.records.is_some() {
        // Whoever types where the records are means no secret, and no host and name in place of the secret's.
        values = values.without(&[&DATABASE_SECRET.about, &DATABASE_HOST.about, &DATABASE_NAME.about]);
    }
    for notice in values.notices() {
        tell!("almanac: {notice}");
    }
    values
}

/// The folder in which this machine keeps what is its own.
pub fn home(common: &Common) -> anyhow::Result<PathBuf> {
    let settings: EngineSettings = settings(common).read()?;
    Ok(settings.home)
}

/// The records and where they are.
pub struct Stack {
    /// The settings that everything is built from.
    pub values: Values,
    /// What the engine needs of them.
    pub settings: EngineSettings,
    /// The records.
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

    /// Opens the records. A file's are made and brought up to date where need be; what is on a server is everybody's, and
    /// its schema is brought up to date by a deployment or by [`Stack::migrate`].
    ///
    /// # Errors
    /// Also when the schema on a server is missing, or of an earlier release.
    pub async fn open(values: Values) -> anyhow::Result<Self> {
        let stack = Self::connect(values).await?;
        match stack.records.dialect() {
            Dialect::Sqlite => drop(stack.migrate().await?),
            Dialect::MySql => stack.check_schema().await?,
        }
        Ok(stack)
    }

    /// Opens the records, whatever their schema is; makes the home folder where it is missing.
    pub async fn connect(values: Values) -> anyhow::Result<Self> {
        let settings: EngineSettings = values.read()?;
        let aws = Aws::from_environment();
        let records = connect(&settings, &aws).await?;
        Ok(Self { values, settings, records, aws })
    }

    /// Brings the schema of the records up to date, making it where there is none; says what was applied.
    pub async fn migrate(&self) -> anyhow::Result<Migrated> {
        let migrated = self.records.migrate().await;
        migrated.with_context(|| format!("bringing the schema of {} up to date", shown(&self.settings)))
    }

    async fn check_schema(&self) -> anyhow::Result<()> {
        let place = shown(&self.settings);
        match schema::on_server(&self.records).await.with_context(|| format!("looking at the schema of {place}"))? {
            Schema::Ours => {}
            Schema::Missing => bail!("there are no records at {place} yet: `almanac migrate` makes them"),
            Schema::Earlier(version) => bail!(
                "the schema of {place} is at version {version}, of an earlier release than this program: \
                 `almanac migrate` brings it up to date"
            ),
            Schema::Later(version) => tell!(
                "almanac: the schema of {place} is at version {version}, of a later release than this program: \
                 `almanac migrate` would leave it alone too"
            ),
        }
        Ok(())
    }

    /// Closes the records, after what is under way; a database that is away is not waited for.
    pub async fn close(&self) {
        tokio::time::timeout(CLOSING_TIME, self.records.close()).await.ok();
    }

    /// What plans the invitations of a month on this machine.
    pub fn invitations(&self, clock: &Clock) -> anyhow::Result<monthly_invitations::Planner> {
        Ok(self.invitations_on(self.queue(), &self.values.read()?, clock))
    }

    /// What plans the reminders on this machine.
    pub fn reminders(&self, clock: &Clock) -> anyhow::Result<reminders::Planner> {
        Ok(self.reminders_on(self.queue(), &self.values.read()?, clock))
    }

    fn queue(&self) -> Arc<RecordsQueue> {
        Arc::new(RecordsQueue::invitations(self.records.clone()))
    }

    fn invitations_on(
        &self,
        queue: Arc<RecordsQueue>,
        settings: &PlannerSettings,
        clock: &Clock,
    ) -> monthly_invitations::Planner {
        monthly_invitations::Planner {
            records: self.records.clone(),
            queue,
            clock: clock.clone(),
            zone: settings.timezone,
            batch_size: settings.batch_size as usize,
            deadline: settings.deadline,
            when_in_doubt: settings.when_in_doubt,
        }
    }

    fn reminders_on(&self, queue: Arc<RecordsQueue>, settings: &ReminderSettings, clock: &Clock) -> reminders::Planner {
        reminders::Planner {
            records: self.records.clone(),
            queue,
            clock: clock.clone(),
            days: settings.days,
            when_in_doubt: settings.when_in_doubt,
        }
    }

    fn cleanup(&self, objects: Arc<dyn Objects>, settings: &CleanupSettings, clock: &Clock) -> Cleanup {
        Cleanup {
            records: self.records.clone(),
            objects,
            clock: clock.clone(),
            zone: settings.timezone,
            retention_days: settings.expired_retention_days,
            silence_hours: settings.silence_hours,
            history_hours: settings.metrics_retention_hours,
        }
    }

    /// The monitors that are switched on.
    async fn monitors(&self, settings: &AllMonitorSettings, clock: &Clock) -> anyhow::Result<Vec<Arc<dyn Job>>> {
        let (settings, (costs, github, load_tests, probes)) = settings;
        let monitoring = Monitoring::of(settings.clone(), &self.aws, &self.records, clock).await?;
        let Some(monitoring) = monitoring else { return Ok(Vec::new()) };
        let mut monitors = cost_tracking::monitors(&monitoring, costs)?;
        monitors.extend(deployment_monitor::monitor(&monitoring, probes)?);
        monitors.extend(git_monitor::monitor(&monitoring, github, &self.aws).await?);
        monitors.extend(performance_monitor::monitors(&monitoring, load_tests, &self.aws).await?);
        Ok(monitors.into_iter().map(|monitor| -> Arc<dyn Job> { monitor }).collect())
    }

    /// The engine of this machine.
    pub async fn engine(&self, clock: Clock) -> anyhow::Result<Engine> {
        let (_, (invitations, reminders, cleanup, monitors), worker, (keeper, delivery, memory)) =
            self.values.read::<RunSettings>()?;
        let locks = self.settings.home.join("processes");
        let holder = Holder::watched(&locks).with_context(|| format!("making a lock in {}", locks.display()))?;
        let worker_timeout = worker.worker_timeout;
        let queue = self.queue();
        let objects = ports::objects(&delivery.objects, &self.aws).await?;
        let mut jobs: Vec<Arc<dyn Job>> = vec![
            Arc::new(self.invitations_on(queue.clone(), &invitations, &clock)),
            Arc::new(self.reminders_on(queue.clone(), &reminders, &clock)),
            Arc::new(self.cleanup(objects.clone(), &cleanup, &clock)),
        ];
        jobs.extend(self.monitors(&monitors, &clock).await?);
        let jobs = Jobs(jobs);
        let worker =
            InvitationWorker::from_settings(self.records.clone(), &worker, clock.clone(), holder.clone()).await?;
        let workers = self.settings.max_workers.max(1);
        let stop = watch::Sender::new(false);
        let keeper = Keeper {
            records: self.records.clone(),
            queue: queue.clone(),
            objects,
            news: ports::news(&delivery.news, &self.aws, &self.records, &clock).await?,
            door: Arc::new(PlanHere { jobs: jobs.clone(), stop: stop.subscribe() }),
            clock,
            zone: keeper.timezone,
            longest_run: keeper.max_job_duration,
        };
        Ok(Engine {
            records: self.records.clone(),
            messages_at_once: worker.batches_at_once().div_ceil(workers),
            worker: Arc::new(worker),
            worker_timeout,
            queue,
            jobs,
            dead_letters: DeadLetters { records: self.records.clone(), clock: keeper.clock.clone() },
            keeper,
            holder,
            locks,
            workers,
            stop,
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
