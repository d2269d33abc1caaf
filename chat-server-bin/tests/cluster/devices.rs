//! One account on two nodes at the same moment.

use std::sync::Barrier;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Cluster, Plan};
use crate::people::Person;
use crate::support::Wire;

const ROUNDS: usize = 20;
/// How long it may take until one of two sessions is told to go.
const TOLD: Duration = Duration::from_secs(10);
/// How long two sessions that both stay are given to be told to go all the same.
const LATE_ENOUGH: Duration = Duration::from_millis(300);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        crate::test(
            "devices::of_one_device_on_two_nodes_at_once_one_session_stays",
            of_one_device_on_two_nodes_at_once_one_session_stays,
        ),
        crate::test(
            "devices::two_devices_on_two_nodes_at_once_both_stay",
            two_devices_on_two_nodes_at_once_both_stay,
        ),
    ]
}

/// How a session of a round ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It got the round's message and stays.
    Stayed,
    /// It was told to go, with this code, and closed.
    Told(Value),
    /// It was closed without a word.
    Closed,
}

/// Logs in, at the same moment as another, and listens until the round's message comes or the
/// session ends. Tells of a goodbye at once.
fn take_part(mut wire: Wire, login: &Value, start: &Barrier, body: &str, told: &SyncSender<()>) -> End {
    start.wait();
    let welcome = wire.request(login);
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    let mut code = None;
    while let Some(frame) = wire.next_frame() {
        if frame["type"] == "goodbye" {
            code = Some(frame["code"].clone());
            // There is room for both.
            told.send(()).unwrap();
        } else if frame["body"] == body {
            assert_eq!(
                wire.request(&json!({"type": "ping", "ref": "ping"}))["type"],
                "pong"
            );
            return End::Stayed;
        }
    }
    code.map_or(End::Closed, End::Told)
}

/// Two log in as one user at the same moment on two nodes. When one of them was told to go, or
/// `patience` is over, another user sends a message.
fn round(
    cluster: &Cluster,
    people: &mut People,
    number: usize,
    devices: [&str; 2],
    patience: Duration,
) -> [End; 2] {
    let (start, body) = (Barrier::new(2), format!("round {number}"));
    let (told, tellings) = sync_channel(2);
    thread::scope(|scope| {
        let (start, body, told) = (&start, body.as_str(), &told);
        let sides = [0, 1].map(|side| {
            let wire = cluster.connect_to((number + side) % cluster.nodes.len());
            let login = people.anna.login(devices[side]);
            scope.spawn(move || take_part(wire, &login, start, body, told))
        });
        // That nobody is told shows in how they end.
        let _ = tellings.recv_timeout(patience);
        let to = people.anna.id;
        let send = json!({"type": "send", "ref": number, "to": {"user": to}, "body": body});
        assert_eq!(people.ben.request(&send)["type"], "sent");
        sides.map(|side| side.join().unwrap())
    })
}

struct People {
    anna: Person,
    ben: Wire,
}

impl People {
    fn register(cluster: &Cluster) -> Self {
        let ben = Person::register(cluster, "ben");
        Self {
            anna: Person::register(cluster, "anna"),
            ben: ben.begin(cluster.connect(), "desk"),
        }
    }
}

fn of_one_device_on_two_nodes_at_once_one_session_stays() {
    let cluster = Cluster::start(&Plan::default());
    let mut people = People::register(&cluster);
    let mut slowest = Duration::ZERO;
    for number in 0..ROUNDS {
        let begun = Instant::now();
        let mut ends = round(&cluster, &mut people, number, ["desk", "desk"], TOLD);
        slowest = slowest.max(begun.elapsed());
        ends.sort_by_key(|end| *end == End::Stayed);
        assert_eq!(
            ends,
            [End::Told(json!("replaced")), End::Stayed],
            "round {number}"
        );
    }
    println!("{ROUNDS} rounds, the slowest in {slowest:?}");
}

fn two_devices_on_two_nodes_at_once_both_stay() {
    let cluster = Cluster::start(&Plan::default());
    let mut people = People::register(&cluster);
    for number in 0..ROUNDS {
        let ends = round(&cluster, &mut people, number, ["desk", "phone"], LATE_ENOUGH);
        assert_eq!(ends, [End::Stayed, End::Stayed], "round {number}");
    }
}
