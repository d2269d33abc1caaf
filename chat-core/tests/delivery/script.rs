//! What the users do.

use proptest::prelude::*;

pub(crate) const USERS: usize = 3;
pub(crate) const DEVICES: usize = 2 * USERS;
pub(crate) const GROUPS: usize = 2;

/// One thing that is done. Devices 2n and 2n + 1 are those of user n.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A device begins a session on a node, in place of the one it has.
    Open { device: usize, node: usize },
    /// A device's session ends.
    Close { device: usize },
    /// Messages are sent at the same moment.
    Send(Vec<Send>),
    /// A device takes some events, and acknowledges the messages among them or not.
    Read {
        device: usize,
        events: usize,
        acknowledges: bool,
    },
    /// A device's user joins a group.
    Join { device: usize, group: usize },
    /// A device's user leaves a group.
    Leave { device: usize, group: usize },
    /// The bus tells that it missed something.
    Gap,
    /// Some time passes.
    Wait { millis: u64 },
}

/// One message, or one that is sent again.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) device: usize,
    pub(crate) to: To,
    /// Which of the user's earlier messages is sent again, where there is any.
    pub(crate) repeats: Option<usize>,
    /// Whether the user's other device sends it too, at the same moment and with the same id.
    pub(crate) twice: bool,
    pub(crate) has_id: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    User(usize),
    Group(usize),
}

/// A message of a device to a recipient, once.
pub(crate) const fn send(device: usize, to: To) -> Send {
    Send {
        device,
        to,
        repeats: None,
        twice: false,
        has_id: true,
    }
}

/// Every device is on a node, then anything may happen.
pub(crate) fn scripts() -> impl Strategy<Value = Vec<Step>> {
    let nodes = prop::collection::vec(0..2_usize, DEVICES);
    (nodes, prop::collection::vec(steps(), 5..60)).prop_map(|(nodes, steps)| {
        let opened = nodes
            .into_iter()
            .enumerate()
            .map(|(device, node)| Step::Open { device, node });
        opened.chain(steps).collect()
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let device = 0..DEVICES;
    let group = 0..GROUPS;
    prop_oneof![
        2 => (device.clone(), 0..2_usize).prop_map(|(device, node)| Step::Open { device, node }),
        1 => device.clone().prop_map(|device| Step::Close { device }),
        8 => prop::collection::vec(sends(), 1..8).prop_map(Step::Send),
        5 => (device.clone(), 1..12_usize, any::<bool>()).prop_map(|(device, events, acknowledges)| {
            Step::Read { device, events, acknowledges }
        }),
        2 => (device.clone(), group.clone()).prop_map(|(device, group)| Step::Join { device, group }),
        1 => (device, group).prop_map(|(device, group)| Step::Leave { device, group }),
        1 => Just(Step::Gap),
        1 => (0..200_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

prop_compose! {
    fn sends()(
        device in 0..DEVICES,
        to in prop_oneof![(0..USERS).prop_map(To::User), (0..GROUPS).prop_map(To::Group)],
        repeats in prop::option::weighted(0.2, 0..50_usize),
        twice in prop::bool::weighted(0.2),
        has_id in prop::bool::weighted(0.8),
    ) -> Send {
        Send { device, to, repeats, twice, has_id }
    }
}
