//! The worker's instances: processes of the real binary, each between two gates.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tests::{
    gate::{Gate, Protocol, Trap},
    lambda_host::{Answer, LambdaHost},
    sqs_pump::Function,
};
use tokio::sync::oneshot;

use crate::{
    peril::{Kind, Peril},
    world::World,
};

/// How long an invocation may take.
const TIME: Duration = Duration::from_secs(300);

/// Letters of a call: so few that a volley takes along what one full call does, and a batch takes several volleys.
const LETTERS_PER_CALL: &str = "10";

/// A worker's process.
#[derive(Debug)]
struct Instance {
    host: LambdaHost,
    trap: Trap,
    _gates: [Gate; 2],
}

impl Instance {
    async fn start(database: SocketAddr, provider: SocketAddr) -> Self {
        let trap = Trap::default();
        let gates = [gate(database, Protocol::MySql, &trap).await, gate(provider, Protocol::Ses, &trap).await];
        let [records, mail] = gates.each_ref().map(Gate::address);
        let settings = [
            ("DATABASE_URL", format!("mysql://root@{records}/almanac?ssl-mode=DISABLED")),
            ("EMAIL_TRANSPORTS", format!("ses+http://{mail}")),
            ("EMAIL_BATCH_SIZE", LETTERS_PER_CALL.to_owned()),
            ("EMAIL_FROM_ADDRESS", "invitations@almanac.example".to_owned()),
            ("APP_BASE_URL", "https://almanac.example".to_owned()),
            ("SCHEDULER_WORKER_TIMEOUT", "60000".to_owned()),
        ];
        let binary = env!("CARGO_BIN_EXE_invitation-worker");
        let host = LambdaHost::start("invitation-worker", binary, settings).await.expect("the binary starts");
        Self { host, trap, _gates: gates }
    }
}

async fn gate(server: SocketAddr, protocol: Protocol, trap: &Trap) -> Gate {
    Gate::before(server, protocol, trap.clone()).await.expect("a free port")
}

/// A worker that stands still in the middle of an invocation which Lambda has given up.
#[derive(Debug)]
pub struct Zombie {
    instance: Instance,
    answer: oneshot::Receiver<Answer>,
}

impl Zombie {
    /// Lets it go on where it stood, and waits for its end.
    pub async fn wake(self) {
        let Self { mut instance, answer } = self;
        instance.trap.release();
        instance.host.thaw();
        // Nobody waits for what it says.
        instance.host.finish(TIME, answer).await;
    }
}

/// All instances, and what has happened to them.
#[derive(Debug, Default)]
pub struct Fleet {
    idle: Mutex<Vec<Instance>>,
    zombies: Mutex<Vec<Zombie>>,
    kills: Mutex<BTreeMap<&'static str, usize>>,
}

impl Fleet {
    /// The workers that stand still.
    pub fn zombies(&self) -> Vec<Zombie> {
        std::mem::take(&mut *lock(&self.zombies))
    }

    /// Whether none stands still.
    pub fn has_no_zombie(&self) -> bool {
        lock(&self.zombies).is_empty()
    }

    /// How many were killed, by the step.
    pub fn kills(&self) -> BTreeMap<&'static str, usize> {
        lock(&self.kills).clone()
    }

    async fn instance(&self, world: &World) -> Instance {
        let idle = lock(&self.idle).pop();
        match idle {
            Some(instance) => instance,
            None => Instance::start(world.server, world.ses.address()).await,
        }
    }

    /// Keeps an instance for another event, if it is still there.
    fn put_back(&self, mut instance: Instance) {
        instance.trap.release();
        if instance.host.is_running() {
            lock(&self.idle).push(instance);
        }
    }
}

/// One invocation of the function, to which something may happen.
pub struct Invocation {
    pub world: Arc<World>,
    pub fleet: Arc<Fleet>,
    pub peril: Option<Peril>,
    /// Whether it did.
    pub happened: Arc<Mutex<bool>>,
}

#[async_trait]
impl Function for Invocation {
    async fn invoke(&self, event: Value) -> Answer {
        let mut instance = self.fleet.instance(&self.world).await;
        let Some(Peril { kind, moment, times }) = self.peril else {
            let answer = instance.host.run(TIME, event).await;
            self.fleet.put_back(instance);
            return answer;
        };
        instance.trap.set(moment, times);
        let mut answer = instance.host.begin(TIME, event);
        let trap = instance.trap.clone();
        tokio::select! {
            answer = instance.host.finish(TIME, &mut answer) => {
                self.fleet.put_back(instance);
                return answer;
            }
            () = trap.sprung() => *lock(&self.happened) = true,
        }
        match kind {
            Kind::Kill => {
                instance.host.kill();
                *lock(&self.fleet.kills).entry(crate::count::name(moment)).or_default() += 1;
                failed("Runtime.ExitError")
            }
            Kind::Freeze => {
                instance.host.freeze();
                lock(&self.fleet.zombies).push(Zombie { instance, answer });
                failed("Sandbox.Timedout")
            }
            Kind::Restart => {
                self.world.restart_database().await;
                instance.trap.release();
                let answer = instance.host.finish(TIME, answer).await;
                self.fleet.put_back(instance);
                answer
            }
        }
    }
}

fn failed(kind: &str) -> Answer {
    Answer::Error(json!({"errorType": kind}))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
