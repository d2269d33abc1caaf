//! Runs a command beside real services that tests can use, and stops them at its end.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};
use std::thread;

use chat_test_services::{
    Kafka, MariaDb, Missing, Pid, Redis, RedisCluster, Service, Signal, StartError, ZooKeeper,
};
use nix::sys::signal::kill;
use tokio::process::Command;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

const USAGE: &str = "\
usage: with-services [--] COMMAND [ARGUMENT…]

Starts MariaDB, Redis, a Redis Cluster, Kafka and ZooKeeper for tests, runs COMMAND, and stops them. COMMAND finds
them by
  CHAT_TEST_MYSQL_URL          the whole server, as its administrator
  CHAT_TEST_REDIS_URL
  CHAT_TEST_REDIS_CLUSTER_URL  redis+cluster:// and its nodes, separated by commas
  CHAT_TEST_KAFKA              its address
  CHAT_TEST_ZOOKEEPER          its address
A service whose variable is set already is not started. One that is not installed is left out with a word.
The exit code is COMMAND's, or 128 and the signal that ended it; 127 where COMMAND can't be started, and 1
where a service fails.";

/// Beside the contract's many small databases there are few large ones.
const MARIADB: [&str; 1] = ["--innodb-buffer-pool-size=512M"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    let Some((program, arguments)) = arguments.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(program, arguments).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("with-services: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(program: &OsString, arguments: &[OsString]) -> Result<u8, StartError> {
    // From here on no signal ends this process before its services.
    let mut signals = PassedOn::new()?;
    let services = Shared::start()?;
    let mut command = Command::new(program);
    command.args(arguments).envs(services.variables());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!(
                "with-services: {} can't be started: {error}",
                program.to_string_lossy()
            );
            return Ok(127);
        }
    };
    let id = child.id().and_then(|id| id.try_into().ok()).map(Pid::from_raw);
    loop {
        // Cancel-safe: waiting takes nothing before it is done.
        tokio::select! {
            status = child.wait() => return Ok(code_of(status?)),
            signal = signals.next() => {
                if let Some(id) = id {
                    // It may have ended just now.
                    let _ = kill(id, signal);
                }
            }
        }
    }
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .unwrap_or(1);
    code.try_into().unwrap_or(1)
}

/// The signals that end things.
struct PassedOn {
    interrupt: Signals,
    terminate: Signals,
    hang_up: Signals,
}

impl PassedOn {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        // Cancel-safe: a signal that is not taken stays.
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hang_up.recv() => Signal::SIGHUP,
        }
    }
}

/// The services that this run has started.
struct Shared {
    mariadb: Option<MariaDb>,
    redis: Option<Redis>,
    cluster: Option<RedisCluster>,
    kafka: Option<Kafka>,
    zookeeper: Option<ZooKeeper>,
}

impl Shared {
    fn start() -> Result<Self, StartError> {
        thread::scope(|scope| {
            let mariadb = scope.spawn(|| {
                wanted(Service::MySql, "CHAT_TEST_MYSQL_URL", || {
                    MariaDb::start_with(&MARIADB)
                })
            });
            let cluster = scope.spawn(|| {
                wanted(
                    Service::RedisCluster,
                    "CHAT_TEST_REDIS_CLUSTER_URL",
                    RedisCluster::start,
                )
            });
            let kafka = scope.spawn(|| wanted(Service::Kafka, "CHAT_TEST_KAFKA", Kafka::start));
            let zookeeper =
                scope.spawn(|| wanted(Service::ZooKeeper, "CHAT_TEST_ZOOKEEPER", ZooKeeper::start));
            let redis = wanted(Service::Redis, "CHAT_TEST_REDIS_URL", Redis::start);
            let panicked = |_| StartError::Io(io::Error::other("a thread panicked"));
            Ok(Self {
                mariadb: mariadb.join().map_err(panicked)??,
                redis: redis?,
                cluster: cluster.join().map_err(panicked)??,
                kafka: kafka.join().map_err(panicked)??,
                zookeeper: zookeeper.join().map_err(panicked)??,
            })
        })
    }

    fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        let mariadb = self.mariadb.as_ref().map(MariaDb::url);
        let redis = self.redis.as_ref().map(Redis::url);
        let cluster = self.cluster.as_ref().map(RedisCluster::url);
        let kafka = self.kafka.as_ref().map(Kafka::bootstrap);
        let zookeeper = self.zookeeper.as_ref().map(ZooKeeper::connect_string);
        [
            mariadb.map(|url| ("CHAT_TEST_MYSQL_URL", url)),
            redis.map(|url| ("CHAT_TEST_REDIS_URL", url)),
            cluster.map(|url| ("CHAT_TEST_REDIS_CLUSTER_URL", url)),
            kafka.map(|address| ("CHAT_TEST_KAFKA", address)),
            zookeeper.map(|address| ("CHAT_TEST_ZOOKEEPER", address)),
        ]
        .into_iter()
        .flatten()
    }
}

/// Starts a service, unless the environment names one, or this machine has none.
fn wanted<T>(
    service: Service,
    variable: &str,
    start: impl FnOnce() -> Result<T, StartError>,
) -> Result<Option<T>, StartError> {
    if env::var_os(variable).is_some_and(|url| !url.is_empty()) {
        return Ok(None);
    }
    match start() {
        Ok(service) => Ok(Some(service)),
        Err(StartError::Missing(Missing { reason, .. })) => {
            eprintln!(
                "with-services: without {}, since {reason}; its tests are ignored",
                service.name()
            );
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
