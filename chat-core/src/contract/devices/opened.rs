//! Which devices were opened lately.

use std::time::Duration;

use crate::contract::check::{Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, at, device};
use crate::ports::Stores;
use crate::types::{Device, UserId};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            opened_devices_come_with_the_number_of_their_newest_session,
            opened_devices_come_in_pages_by_ascending_user_and_name,
            a_device_that_was_forgotten_is_not_listed_as_opened,
            opened_devices_leave_the_window_as_time_passes,
            a_device_enters_the_window_with_every_session,
        }
    }
}

async fn opened_devices_come_with_the_number_of_their_newest_session(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    scene.user("carol").await?;
    scene.open(alice, "phone", 0).await?;
    // The time that a session is opened at is the caller's, and decides nothing here.
    let laptop = scene.open(bob, "laptop", 0).await?;
    let phone = scene.open(alice, "phone", 9_000_000).await?;
    let opened = scene.devices.opened_devices(HOUR, None, PLENTY).await?;
    let mut expected = vec![(alice, device("phone")?, phone), (bob, device("laptop")?, laptop)];
    expected.sort_unstable();
    equal("what was opened", opened, expected)
}

async fn opened_devices_come_in_pages_by_ascending_user_and_name(scene: Scene<Stores>) -> Verdict {
    let mut expected = Vec::new();
    for user in scene.user_ids(4).await?.into_iter().rev() {
        for name in ["b", "Z", "a", "a.b", "a-b", "10", "9"] {
            expected.push((user, device(name)?, scene.open(user, name, 0).await?));
        }
    }
    expected.sort_unstable();
    let mut listed: Vec<(UserId, Device, u64)> = Vec::new();
    loop {
        let after = listed.last().map(|(user, device, _)| (*user, device.clone()));
        let page = scene.devices.opened_devices(HOUR, after, 3).await?;
        holds("a page is within its limit", page.len() <= 3)?;
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    equal("what was opened", listed, expected)
}

async fn a_device_that_was_forgotten_is_not_listed_as_opened(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    for (name, millis) in [("old", 1), ("new", 2)] {
        scene
            .devices
            .open_device(alice, &device(name)?, at(millis), 1)
            .await?;
    }
    let opened = scene.devices.opened_devices(HOUR, None, PLENTY).await?;
    let opened: Vec<_> = opened.into_iter().map(|(_, device, _)| device).collect();
    equal("what was opened", opened, vec![device("new")?])
}

async fn opened_devices_leave_the_window_as_time_passes(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    scene.open(alice, "phone", 0).await?;
    no_device_is_in_an_empty_window(&scene).await
}

async fn a_device_enters_the_window_with_every_session(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    scene.open(alice, "phone", 0).await?;
    no_device_is_in_an_empty_window(&scene).await?;
    let mut epoch = 0;
    // The runner's time limit ends this for a store that notes the first session alone.
    loop {
        let newest = scene.open(alice, "phone", 0).await?;
        holds("the number is higher", newest > epoch)?;
        epoch = newest;
        let window = Duration::from_millis(50);
        let opened = scene.devices.opened_devices(window, None, PLENTY).await?;
        if !opened.is_empty() {
            return equal("what was opened", opened, vec![(alice, device("phone")?, epoch)]);
        }
    }
}

/// Waits until no device was opened at this very moment.
async fn no_device_is_in_an_empty_window(scene: &Scene<Stores>) -> Verdict {
    // The runner's time limit ends this for a store whose window never closes.
    while !scene
        .devices
        .opened_devices(Duration::ZERO, None, PLENTY)
        .await?
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
