//! Presence as leases in Redis.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use chat_core::ports::Presence;
use chat_core::types::{NodeId, UserId};
use chat_core::{BackendError, Timestamp};
use redis::{FromRedisValue, Value};

use super::RedisOptions;
use super::error::{CallError, Sent};
use super::scripts::{Invocation, Lua, Scripts, run};
use super::servers::{Answers, Call, Servers};
use super::shards::{Shard, by_shard};

/// Users of one shard in one script call: Lua takes fewer than 8,000 values at once.
const USERS_AT_ONCE: usize = 1_000;
/// How long the keys stay where no node renews anything any more.
const LEFT_ALONE: Duration = Duration::from_secs(3_600);

const CANNOT_RENEW: &str = "cannot renew leases in Redis";
const CANNOT_RELEASE: &str = "cannot give leases back in Redis";
const CANNOT_LOOK_UP: &str = "cannot look up in Redis who is online";
const CANNOT_SWEEP: &str = "cannot sweep ended leases in Redis";

/// [`Presence`] as leases in Redis or in a Redis Cluster.
///
/// Users are spread over 64 pairs of keys. What is asked about the users of one pair is done by
/// one script, so it is atomic for each user; a call for users of several pairs that fails may
/// have been done for some of them.
#[derive(Debug)]
pub struct RedisPresence {
    servers: Servers,
    scripts: Scripts,
}

impl RedisPresence {
    /// Makes a handle. It connects once it is used, in the background, and again whenever it must.
    pub fn new(options: RedisOptions) -> Self {
        Self {
            servers: Servers::new(options),
            scripts: Scripts::default(),
        }
    }

    /// Ends all connections, and waits until they have ended.
    pub async fn close(&self) {
        self.servers.connector.close().await;
    }

    fn prefix(&self) -> &str {
        &self.servers.connector.options.prefix
    }

    /// Runs a script on the shards of these users, who follow its first arguments; answers whom it
    /// answers, of all shards.
    async fn run(
        &self,
        script: &Lua,
        first: &[String],
        users: &[UserId],
        what: &'static str,
    ) -> Result<Vec<UserId>, BackendError> {
        let parts = by_shard(self.prefix(), users, USERS_AT_ONCE).into_iter();
        let invocations = parts.map(|(shard, users)| {
            let users = users.iter().map(ToString::to_string);
            let arguments = first.iter().cloned().chain(users).collect();
            Invocation { shard, arguments }
        });
        let invocations: Vec<_> = invocations.collect();
        let answers = run(&self.servers, script, &invocations).await;
        Ok(read(answers, read_users, what)?.into_iter().flatten().collect())
    }

    /// Counts on each shard the users whose last lease ends within these times.
    async fn count_ends(&self, from: &str, to: &str) -> (Vec<Shard>, Answers) {
        let shards: Vec<_> = Shard::all(self.prefix()).collect();
        let calls = shards.iter().map(|shard| {
            let mut command = redis::cmd("ZCOUNT");
            command.arg(&shard.ends).arg(from).arg(to);
            Call {
                slot: shard.slot,
                command,
            }
        });
        let calls: Vec<_> = calls.collect();
        let answers = self.servers.call(&calls).await;
        (shards, answers)
    }

    /// How many leases have ended on each shard that answers, and why another one does not.
    async fn ended(&self, now: Timestamp) -> (Vec<(Shard, usize)>, Option<CallError>) {
        let (shards, answers) = self.count_ends("-inf", &now.as_millis().to_string()).await;
        let (mut counts, mut failure) = (Vec::new(), None);
        for (shard, answer) in shards.into_iter().zip(answers) {
            match answer.and_then(|answer| read_one(answer, "ZCOUNT")) {
                Ok(count) => counts.push((shard, count)),
                Err(error) => failure = Some(error),
            }
        }
        (counts, failure)
    }

    /// Looks for ended leases once, and sweeps at most `room` users.
    async fn sweep_once(&self, now: Timestamp, mut room: usize) -> Round {
        let (ended, mut failure) = self.ended(now).await;
        let mut invocations = Vec::new();
        for (shard, ended) in ended {
            let share = ended.min(room).min(USERS_AT_ONCE);
            if share > 0 {
                room -= share;
                let arguments = vec![now.as_millis().to_string(), share.to_string()];
                invocations.push(Invocation { shard, arguments });
            }
        }
        // What one shard answers is told even where another one fails: nobody else will tell it.
        let mut users = Vec::new();
        for answer in run(&self.servers, &self.scripts.sweep, &invocations).await {
            match answer.and_then(read_users) {
                Ok(swept) => users.extend(swept),
                Err(error) => failure = Some(error),
            }
        }
        Round {
            users,
            nothing_ended: invocations.is_empty(),
            failure,
        }
    }
}

#[async_trait]
impl Presence for RedisPresence {
    async fn renew(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<UserId>, BackendError> {
        let life = LEFT_ALONE.max(ttl.saturating_mul(4));
        let first = [
            node.to_string(),
            now.as_millis().to_string(),
            now.after(ttl).as_millis().to_string(),
            Timestamp::default().after(life).as_millis().to_string(),
        ];
        self.run(&self.scripts.renew, &first, users, CANNOT_RENEW).await
    }

    async fn release(
        &self,
        node: &NodeId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<UserId>, BackendError> {
        let first = [node.to_string(), now.as_millis().to_string()];
        self.run(&self.scripts.release, &first, users, CANNOT_RELEASE)
            .await
    }

    async fn online(&self, users: &[UserId], now: Timestamp) -> Result<Vec<bool>, BackendError> {
        let parts = by_shard(self.prefix(), users, USERS_AT_ONCE);
        let calls = parts.iter().map(|(shard, users)| {
            let mut command = redis::cmd("ZMSCORE");
            command.arg(&shard.ends);
            for user in users {
                command.arg(user.get());
            }
            Call {
                slot: shard.slot,
                command,
            }
        });
        let calls: Vec<_> = calls.collect();
        let answers = self.servers.call(&calls).await;
        let read_ends = |value| read_one::<Vec<Option<f64>>>(value, "ZMSCORE");
        let ends = read(answers, read_ends, CANNOT_LOOK_UP)?;
        let users_of_parts = parts.into_iter().flat_map(|(_, users)| users);
        let ends: HashMap<_, _> = users_of_parts.zip(ends.into_iter().flatten()).collect();
        // Times are integers below 2^53, which these numbers hold exactly.
        let is_online = |user| {
            let end = ends.get(user).copied().flatten();
            end.is_some_and(|end| end > now.as_millis() as f64)
        };
        Ok(users.iter().map(is_online).collect())
    }

    async fn count(&self, now: Timestamp) -> Result<usize, BackendError> {
        let after_now = format!("({}", now.as_millis());
        let (_, answers) = self.count_ends(&after_now, "+inf").await;
        let counts = read(
            answers,
            |value| read_one::<usize>(value, "ZCOUNT"),
            CANNOT_LOOK_UP,
        )?;
        Ok(counts.into_iter().sum())
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, BackendError> {
        let mut swept = Vec::new();
        // A round that finds less than it was told of shared it with another sweep, so it is worth
        // another look; each round of one of them takes something, so this ends.
        while swept.len() < limit {
            let round = self.sweep_once(now, limit - swept.len()).await;
            swept.extend(round.users);
            match round.failure {
                Some(error) if swept.is_empty() => {
                    return Err(error.into_backend(CANNOT_SWEEP, Sent::Nothing));
                }
                Some(_) => break,
                None if round.nothing_ended => break,
                None => {}
            }
        }
        Ok(swept)
    }
}

impl Drop for RedisPresence {
    fn drop(&mut self) {
        self.servers.connector.stop.cancel();
    }
}

/// What one round of a sweep came to.
struct Round {
    users: Vec<UserId>,
    nothing_ended: bool,
    failure: Option<CallError>,
}

/// All answers, or the first failure.
fn read<T>(
    answers: Answers,
    read_one: impl Fn(Value) -> Result<T, CallError>,
    what: &'static str,
) -> Result<Vec<T>, BackendError> {
    let sent = if answers.iter().any(Result::is_ok) {
        Sent::Partly
    } else {
        Sent::Nothing
    };
    let answers = answers.into_iter().map(|answer| read_one(answer?));
    answers
        .collect::<Result<_, _>>()
        .map_err(|error: CallError| error.into_backend(what, sent))
}

fn read_one<T: FromRedisValue>(value: Value, command: &'static str) -> Result<T, CallError> {
    redis::from_redis_value(value).map_err(|_| CallError::Unexpected { command })
}

/// The users that a script answers.
fn read_users(value: Value) -> Result<Vec<UserId>, CallError> {
    let command = "a script";
    let users: Vec<String> = read_one(value, command)?;
    let users = users.iter().map(|user| user.parse());
    users
        .collect::<Result<_, _>>()
        .map_err(|_| CallError::Unexpected { command })
}
