//! One session of a writer.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chat_core::contract::history::Record;
use chat_core::types::{ConversationId, MessageId, Seq, UserId};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::door;
use super::shared::{Phase, Standing};
use super::wire::Wire;
use super::writer::{Ended, Writer};

/// Sends that wait for their answers at the same time.
const WINDOW: usize = 4;
/// Sends without an answer at which nothing new is made.
const MAX_PENDING: usize = 2 * WINDOW;
/// The time between two looks at how the session stands.
const TICK: Duration = Duration::from_millis(100);
/// The time between two pings.
const PING: Duration = Duration::from_secs(3);
/// How long a lost connection may take to hand over what came on it.
const PATIENCE: Duration = Duration::from_secs(1);
/// A server that does not answer for so long is given up. It has to answer well before.
const SILENCE: Duration = Duration::from_secs(25);

struct Session<'a> {
    writer: &'a mut Writer,
    wire: Wire,
    number: u64,
    is_synced: bool,
    phases: watch::Receiver<Phase>,
    /// The last message that came, in each conversation.
    reached: HashMap<ConversationId, Seq>,
    /// What it sent.
    own: HashMap<ConversationId, BTreeSet<Seq>>,
    pinged_at: Option<Instant>,
    /// When the last request was answered.
    answered_at: Option<Instant>,
    next_ping: Instant,
    next_tick: Instant,
    ticked_in: Option<Phase>,
}

/// Runs until the connection is lost, or a new session has to begin.
pub(super) async fn run(writer: &mut Writer) -> Ended {
    let Ok(wire) = Wire::connect(&writer.shared.fronts).await else {
        return Ended::Lost(None);
    };
    let number = writer.shared.log().next_session();
    let phases = writer.shared.phase.subscribe();
    let mut session = Session {
        writer,
        wire,
        number,
        is_synced: false,
        phases,
        reached: HashMap::new(),
        own: HashMap::new(),
        pinged_at: None,
        answered_at: None,
        next_ping: Instant::now() + PING,
        next_tick: Instant::now(),
        ticked_in: None,
    };
    let Err(mut ended) = session.live().await;
    if ended == Ended::Lost(None) {
        ended = session.drain().await;
    }
    if session.is_synced && ended == Ended::Lost(None) {
        session.writer.shared.log().report.losses += 1;
    }
    ended
}

enum Never {}

impl Session<'_> {
    async fn live(&mut self) -> Result<Never, Ended> {
        self.log_in().await?;
        loop {
            if self.is_synced {
                self.send_what_is_due().await?;
                self.tick()?;
            }
            let deadline = self.deadline();
            // Cancel-safe: a frame that is not whole stays in the wire's buffer.
            tokio::select! {
                frame = self.wire.next_frame() => {
                    let frame = frame.ok_or(Ended::Lost(None))?;
                    self.take(&frame).await?;
                }
                // It ends only with the crowd.
                _ = self.phases.changed() => {}
                () = sleep_until(deadline) => {}
            }
            if self.waits_since().is_some_and(|since| since.elapsed() > SILENCE) {
                self.writer.shared.log().report.silent += 1;
                return Err(Ended::Lost(None));
            }
        }
    }

    /// Takes what came before the connection was found to be lost, such as a goodbye.
    async fn drain(&mut self) -> Ended {
        while let Ok(Some(frame)) = timeout(PATIENCE, self.wire.next_frame()).await {
            if let Err(ended) = self.take(&frame).await
                && ended != Ended::Lost(None)
            {
                return ended;
            }
        }
        Ended::Lost(None)
    }

    async fn log_in(&mut self) -> Result<(), Ended> {
        let role = &self.writer.role;
        self.writer.push(Record::Opened {
            session: self.number,
            user: role.user,
            device: role.device.clone(),
        });
        let login = json!({
            "type": "login", "ref": "login", "token": self.writer.token, "device": role.device.as_str(),
        });
        let asked_at = Instant::now();
        self.send(&login).await?;
        let welcome = timeout(SILENCE, self.wire.next_frame()).await;
        let welcome = welcome.ok().flatten().ok_or(Ended::Lost(None))?;
        self.answered(asked_at);
        match (welcome["type"].as_str(), welcome["code"].as_str()) {
            (Some("welcome"), _) => {
                if let Some(token) = welcome["token"].as_str() {
                    token.clone_into(&mut self.writer.token);
                }
                Ok(())
            }
            (_, Some(code @ ("unavailable" | "rate_limited" | "server_draining"))) => {
                self.writer.shared.log().report.unavailable += usize::from(code == "unavailable");
                Err(Ended::Lost(Some(retry_after(&welcome))))
            }
            _ => panic!("{} can't log in: {welcome}", self.writer.role.user),
        }
    }

    async fn send(&mut self, frame: &Value) -> Result<(), Ended> {
        self.wire.send(frame).await.map_err(|_| Ended::Lost(None))
    }

    // ---- what goes out ----

    fn writes(&self) -> bool {
        *self.writer.shared.phase.borrow() == Phase::Write
    }

    /// Whether a new send may be made, now or later.
    fn has_room(&self) -> bool {
        let writer = &self.writer;
        let has_room = writer.outbox.under_way() < WINDOW && writer.outbox.len() < MAX_PENDING;
        writer.role.pause.is_some() && self.writes() && has_room
    }

    fn may_change_membership(&self) -> bool {
        let outbox = &self.writer.outbox;
        let door = self.writer.door.as_ref();
        self.writes() && door.is_some_and(|door| !outbox.waits_in(door.conversation()))
    }

    async fn send_what_is_due(&mut self) -> Result<(), Ended> {
        // A ping among sends would have to wait for them, and they for it.
        if self.waits_since().is_none() && self.next_ping <= Instant::now() {
            self.pinged_at = Some(Instant::now());
            self.next_ping = Instant::now() + PING;
            self.send(&json!({"type": "ping", "ref": "ping"})).await?;
        }
        let begins = self.may_change_membership();
        let change = self.writer.door.as_mut().and_then(|door| door.next(begins));
        if let Some((record, request)) = change {
            self.writer.push(record);
            self.send(&request).await?;
        }
        loop {
            if self.has_room() && self.writer.next_new <= Instant::now() {
                self.writer.make_send();
                let pause = self.writer.role.pause.unwrap_or_default();
                let spread = self.writer.random.f64() + 0.5;
                self.writer.next_new = Instant::now() + pause.mul_f64(spread);
            }
            if self.writer.outbox.under_way() >= WINDOW {
                return Ok(());
            }
            let Some(next) = self.writer.outbox.next() else {
                return Ok(());
            };
            self.writer.push(Record::Sending {
                session: self.number,
                conversation: next.conversation,
                id: next.id.clone(),
            });
            self.send(&next.request()).await?;
        }
    }

    fn waits_since(&self) -> Option<Instant> {
        let door = self.writer.door.as_ref().and_then(door::Door::waits_since);
        let waits = [self.writer.outbox.waits_since(), door, self.pinged_at];
        waits.into_iter().flatten().min()
    }

    fn deadline(&self) -> Instant {
        let writer = &self.writer;
        let retry = writer
            .outbox
            .next_due()
            .filter(|_| writer.outbox.under_way() < WINDOW);
        let new = self.has_room().then_some(writer.next_new);
        let begins = self.may_change_membership();
        let change = writer.door.as_ref().and_then(|door| door.next_due(begins));
        let due = [retry, new, change].into_iter().flatten();
        let due = due.filter(|_| self.is_synced).min();
        due.map_or(self.next_tick, |due| due.min(self.next_tick))
            .max(Instant::now())
    }

    // ---- what comes ----

    async fn take(&mut self, frame: &Value) -> Result<(), Ended> {
        match frame["type"].as_str() {
            Some("message") => return self.got(frame).await,
            Some("sent") => self.sent(frame),
            Some("error") => self.failed(frame),
            Some("synced") => self.synced(),
            Some("pong") => {
                let pinged_at = self.pinged_at.take().expect("a pong follows a ping");
                self.answered(pinged_at);
            }
            Some("group_joined" | "group_left") => self.membership_changed(frame),
            Some("goodbye") => return Err(self.goodbye(frame)),
            Some("presence" | "member_joined" | "member_left") => {}
            _ => panic!("{}: {frame}", self.writer.role.user),
        }
        Ok(())
    }

    fn synced(&mut self) {
        self.is_synced = true;
        let mut log = self.writer.shared.log();
        log.report.sessions += 1;
        if self.writer.has_to_read {
            log.push(Record::ReadToEnd { session: self.number });
        }
        drop(log);
        self.writer.has_to_read = false;
    }

    async fn got(&mut self, frame: &Value) -> Result<(), Ended> {
        let (conversation, seq) = place(frame);
        self.reached.insert(conversation, seq);
        self.writer.push(Record::Delivered {
            session: self.number,
            conversation,
            seq,
            from: frame["from"]["id"]
                .as_u64()
                .and_then(|id| UserId::new(id).ok())
                .expect("it has a sender"),
            id: frame["id"]
                .as_str()
                .map(|id| MessageId::parse(id).expect("ids are valid")),
        });
        // Not every message, so that some come again after a crash.
        if self.writer.random.u8(..) >= 64 {
            return Ok(());
        }
        self.writer.acked.insert(conversation, seq);
        self.writer.push(Record::Acked {
            session: self.number,
            conversation,
            seq,
        });
        self.send(&json!({"type": "ack", "conversation": conversation, "seq": seq}))
            .await
    }

    fn sent(&mut self, frame: &Value) {
        let (conversation, seq) = place(frame);
        assert_eq!(frame["ref"], frame["id"], "{frame}");
        let (send, sent_at) = self.writer.outbox.answered(&frame["id"]);
        assert_eq!(send.conversation, conversation, "{frame}");
        let duplicate = frame["duplicate"] == true;
        self.own.entry(conversation).or_default().insert(seq);
        self.answered(sent_at);
        let mut log = self.writer.shared.log();
        log.report.sent += 1;
        log.report.duplicates += usize::from(duplicate);
        log.push(Record::Sent {
            session: self.number,
            conversation,
            seq,
            id: send.id,
            duplicate,
        });
    }

    fn failed(&mut self, frame: &Value) {
        let code = frame["code"].as_str().unwrap_or_default();
        if frame["ref"].is_null() {
            // An acknowledgement; the next one says it again.
            assert!(matches!(code, "unavailable" | "forbidden"), "{frame}");
            return;
        }
        if frame["ref"] == door::REF && code == "forbidden" {
            return self.membership_changed(frame);
        }
        assert_eq!(code, "unavailable", "{}: {frame}", self.writer.role.user);
        let due = Instant::now() + retry_after(frame);
        let sent_at = if frame["ref"] == door::REF {
            let door = self.writer.door.as_mut().expect("it asked for a change");
            door.failed(due)
        } else {
            let (send, sent_at) = self.writer.outbox.failed(&frame["ref"], due);
            let record = Record::Failed {
                session: self.number,
                conversation: send.conversation,
                id: send.id.clone(),
            };
            self.writer.push(record);
            sent_at
        };
        self.answered(sent_at);
        self.writer.shared.log().report.unavailable += 1;
    }

    fn membership_changed(&mut self, frame: &Value) {
        let Writer {
            door, random, shared, ..
        } = &mut *self.writer;
        let door = door.as_mut().expect("it asked for a change");
        let head = shared.log().group_head(door.conversation());
        let (record, sent_at) = door.changed(frame, head, random);
        self.answered(sent_at);
        let mut log = self.writer.shared.log();
        log.report.membership_changes += 1;
        log.push(record);
    }

    /// Requests of other kinds wait for the sends before them, and sends for these: who makes such counts from the
    /// answer before.
    fn answered(&mut self, sent_at: Instant) {
        let before = self.answered_at.replace(Instant::now());
        let before = before.filter(|_| self.writer.door.is_some());
        let since = before.map_or(sent_at, |before| before.max(sent_at));
        let mut log = self.writer.shared.log();
        log.report.slowest_answer = log.report.slowest_answer.max(since.elapsed());
    }

    fn goodbye(&self, frame: &Value) -> Ended {
        let code = frame["code"].as_str().expect("a goodbye has a code").to_owned();
        let advice = frame["retry_after_ms"].as_u64().map(Duration::from_millis);
        let mut log = self.writer.shared.log();
        log.report.goodbyes_with_a_time += usize::from(advice > Some(Duration::ZERO));
        *log.report.goodbyes.entry(code).or_default() += usize::from(self.is_synced);
        Ended::Lost(Some(advice.unwrap_or_default()))
    }

    // ---- now and then ----

    fn tick(&mut self) -> Result<(), Ended> {
        let now = Instant::now();
        let phase = *self.phases.borrow_and_update();
        if now < self.next_tick && self.ticked_in == Some(phase) {
            return Ok(());
        }
        self.next_tick = now + TICK;
        self.ticked_in = Some(phase);
        let is_changing = self.writer.door.as_ref().is_some_and(door::Door::is_changing);
        let standing = Standing {
            phase: Some(phase),
            is_live: true,
            pending: self.writer.outbox.len() + usize::from(is_changing),
            is_up_to_date: phase != Phase::Write && self.is_up_to_date(),
        };
        self.writer.shared.log().standings[self.writer.place] = standing;
        match phase {
            Phase::Reopen(count) if count > self.writer.reopened => {
                self.writer.push(Record::ReadToEnd { session: self.number });
                self.writer.reopened = count;
                self.writer.has_to_read = true;
                Err(Ended::ByItself)
            }
            _ => Ok(()),
        }
    }

    /// Whether everything came that was sent to this user.
    fn is_up_to_date(&self) -> bool {
        let log = self.writer.shared.log();
        let role = &self.writer.role;
        let groups = role.groups.iter().map(|&group| ConversationId::group(group));
        let groups = groups.map(|conversation| (conversation, log.group_head(conversation)));
        let mut heads = log.direct_heads(role.user).chain(groups);
        let for_good = heads.all(|(conversation, head)| self.position(conversation, Seq::ZERO) >= head);
        let door = self.writer.door.as_ref();
        let inside = door.and_then(|door| Some((door.conversation(), door.owed_after()?)));
        for_good
            && inside.is_none_or(|(conversation, after)| {
                self.position(conversation, after) >= log.group_head(conversation)
            })
    }

    /// Up to where everything after a message came, or is this session's own.
    fn position(&self, conversation: ConversationId, after: Seq) -> Seq {
        let acked = self.writer.acked.get(&conversation);
        let reached = self.reached.get(&conversation).or(acked);
        let mut position = reached.copied().unwrap_or_default().max(after);
        let own = self.own.get(&conversation);
        while own.is_some_and(|own| own.contains(&position.next())) {
            position = position.next();
        }
        position
    }
}

fn place(frame: &Value) -> (ConversationId, Seq) {
    let conversation = frame["conversation"].as_str().map(ConversationId::parse);
    let seq = frame["seq"].as_u64().map(Seq::new);
    let (Some(Ok(conversation)), Some(Ok(seq))) = (conversation, seq) else {
        panic!("no place in {frame}");
    };
    (conversation, seq)
}

fn retry_after(frame: &Value) -> Duration {
    let time = frame["retry_after_ms"].as_u64();
    Duration::from_millis(time.unwrap_or_else(|| panic!("it does not say when to try again: {frame}")))
}
