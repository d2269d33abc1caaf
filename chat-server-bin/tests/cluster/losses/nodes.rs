//! Messages to users on other nodes, and on a node that has died.

use chat_test_services::eventually;
use serde_json::{Value, json};

use crate::harness::Cluster;
use crate::people::{Person, Session, field};

/// Messages to a group whose members are on all nodes, or away: everybody gets each of them once.
pub(super) fn a_group_on_several_nodes(cluster: &Cluster) {
    let nodes = cluster.nodes.len();
    let owner = Person::register(cluster, "who owns the group");
    let mut owning = owner.log_in_to(cluster, 0);
    let group = owning.create_group("on all nodes", "");
    let member = |number: usize| {
        let person = Person::register(cluster, &format!("member {number}"));
        person.log_in(cluster).join(group);
        person
    };
    let present: Vec<Person> = (0..2 * nodes).map(member).collect();
    let absent: Vec<Person> = (0..nodes).map(|number| member(present.len() + number)).collect();
    let log_in = |number: usize, person: &Person| person.log_in_to(cluster, number % nodes);
    let mut sessions: Vec<Session> = present
        .iter()
        .enumerate()
        .map(|(number, person)| log_in(number, person))
        .collect();

    let mut bodies: Vec<String> = (1..=20).map(|number| format!("to all {number}")).collect();
    for body in &bodies {
        owning.send(&json!({"group": group}), body);
    }
    for session in &mut sessions {
        assert_eq!(session.stored, [] as [Value; 0]);
        let received: Vec<Value> = bodies.iter().map(|_| session.message()).collect();
        assert_eq!(field(&received, "body"), bodies);
    }
    // Whatever came twice would come before this.
    owning.send(&json!({"group": group}), "the end");
    bodies.push("the end".to_owned());
    for session in &mut sessions {
        let last = session.message();
        assert_eq!(last["body"], "the end");
        session.acknowledge(&last);
    }
    for (number, person) in absent.iter().enumerate() {
        let mut session = log_in(number, person);
        assert_eq!(field(&session.stored, "body"), bodies);
        session.acknowledge(&session.stored.last().unwrap().clone());
    }
    drop(sessions);
    for (number, person) in present.iter().chain(&absent).enumerate() {
        // The acknowledgement may be on its way from another node.
        eventually("nothing comes again", || {
            log_in(number + 1, person).stored.is_empty().then_some(())
        })
        .unwrap();
    }
}

/// Messages to a user whose node was killed, while presence still takes them for online: they come after a
/// login on another node, behind what the dead node had delivered without an acknowledgement.
pub(super) fn a_user_whose_node_was_killed(cluster: &mut Cluster) {
    let sender = Person::register(cluster, "who writes to the dead node");
    let receiver = Person::register(cluster, "whose node dies");
    let mut sending = sender.log_in_to(cluster, 0);
    let befriended = sending.request(&json!({"type": "add_friend", "ref": "add", "user": receiver.id}));
    assert_eq!(befriended["type"], "friend_added", "{befriended}");
    let group = sending.create_group("with one on the dead node", "");
    let mut receiving = receiver.log_in_to(cluster, 1);
    receiving.join(group);
    sending.send(&json!({"user": receiver.id}), "before");
    assert_eq!(receiving.message()["body"], "before");
    eventually("the receiver is online", || is_online(&mut sending).then_some(())).unwrap();

    cluster.nodes[1].kill();
    assert!(is_online(&mut sending));
    sending.send(&json!({"user": receiver.id}), "after");
    sending.send(&json!({"group": group}), "to the group");
    assert!(
        is_online(&mut sending),
        "presence noticed before the messages were sent"
    );

    let direct = sender.conversation_with(&receiver);
    // The balancer passes over the dead node, however often it is asked.
    let mut sessions = vec![receiver.log_in_to(cluster, 2)];
    sessions.extend((0..4).map(|_| receiver.log_in(cluster)));
    for session in sessions {
        let stored = session.stored;
        let (of_two, of_group): (Vec<Value>, Vec<Value>) = stored
            .into_iter()
            .partition(|message| message["conversation"] == direct);
        assert_eq!(field(&of_two, "body"), ["before", "after"]);
        assert_eq!(field(&of_group, "body"), ["to the group"]);
    }
}

/// Whether the only friend is online.
fn is_online(session: &mut Session) -> bool {
    let friends = session.request(&json!({"type": "friends", "ref": "friends"}));
    friends["friends"][0]["online"] == true
}
