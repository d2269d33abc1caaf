//! A cluster whose parts can break, and a crowd that writes through its nginx.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat_test_services::Service;
use libtest_mimic::Trial;

use crate::harness::{Cluster, Plan};
use crate::writers::{self, Crowd, Fronts, Report};

const CROWD: writers::Plan = writers::Plan {
    users: 100,
    listeners: 10,
    group_size: 10,
    at_the_door: 10,
    pause: Duration::from_millis(600),
};
/// The time that a node gives a store: the default.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// A message waits for the batch before it and then for its own; the rest is for a busy machine.
pub(crate) const SLOWEST_ANSWER: Duration = Duration::from_secs(13);
/// How long after a fault is healed everybody may still be kept from writing.
pub(crate) const BACK: Duration = Duration::from_secs(20);
/// How long the crowd may take to have all its answers, and then all its messages.
const SETTLED: Duration = Duration::from_secs(40);
/// How often the crowd reconnects until all nodes have sessions.
const TRIES: usize = 15;
/// How much is shown where a test fails.
const SHOWN: usize = 20_000;

pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) crowd: Crowd,
    pub(crate) random: fastrand::Rng,
}

/// One stage for all faults of a kind, one after the other. After a failure the next fault gets a new one.
#[derive(Clone)]
pub(crate) struct SharedStage {
    kind: &'static str,
    needs: &'static [Service],
    plan: fn() -> Plan,
    fronts: fn(&Cluster) -> Fronts,
    slot: Arc<Mutex<Option<Stage>>>,
}

impl SharedStage {
    /// A stage on such a cluster, which needs these services, for trials whose names begin with `kind`.
    pub(crate) fn new(kind: &'static str, needs: &'static [Service], plan: fn() -> Plan) -> Self {
        Self {
            kind,
            needs,
            plan,
            fronts: |cluster| cluster.address().into(),
            slot: Arc::default(),
        }
    }

    /// The same stage, where everybody comes now by TCP and now by WebSocket.
    pub(crate) fn by_both(self) -> Self {
        let fronts = Cluster::fronts;
        Self { fronts, ..self }
    }

    /// A trial that does something to the cluster while all write, and then judges what they saw.
    pub(crate) fn trial(&self, name: &'static str, fault: fn(&mut Stage)) -> Trial {
        let shared = self.clone();
        crate::needing(self.needs, &format!("{}::{name}", self.kind), move || {
            let mut slot = shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
            let mut stage = slot
                .take()
                .unwrap_or_else(|| Stage::start(&(shared.plan)(), shared.fronts));
            let done = catch_unwind(AssertUnwindSafe(|| {
                stage.begin();
                fault(&mut stage);
                stage.end(name);
            }));
            if let Err(failure) = done {
                let logs = stage.cluster.logs();
                let start = logs.ceil_char_boundary(logs.len().saturating_sub(SHOWN));
                eprintln!("{name}: {:?}\n{}", stage.crowd.report(), &logs[start..]);
                resume_unwind(failure);
            }
            *slot = Some(stage);
            Ok(())
        })
    }
}

impl Stage {
    fn start(plan: &Plan, fronts: fn(&Cluster) -> Fronts) -> Self {
        let cluster = Cluster::start(plan);
        let seed = writers::seed();
        let crowd = Crowd::register(fronts(&cluster), CROWD, "user", seed);
        Self {
            cluster,
            crowd,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    fn begin(&mut self) {
        self.crowd.wait_until_all_are_live(BACK);
        self.spread();
        self.crowd.forget_report();
        self.crowd.write();
        self.crowd.wait_until_all_are_live(BACK);
        self.goes_on("nothing is broken");
    }

    /// Sees to it that all nodes have sessions. One that was restarted has none, and nginx leaves it
    /// alone for some seconds.
    fn spread(&mut self) {
        let enough = CROWD.users / 10;
        for _ in 0..TRIES {
            if self.sessions().iter().all(|&sessions| sessions >= enough) {
                return;
            }
            self.crowd.pass(1_000..1_001);
            self.crowd.reopen(BACK);
        }
        panic!("nginx does not spread the sessions: {:?}", self.sessions());
    }

    /// How many connections each node has, as Linux tells.
    pub(crate) fn sessions(&self) -> Vec<usize> {
        let table = fs::read_to_string("/proc/net/tcp").expect("this is Linux");
        let connections: Vec<_> = table
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let nodes = self.cluster.nodes.iter().map(|node| {
            let ports = [node.address(), node.http()].map(|address| format!(":{:04X}", address.port()));
            let is_open = |columns: &&Vec<&str>| {
                let local = columns.get(1).copied().unwrap_or_default();
                ports.iter().any(|port| local.ends_with(port)) && columns.get(3) == Some(&"01")
            };
            connections.iter().filter(is_open).count()
        });
        nodes.collect()
    }

    /// All parts run again: everybody is served soon, and gets everything.
    fn end(&mut self, name: &str) {
        self.crowd.wait_until_all_are_live(BACK);
        self.goes_on("everything runs again");
        self.crowd.settle(SETTLED);
        let report = self.crowd.report();
        println!("{name}: {report:?}");
        assert_eq!(report.silent, 0, "a session stayed open without a word");
        let violations = self.crowd.violations();
        assert!(violations.is_empty(), "{} of {violations:#?}", violations.len());
    }

    pub(crate) fn report(&self) -> Report {
        self.crowd.report()
    }

    /// Messages are sent and answered.
    pub(crate) fn goes_on(&mut self, meanwhile: &str) {
        let sent = self.report().sent + CROWD.users;
        let what = format!("messages are sent while {meanwhile}");
        self.crowd.wait_until(&what, BACK, |report| report.sent >= sent);
    }

    /// How often a node has logged something since it last started.
    pub(crate) fn logged(&self, what: &str) -> Vec<usize> {
        let nodes = self.cluster.nodes.iter();
        nodes.map(|node| node.stderr().matches(what).count()).collect()
    }

    /// All nodes log something once more.
    pub(crate) fn all_log(&mut self, what: &str, before: &[usize], within: Duration) {
        let Self { cluster, crowd, .. } = self;
        crowd.wait_until(&format!("all nodes log {what:?}"), within, |_| {
            let mut nodes = cluster.nodes.iter().zip(before);
            nodes.all(|(node, &before)| node.stderr().matches(what).count() > before)
        });
    }
}
