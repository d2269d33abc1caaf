//! What is seen of backends from outside: who knows them, and who still calls them.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::scrape::Scrape;
use crate::stage::{BACK, SLOWEST_ANSWER, Stage};

/// How long after the end of its session a backend may still be called.
const LEFT: Duration = Duration::from_secs(2);
/// How long nobody may call it from then on, in milliseconds; longer than the pause between two attempts to reach it.
const ALONE: std::ops::Range<u64> = 2_000..2_001;
/// The time between two looks, in milliseconds.
const LOOK: std::ops::Range<u64> = 50..51;
/// No answer takes longer while nobody waits for a backend that is dead, not even on a busy machine. A call that is not
/// answered ends after 4.5 s.
const UNDISTURBED: Duration = Duration::from_secs(4);

/// How the sockets of Linux stand: connected, and about to be.
const ESTABLISHED: &str = "01";
const SYN_SENT: &str = "02";

/// Waits until all nodes have so many backends, each of which is serving.
pub(super) fn all_nodes_reach(stage: &mut Stage, backends: usize) {
    wait(stage, &format!("all nodes reach {backends} backends"), |stage| {
        let mut nodes = stage.cluster.nodes.iter().map(Scrape::of);
        nodes.all(|scrape| {
            let count = |state| {
                let series = format!("chat_rpc_backends{{state=\"{state}\"}}");
                scrape.value_so_far(&series).unwrap_or_default()
            };
            let counts = ["serving", "not_serving", "away"].map(count);
            counts == [backends as f64, 0.0, 0.0]
        })
    });
}

/// Waits until exactly these backends, by their place, are announced.
pub(super) fn announced_are(stage: &mut Stage, backends: &[usize]) {
    let names: Vec<_> = backends
        .iter()
        .map(|backend| format!("/backend-{}", backend + 1))
        .collect();
    wait(stage, &format!("{names:?} are announced"), |stage| {
        let paths = stage.cluster.zookeeper().nodes_of_sessions();
        paths.is_ok_and(|paths| {
            let is_there = |name: &String| paths.iter().any(|path| path.ends_with(name));
            paths.len() == names.len() && names.iter().all(is_there)
        })
    });
}

/// Waits until the session of a backend that is dead, or stands still, has ended; within 2 s nobody calls it any more.
pub(super) fn is_left_alone(stage: &mut Stage, dead: usize) {
    let others: Vec<_> = (0..stage.cluster.backends.len())
        .filter(|&backend| backend != dead)
        .collect();
    announced_are(stage, &others);
    let ended = Instant::now();
    stage.goes_on("the session of a backend has ended");
    while ended.elapsed() < LEFT {
        stage.crowd.pass(LOOK);
    }
    let address = stage.cluster.backends[dead].address();
    // Whoever tries to reach one that is dead does so here; one that stands still keeps its port.
    let in_its_place = TcpListener::bind(address).ok();
    let alone = Instant::now();
    while alone.elapsed() < Duration::from_millis(ALONE.start) {
        assert_eq!(connections_to(address.port()), 0, "to a backend that is away");
        if let Some(listener) = &in_its_place {
            listener.set_nonblocking(true).expect("a socket can be asked");
            let came = listener.accept().map_err(|error| error.kind());
            assert_eq!(
                came.err(),
                Some(ErrorKind::WouldBlock),
                "a backend that is dead is called"
            );
        }
        stage.crowd.pass(LOOK);
    }
    all_nodes_reach(stage, others.len());
}

/// Nobody had to wait for longer than the deadline of what was asked for, and no session ended.
pub(super) fn all_was_answered_in_time(stage: &Stage) {
    let report = stage.report();
    assert_eq!(report.losses, 0, "sessions stay open: {report:?}");
    assert!(
        report.slowest_answer < SLOWEST_ANSWER,
        "told too late: {report:?}"
    );
}

/// Calls of all nodes, from when this was made.
pub(super) struct Calls {
    failed: f64,
    repeated: f64,
}

impl Calls {
    /// All nodes have two backends, and whatever they call from now on counts.
    pub(super) fn begin(stage: &mut Stage) -> Self {
        all_nodes_reach(stage, 2);
        Self::until_now(stage)
    }

    fn until_now(stage: &Stage) -> Self {
        let scrapes: Vec<_> = stage.cluster.nodes.iter().map(Scrape::of).collect();
        let sum = |name: &str, label: &str, values: &[&str]| {
            let series = values
                .iter()
                .map(|value| format!("{name}{{{label}=\"{value}\"}}"));
            let value = |series: String| {
                let values = scrapes.iter().filter_map(|scrape| scrape.value_so_far(&series));
                values.sum::<f64>()
            };
            series.map(value).sum()
        };
        let failures = ["not_done", "may_have_happened", "broken"];
        Self {
            failed: sum("chat_rpc_calls_total", "outcome", &failures),
            repeated: sum("chat_rpc_retries_total", "after", &failures),
        }
    }

    /// Everything that was asked for was done, and no call to backends has failed: another one could do it.
    pub(super) fn nobody_noticed(&self, stage: &Stage) {
        all_was_answered_in_time(stage);
        let report = stage.report();
        assert_eq!(report.unavailable, 0, "another backend could do it: {report:?}");
        let now = Self::until_now(stage);
        let (failed, repeated) = (now.failed - self.failed, now.repeated - self.repeated);
        println!("{repeated} calls were repeated, and {failed} failed");
        assert!(
            failed < 1.0,
            "{failed} calls failed, after {repeated} were repeated"
        );
    }

    /// Calls were under way on a backend that is no more.
    pub(super) fn some_were_repeated(&self, stage: &Stage) {
        let repeated = Self::until_now(stage).repeated - self.repeated;
        assert!(repeated > 0.0, "no call met a dead backend");
    }
}

/// From here on nobody waits.
pub(super) fn nobody_waits(stage: &mut Stage) {
    stage.crowd.forget_report();
    stage.goes_on("nothing holds anybody up");
    let report = stage.report();
    assert!(report.slowest_answer < UNDISTURBED, "{report:?}");
}

fn wait(stage: &mut Stage, what: &str, mut holds: impl FnMut(&mut Stage) -> bool) {
    let begun = Instant::now();
    while !holds(stage) {
        assert!(
            begun.elapsed() < BACK,
            "not within {BACK:?}: {what}\n{:?}",
            stage.report()
        );
        stage.crowd.pass(LOOK);
    }
}

/// How many connections to this port there are on this machine, or are being made, as Linux tells.
fn connections_to(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").expect("this is Linux");
    let port = format!(":{port:04X}");
    let rows = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|columns| {
        columns.get(2).is_some_and(|remote| remote.ends_with(&port))
            && columns
                .get(3)
                .is_some_and(|state| [ESTABLISHED, SYN_SENT].contains(state))
    })
    .count()
}
