//! Lua scripts that Redis knows by their hash, and gets again where it has forgotten them.

use std::fmt;

use redis::{Cmd, Script};

use super::error::CallError;
use super::servers::{Answers, Call, Servers};
use super::shards::Shard;

/// The scripts of presence.
pub(super) struct Scripts {
    pub(super) renew: Lua,
    pub(super) release: Lua,
    pub(super) sweep: Lua,
}

/// A script and its hash.
pub(super) struct Lua {
    code: &'static str,
    hash: String,
}

impl Lua {
    fn new(code: &'static str) -> Self {
        let hash = Script::new(code).get_hash().to_owned();
        Self { code, hash }
    }
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            renew: Lua::new(include_str!("lua/renew.lua")),
            release: Lua::new(include_str!("lua/release.lua")),
            sweep: Lua::new(include_str!("lua/sweep.lua")),
        }
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").finish_non_exhaustive()
    }
}

/// A script's call on one shard.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    pub(super) shard: Shard,
    pub(super) arguments: Vec<String>,
}

impl Invocation {
    fn call(&self, command: &str, script: &str) -> Call {
        let mut command: Cmd = redis::cmd(command);
        command
            .arg(script)
            .arg(2)
            .arg(&self.shard.leases)
            .arg(&self.shard.ends)
            .arg(&self.arguments);
        Call {
            slot: self.shard.slot,
            command,
        }
    }
}

/// Runs a script on several shards at once; answers in their order.
pub(super) async fn run(servers: &Servers, script: &Lua, invocations: &[Invocation]) -> Answers {
    let calls: Vec<_> = invocations
        .iter()
        .map(|invocation| invocation.call("EVALSHA", &script.hash))
        .collect();
    let mut answers = servers.call(&calls).await;
    let unknown: Vec<usize> = answers
        .iter()
        .enumerate()
        .filter_map(|(index, answer)| is_unknown(answer.as_ref().err()?).then_some(index))
        .collect();
    if unknown.is_empty() {
        return answers;
    }
    // Redis remembers the scripts that it was given in full.
    let calls: Vec<_> = unknown
        .iter()
        .filter_map(|&index| Some(invocations.get(index)?.call("EVAL", script.code)))
        .collect();
    for (index, again) in unknown.into_iter().zip(servers.call(&calls).await) {
        if let Some(answer) = answers.get_mut(index) {
            *answer = again;
        }
    }
    answers
}

fn is_unknown(error: &CallError) -> bool {
    matches!(error, CallError::Answered { answer } if answer.code() == Some("NOSCRIPT"))
}
