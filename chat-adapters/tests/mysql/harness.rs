//! Runs each test on a database of its own, with counters of its own.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::process::ExitCode;

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Builder;

use crate::counted::series;
use crate::database::{TestDatabase, unavailable};

/// The name under which `CHAT_REQUIRE` makes a missing server a failure.
const SERVICE: &str = "mysql";

/// What a test works with.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) database: TestDatabase,
    counted: PrometheusHandle,
}

impl Setting {
    /// How often calls were repeated for this reason.
    pub(crate) fn retries(&self, reason: &str) -> i64 {
        let name = format!("chat_mysql_retries_total{{reason=\"{reason}\"}}");
        series(&self.counted).get(&name).copied().unwrap_or_default()
    }
}

pub(crate) type Test = fn(Setting) -> Pin<Box<dyn Future<Output = ()>>>;

/// Tests by their paths.
#[macro_export]
macro_rules! trials {
    ($($module:ident::$test:ident),* $(,)?) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($test)),
            (|setting| Box::pin($crate::$module::$test(setting))) as $crate::harness::Test,
        )),*]
    };
}

pub(crate) fn run(tests: Vec<(&'static str, Test)>) -> ExitCode {
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::ignorable_test(name, move || match unavailable() {
            None => run_one(test).map(|()| Completion::Completed),
            Some(reason) if is_required() => Err(Failed::from(reason)),
            Some(reason) => Ok(Completion::ignored_with(reason)),
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn is_required() -> bool {
    let required = std::env::var("CHAT_REQUIRE").unwrap_or_default();
    required.split(',').any(|name| name.trim() == SERVICE)
}

/// Everything of one test runs on this thread, so that its counters are its own.
fn run_one(test: Test) -> Result<(), Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let setting = Setting {
                database: TestDatabase::make().await?,
                counted,
            };
            let ended = AssertUnwindSafe(test(setting.clone())).catch_unwind().await;
            setting.database.remove().await?;
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(())
        })
    })
}
