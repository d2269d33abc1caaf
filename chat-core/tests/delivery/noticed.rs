//! The run notices every defect that it is there for, and finds none where there is none.

use std::time::Duration;

use chat_core::contract::history::Violation;

use crate::defects::Defect;
use crate::driver::run;
use crate::script::{DEVICES, Send, Step, To, send};
use crate::setting::Setting;

/// Messages to a user and a group, one of them again, read and acknowledged in part, before and
/// after a reconnect; a stranger tries to write to the group.
fn script() -> Vec<Step> {
    let (direct, group) = (To::User(1), To::Group(0));
    let again = Send {
        repeats: Some(0),
        ..send(1, direct)
    };
    let burst = || {
        Step::Send(vec![
            send(0, direct),
            send(0, group),
            send(1, direct),
            send(0, group),
        ])
    };
    let read = |device, acknowledges| Step::Read {
        device,
        events: 100,
        acknowledges,
    };
    let opened = (0..DEVICES).map(|device| Step::Open {
        device,
        node: device % 2,
    });
    // From here on every session is live.
    let synced = (0..DEVICES).map(|device| read(device, true));
    opened
        .chain(synced)
        .chain([
            Step::Join { device: 2, group: 0 },
            burst(),
            burst(),
            Step::Send(vec![again]),
            read(2, true),
            Step::Send(vec![send(4, group)]),
            burst(),
            Step::Open { device: 2, node: 1 },
            burst(),
            // All on one node and in one commit: the other's buffer has no room for them.
            Step::Send(vec![send(0, direct), send(0, direct), send(0, direct)]),
        ])
        .collect()
}

/// Only a gap tells the other node of what its buffer had no room for.
fn without_pull() -> Setting {
    Setting {
        bus_buffer: 1,
        pull_interval: Duration::from_secs(3_600),
        ..Setting::default()
    }
}

fn with(defect: Defect) -> Vec<Violation> {
    let setting = Setting {
        defect: Some(defect),
        ..Setting::default()
    };
    run(&script(), &setting)
}

#[test]
fn sound_backends_keep_every_promise() {
    assert_eq!(run(&script(), &Setting::default()), []);
    assert_eq!(run(&script(), &without_pull()), []);
}

#[test]
fn a_store_that_skips_a_number_is_noticed() {
    let found = with(Defect::SkipsASeq);
    let is_hole = |found: &Violation| matches!(found, Violation::Hole { seq, .. } if seq.get() == 3);
    assert!(found.iter().any(is_hole), "{found:?}");
}

#[test]
fn a_store_that_forgets_ids_is_noticed() {
    let found = with(Defect::ForgetsIds);
    let is_twice = |found: &Violation| matches!(found, Violation::StoredTwice { .. });
    assert!(found.iter().any(is_twice), "{found:?}");
}

#[test]
fn a_store_that_moves_a_cursor_back_is_noticed() {
    let found = with(Defect::MovesCursorsBack);
    let is_repeat = |found: &Violation| matches!(found, Violation::Repeated { .. });
    assert!(found.iter().any(is_repeat), "{found:?}");
}

#[test]
fn a_store_that_moves_a_cursor_ahead_is_noticed() {
    let found = with(Defect::MovesCursorsAhead);
    let is_skip = |found: &Violation| matches!(found, Violation::Skipped { .. });
    assert!(found.iter().any(is_skip), "{found:?}");
}

#[test]
fn a_store_that_lets_strangers_write_is_noticed() {
    let found = with(Defect::IgnoresMembership);
    let is_stranger = |found: &Violation| matches!(found, Violation::WrittenByStranger { .. });
    assert!(found.iter().any(is_stranger), "{found:?}");
}

#[test]
fn a_store_that_swaps_messages_is_noticed() {
    assert_ne!(with(Defect::SwapsMessages), []);
}

#[test]
fn a_bus_that_swallows_a_gap_is_noticed() {
    let setting = Setting {
        defect: Some(Defect::SwallowsGaps),
        ..without_pull()
    };
    let found = run(&script(), &setting);
    let is_lost = |found: &Violation| matches!(found, Violation::Lost { .. });
    assert!(found.iter().any(is_lost), "{found:?}");
}
