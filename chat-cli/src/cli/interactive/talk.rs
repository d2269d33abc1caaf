//! The conversation: entered lines out, events in.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use chat_client::{Client, ClientEvent, ClientOptions, Error};
use chat_core::protocol::{OutgoingMessage, Recipient, Reply, Sent};
use chat_core::types::{Body, ConversationId};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::commands::{Line, history, parse};
use super::editor::{EnteredLine, LineEditor};
use super::screen::{Printer, Screen};
use crate::cli::action::{perform, recipient};
use crate::cli::args::GlobalArguments;
use crate::cli::credentials;
use crate::cli::directory::Directory;
use crate::cli::failure::Failure;
use crate::cli::output::Wording;
use crate::cli::target::Target;
use crate::cli::text::{Colour, visible};

/// Lines that may wait while another one is being done.
const WAITING_LINES: usize = 64;

/// Talks until the user leaves or the server ends it.
pub(crate) fn run(global: &GlobalArguments, runtime: &Runtime) -> Result<(), Failure> {
    if global.json {
        return Err(Failure::Usage(
            "--json needs a subcommand; see `chat --help`".to_owned(),
        ));
    }
    let mut options = ClientOptions::new(&global.server, credentials::find(global)?);
    if let Some(device) = &global.device {
        options.device = device.clone();
    }
    let client = runtime.block_on(Client::connect_by(global.dialer()?, options))?;
    let screen = Screen::default();
    let (editor, printer) = LineEditor::new(screen.clone())?;
    let (lines, entered) = mpsc::channel(WAITING_LINES);
    let mut tasks = JoinSet::new();
    let talk = Talk::new(client, screen, printer);
    tasks.spawn_on(talk.run(entered), runtime.handle());
    editor.run(&lines);
    drop(lines);
    match runtime.block_on(tasks.join_next()) {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(anyhow::Error::new(error).into()),
        None => Ok(()),
    }
}

/// What a line asked the server for.
enum Answer {
    Reply(Reply),
    Opened(Recipient),
    SendTo(Recipient, String),
}

type Pending = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

/// A message that was answered, or not.
pub(super) struct Answered {
    pub(super) body: Body,
    pub(super) outcome: Result<Sent, Error>,
}

/// Everything that the user sees and does.
pub(super) struct Talk {
    pub(super) client: Client,
    pub(super) screen: Screen,
    pub(super) printer: Printer,
    pub(super) wording: Wording,
    pub(super) directory: Directory,
    pub(super) current: Option<ConversationId>,
    pub(super) unread: HashMap<ConversationId, u64>,
    /// What the present line waits for; the next line waits for it.
    pending: Option<(Pending, EnteredLine)>,
    sends: JoinSet<Answered>,
    pub(super) is_away: bool,
}

/// What happens next.
enum Happening {
    Event(Result<ClientEvent, Error>),
    Line(Option<EnteredLine>),
    Done(Result<Answer, Failure>),
    Answered(Answered),
}

impl Talk {
    fn new(client: Client, screen: Screen, printer: Printer) -> Self {
        let directory = Directory::new(&client.welcome());
        let mut talk = Self {
            client,
            screen,
            printer,
            wording: Wording {
                colour: Colour::of_stdout(),
            },
            directory,
            current: None,
            unread: HashMap::new(),
            pending: None,
            sends: JoinSet::new(),
            is_away: false,
        };
        talk.refresh();
        talk
    }

    async fn run(mut self, mut lines: mpsc::Receiver<EnteredLine>) -> Result<(), Failure> {
        let me = visible(self.directory.me.name.as_str());
        self.printer.print(
            &self
                .wording
                .quiet(&format!("you are @{me}; /help lists the commands, Ctrl-D leaves")),
        );
        loop {
            match self.next_happening(&mut lines).await {
                Happening::Event(Ok(event)) => self.show_event(event),
                Happening::Event(Err(error)) => {
                    let failure = Failure::Client(error);
                    let ended = format!("{}; press Enter to leave", failure.sentence());
                    self.printer.print(&self.wording.alert(&ended));
                    return Err(failure);
                }
                Happening::Line(Some(line)) => {
                    if self.obey(line) == Next::Leave {
                        break;
                    }
                }
                Happening::Line(None) => break,
                Happening::Done(outcome) => self.finish(outcome),
                Happening::Answered(answered) => self.show_answered(answered),
            }
            self.refresh();
        }
        lines.close();
        self.leave().await
    }

    async fn next_happening(&mut self, lines: &mut mpsc::Receiver<EnteredLine>) -> Happening {
        let is_free = self.pending.is_none();
        // Each branch is cancel-safe: queues and sets give an item only when their branch is
        // chosen, and the pending future is kept.
        tokio::select! {
            event = self.client.next_event() => Happening::Event(event),
            line = lines.recv(), if is_free => Happening::Line(line),
            outcome = wait_for(&mut self.pending) => Happening::Done(outcome),
            Some(Ok(answered)) = self.sends.join_next() => Happening::Answered(answered),
        }
    }

    /// Waits for the answers to what was sent, as long as the client allows.
    async fn leave(self) -> Result<(), Failure> {
        let Self {
            client,
            mut sends,
            mut printer,
            wording,
            ..
        } = self;
        let closed = client.close().await;
        let mut unsent = 0;
        while let Some(answered) = sends.join_next().await {
            unsent += usize::from(!matches!(answered, Ok(Answered { outcome: Ok(_), .. })));
        }
        if unsent > 0 {
            printer.print(&wording.alert(&format!(
                "{unsent} messages may not have been sent; look at the history"
            )));
        }
        Ok(closed?)
    }

    /// Does what a line says, or starts to.
    fn obey(&mut self, line: EnteredLine) -> Next {
        let parsed = match parse(&line.text) {
            Ok(parsed) => parsed,
            Err(failure) => {
                self.alert(&failure);
                release(&line);
                return Next::GoOn;
            }
        };
        match parsed {
            Line::Empty => {}
            Line::Quit => {
                release(&line);
                return Next::Leave;
            }
            Line::Help => self.print_help(),
            Line::Text(text) => self.say(&text),
            Line::Open(to) => return self.look_up(to, Answer::Opened, line),
            Line::SendTo(to, text) => return self.look_up(to, |to| Answer::SendTo(to, text), line),
            Line::HistoryHere => match self.current {
                Some(current) => return self.act(history(Target::Conversation(current)), line),
                None => self.print_no_conversation(),
            },
            Line::Act(action) => return self.act(action, line),
            Line::Ping => {
                let handle = self.client.handle();
                let ping = async move {
                    Ok(Answer::Reply(Reply::Pong {
                        at: handle.ping().await?,
                    }))
                };
                return self.wait(Box::pin(ping), line);
            }
        }
        self.refresh();
        release(&line);
        Next::GoOn
    }

    fn wait(&mut self, pending: Pending, line: EnteredLine) -> Next {
        self.pending = Some((pending, line));
        Next::GoOn
    }

    fn act(&mut self, action: crate::cli::action::Action, line: EnteredLine) -> Next {
        let (mut handle, directory) = (self.client.handle(), self.directory.clone());
        let answer = async move { perform(&mut handle, &directory, action).await.map(Answer::Reply) };
        self.wait(Box::pin(answer), line)
    }

    fn look_up(
        &mut self,
        to: Target,
        then: impl FnOnce(Recipient) -> Answer + Send + 'static,
        line: EnteredLine,
    ) -> Next {
        let (mut handle, directory) = (self.client.handle(), self.directory.clone());
        let answer = async move { recipient(&mut handle, &directory, to).await.map(then) };
        self.wait(Box::pin(answer), line)
    }

    fn finish(&mut self, outcome: Result<Answer, Failure>) {
        let line = self.pending.take().map(|(_, line)| line);
        match outcome {
            Ok(Answer::Reply(reply)) => {
                self.directory.learn_reply(&reply);
                let text = self.wording.reply(&reply, Some(&self.directory));
                self.printer.print(&text);
            }
            Ok(Answer::Opened(to)) => self.open(to),
            Ok(Answer::SendTo(to, text)) => self.send(to, &text),
            Err(failure) => self.alert(&failure),
        }
        self.refresh();
        if let Some(line) = line {
            release(&line);
        }
    }

    fn open(&mut self, to: Recipient) {
        let conversation = to.conversation(self.directory.me.id);
        self.current = Some(conversation);
        self.unread.remove(&conversation);
    }

    fn say(&mut self, text: &str) {
        match self.current.and_then(|current| self.directory.recipient(current)) {
            Some(to) => self.send(to, text),
            None => self.print_no_conversation(),
        }
    }

    fn send(&mut self, to: Recipient, text: &str) {
        let queued = OutgoingMessage::text(to, text)
            .map_err(Error::from)
            .and_then(|message| {
                let body = message.body.clone();
                Ok((body, self.client.queue(message)?))
            });
        match queued {
            Ok((body, answer)) => {
                self.sends.spawn(async move {
                    Answered {
                        body,
                        outcome: answer.await,
                    }
                });
                if self.is_away {
                    self.printer.print(
                        &self
                            .wording
                            .quiet("kept; it goes out once the connection is back"),
                    );
                }
            }
            Err(error) => self.alert(&Failure::Client(error)),
        }
    }
}

/// Whether the user stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Leave,
}

/// Lets the editor offer the next prompt.
fn release(line: &EnteredLine) {
    // The editor may have stopped waiting.
    let _ = line.done.try_send(());
}

async fn wait_for(pending: &mut Option<(Pending, EnteredLine)>) -> Result<Answer, Failure> {
    match pending {
        Some((pending, _)) => pending.await,
        None => std::future::pending().await,
    }
}
