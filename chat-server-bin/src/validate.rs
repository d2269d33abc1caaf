//! Values that have the right type and still cannot be right.

use std::time::Duration;

use chat_core::NodeRole;
use chat_core::types::NodeId;
use toml::{Table, Value};
use tracing_subscriber::EnvFilter;

use crate::backend_settings::{MySqlSettings, RedisSettings};
use crate::chosen::Chosen;
use crate::config::Settings;
use crate::failure::Failure;
use crate::limit_settings::Period;
use crate::{backend, cluster, event_log, remote, telemetry};

/// The largest number that a limit can have: what it bounds has to fit in memory.
const LARGEST_COUNT: i64 = 16_777_216;
/// The longest time, so that adding it to a clock cannot overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);
/// The smallest `max_frame`: requests with a name and a password fit in it.
const SMALLEST_FRAME: usize = 1_024;
/// More connections of one node than a MySQL server takes in all.
const MOST_CONNECTIONS: u32 = 10_000;
/// The smallest file of the event log: several records fit in it.
const SMALLEST_LOG_FILE: u64 = 16_384;
/// More files than that are renamed too slowly.
const MOST_LOG_FILES: u16 = 100;
/// More partitions than that help no node.
const MOST_PARTITIONS: u16 = 1_000;
/// The longest time a record may wait for others.
const LONGEST_LINGER: Duration = Duration::from_secs(1);
/// The longest `redis.prefix`: it is sent with every key.
const LONGEST_PREFIX: usize = 64;

/// Refuses settings with which a node of this role cannot work, with a sentence that says what would.
pub(crate) fn check(settings: &Settings, role: NodeRole) -> Result<(), Failure> {
    check_address("listen", &settings.listen, "")?;
    if let Some(http) = settings.http_address() {
        check_address("http", http, ", or `none`")?;
    }
    if !settings.advertise.is_empty() {
        check_address("advertise", &settings.advertise, "")?;
    }
    let chosen = Chosen::of(settings, role).map_err(Failure::setting)?;
    cluster::check(settings, &chosen).map_err(Failure::setting)?;
    remote::check(settings, role, &chosen).map_err(Failure::setting)?;
    backend::check(settings, role, &chosen).map_err(Failure::setting)?;
    event_log::check(settings).map_err(Failure::setting)?;
    check_event_log(settings)?;
    telemetry::check(settings).map_err(Failure::setting)?;
    if !settings.node.is_empty() {
        NodeId::parse(&settings.node).map_err(|error| Failure::setting(format!("`node` {error}")))?;
    }
    EnvFilter::try_new(&settings.log_level).map_err(|_| {
        Failure::setting("`log_level` must be error, warn, info, debug or trace, or such levels by module")
    })?;
    require(
        Duration::from(settings.drain) <= Duration::from_secs(3_600),
        || "`drain` must be at most 1h".to_owned(),
    )?;
    check_period(
        "proxy_header_timeout",
        settings.proxy_header_timeout,
        Zero::Refused,
    )?;
    check_period("tcp_keepalive", settings.tcp_keepalive, Zero::Allowed)?;
    check_period("websocket.ping", settings.websocket.ping, Zero::Allowed)?;
    check_period(
        "websocket.ping_timeout",
        settings.websocket.ping_timeout,
        Zero::Refused,
    )?;
    settings.tls.check().map_err(Failure::setting)?;
    check_period(
        "tls.handshake_timeout",
        settings.tls.handshake_timeout,
        Zero::Refused,
    )?;
    check_period("tls.reload_interval", settings.tls.reload_interval, Zero::Refused)?;
    check_mysql(&settings.mysql)?;
    check_redis(&settings.redis)?;
    check_each_limit(settings)?;
    check_limits_together(settings)
}

fn check_address(key: &str, address: &str, or_else: &str) -> Result<(), Failure> {
    let well_formed = address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    require(well_formed, || {
        format!(
            "`{key}` must be an address and a port as in 127.0.0.1:6000 or [::1]:6000{or_else}, not `{address}`"
        )
    })
}

fn check_mysql(mysql: &MySqlSettings) -> Result<(), Failure> {
    let (most, least) = (mysql.max_connections.get(), mysql.min_connections);
    require(most <= MOST_CONNECTIONS, || {
        format!("`mysql.max_connections` must be at most {MOST_CONNECTIONS}, not {most}")
    })?;
    require(least <= most, || {
        format!(
            "`mysql.min_connections` ({least}) must not be more than `mysql.max_connections` ({most}): write at \
             most {most}"
        )
    })?;
    check_period("mysql.acquire_timeout", mysql.acquire_timeout, Zero::Refused)
}

fn check_event_log(settings: &Settings) -> Result<(), Failure> {
    let (file, kafka) = (&settings.event_log_file, &settings.kafka);
    require(file.max_bytes.get() >= SMALLEST_LOG_FILE, || {
        format!(
            "`event_log_file.max_bytes` must be at least {SMALLEST_LOG_FILE}, not {}",
            file.max_bytes
        )
    })?;
    require(file.max_files <= MOST_LOG_FILES, || {
        format!(
            "`event_log_file.max_files` must be at most {MOST_LOG_FILES}, not {}",
            file.max_files
        )
    })?;
    require(kafka.partitions.get() <= MOST_PARTITIONS, || {
        format!(
            "`kafka.partitions` must be at most {MOST_PARTITIONS}, not {}",
            kafka.partitions
        )
    })?;
    require(kafka.buffer.get() as u64 <= LARGEST_COUNT.unsigned_abs(), || {
        format!(
            "`kafka.buffer` must be at most {LARGEST_COUNT}, not {}",
            kafka.buffer
        )
    })?;
    require(Duration::from(kafka.linger) <= LONGEST_LINGER, || {
        "`kafka.linger` must be at most 1s".to_owned()
    })
}

fn check_redis(redis: &RedisSettings) -> Result<(), Failure> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "._:-".contains(character);
    let prefix = &redis.prefix;
    require(
        prefix.len() <= LONGEST_PREFIX && prefix.chars().all(allowed),
        || {
            format!(
                "`redis.prefix` must be at most {LONGEST_PREFIX} letters, digits, `.`, `_`, `:` or `-`, not `{prefix}`"
            )
        },
    )
}

/// Times of which zero stands for never.
const MAY_BE_NEVER: &[&str] = &[
    "idle_timeout",
    "slow_request",
    "status_interval",
    "store_probe_interval",
];

/// Counts of which zero leaves it to the server to choose one.
const MAY_BE_CHOSEN: &[&str] = &["password_hashes"];

fn check_each_limit(settings: &Settings) -> Result<(), Failure> {
    let limits = Table::try_from(&settings.limits).map_err(anyhow::Error::from)?;
    for (name, value) in &limits {
        match value {
            Value::Integer(count) => {
                let least = i64::from(!MAY_BE_CHOSEN.contains(&name.as_str()));
                require((least..=LARGEST_COUNT).contains(count), || {
                    format!("`limits.{name}` must be from {least} to {LARGEST_COUNT}, not {count}")
                })?;
            }
            Value::String(text) => {
                let period: Duration = humantime::parse_duration(text).map_err(anyhow::Error::from)?;
                let zero = if MAY_BE_NEVER.contains(&name.as_str()) {
                    Zero::Allowed
                } else {
                    Zero::Refused
                };
                check_period(&format!("limits.{name}"), period.into(), zero)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a time of zero means something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zero {
    Allowed,
    Refused,
}

fn check_period(key: &str, period: Period, zero: Zero) -> Result<(), Failure> {
    let period = Duration::from(period);
    require(period <= LONGEST, || {
        format!(
            "`{key}` must be at most ten years, not {}",
            humantime::format_duration(period)
        )
    })?;
    require(!period.is_zero() || zero == Zero::Allowed, || {
        format!("`{key}` must be longer than zero: write for example 5s")
    })
}

fn check_limits_together(settings: &Settings) -> Result<(), Failure> {
    let limits = chat_core::Limits::from(settings.limits.clone());
    require(limits.max_frame >= SMALLEST_FRAME, || {
        format!(
            "`limits.max_frame` must be at least {SMALLEST_FRAME}, not {}",
            limits.max_frame
        )
    })?;
    require(limits.writer_batch <= limits.writer_queue, || {
        format!(
            "`limits.writer_batch` ({}) must not be larger than `limits.writer_queue` ({}): a batch is taken from \
             the queue",
            limits.writer_batch, limits.writer_queue
        )
    })?;
    require(limits.presence_interval * 2 < limits.presence_lease, || {
        format!(
            "`limits.presence_lease` ({:?}) must be longer than two of `limits.presence_interval` ({:?}), or one \
             late renewal shows everybody as offline",
            limits.presence_lease, limits.presence_interval
        )
    })?;
    require(limits.pull_interval_without_bus <= limits.pull_interval, || {
        format!(
            "`limits.pull_interval_without_bus` ({:?}) must not be longer than `limits.pull_interval` ({:?})",
            limits.pull_interval_without_bus, limits.pull_interval
        )
    })
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds {
        Ok(())
    } else {
        Err(Failure::setting(otherwise()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(change: impl FnOnce(&mut Settings)) -> Option<String> {
        let mut settings = Settings::default();
        change(&mut settings);
        let checked = check(&settings, NodeRole::Clients);
        checked.err().map(|failure| failure.to_string())
    }

    fn seconds(count: u64) -> Period {
        Duration::from_secs(count).into()
    }

    #[test]
    fn the_defaults_are_right() {
        assert_eq!(problem(|_| {}), None);
        assert_eq!(problem(|settings| settings.tcp_keepalive = seconds(0)), None);
        assert_eq!(problem(|settings| settings.websocket.ping = seconds(0)), None);
        assert_eq!(problem(|settings| settings.http = "none".to_owned()), None);
        assert_eq!(
            problem(|settings| settings.limits.idle_timeout = seconds(0)),
            None
        );
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let changes: &[(&str, Change)] = &[
            ("`listen`", |settings| settings.listen = "6000".to_owned()),
            ("`listen`", |settings| {
                settings.listen = "localhost:70000".to_owned()
            }),
            ("`http`", |settings| settings.http = "off".to_owned()),
            ("`store`", |settings| settings.store = "sqlite:".into()),
            ("`node`", |settings| settings.node = "a b".to_owned()),
            ("`advertise`", |settings| {
                settings.advertise = "backend".to_owned()
            }),
            ("`registry`", |settings| settings.registry = "zk:2181".into()),
            ("`bus`", |settings| settings.bus = "cache".into()),
            ("`presence", |settings| settings.presence = "memory:x".into()),
            ("`proxy_header_timeout`", |settings| {
                settings.proxy_header_timeout = seconds(0)
            }),
            ("`tcp_keepalive`", |settings| {
                settings.tcp_keepalive = seconds(u64::MAX / 2)
            }),
            ("`mysql.max_connections`", |settings| {
                settings.mysql.max_connections = std::num::NonZeroU32::MAX
            }),
            ("`mysql.min_connections`", |settings| {
                settings.mysql.min_connections = 17
            }),
            ("`mysql.acquire_timeout`", |settings| {
                settings.mysql.acquire_timeout = seconds(0)
            }),
            ("`redis.prefix`", |settings| {
                settings.redis.prefix = "a b".to_owned()
            }),
            ("`log_level`", |settings| {
                settings.log_level = "chat=loud".to_owned()
            }),
            ("`drain`", |settings| settings.drain = seconds(3_601)),
            ("`limits.writer_batch`", |settings| {
                settings.limits.writer_batch = 0
            }),
            ("`limits.writer_queue`", |settings| {
                settings.limits.writer_queue = usize::MAX >> 1
            }),
            ("`limits.max_frame`", |settings| settings.limits.max_frame = 1_023),
            ("`limits.store_timeout`", |settings| {
                settings.limits.store_timeout = seconds(0)
            }),
            ("`limits.login_timeout`", |settings| {
                settings.limits.login_timeout = seconds(u64::MAX / 2)
            }),
            ("`limits.writer_queue`", |settings| {
                settings.limits.writer_batch = settings.limits.writer_queue + 1
            }),
            ("`limits.presence_lease`", |settings| {
                settings.limits.presence_lease = seconds(6)
            }),
            ("`limits.pull_interval`", |settings| {
                settings.limits.pull_interval_without_bus = seconds(60)
            }),
        ];
        assert_refused(changes);
    }

    #[test]
    fn times_between_pings_that_cannot_work_are_refused_by_name() {
        assert_refused(&[
            ("`websocket.ping`", |settings| {
                settings.websocket.ping = seconds(u64::MAX / 2)
            }),
            ("`websocket.ping_timeout`", |settings| {
                settings.websocket.ping_timeout = seconds(0)
            }),
        ]);
    }

    #[test]
    fn an_event_log_that_cannot_work_is_refused_by_name() {
        assert_refused(&[
            ("`event_log`", |settings| {
                settings.event_log = ["events.jsonl"][..].into();
            }),
            ("`event_log_file.max_bytes`", |settings| {
                settings.event_log_file.max_bytes = std::num::NonZeroU64::MIN
            }),
            ("`event_log_file.max_files`", |settings| {
                settings.event_log_file.max_files = 101
            }),
            ("`kafka.partitions`", |settings| {
                settings.kafka.partitions = std::num::NonZeroU16::MAX
            }),
            ("`kafka.buffer`", |settings| {
                settings.kafka.buffer = std::num::NonZeroUsize::MAX
            }),
            ("`kafka.linger`", |settings| settings.kafka.linger = seconds(2)),
        ]);
    }

    #[test]
    fn tls_that_cannot_work_is_refused_by_name() {
        assert_refused(&[
            ("`tls.key`", |settings| {
                settings.tls.certificate = "a.pem".to_owned()
            }),
            ("`tls.handshake_timeout`", |settings| {
                settings.tls.handshake_timeout = seconds(0)
            }),
            ("`tls.reload_interval`", |settings| {
                settings.tls.reload_interval = seconds(0)
            }),
        ]);
    }

    /// A change that makes the settings wrong.
    type Change = fn(&mut Settings);

    fn assert_refused(changes: &[(&str, Change)]) {
        for (name, change) in changes {
            let problem = problem(*change).unwrap_or_else(|| panic!("{name} was accepted"));
            assert!(problem.contains(name), "{name}: {problem}");
        }
    }
}
