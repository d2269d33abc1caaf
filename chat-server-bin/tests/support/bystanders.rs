//! Two users who chat while others misbehave, and must not notice.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::json;

use super::server::Server;
use super::wire::Wire;

/// The time between two of their messages.
const PAUSE: Duration = Duration::from_millis(20);

/// They chat from their making until [`still_chat`](Self::still_chat).
#[derive(Debug)]
pub struct Bystanders {
    stop: SyncSender<()>,
    chat: JoinHandle<u64>,
}

impl Bystanders {
    /// Registers the two, and lets them begin.
    pub fn of(server: &Server) -> Self {
        let mut one = server.connect();
        let mut other = server.connect();
        one.begin_as("bystander one");
        let (to, _) = other.begin_as("bystander two");
        let (stop, stopped) = sync_channel(1);
        let chat = thread::spawn(move || {
            let mut seq = 0;
            loop {
                seq += 1;
                exchange(&mut one, &mut other, to, seq);
                if stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                    return seq;
                }
            }
        });
        Self { stop, chat }
    }

    /// Ends their chat.
    ///
    /// # Panics
    /// Where one of them got anything but the other's messages and the replies to its own.
    pub fn still_chat(self) {
        // Where they failed, nobody takes it; the join tells why.
        let _ = self.stop.try_send(());
        assert!(self.chat.join().expect("the bystanders notice nothing") > 0);
    }
}

/// One message and its acknowledgement, so that neither is ever idle; nothing else may come on
/// either side.
fn exchange(one: &mut Wire, other: &mut Wire, to: u64, seq: u64) {
    one.send(&json!({"type": "send", "ref": seq, "to": {"user": to}, "body": seq.to_string()}));
    let (reply, event) = (one.frame(), other.frame());
    let expected = (json!("sent"), json!(seq), json!(seq));
    assert_eq!(
        (reply["type"].clone(), reply["ref"].clone(), reply["seq"].clone()),
        expected,
        "{reply}"
    );
    let expected = (json!("message"), json!(seq), json!(seq.to_string()));
    assert_eq!(
        (event["type"].clone(), event["seq"].clone(), event["body"].clone()),
        expected,
        "{event}"
    );
    other.send(&json!({"type": "ack", "conversation": event["conversation"], "seq": seq}));
}
