//! Groups of users: some write, all others receive.

use std::rc::Rc;

use chat_client::Error;
use chat_core::protocol::Reply;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::accounts::{Account, in_order};
use super::args::GroupArguments;
use super::context::Bench;
use super::dialogue::Dialogue;
use super::flow::Receivers;
use super::load::{Load, Pace};
use super::participant::Participant;
use super::report::Report;
use super::send_frame::{SendFrame, To};
use super::sender::Sender;
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

pub(super) async fn run(bench: &Bench, arguments: &GroupArguments) -> Result<Report, Failure> {
    let load = &arguments.load;
    let [connections, groups, senders, stalled] = [
        arguments.connections,
        arguments.groups,
        arguments.senders,
        arguments.stalled,
    ]
    .map(|count| count as usize);
    let members = connections / groups.max(1);
    if members < senders + stalled + 1 {
        return Err(Failure::Usage(format!(
            "a group of {members} has no room for {senders} who send, {stalled} who are stalled and one who receives"
        )));
    }
    let accounts = bench.accounts(members * groups, members * groups).await?;
    let ids = make_groups(bench, "group", &accounts, members).await?;
    let sessions = bench.sessions(&bench.seats_of(&accounts, load.ack)).await?;
    let mut all = Load::new(load, groups * senders)?;
    let mut sessions = sessions.into_iter();
    for (number, group) in ids.into_iter().enumerate() {
        let shape = Shape {
            group,
            members,
            senders,
            stalled,
        };
        let first = u32::try_from(number * senders).map_err(anyhow::Error::new)?;
        add_group(
            &mut all,
            (bench, load.size),
            shape,
            (first, sessions.by_ref().take(members)),
        );
    }
    let measure = Rc::clone(&all.measure);
    let ending = all.run(bench, load).await?;
    let mut settings = json!({
        "servers": bench.servers.list(), "connections": members * groups, "groups": groups, "senders": senders,
        "stalled": stalled,
    });
    load.describe(&mut settings);
    let mut report = Report::new("group", settings, load.time.duration.as_secs_f64());
    report.take_messages(&measure, ending, load)?;
    Ok(report)
}

/// A group, and what its members do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) group: u64,
    pub(super) members: usize,
    pub(super) senders: usize,
    pub(super) stalled: usize,
}

/// The first members of a group send, the last are stalled.
pub(super) fn add_group(
    all: &mut Load,
    (bench, size): (&Bench, u16),
    shape: Shape,
    (first, sessions): (u32, impl Iterator<Item = (Incoming, Outgoing)>),
) {
    let sessions: Vec<_> = sessions
        .map(|(incoming, outgoing)| (incoming, Rc::new(outgoing)))
        .collect();
    let receivers = Receivers {
        prompt: (shape.members - shape.stalled - 1) as u64,
        stalled: shape.stalled as u64,
    };
    let indexes = first..;
    let senders = sessions.iter().take(shape.senders).zip(indexes);
    let senders: Rc<[Rc<Sender>]> = senders
        .map(|((_, outgoing), index)| {
            let frame = SendFrame::new(bench.run, index, To::Group(shape.group), usize::from(size));
            let by = (index, Rc::clone(outgoing), frame);
            Rc::new(Sender::new(by, all.flow, all.answers, receivers, &all.measure))
        })
        .collect();
    for sender in &*senders {
        all.add_sender(Rc::clone(sender));
    }
    for (place, (incoming, outgoing)) in sessions.into_iter().enumerate() {
        let own = senders.get(place).cloned();
        let pace = if place < shape.members - shape.stalled {
            Pace::Prompt
        } else {
            Pace::Stalled
        };
        let conversation = format!("g:{}", shape.group);
        let participant = Participant::new(bench.run, &all.measure, conversation, own, Rc::clone(&senders));
        all.add(incoming, outgoing, participant, pace);
    }
}

/// The ids of the groups, each with so many members. Who is online is told of everybody who joins, so nobody stays.
pub(super) async fn make_groups(
    bench: &Bench,
    label: &str,
    accounts: &[Account],
    members: usize,
) -> Result<Vec<u64>, Error> {
    bench.progress.begin("groups", accounts.len());
    let mut ids = Vec::new();
    for (number, users) in accounts.chunks(members.max(1)).enumerate() {
        let name = format!("bench-{}-{label}-{members}-{number}", bench.common.seed);
        let Some(creator) = users.first() else { continue };
        let group = match creator.group(&name) {
            Some(group) => group,
            None => create(bench.servers.of(number), creator, &name).await?,
        };
        let joins = in_order(&bench.servers, users.iter().enumerate(), |(place, user)| {
            let name = &name;
            async move {
                match user.group(name) {
                    Some(_) => Ok(()),
                    None => join(bench.servers.of(place), user, group).await,
                }
            }
        });
        joins.try_collect::<()>().await?;
        bench.progress.reach((number + 1) * members);
        ids.push(group);
    }
    Ok(ids)
}

async fn create(server: &str, creator: &Account, name: &str) -> Result<u64, Error> {
    match ask(
        server,
        creator,
        &json!({"type": "create_group", "ref": "create", "name": name}),
    )
    .await?
    {
        Reply::GroupCreated { group } => Ok(group.id.get()),
        _ => Err(Error::Protocol {
            what: "a group was asked for and none was made",
            source: None,
        }),
    }
}

async fn join(server: &str, user: &Account, group: u64) -> Result<(), Error> {
    let join = json!({"type": "join_group", "ref": "join", "group": group});
    ask(server, user, &join).await.map(drop)
}

/// Makes one request of a user.
async fn ask(server: &str, user: &Account, request: &Value) -> Result<Reply, Error> {
    let mut dialogue = Dialogue::open(server).await?;
    dialogue.log_in(&user.plain_login()).await?;
    dialogue.insist(request).await
}
