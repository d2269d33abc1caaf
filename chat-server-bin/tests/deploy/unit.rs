//! `deploy/chat-server.service` and `deploy/chat-backend.service`, and their settings.

use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};

use crate::{deployed, test};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::ignorable_test("unit::systemd_takes_that_of_a_node", || {
            systemd_takes("chat-server")
        }),
        Trial::ignorable_test("unit::systemd_takes_that_of_a_backend", || {
            systemd_takes("chat-backend")
        }),
        test(
            "unit::they_wait_longer_than_draining_takes",
            they_wait_longer_than_draining_takes,
        ),
        #[cfg(feature = "cluster")]
        test(
            "unit::the_server_takes_their_settings",
            the_server_takes_their_settings,
        ),
        #[cfg(all(feature = "cluster", feature = "grpc"))]
        test(
            "unit::a_backend_needs_nothing_but_its_store",
            a_backend_needs_nothing_but_its_store,
        ),
    ]
}

/// A node's and a backend's, without their ends.
const UNITS: [&str; 2] = ["chat-server", "chat-backend"];

/// A unit's value of a key.
fn value(unit: &str, key: &str) -> String {
    let unit = deployed(&format!("{unit}.service"));
    let values = unit
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{key}=")));
    let values: Vec<_> = values.collect();
    assert_eq!(values.len(), 1, "{key}: {values:?}");
    values.concat()
}

/// It looks for the program, which is not installed here.
fn systemd_takes(unit: &str) -> Result<Completion, Failed> {
    let directory = tempfile::tempdir()?;
    let name = format!("{unit}.service");
    let file = directory.path().join(&name);
    let unit = deployed(&name);
    let installed = "ExecStart=/usr/local/bin/chat-server ";
    assert!(unit.contains(installed));
    let here = concat!("ExecStart=", env!("CARGO_BIN_EXE_chat-server"), " ");
    std::fs::write(&file, unit.replace(installed, here))?;
    let arguments = [OsStr::new("verify"), "--man=no".as_ref(), file.as_ref()];
    let Ok(checked) = Command::new("systemd-analyze").args(arguments).output() else {
        return Ok(Completion::ignored_with(
            "systemd-analyze is missing (Debian: systemd)",
        ));
    };
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && said.is_empty(), "{said}");
    Ok(Completion::Completed)
}

fn they_wait_longer_than_draining_takes() {
    let period = |text: &str| humantime::parse_duration(text).unwrap();
    for unit in UNITS {
        let environment = crate::variables(&deployed(&format!("{unit}.env.example")));
        let drain = environment.iter().find(|(name, _)| name == "CHAT_DRAIN");
        let limits = chat_core::Limits::default();
        let needed = period(&drain.unwrap().1) + limits.close_timeout + limits.store_timeout;
        assert!(period(&value(unit, "TimeoutStopSec")) > needed + Duration::from_secs(5));
    }
}

#[cfg(feature = "cluster")]
fn the_server_takes_their_settings() {
    for unit in UNITS {
        let settings = crate::settings(&crate::variables(&deployed(&format!("{unit}.env.example"))));
        assert_eq!(settings["drain"].as_str(), Some("10s"));
        assert_eq!(
            settings["store"].as_str(),
            Some("mysql://chat:***@db.internal:3306/chat")
        );
        let file = format!("/etc/chat/{unit}.env");
        assert_eq!(value(unit, "EnvironmentFile"), file);
    }
}

/// With everything right but the database, which is nowhere.
#[cfg(all(feature = "cluster", feature = "grpc"))]
fn a_backend_needs_nothing_but_its_store() {
    let mut environment = crate::variables(&deployed("chat-backend.env.example"));
    let nowhere = chat_test_services::free_port().unwrap();
    for (name, value) in &mut environment {
        match name.as_str() {
            "CHAT_LISTEN" => *value = "0.0.0.0:0".to_owned(),
            "CHAT_HTTP" => *value = "none".to_owned(),
            "CHAT_STORE" => *value = format!("mysql://chat:PASSWORD@{nowhere}/chat"),
            _ => {}
        }
    }
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let ended = crate::support::run(&["backend"], &environment);
    let sentence = crate::support::failure(4, &ended);
    assert!(sentence.contains(&nowhere.to_string()), "{sentence}");
}
