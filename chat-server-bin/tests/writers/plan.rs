//! Who the writers are: users, their devices and their groups, made on a running server.

use std::sync::Arc;
use std::time::Duration;

use chat_core::contract::history::Record;
use chat_core::types::{Device, GroupId, UserId};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::shared::Shared;
use super::wire::Wire;
use super::writer::{Role, Writer};

const PASSWORD: &str = "correct horse";
const DESK: &str = "desk";
const PHONE: &str = "phone";

/// How many they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Users, each of whom writes on one device.
    pub(crate) users: usize,
    /// How many of the first users have a second device, which only listens.
    pub(crate) listeners: usize,
    /// Members of each of the small groups; one group has everybody.
    pub(crate) group_size: usize,
    /// How many of the last users enter and leave a group all the time, of which the first
    /// quarter of the users are members for good.
    pub(crate) at_the_door: usize,
    /// The mean time between two sends of one user.
    pub(crate) pause: Duration,
}

struct Member {
    user: UserId,
    token: String,
    wire: Wire,
    groups: Vec<GroupId>,
}

/// Registers the users under names with this prefix, makes their groups, and logs every device in
/// once, so that it has to get everything from the first message on.
pub(super) async fn carry_out(
    plan: Plan,
    prefix: &str,
    shared: &Arc<Shared>,
    random: &mut fastrand::Rng,
) -> Vec<Writer> {
    let mut members = register(plan.users, prefix, shared).await;
    let everybody = 0..plan.users;
    make_group(&mut members, &format!("{prefix} all"), shared, everybody.clone()).await;
    for from in everybody.step_by(plan.group_size) {
        let row = from..(from + plan.group_size).min(plan.users);
        make_group(&mut members, &format!("{prefix} {from}"), shared, row).await;
    }
    let mut door = None;
    let first_at_the_door = plan.users - plan.at_the_door;
    if plan.at_the_door > 0 {
        let all = (0..plan.users / 4).chain(first_at_the_door..plan.users);
        door = Some(make_group(&mut members, &format!("{prefix} door"), shared, all).await);
        for member in &mut members[first_at_the_door..] {
            member.groups.pop();
        }
    }
    let users: Arc<[UserId]> = members.iter().map(|member| member.user).collect();
    let mut writers = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let role = |device: &str, pause| Role {
            user: member.user,
            device: Device::parse(device).expect("it is valid"),
            users: Arc::clone(&users),
            groups: member.groups.clone(),
            pause,
        };
        let mut add = |role, token, door| {
            let place = writers.len();
            writers.push(Writer::new(
                role,
                token,
                door,
                Arc::clone(shared),
                place,
                random.fork(),
            ));
        };
        let door = door.filter(|_| index >= first_at_the_door);
        add(role(DESK, Some(plan.pause)), member.token.clone(), door);
        if index < plan.listeners {
            let mut wire = connect(shared).await;
            let login = json!({"type": "login", "ref": 5, "token": member.token, "device": PHONE});
            let token = token(&wire.request(&login).await);
            add(role(PHONE, None), token, None);
        }
    }
    writers
}

async fn connect(shared: &Shared) -> Wire {
    Wire::connect(&shared.fronts)
        .await
        .expect("the server takes connections")
}

async fn register(count: usize, prefix: &str, shared: &Arc<Shared>) -> Vec<Member> {
    let mut registering = JoinSet::new();
    for index in 0..count {
        let name = format!("{prefix} {index}");
        let shared = Arc::clone(shared);
        registering.spawn(async move {
            let mut wire = connect(&shared).await;
            let register = json!({"type": "register", "ref": 1, "name": name, "password": PASSWORD});
            let reply = wire.request(&register).await;
            let user = reply["user"]["id"].as_u64().and_then(|id| UserId::new(id).ok());
            let user = user.unwrap_or_else(|| panic!("{reply}"));
            let login = json!({"type": "login", "ref": 2, "id": user, "password": PASSWORD, "device": DESK});
            let token = token(&wire.request(&login).await);
            Member {
                user,
                token,
                wire,
                groups: Vec::new(),
            }
        });
    }
    let mut members = registering.join_all().await;
    // Whoever was fastest must not change what a seed does.
    members.sort_by_key(|member| member.user);
    members
}

/// The first of the members makes a group, and the others join it.
async fn make_group(
    members: &mut [Member],
    name: &str,
    shared: &Shared,
    chosen: impl Iterator<Item = usize>,
) -> GroupId {
    let mut made = None;
    for index in chosen {
        let member = &mut members[index];
        let request = match made {
            None => json!({"type": "create_group", "ref": 3, "name": name}),
            Some(group) => json!({"type": "join_group", "ref": 4, "group": group}),
        };
        let reply = member.wire.request(&request).await;
        let group = reply["group"]["id"].as_u64().and_then(|id| GroupId::new(id).ok());
        let group = group.unwrap_or_else(|| panic!("{reply}"));
        made = Some(group);
        member.groups.push(group);
        let user = member.user;
        shared.log().push(Record::Joined { user, group });
    }
    made.expect("a group has members")
}

fn token(welcome: &Value) -> String {
    let token = welcome["token"].as_str();
    token.unwrap_or_else(|| panic!("{welcome}")).to_owned()
}
