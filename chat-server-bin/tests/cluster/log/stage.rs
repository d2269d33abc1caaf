//! Two nodes with a Kafka, and people who write, and come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_test_services::{DEADLINE, Kafka};

use super::records::Records;
use crate::harness::{Cluster, Plan};
use crate::people::Person;
use crate::support::http;
use crate::writers::{self, Crowd};

pub(super) const NODES: usize = 2;
const CROWD: writers::Plan = writers::Plan {
    users: 20,
    listeners: 4,
    group_size: 5,
    at_the_door: 2,
    pause: Duration::from_millis(100),
};
/// Records that a node may write in the moment before it says how many wait.
const FEW: u64 = 5;
/// How long everybody may take to have a session, and then all answers and all messages.
const SETTLED: Duration = Duration::from_secs(40);
/// No answer of a healthy store takes longer, not even on a busy machine.
const SLOWEST_ANSWER: Duration = Duration::from_secs(5);

pub(super) struct Stage {
    // In the order in which they have to end.
    pub(super) crowd: Crowd,
    pub(super) cluster: Cluster,
    pub(super) kafka: Kafka,
}

impl Stage {
    /// Starts a cluster; Kafka runs already, or not.
    pub(super) fn start(kafka: Kafka, settings: &[&str]) -> Self {
        let mut all = vec!["drain = \"1s\"", "limits.status_interval = \"200ms\""];
        all.extend(settings);
        let cluster = Cluster::start(&Plan {
            nodes: NODES,
            settings: all.into_iter().map(str::to_owned).collect(),
            event_logs: vec![url(&kafka)],
            ..Plan::default()
        });
        let crowd = Crowd::register(cluster.address(), CROWD, "user", writers::seed());
        Self {
            crowd,
            cluster,
            kafka,
        }
    }

    /// All write from now on.
    pub(super) fn write(&mut self) {
        self.crowd.write();
        self.crowd.wait_until_all_are_live(SETTLED);
        self.goes_on("nothing is broken");
    }

    /// Messages are sent and answered.
    pub(super) fn goes_on(&mut self, meanwhile: &str) {
        let sent = self.crowd.report().sent + 5 * CROWD.users;
        let what = format!("messages are sent while {meanwhile}");
        self.crowd
            .wait_until(&what, SETTLED, |report| report.sent >= sent);
    }

    /// Waits until the file of every node says so.
    pub(super) fn all_record(&mut self, what: &str, holds: impl Fn(&Records) -> bool) {
        all_record(&mut self.crowd, &self.cluster, what, holds);
    }

    /// Waits until everything that has happened so far is in Kafka.
    pub(super) fn log_is_there(&mut self) {
        self.all_record("the log is there", |records| {
            let lost = records.of("log_lost").count();
            lost == records.of("log_regained").count()
                && !records.log_is_away()
                && records.now("log_waiting") < FEW
        });
    }

    /// People begin a session on every node and end it again, over and over, until the files of all nodes say so:
    /// every session is three records.
    pub(super) fn come_and_go_until(&mut self, what: &str, holds: impl Fn(&Records) -> bool) {
        let (crowd, cluster) = (&mut self.crowd, &self.cluster);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for node in 0..NODES {
                let over = &over;
                scope.spawn(move || {
                    let person = Person::register(cluster, &format!("who comes and goes {node}"));
                    while !over.load(Ordering::SeqCst) {
                        drop(person.log_in_to(cluster, node));
                    }
                });
            }
            // However this ends, they have to.
            let _over = Raise(&over);
            all_record(crowd, cluster, what, holds);
        });
    }

    /// Everybody has got every message once, in order, and nobody had to wait for it or to reconnect.
    pub(super) fn nobody_noticed(&mut self) {
        self.crowd.settle(SETTLED);
        let report = self.crowd.report();
        println!("{report:?}");
        let violations = self.crowd.violations();
        assert!(violations.is_empty(), "{} of {violations:#?}", violations.len());
        let bad = [report.silent, report.losses, report.unavailable, report.cut_off];
        assert_eq!(bad, [0; 4], "{report:?}");
        assert!(report.slowest_answer < SLOWEST_ANSWER, "{report:?}");
    }

    /// How many records a node says that it has dropped: in the metrics of its log, and of its client of Kafka.
    pub(super) fn dropped(&self, node: usize) -> [u64; 2] {
        let metrics = http::get(self.cluster.nodes[node].http(), "/metrics").body;
        ["chat_log_records_dropped_total", "chat_kafka_dropped_total"].map(|name| {
            let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(name));
            let value = lines.next().unwrap_or_else(|| panic!("no {name}: {metrics}"));
            value.trim().parse().unwrap()
        })
    }

    /// Ends all nodes, one after the other, and answers what they have written in all: in their files, and in Kafka.
    pub(super) fn end(mut self) -> Vec<(Records, Records)> {
        for node in &mut self.cluster.nodes {
            let ended = node.terminate();
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
        let in_kafka = Records::in_kafka(&url(&self.kafka), NODES);
        let in_files = (0..NODES).map(|node| Records::in_file(&self.cluster, node));
        in_files.zip(in_kafka).collect()
    }
}

fn all_record(crowd: &mut Crowd, cluster: &Cluster, what: &str, holds: impl Fn(&Records) -> bool) {
    let deadline = Instant::now() + DEADLINE;
    for node in 0..NODES {
        loop {
            let records = Records::in_file(cluster, node);
            if holds(&records) {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "not in time: {what}: {:?}",
                records.counts()
            );
            // Reading takes longer the more there is, and is not to keep the machine busy.
            crowd.pass(100..101);
        }
    }
}

/// The topic in which they all write.
fn url(kafka: &Kafka) -> String {
    format!("kafka://{}/chat-events", kafka.bootstrap())
}

/// Raises its flag when it is dropped, also by a panic.
struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
