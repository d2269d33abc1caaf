//! Two nodes on a real Redis.

#[path = "../../two_nodes.rs"]
#[expect(
    dead_code,
    reason = "its `main` asks the command line for the Redis, which here is that of the tests"
)]
mod program;

use chat_adapters::redis::RedisOptions;
use chat_test_services::{Redis, Service, async_trial};
use libtest_mimic::Trial;

pub(crate) fn trial() -> Trial {
    async_trial("two_nodes", &[Service::Redis], || async {
        let mut own = None;
        let url = std::env::var("CHAT_TEST_REDIS_URL").unwrap_or_else(|_| {
            let redis = own.insert(Redis::start().unwrap());
            redis.url()
        });
        let mut options = RedisOptions::parse(&url).unwrap();
        options.prefix = format!("two-nodes-{}", std::process::id());
        program::run(options).await.expect("the program runs to its end");
        drop(own);
    })
}
