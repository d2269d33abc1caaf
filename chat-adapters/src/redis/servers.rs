//! Calls to the servers that they belong to.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{join_all, select_ok};
use redis::{Cmd, Value};
use tokio::time::timeout;

use super::connect::Connector;
use super::error::CallError;
use super::link::Link;
use super::slots::{SlotMap, read_address};
use super::{Address, RedisOptions};

/// How often a call is sent to another server, before its failure is believed.
const ATTEMPTS: usize = 4;
/// Servers that are asked at once which server has which slots.
const ASKED_FOR_SLOTS: usize = 8;

/// A command, and the slot of its keys or channel.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) slot: u16,
    pub(super) command: Cmd,
}

/// What each of several calls came to, in their order.
pub(super) type Answers = Vec<Result<Value, CallError>>;

/// The server, or the servers of a cluster.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) connector: Arc<Connector>,
    links: Mutex<HashMap<Address, Arc<Link>>>,
    slots: Mutex<Arc<SlotMap>>,
}

/// Where a call is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Destination {
    address: Address,
    /// The slot is on its way to this server, which takes calls only from those who say so.
    asking: bool,
}

/// Calls that go to one server, by their places in the caller's list.
struct Group {
    /// `None` where no server has the slot.
    destination: Option<Destination>,
    indices: Vec<usize>,
}

/// A call's place, the server that was asked, and what it answered.
type Sent = (usize, Option<Address>, Result<Value, CallError>);

fn group(
    open: &[usize],
    calls: &[Call],
    slots: &SlotMap,
    asking: &mut HashMap<usize, Destination>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &index in open {
        let ask = asking.remove(&index);
        let owner = match &ask {
            Some(destination) => Some((&destination.address, true)),
            None => {
                let owner = calls.get(index).and_then(|call| slots.owner(call.slot));
                owner.map(|address| (address, false))
            }
        };
        let is_same = |group: &&mut Group| {
            let destination = group.destination.as_ref();
            destination.map(|known| (&known.address, known.asking)) == owner
        };
        if let Some(group) = groups.iter_mut().find(is_same) {
            group.indices.push(index);
        } else {
            let destination = owner.map(|(address, asking)| Destination {
                address: address.clone(),
                asking,
            });
            groups.push(Group {
                destination,
                indices: vec![index],
            });
        }
    }
    groups
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Servers {
    pub(super) fn new(options: RedisOptions) -> Self {
        let connector = Connector::new(options);
        let slots = match connector.options.servers.first() {
            Some(server) if !connector.is_cluster() => SlotMap::single(server.clone()),
            _ => SlotMap::default(),
        };
        Self {
            connector: Arc::new(connector),
            links: Mutex::default(),
            slots: Mutex::new(Arc::new(slots)),
        }
    }

    /// Sends calls to their servers, each server's in order and in one go; follows redirections.
    /// Takes at most the call's time-out.
    pub(super) async fn call(&self, calls: &[Call]) -> Answers {
        let limit = self.connector.options.call_timeout;
        let mut answers = vec![None; calls.len()];
        let late = timeout(limit, self.call_and_follow(calls, &mut answers))
            .await
            .is_err();
        let missing = || match late {
            true => CallError::unanswered(format!("it did not answer within {limit:?}")),
            false => CallError::unanswered("an answer is missing"),
        };
        let complete = answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(missing())));
        complete.collect()
    }

    async fn call_and_follow(&self, calls: &[Call], answers: &mut [Option<Result<Value, CallError>>]) {
        let mut asking: HashMap<usize, Destination> = HashMap::new();
        let mut open: Vec<usize> = (0..calls.len()).collect();
        for attempt in 1..=ATTEMPTS {
            let slots = if attempt == 1 {
                self.slots().await
            } else {
                self.refresh().await
            };
            let mut answer = |index: usize, result| {
                if let Some(answer) = answers.get_mut(index) {
                    *answer = Some(result);
                }
            };
            let slots = match slots {
                Ok(slots) => slots,
                Err(error) => {
                    open.into_iter()
                        .for_each(|index| answer(index, Err(error.clone())));
                    return;
                }
            };
            let groups = group(&open, calls, &slots, &mut asking);
            open.clear();
            for (index, asked, result) in self.send(groups, calls).await {
                let follow = result.as_ref().err().filter(|_| attempt < ATTEMPTS);
                match follow.and_then(|error| self.follow(error, asked.as_ref())) {
                    Some(follow) => {
                        open.push(index);
                        if let Follow::Ask(destination) = follow {
                            asking.insert(index, destination);
                        }
                    }
                    None => answer(index, result),
                }
            }
            if open.is_empty() {
                return;
            }
            // The order of calls is kept also where they come together from several servers.
            open.sort_unstable();
        }
    }

    async fn send(&self, groups: Vec<Group>, calls: &[Call]) -> Vec<Sent> {
        let sending = groups.into_iter().map(|group| async move {
            let results = match &group.destination {
                Some(destination) => {
                    let commands = group.indices.iter().filter_map(|&index| calls.get(index));
                    self.send_to(destination, commands.map(|call| &call.command))
                        .await
                }
                None => Err(CallError::away("the cluster", "no server has this slot")),
            };
            let results = results.unwrap_or_else(|error| vec![Err(error); group.indices.len()]);
            let asked = group.destination.map(|destination| destination.address);
            let sent = group.indices.into_iter().zip(results);
            sent.map(|(index, result)| (index, asked.clone(), result))
                .collect::<Vec<_>>()
        });
        join_all(sending).await.into_iter().flatten().collect()
    }

    async fn send_to(
        &self,
        destination: &Destination,
        commands: impl Iterator<Item = &Cmd>,
    ) -> Result<Answers, CallError> {
        let link = self.link(&destination.address);
        if !destination.asking {
            let commands: Vec<_> = commands.cloned().collect();
            return link.send(commands.into_iter()).await;
        }
        let asked: Vec<_> = commands
            .flat_map(|command| [redis::cmd("ASKING"), command.clone()])
            .collect();
        let results = link.send(asked.into_iter()).await?;
        Ok(results.into_iter().skip(1).step_by(2).collect())
    }

    /// Where a call goes that was not done, because its server is not the slot's any more.
    fn follow(&self, error: &CallError, asked: Option<&Address>) -> Option<Follow> {
        if !self.connector.is_cluster() {
            return None;
        }
        match error {
            CallError::Away { .. } => Some(Follow::Refresh),
            CallError::Answered { answer } => match (answer.code(), answer.redirect_node()) {
                (Some("ASK"), Some((address, _))) => Some(Follow::Ask(Destination {
                    address: read_address(address, asked?)?,
                    asking: true,
                })),
                (Some("MOVED" | "READONLY"), _) => Some(Follow::Refresh),
                _ => None,
            },
            _ => None,
        }
    }

    fn link(&self, address: &Address) -> Arc<Link> {
        let mut links = lock(&self.links);
        if let Some(link) = links.get(address) {
            return Arc::clone(link);
        }
        let link = Arc::new(Link::start(&self.connector, address.clone()));
        links.insert(address.clone(), Arc::clone(&link));
        link
    }

    /// Which server has which slots, as far as it is known.
    pub(super) async fn slots(&self) -> Result<Arc<SlotMap>, CallError> {
        let known = Arc::clone(&lock(&self.slots));
        if known.is_empty() {
            self.refresh().await
        } else {
            Ok(known)
        }
    }

    /// Asks which server has which slots now; the first answer is taken.
    pub(super) async fn refresh(&self) -> Result<Arc<SlotMap>, CallError> {
        if !self.connector.is_cluster() {
            return Ok(Arc::clone(&lock(&self.slots)));
        }
        let known = Arc::clone(&lock(&self.slots));
        let seeds = &self.connector.options.servers;
        let candidates: BTreeSet<_> = known.owners().chain(seeds).cloned().collect();
        let asking = candidates
            .into_iter()
            .take(ASKED_FOR_SLOTS)
            .map(|address| Box::pin(self.ask_for_slots(address)));
        let asking: Vec<_> = asking.collect();
        if asking.is_empty() {
            return Err(CallError::away("the cluster", "no server is named"));
        }
        let (slots, _) = select_ok(asking).await?;
        let slots = Arc::new(slots);
        *lock(&self.slots) = Arc::clone(&slots);
        let stays =
            |address: &Address| seeds.contains(address) || slots.owners().any(|owner| owner == address);
        lock(&self.links).retain(|address, _| stays(address));
        Ok(slots)
    }

    async fn ask_for_slots(&self, address: Address) -> Result<SlotMap, CallError> {
        let mut command = redis::cmd("CLUSTER");
        command.arg("SLOTS");
        let answers = self.link(&address).send([command].into_iter()).await?;
        let answer = answers
            .into_iter()
            .next()
            .ok_or_else(|| CallError::unanswered("an answer is missing"))?;
        let slots = SlotMap::read(answer?, &address)?;
        if slots.is_empty() {
            return Err(CallError::away(address.to_string(), "it knows of no slots"));
        }
        Ok(slots)
    }
}

/// What is done about a call that was sent to the wrong server.
enum Follow {
    Ask(Destination),
    Refresh,
}
