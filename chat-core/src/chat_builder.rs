//! How a node is set up.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::chat::Chat;
use crate::hooks::Hooks;
use crate::limits::Limits;
use crate::node::{self, Setup, Tasks};
use crate::operation::{NamesInLog, NodeRole, Usage, UsageSource};
use crate::ports::{Backends, SendPolicy};
use crate::types::NodeId;

/// Sets a [`Chat`] up.
#[derive(Debug)]
pub struct ChatBuilder {
    backends: Backends,
    limits: Limits,
    node: Option<NodeId>,
    role: NodeRole,
    policy: SendPolicy,
    settings: Map<String, Value>,
    names_in_log: NamesInLog,
    usage: UsageSource,
    hooks: Option<Arc<dyn Hooks>>,
}

impl ChatBuilder {
    pub(crate) fn new(backends: Backends) -> Self {
        Self {
            backends,
            limits: Limits::default(),
            node: None,
            role: NodeRole::default(),
            policy: SendPolicy::default(),
            settings: Map::new(),
            names_in_log: NamesInLog::default(),
            usage: UsageSource::default(),
            hooks: None,
        }
    }

    /// Sets the bounds; the defaults suit a server of ordinary size.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Names the node; the name must be unique among the nodes that share a bus. A random name
    /// otherwise.
    #[must_use]
    pub fn node(mut self, node: NodeId) -> Self {
        self.node = Some(node);
        self
    }

    /// Sets what the node is there for: users' sessions otherwise.
    #[must_use]
    pub const fn role(mut self, role: NodeRole) -> Self {
        self.role = role;
        self
    }

    /// Sets who may write to a user directly; anyone otherwise. [`SendPolicy::System`] is for the application's own
    /// messages, and means the same as [`SendPolicy::Anyone`] here.
    #[must_use]
    pub const fn send_policy(mut self, policy: SendPolicy) -> Self {
        self.policy = match policy {
            SendPolicy::Friends => SendPolicy::Friends,
            SendPolicy::Anyone | SendPolicy::System => SendPolicy::Anyone,
        };
        self
    }

    /// Sets what the event log says, when the node starts, about how it is set up. It must hold no
    /// secret.
    #[must_use]
    pub fn settings(mut self, settings: Map<String, Value>) -> Self {
        self.settings = settings;
        self
    }

    /// Sets what the event log holds of users' names; a hash otherwise.
    #[must_use]
    pub const fn names_in_log(mut self, names: NamesInLog) -> Self {
        self.names_in_log = names;
        self
    }

    /// Sets what the node asks for how much of the machine its process uses; it tells nothing of
    /// that otherwise. It is asked now and then, and must not block.
    #[must_use]
    pub fn usage(mut self, usage: impl Fn() -> Usage + Send + Sync + 'static) -> Self {
        self.usage = UsageSource::new(usage);
        self
    }

    /// Sets what the application decides about requests and does after them; nothing otherwise, which costs
    /// nothing. Hooks that hold the [`Chat`] keep it in memory for as long as it holds them.
    #[must_use]
    pub fn hooks(mut self, hooks: Arc<dyn Hooks>) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Starts the node's tasks on the present tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime, or on one without its timer.
    pub fn start(self) -> Chat {
        let tasks = Tasks::default();
        let setup = Setup {
            id: self.node.unwrap_or_else(NodeId::random),
            role: self.role,
            backends: self.backends,
            limits: self.limits,
            policy: self.policy,
            names_in_log: self.names_in_log,
            usage: self.usage,
            hooks: self.hooks,
            settings: self.settings,
        };
        Chat::of(node::start(setup, &tasks), tasks)
    }
}
