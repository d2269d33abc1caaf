//! What the original loses: texts with special characters, messages that share a packet or come in several,
//! and messages to users who are away, come just now, are on another node, or on one that has died.

mod nodes;
mod packets;
mod texts;
mod visits;

use std::sync::{Arc, OnceLock};

use libtest_mimic::Trial;

use crate::database::SharedServer;
use crate::harness::{Cluster, Plan};

/// One cluster for all tests that leave it as it is: the first starts it, and the last ends it.
#[derive(Clone, Default)]
struct Shared {
    // Before the server: it drops its database there.
    cluster: Arc<OnceLock<Cluster>>,
    server: SharedServer,
}

impl Shared {
    fn start(&self) -> Cluster {
        Cluster::start_on(&self.server, &Plan::default())
    }

    fn trial(&self, name: &str, run: impl FnOnce(&Cluster) + Send + 'static) -> Trial {
        let shared = self.clone();
        crate::fallible(&format!("losses::{name}"), move || {
            run(shared.cluster.get_or_init(|| shared.start()));
            Ok(())
        })
    }
}

/// A test's name, and what it does on a cluster that it leaves as it is.
type Case = (&'static str, fn(&Cluster));

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared::default();
    let mut trials = text_trials(&shared);
    let cases: [Case; 4] = [
        (
            "five_messages_in_one_packet_are_five_messages",
            packets::five_messages_in_one_packet,
        ),
        (
            "one_message_in_five_packets_is_one_message",
            packets::one_message_in_five_packets,
        ),
        (
            "messages_between_reading_and_clearing_come_again",
            visits::between_reading_and_clearing,
        ),
        (
            "a_group_message_comes_once_to_members_on_all_nodes",
            nodes::a_group_on_several_nodes,
        ),
    ];
    trials.extend(cases.into_iter().map(|(name, run)| shared.trial(name, run)));
    trials.push(crate::fallible(
        "losses::a_message_to_a_user_whose_node_was_killed_is_kept",
        move || {
            nodes::a_user_whose_node_was_killed(&mut shared.start());
            Ok(())
        },
    ));
    trials
}

fn text_trials(shared: &Shared) -> Vec<Trial> {
    let mut trials = Vec::new();
    for &(what, text) in texts::TEXTS {
        trials.push(shared.trial(
            &format!("a_message_with_{what}_reaches_an_absent_user"),
            move |cluster| {
                texts::reaches_an_absent_user(cluster, what, text);
            },
        ));
        trials.push(shared.trial(
            &format!("names_and_descriptions_with_{what}_come_back"),
            move |cluster| {
                texts::stands_in_names(cluster, what, text);
            },
        ));
    }
    for (what, text) in [
        ("8192_bytes_of_ascii", texts::longest_ascii()),
        ("8192_bytes_in_characters_of_four", texts::longest_of_four_bytes()),
    ] {
        trials.push(shared.trial(
            &format!("a_message_of_{what}_reaches_an_absent_user"),
            move |cluster| {
                texts::reaches_an_absent_user(cluster, what, &text);
            },
        ));
    }
    trials
}
