//! Two users who have written to each other and to a group, and what they see of it.

use serde_json::{Value, json};

use crate::harness::Cluster;
use crate::people::{PASSWORD, Person, Session};

/// Their names; some of the texts are patterns for them.
const NAMES: [&str; 2] = ["bystander one", "bystander two"];

/// The two, and their group.
#[derive(Debug)]
pub(super) struct Bystanders {
    people: [Person; 2],
    group: u64,
}

impl Bystanders {
    /// Registers the two, who then write some messages.
    pub(super) fn register(cluster: &Cluster) -> Self {
        let people = NAMES.map(|name| Person::register(cluster, name));
        let [mut one, mut other] = [0, 1].map(|index| people[index].log_in(cluster));
        let added = one.request(&json!({"type": "add_friend", "ref": "add", "user": people[1].id}));
        assert_eq!(added["type"], "friend_added", "{added}");
        let group = one.create_group("of bystanders", "nobody else");
        other.join(group);
        for number in 1..=5 {
            one.send(&json!({"user": people[1].id}), &format!("{number} to the other"));
            other.send(&json!({"group": group}), &format!("{number} to the group"));
        }
        Self { people, group }
    }

    /// One of them.
    pub(super) const fn one(&self) -> &Person {
        &self.people[0]
    }

    /// Their group.
    pub(super) const fn group(&self) -> u64 {
        self.group
    }

    /// All that both see, each in a session of their own that changes nothing.
    pub(super) fn views(&self, cluster: &Cluster) -> Vec<Value> {
        let views = self.people.iter().map(|person| self.view(person, cluster));
        views.flatten().collect()
    }

    fn view(&self, person: &Person, cluster: &Cluster) -> Vec<Value> {
        let mut session = person.log_in(cluster);
        let [one, other] = &self.people;
        let conversations = [one.conversation_with(other), format!("g:{}", self.group)];
        let mut view = vec![json!(session.stored)];
        for request in [
            json!({"type": "friends"}),
            json!({"type": "groups"}),
            json!({"type": "conversations"}),
            json!({"type": "members", "group": self.group}),
            json!({"type": "history", "conversation": conversations[0]}),
            json!({"type": "history", "conversation": conversations[1]}),
        ] {
            view.push(ask(&mut session, request));
        }
        view
    }

    /// Both log in by their passwords.
    pub(super) fn log_in_by_password(&self, cluster: &Cluster) {
        for person in &self.people {
            let login = json!({"type": "login", "ref": 1, "name": person.name, "password": PASSWORD});
            let welcome = cluster.connect().request(&login);
            assert_eq!(welcome["user"]["id"], person.id, "{welcome}");
        }
    }
}

fn ask(session: &mut Session, mut request: Value) -> Value {
    request["ref"] = json!("view");
    session.request(&request)
}
