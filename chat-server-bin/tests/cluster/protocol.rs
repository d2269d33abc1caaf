//! The whole protocol through nginx, with the clients of each transcript on several nodes.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use chat_test_services::{Service, eventually};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::database::SharedServer;
use crate::harness::{Cluster, Plan};
use crate::notation::parse::{Action, Transcript};
use crate::player::{Front, Stage, all_transcripts, play};

/// Settings of which each node counts for itself, so that only one node shows where the limit is.
const OF_EACH_NODE: [&str; 1] = ["limits.connections_per_address"];

pub(crate) fn trials() -> Result<Vec<Trial>> {
    trials_on("protocol", crate::NEEDS, Plan::default)
}

/// A trial for each transcript on such a cluster, which needs these services; their names begin with `kind`.
pub(crate) fn trials_on(kind: &str, needs: &'static [Service], plan: fn() -> Plan) -> Result<Vec<Trial>> {
    let server = SharedServer::default();
    let trial = |(name, transcript): (String, Transcript)| {
        let server = server.clone();
        crate::needing(needs, &format!("{kind}::{name}"), move || {
            run(&server, plan(), &transcript)
        })
    };
    Ok(all_transcripts()?.into_iter().map(trial).collect())
}

fn run(server: &SharedServer, plan: Plan, transcript: &Transcript) -> Result<()> {
    let plan = Plan {
        nodes: if counts_for_each_node(transcript) {
            1
        } else {
            plan.nodes
        },
        settings: transcript.settings.clone(),
        ..plan
    };
    let mut cluster = Cluster::start_on(server, &plan);
    play(transcript, &mut cluster)?;
    let wanted = sessions_at_once(transcript).min(plan.nodes);
    let served = eventually("the sessions are spread over nodes", || {
        (cluster.nodes_that_served() >= wanted).then_some(())
    });
    ensure!(
        served.is_ok(),
        "{} nodes served, not {wanted}",
        cluster.nodes_that_served()
    );
    Ok(())
}

fn counts_for_each_node(transcript: &Transcript) -> bool {
    let of_each_node = |setting: &String| OF_EACH_NODE.iter().any(|name| setting.starts_with(name));
    transcript.settings.iter().any(of_each_node)
}

/// How many clients are logged in at the same time at most; nginx gives each another node.
fn sessions_at_once(transcript: &Transcript) -> usize {
    let (mut open, mut most) = (BTreeSet::new(), 0);
    for step in &transcript.steps {
        match &step.action {
            Action::ConnectAs { .. } => {
                open.insert(&step.client);
            }
            Action::Expect(frame) if frame["type"] == "welcome" => {
                open.insert(&step.client);
            }
            Action::Disconnect | Action::Closed => {
                open.remove(&step.client);
            }
            Action::Connect | Action::Send(_) | Action::Expect(_) | Action::Terminate => {}
        }
        most = most.max(open.len());
    }
    most
}

impl Stage for Cluster {
    fn front(&self) -> Front {
        Front::Tcp(self.address())
    }

    fn terminate(&mut self) {
        for node in &mut self.nodes {
            node.signal_to_end();
        }
    }

    /// That a user has come is told by that user's node in its own time: who becomes a friend meanwhile on another
    /// node may hear of it too.
    fn may_come(&self, frame: &Value) -> bool {
        frame["type"] == "presence" && frame["online"] == true
    }

    fn said(&self) -> String {
        self.logs()
    }
}
