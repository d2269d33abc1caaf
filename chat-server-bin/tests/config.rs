//! Settings as the program sees them: their sources, their precedence, and what it says of mistakes.
#![expect(clippy::unwrap_used, reason = "what a test is set up with must be there")]

mod support;

use std::path::PathBuf;

use support::{Ended, failure, run};
use tempfile::TempDir;

/// A settings file that is removed with its directory.
struct File {
    path: PathBuf,
    _directory: TempDir,
}

impl File {
    fn holding(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chat.toml");
        std::fs::write(&path, text).unwrap();
        Self {
            path,
            _directory: directory,
        }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

fn check(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    run(&[&["check-config"], arguments].concat(), environment)
}

/// The settings in effect, as the program prints them.
fn effective(arguments: &[&str], environment: &[(&str, &str)]) -> toml::Table {
    let ended = check(arguments, environment);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    toml::from_str(&ended.stdout).unwrap()
}

/// The one sentence of a run that must fail for its settings.
fn mistake(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    failure(2, &check(arguments, environment)).to_owned()
}

#[test]
fn the_example_file_changes_nothing() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml");
    assert_eq!(effective(&["--config", example], &[]), effective(&[], &[]));
    let text = std::fs::read_to_string(example).unwrap();
    assert_eq!(toml::from_str::<toml::Table>(&text).unwrap(), effective(&[], &[]));
}

#[test]
fn a_variable_wins_over_the_file_and_a_flag_over_both() {
    let file =
        File::holding("node = 'file'\nlog_level = 'warn'\n[limits]\nmax_frame = 2001\nack_interval = '1s'");
    let (config, variable) = (
        ["--config", file.path()],
        [("CHAT_NODE", "variable"), ("CHAT_LIMITS_MAX_FRAME", "2002")],
    );

    let of_file = effective(&config, &[]);
    assert_eq!(of_file["node"].as_str(), Some("file"));
    assert_eq!(of_file["limits"]["max_frame"].as_integer(), Some(2001));

    let of_variable = effective(&config, &variable);
    assert_eq!(of_variable["node"].as_str(), Some("variable"));
    assert_eq!(of_variable["limits"]["max_frame"].as_integer(), Some(2002));

    let flags = [&config[..], &["--node", "flag", "--limits-max-frame", "2003"]].concat();
    let of_flag = effective(&flags, &variable);
    assert_eq!(of_flag["node"].as_str(), Some("flag"));
    assert_eq!(of_flag["limits"]["max_frame"].as_integer(), Some(2003));

    for settings in [of_file, of_variable, of_flag] {
        assert_eq!(
            settings["log_level"].as_str(),
            Some("warn"),
            "what no later source names stays"
        );
        assert_eq!(settings["limits"]["ack_interval"].as_str(), Some("1s"));
    }
}

#[test]
fn flags_count_before_and_after_the_command() {
    for arguments in [["--node", "n", "check-config"], ["check-config", "--node", "n"]] {
        let ended = run(&arguments, &[("CHAT_NODE", "variable")]);
        assert!(
            ended.stdout.contains("node = \"n\""),
            "{}{}",
            ended.stdout,
            ended.stderr
        );
    }
}

#[test]
fn the_file_can_be_named_by_a_variable() {
    let file = File::holding("node = 'file'");
    assert_eq!(
        effective(&[], &[("CHAT_CONFIG", file.path())])["node"].as_str(),
        Some("file")
    );
}

#[test]
fn text_that_looks_like_a_number_is_still_text() {
    assert_eq!(effective(&["--node", "7"], &[])["node"].as_str(), Some("7"));
    assert_eq!(
        effective(&[], &[("CHAT_NODE", "true")])["node"].as_str(),
        Some("true")
    );
}

#[test]
fn a_switch_needs_no_value_and_takes_one() {
    for (flags, expected) in [
        (&["--friends-only"][..], true),
        (&["--friends-only=false"], false),
        (&[], true),
    ] {
        let settings = effective(flags, &[("CHAT_FRIENDS_ONLY", "true")]);
        assert_eq!(settings["friends_only"].as_bool(), Some(expected), "{flags:?}");
    }
}

#[test]
fn unknown_keys_are_mistakes_that_name_the_nearest() {
    let file = File::holding("[limits]\nmax_frames = 5000");
    let of_file = mistake(&["--config", file.path()], &[]);
    assert!(
        of_file.contains("`limits.max_frames`") && of_file.contains("`limits.max_frame`"),
        "{of_file}"
    );

    let of_variable = mistake(&[], &[("CHAT_LISTENS", "127.0.0.1:1")]);
    assert!(
        of_variable.contains("CHAT_LISTENS") && of_variable.contains("CHAT_LISTEN\n"),
        "{of_variable}"
    );

    let of_flag = check(&["--lisen", "127.0.0.1:1"], &[]);
    assert_eq!(of_flag.code, Some(2));
    assert!(of_flag.stderr.contains("--listen"), "{}", of_flag.stderr);
}

#[test]
fn a_value_of_the_wrong_form_is_told_with_its_source() {
    let file = File::holding("[limits]\nlogin_timeout = 30");
    for (sentence, parts) in [
        (
            mistake(&["--config", file.path()], &[]),
            ["limits.login_timeout", file.path()],
        ),
        (
            mistake(&["--limits-max-frame", "big"], &[]),
            ["limits.max_frame", "--limits-max-frame"],
        ),
        (
            mistake(&[], &[("CHAT_DRAIN", "5 parsecs")]),
            ["drain", "CHAT_DRAIN"],
        ),
        (
            mistake(&[], &[("CHAT_LOG_FORMAT", "xml")]),
            ["log_format", "text"],
        ),
        (
            mistake(&["--limits-writer-batch=0"], &[]),
            ["limits.writer_batch", "from 1"],
        ),
        (
            mistake(&["--limits-presence-lease=4s"], &[]),
            ["limits.presence_lease", "limits.presence_interval"],
        ),
        (
            mistake(&["--config", "/no/such/file"], &[]),
            ["/no/such/file", "No such file"],
        ),
    ] {
        for part in parts {
            assert!(sentence.contains(part), "{part} is not in: {sentence}");
        }
    }
}

#[cfg(not(feature = "cluster"))]
#[test]
fn backends_that_are_not_built_in_name_the_feature() {
    for (flag, url) in [
        ("--store", "mysql://db/chat"),
        ("--store", "mariadb://db/chat"),
        ("--bus", "redis://cache"),
        ("--presence", "rediss://cache"),
    ] {
        let sentence = mistake(&[flag, url], &[]);
        assert!(sentence.contains("--features cluster"), "{sentence}");
    }
}

#[cfg(not(feature = "grpc"))]
#[test]
fn what_backends_need_and_is_not_built_in_names_the_feature() {
    for store in ["grpc://backend:6100", "grpcs+zookeeper://zk:2181/chat"] {
        let sentence = mistake(&["--store", store], &[]);
        assert!(sentence.contains("--features grpc"), "{sentence}");
    }
    let ended = run(&["backend", "--listen", "127.0.0.1:0", "--http", "none"], &[]);
    assert!(failure(2, &ended).contains("--features grpc"));
}

#[cfg(feature = "grpc")]
#[test]
fn a_node_of_backends_is_told_where_they_are_without_its_secrets() {
    let flags = [
        "--store",
        "grpcs+zookeeper://chat:hunter2@zk:2181/chat?ca=ca.pem&cert=a.pem&key=a.key",
    ];
    let shown = "grpcs+zookeeper://chat:***@zk:2181/chat?ca=ca.pem&cert=a.pem&key=***";
    assert_eq!(effective(&flags, &[])["store"].as_str(), Some(shown));
    let sentence = mistake(
        &["--store", "grpc://backend:6100", "--backend-max-message", "1000"],
        &[],
    );
    assert!(sentence.contains("`backend.max_message`"), "{sentence}");
}

#[test]
fn unknown_backends_name_the_known_ones() {
    let sentence = mistake(&["--store", "oracle://db"], &[]);
    assert!(
        sentence.contains("`sqlite:`") && sentence.contains("`memory:`"),
        "{sentence}"
    );
    let sentence = mistake(&["--bus", "nats://bus"], &[]);
    assert!(
        sentence.contains("`bus`") && sentence.contains("`memory:`"),
        "{sentence}"
    );
}

#[cfg(feature = "cluster")]
#[test]
fn combinations_that_are_no_chat_are_mistakes() {
    for (flags, named) in [
        (
            &["--store", "memory:", "--bus", "redis://cache"][..],
            "`store = \"memory:\"`",
        ),
        (
            &[
                "--store",
                "mysql://db/chat",
                "--bus",
                "redis://cache",
                "--presence",
                "memory:",
            ],
            "`presence`",
        ),
    ] {
        let sentence = mistake(flags, &[]);
        assert!(sentence.contains(named), "{sentence}");
    }
    let flags = ["--store", "mysql://db/chat", "--bus", "redis://cache"];
    assert_eq!(effective(&flags, &[])["bus"].as_str(), Some("redis://cache"));
}

#[test]
fn networks_are_a_list_in_a_file_and_text_with_commas_elsewhere() {
    let file = File::holding("proxy_protocol_from = ['10.0.0.0/8', '::1']");
    let of_file = effective(&["--config", file.path()], &[]);
    let of_flag = effective(&["--proxy-protocol-from", "10.0.0.0/8,::1"], &[]);
    let of_variable = effective(&[], &[("CHAT_PROXY_PROTOCOL_FROM", "10.0.0.0/8, ::1/128")]);
    for settings in [of_file, of_flag, of_variable] {
        let expected = toml::Value::from(vec!["10.0.0.0/8", "::1/128"]);
        assert_eq!(settings["proxy_protocol_from"], expected);
    }
    let sentence = mistake(&["--proxy-protocol-from", "nginx"], &[]);
    for part in ["proxy_protocol_from", "--proxy-protocol-from", "`nginx`"] {
        assert!(sentence.contains(part), "{part} is not in: {sentence}");
    }
}

#[test]
fn no_secret_of_a_url_is_ever_printed() {
    let mysql = "mysql://root:hunter2@db/chat";
    let redis = "redis://:hunter2@cache:6379/0";
    let zookeeper = "zookeeper://chat:hunter2@zk:2181/chat";
    let file = File::holding(&format!(
        "store = \"{mysql}\"\nbus = \"{redis}\"\npresence = \"{redis}\"\nregistry = \"{zookeeper}\""
    ));
    let broken = File::holding(&format!("bus = \"{redis}"));
    let mut runs = vec![
        check(&["--config", file.path()], &[]),
        check(&["--config", broken.path()], &[]),
        check(&["--store", "memory:", "--bus", redis], &[]),
    ];
    for (flag, variable, url) in [
        ("--store", "CHAT_STORE", mysql),
        ("--bus", "CHAT_BUS", redis),
        ("--presence", "CHAT_PRESENCE", redis),
        ("--registry", "CHAT_REGISTRY", zookeeper),
        ("--registry", "CHAT_REGISTRY", "zookeeper:chat:hunter2@zk"),
        ("--store", "CHAT_STORE", "grpc+zookeeper://chat:hunter2@zk/chat"),
        ("--store", "CHAT_STORE", "grpc+zookeeper:chat:hunter2@zk"),
        ("--bus", "CHAT_BUS", "redis:root:hunter2@cache"),
        ("--bus", "CHAT_BUS", "oracle://root:hunter2@cache"),
    ] {
        runs.push(check(&[flag, url], &[]));
        runs.push(check(&[], &[(variable, url)]));
        runs.push(check(&["--help"], &[(variable, url)]));
    }
    for ended in runs {
        let printed = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!printed.is_empty() && !printed.contains("hunter2"), "{printed}");
    }
}
