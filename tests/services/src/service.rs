use std::env;
use std::path::Path;
use std::process::Command;

use crate::axe::has_script;
use crate::kafka::has_jars;
use crate::programs::find_program;
use crate::zookeeper::has_jar;

/// The variable that lists the services without which tests fail, separated by commas.
const REQUIRE: &str = "CHAT_REQUIRE";

/// A kind of service that a test may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// MariaDB, for the MySQL store.
    MySql,
    /// Redis.
    Redis,
    /// Redis in its cluster mode; the same program.
    RedisCluster,
    /// nginx with its stream module.
    Nginx,
    /// Apache Kafka.
    Kafka,
    /// Apache ZooKeeper.
    ZooKeeper,
    /// Chromium with its driver, for pages.
    Chromium,
    /// axe-core, which looks for what keeps people out of a page.
    Axe,
}

/// Why a service can't run on this machine, and what that means for a test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Missing {
    /// What is missing, and how to get it.
    pub reason: String,
    /// Whether `CHAT_REQUIRE` names the service: then the test fails, and is ignored otherwise.
    pub required: bool,
}

impl Service {
    /// Its name in `CHAT_REQUIRE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::Redis => "redis",
            Self::RedisCluster => "redis_cluster",
            Self::Nginx => "nginx",
            Self::Kafka => "kafka",
            Self::ZooKeeper => "zookeeper",
            Self::Chromium => "chromium",
            Self::Axe => "axe",
        }
    }

    /// Asks for several services at once.
    ///
    /// # Errors
    /// The first that is missing; one that is required comes before one that is not.
    pub fn all_of(services: &[Self]) -> Result<(), Missing> {
        let missing: Vec<Missing> = services
            .iter()
            .filter_map(|service| service.check().err())
            .collect();
        let required = missing.iter().find(|missing| missing.required);
        required.or_else(|| missing.first()).cloned().map_or(Ok(()), Err)
    }

    /// Looks whether this machine has it.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(self) -> Result<(), Missing> {
        let absent = |program| find_program(program).is_none();
        let lacking = match self {
            Self::MySql if absent("mariadbd") => "mariadbd is missing (Debian: mariadb-server)",
            Self::MySql if absent("mariadb-install-db") => {
                "mariadb-install-db is missing (Debian: mariadb-server)"
            }
            Self::Redis | Self::RedisCluster if absent("redis-server") => {
                "redis-server is missing (Debian: redis-server)"
            }
            Self::Nginx if absent("nginx") => "nginx is missing (Debian: nginx)",
            Self::Nginx if !nginx_has_streams() => {
                "nginx lacks its stream module (Debian: libnginx-mod-stream)"
            }
            Self::Kafka | Self::ZooKeeper if absent("java") => {
                "java is missing (Debian: default-jre-headless)"
            }
            Self::Kafka if !has_jars() => {
                "the jars of Kafka are missing (.ci/with-services --install fetches them)"
            }
            Self::ZooKeeper if !has_jar() => "ZooKeeper is missing (Debian: zookeeper)",
            Self::Chromium if absent("chromium") => "chromium is missing (Debian: chromium)",
            Self::Chromium if absent("chromedriver") => "chromedriver is missing (Debian: chromium-driver)",
            Self::Axe if !has_script() => "axe-core is missing (.ci/with-services --install fetches it)",
            Self::MySql
            | Self::Redis
            | Self::RedisCluster
            | Self::Nginx
            | Self::Kafka
            | Self::ZooKeeper
            | Self::Chromium
            | Self::Axe => return Ok(()),
        };
        let required = env::var(REQUIRE).unwrap_or_default();
        Err(Missing {
            reason: lacking.to_owned(),
            required: required.split(',').any(|name| name.trim() == self.name()),
        })
    }
}

/// Whether the module is built in, or lies where nginx looks for modules.
fn nginx_has_streams() -> bool {
    let Some(nginx) = find_program("nginx") else {
        return false;
    };
    let Ok(output) = Command::new(nginx).arg("-V").output() else {
        return false;
    };
    let built_with = String::from_utf8_lossy(&output.stderr);
    let mut options = built_with.split_whitespace();
    options.any(|option| {
        let folder = option.strip_prefix("--modules-path=");
        option == "--with-stream"
            || folder.is_some_and(|folder| Path::new(folder).join("ngx_stream_module.so").is_file())
    })
}
