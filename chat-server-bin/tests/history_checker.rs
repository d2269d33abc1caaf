//! The checker of histories finds every fault that is planted in a good one.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod history;

use history::{Device, Seen, Session, check};

fn seen(seq: u64, id: &str) -> Seen {
    Seen {
        conversation: "g:1".to_owned(),
        seq,
        id: id.to_owned(),
    }
}

/// Anna sends a1 to a3; a2 is not answered before the server crashes. Ben listens, gets two of
/// them again after the crash, and writes b1.
fn good() -> Vec<Device> {
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
    let device = |name: &str, sessions| Device {
        name: name.to_owned(),
        conversations: ids(&["g:1"]),
        sessions,
    };
    let anna = [
        Session {
            first_sends: ids(&["a1", "a2"]),
            sent: vec![seen(1, "a1")],
            ..Session::default()
        },
        Session {
            first_sends: ids(&["a3"]),
            retries: ids(&["a2"]),
            sent: vec![seen(2, "a2"), seen(4, "a3")],
            received: vec![seen(3, "b1")],
        },
    ];
    let ben = [
        Session {
            first_sends: ids(&["b1"]),
            sent: vec![seen(3, "b1")],
            received: vec![seen(1, "a1"), seen(2, "a2"), seen(4, "a3")],
            ..Session::default()
        },
        Session {
            received: vec![seen(2, "a2"), seen(3, "b1"), seen(4, "a3")],
            ..Session::default()
        },
    ];
    vec![device("anna", anna.to_vec()), device("ben", ben.to_vec())]
}

fn found(plant: impl FnOnce(&mut Vec<Device>)) -> String {
    let mut devices = good();
    plant(&mut devices);
    check(&devices).expect_err("the fault was not seen")
}

#[test]
fn a_good_history_passes() {
    check(&good()).unwrap();
}

#[test]
fn a_message_that_is_left_out_in_a_session_is_found() {
    let error = found(|devices| drop(devices[1].sessions[1].received.remove(1)));
    assert!(error.contains("did not get 3"), "{error}");
}

#[test]
fn a_message_that_a_device_never_gets_is_found() {
    let error = found(|devices| {
        devices[1].sessions.remove(1);
        devices[1].sessions[0].received.pop();
    });
    assert!(error.contains("ben: never got g:1 4"), "{error}");
}

#[test]
fn a_repeat_and_a_swap_are_found() {
    let repeat = found(|devices| devices[1].sessions[1].received.insert(1, seen(2, "a2")));
    assert!(repeat.contains("after 2"), "{repeat}");
    let swap = found(|devices| devices[1].sessions[1].received.swap(0, 1));
    assert!(swap.contains("after 3"), "{swap}");
}

#[test]
fn one_id_at_two_places_and_two_ids_at_one_are_found() {
    let twice = found(|devices| devices[1].sessions[1].received.push(seen(5, "a3")));
    assert!(twice.contains("a3 is stored at"), "{twice}");
    let shared = found(|devices| devices[1].sessions[1].received[2] = seen(4, "a4"));
    assert!(shared.contains("at one place"), "{shared}");
}

#[test]
fn a_hole_in_the_order_is_found() {
    let error = found(|devices| devices[0].sessions[1].sent.push(seen(6, "a6")));
    assert!(error.contains("nobody saw g:1 5"), "{error}");
}

#[test]
fn an_own_send_that_comes_back_and_one_without_answer_are_found() {
    let echo = found(|devices| devices[0].sessions[1].received.push(seen(4, "a3")));
    assert!(echo.contains("own send"), "{echo}");
    let silent = found(|devices| devices[0].sessions[1].first_sends.extend(["a4".to_owned()]));
    assert!(silent.contains("a4 was never answered"), "{silent}");
}

#[test]
fn a_message_for_others_is_found() {
    let error = found(|devices| devices[1].conversations.clear());
    assert!(error.contains("not for it"), "{error}");
}
