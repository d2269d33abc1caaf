//! `deploy/chat-server.service` and its settings.

use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};

use crate::{deployed, test};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::ignorable_test("unit::systemd_takes_it", systemd_takes_it),
        test(
            "unit::it_waits_longer_than_draining_takes",
            it_waits_longer_than_draining_takes,
        ),
        #[cfg(feature = "cluster")]
        test(
            "unit::the_server_takes_its_settings",
            the_server_takes_its_settings,
        ),
    ]
}

/// The unit's value of a key.
fn value(key: &str) -> String {
    let unit = deployed("chat-server.service");
    let values = unit
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{key}=")));
    let values: Vec<_> = values.collect();
    assert_eq!(values.len(), 1, "{key}: {values:?}");
    values.concat()
}

/// It looks for the program, which is not installed here.
fn systemd_takes_it() -> Result<Completion, Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("chat-server.service");
    let unit = deployed("chat-server.service");
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

fn it_waits_longer_than_draining_takes() {
    let period = |text: &str| humantime::parse_duration(text).unwrap();
    let environment = crate::variables(&deployed("chat-server.env.example"));
    let drain = environment.iter().find(|(name, _)| name == "CHAT_DRAIN");
    let limits = chat_core::Limits::default();
    let needed = period(&drain.unwrap().1) + limits.close_timeout + limits.store_timeout;
    assert!(period(&value("TimeoutStopSec")) > needed + Duration::from_secs(5));
}

#[cfg(feature = "cluster")]
fn the_server_takes_its_settings() {
    let settings = crate::settings(&crate::variables(&deployed("chat-server.env.example")));
    assert_eq!(settings["drain"].as_str(), Some("10s"));
    assert_eq!(
        settings["store"].as_str(),
        Some("mysql://chat:***@db.internal:3306/chat")
    );
    assert_eq!(value("EnvironmentFile"), "/etc/chat/chat-server.env");
}
