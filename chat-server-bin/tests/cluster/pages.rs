//! The web client before several nodes: nginx gives each user's browser a connection to another one.

use std::path::Path;
use std::{env, fs};

use anyhow::Result;
use chat_test_services::{ChromeDriver, Service, TcpProxy, eventually};
use libtest_mimic::Trial;

use crate::browser::Browser;
use crate::emulation::Colours;
use crate::harness::{Cluster, Plan};

const NEEDS: &[Service] = &[Service::MySql, Service::Redis, Service::Nginx, Service::Chromium];
/// The variable that names a folder for pictures of what the test does; `make screenshots` sets it.
const PICTURES: &str = "CHAT_SCREENSHOTS";

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::needing(
        NEEDS,
        "pages::browsers_on_two_nodes_lose_and_double_nothing_while_one_is_offline",
        browsers_on_two_nodes_lose_and_double_nothing_while_one_is_offline,
    )]
}

fn browsers_on_two_nodes_lose_and_double_nothing_while_one_is_offline() -> Result<()> {
    let plan = Plan {
        nodes: 2,
        ..Plan::default()
    };
    let cluster = Cluster::start(&plan);
    let driver = ChromeDriver::start()?;
    let nginx = cluster.nginx_http();
    let line = TcpProxy::start(nginx)?;
    let alice = Browser::start(&driver, "alice");
    let bob = Browser::start(&driver, "bob");
    bob.register(&format!("http://{nginx}/"), "bob");
    alice.register(&format!("http://{}/", line.address()), "alice");
    eventually("each browser has a node of its own", || {
        (cluster.nodes_that_served() == plan.nodes).then_some(())
    })?;
    alice.befriend("bob");
    bob.wait_for_entry("friends", "alice", "online");
    bob.open_chat_with("alice");
    alice.write("Shall we meet at eight?");
    bob.wait_for_messages(&["Shall we meet at eight?"]);

    alice.lose_network();
    line.cut()?;
    line.resume()?;
    // The node has seen the end of the connection, and told the other one's user.
    bob.wait_for_entry("friends", "alice", "offline");
    let bobs = [
        "At the usual place?",
        "I have a table for four.",
        "By the window.",
    ];
    let alices = ["Bring Carol along.", "And the maps.", "I am in a tunnel."];
    for (of_bob, of_alice) in bobs.into_iter().zip(alices) {
        bob.write(of_bob);
        alice.write(of_alice);
    }
    let before = ["Shall we meet at eight?"];
    bob.wait_for_messages(&[&before[..], &bobs].concat());
    alice.wait_for_waiting(alices.len());
    alice.wait_for_messages(&[&before[..], &alices].concat());
    take_picture(&alice, "web-client-offline.png", (360, 560), Colours::Dark)?;

    alice.find_network();
    let all = [&before[..], &bobs, &alices].concat();
    alice.wait_for_messages(&all);
    bob.wait_for_messages(&all);
    alice.wait_for_waiting(0);
    bob.wait_for_entry("friends", "alice", "online");
    take_picture(&bob, "web-client.png", (900, 560), Colours::Light)?;
    // What is stored is what was shown.
    alice.reload();
    alice.wait_for_messages(&all);
    Ok(())
}

/// A picture for the documentation, where one is asked for.
fn take_picture(browser: &Browser, name: &str, (width, height): (u32, u32), colours: Colours) -> Result<()> {
    let Some(folder) = env::var_os(PICTURES) else {
        return Ok(());
    };
    browser.prefer(colours);
    browser.show_on(width, height);
    fs::write(Path::new(&folder).join(name), browser.picture())?;
    Ok(())
}
