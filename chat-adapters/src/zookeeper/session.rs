//! One session with ZooKeeper, and what is asked of it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;
use zookeeper_client::{
    Acl, Acls, AddWatchMode, AuthId, Client, CreateMode, Error as ClientError, EventType, MultiReadResult,
    MultiWriteError, Permission, PersistentWatcher, SessionState, StateWatcher,
};

use super::ZooKeeperOptions;
use super::client_task::ClientTasks;
use super::entry::Entry;
use super::error::CallError;
use super::meters::{LISTINGS, REGISTRATIONS, SESSIONS};

/// More entries than this in the folder are passed over.
pub(super) const MOST_ENTRIES: usize = 1_000;

/// A session. Dropping it ends it: ZooKeeper removes its announcements at once where it can be told.
pub(super) struct Session {
    client: Client,
    states: StateWatcher,
    watch: Option<PersistentWatcher>,
    /// Whether the watch counts on the present connection.
    watching: bool,
    path: String,
    acl: Vec<Acl>,
    call_timeout: Duration,
}

/// What the folder holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) nodes: BTreeMap<String, Node>,
    /// Entries beyond [`MOST_ENTRIES`].
    pub(super) passed_over: usize,
}

/// One entry of the folder.
#[derive(Debug)]
pub(super) struct Node {
    /// What it says, where this version can read it.
    pub(super) entry: Option<Entry>,
    /// Whether it ends with this session.
    pub(super) is_of_this_session: bool,
    version: i32,
}

impl Session {
    /// Makes a session, trying each server once.
    pub(super) async fn connect(options: &ZooKeeperOptions, tasks: &ClientTasks) -> Result<Self, CallError> {
        let mut connector = Client::connector()
            .with_session_timeout(options.session_timeout)
            .with_fail_eagerly();
        let mut acl = vec![Acl::new(Permission::ALL, AuthId::anyone())];
        if let Some(digest) = &options.digest {
            let login = format!("{}:{}", digest.user, digest.password);
            connector = connector.with_auth("digest", login.as_bytes());
            acl = vec![
                Acl::new(Permission::READ, AuthId::anyone()),
                Acl::new(Permission::ALL, AuthId::authed()),
            ];
        }
        let client = tasks.own(connector.connect(&options.connect_string())).await?;
        SESSIONS.count(&[]).increment(1);
        Ok(Self {
            states: client.state_watcher(),
            client,
            watch: None,
            watching: false,
            path: options.path.clone(),
            acl,
            call_timeout: options.call_timeout,
        })
    }

    /// Its states, which are there when it is not any more.
    pub(super) fn states(&self) -> StateWatcher {
        self.client.state_watcher()
    }

    /// Waits until there may be something new: a change in the folder, or another connection. Cancel safe.
    pub(super) async fn news(&mut self) -> Result<(), CallError> {
        tokio::select! {
            // Both only take what has come.
            state = self.states.changed() => self.note_state(state)?,
            event = next_event(&mut self.watch) => self.note_event(event)?,
        }
        while let Some(event) = next_event(&mut self.watch).now_or_never() {
            self.note_event(event)?;
        }
        Ok(())
    }

    fn note_event(&mut self, event: Option<SessionState>) -> Result<(), CallError> {
        event.map_or(Ok(()), |state| self.note_state(state))
    }

    fn note_state(&mut self, state: SessionState) -> Result<(), CallError> {
        // The client does not set persistent watches again by itself, and what happened meanwhile is told to nobody.
        self.watching = false;
        match state {
            SessionState::Expired => Err(CallError::over("the session has expired")),
            SessionState::AuthFailed => Err(CallError::over("ZooKeeper does not take the user")),
            SessionState::Closed => Err(CallError::over("the session was closed")),
            _ => Ok(()),
        }
    }

    /// Has a watch on the folder, and sees in it what was written before.
    ///
    /// A request that is made while there is no connection would be sent by the next one, however late, so none is.
    pub(super) async fn catch_up(&mut self) -> Result<(), CallError> {
        if self.client.state() != SessionState::SyncConnected {
            return Err(CallError::away("the connection is lost"));
        }
        if !self.watching {
            let set = self.client.watch(&self.path, AddWatchMode::PersistentRecursive);
            // The one before ends with this.
            self.watch = Some(self.ask(set).await?);
            // Another server of the ensemble may be behind.
            self.ask(self.client.sync(&self.path)).await?;
            self.watching = true;
        }
        Ok(())
    }

    /// Everything in the folder, as of one moment after the call.
    pub(super) async fn list(&self) -> Result<Listing, CallError> {
        LISTINGS.count(&[]).increment(1);
        let mut names = match timeout(self.call_timeout, self.client.list_children(&self.path)).await? {
            Ok(names) => names,
            Err(ClientError::NoNode) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        names.sort_unstable();
        let passed_over = names.len().saturating_sub(MOST_ENTRIES);
        names.truncate(MOST_ENTRIES);
        let mut reader = self.client.new_multi_reader();
        for name in &names {
            reader.add_get_data(&self.path_of(name))?;
        }
        let results = self.ask(reader.commit()).await?;
        let nodes = names.into_iter().zip(results);
        let nodes = nodes.filter_map(|(name, result)| Some((name.clone(), self.node(&name, result)?)));
        Ok(Listing {
            nodes: nodes.collect(),
            passed_over,
        })
    }

    fn node(&self, name: &str, result: MultiReadResult) -> Option<Node> {
        match result {
            MultiReadResult::Data { data, stat } => Some(Node {
                entry: Entry::read(name, &data),
                is_of_this_session: stat.ephemeral_owner == self.client.session_id().0,
                version: stat.version,
            }),
            // It went since its name was listed, or nobody may read it.
            _ => None,
        }
    }

    /// Writes an announcement, in place of the node that was listed under its name. Where the folder is missing it
    /// creates that first, and the caller looks again.
    pub(super) async fn register(
        &self,
        name: &str,
        entry: &Entry,
        listed: Option<&Node>,
    ) -> Result<(), CallError> {
        let (path, data, acl) = (self.path_of(name), entry.to_json(), Acls::new(&self.acl));
        let mut writer = self.client.new_multi_writer();
        if let Some(node) = listed {
            writer.add_delete(&path, Some(node.version))?;
        }
        writer.add_create(&path, &data, &CreateMode::Ephemeral.with_acls(acl))?;
        if listed.is_some_and(|node| node.version == 0) {
            // So that its version is another, and whoever would withdraw the old one does not hit the new one.
            writer.add_set_data(&path, &data, Some(0))?;
        }
        match timeout(self.call_timeout, writer.commit()).await? {
            Ok(_) => {
                REGISTRATIONS.count(&[]).increment(1);
                Ok(())
            }
            Err(MultiWriteError::OperationFailed {
                index: 0,
                source: ClientError::NoNode,
            }) if listed.is_none() => {
                self.create_folder().await?;
                Err(CallError::Raced)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn create_folder(&self) -> Result<(), CallError> {
        let options = CreateMode::Persistent.with_acls(Acls::new(&self.acl));
        self.ask(self.client.mkdir(&self.path, &options)).await
    }

    /// Removes the node that was listed under this name.
    pub(super) async fn remove(&self, name: &str, listed: &Node) -> Result<(), CallError> {
        let path = self.path_of(name);
        self.ask(self.client.delete(&path, Some(listed.version))).await
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    async fn ask<T>(&self, request: impl Future<Output = Result<T, ClientError>>) -> Result<T, CallError> {
        Ok(timeout(self.call_timeout, request).await??)
    }
}

/// The next event of the folder: a state of the session, or nothing but that there is one. Never where there is no watch.
async fn next_event(watch: &mut Option<PersistentWatcher>) -> Option<SessionState> {
    let Some(watch) = watch else {
        return std::future::pending().await;
    };
    let event = watch.changed().await;
    (event.event_type == EventType::Session).then_some(event.session_state)
}
