//! What the conversation shows: events, the echo of one's own messages, the prompt.

use chat_client::ClientEvent;
use chat_core::protocol::{Event, Reply};

use super::commands::COMMANDS;
use super::talk::{Answered, Talk};
use crate::cli::failure::Failure;
use crate::cli::text::{Tone, local_time, visible, visible_lines};

impl Talk {
    /// The echo of one's own message, once it is stored.
    pub(super) fn show_answered(&mut self, Answered { body, outcome }: Answered) {
        match outcome {
            Ok(sent) => {
                let time = self.wording.quiet(&local_time(sent.at));
                let title = visible(&self.directory.title(sent.conversation));
                let me = self.wording.colour.paint(
                    Tone::Own,
                    &format!("@{}", visible(self.directory.me.name.as_str())),
                );
                let line = format!("{time} {me} to {title}: {}", visible_lines(body.as_str()));
                self.printer.print(&line);
            }
            Err(error) => {
                let sentence = Failure::Client(error).sentence();
                self.printer
                    .print(&self.wording.alert(&format!("not sent: {sentence}")));
            }
        }
    }

    pub(super) fn show_event(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Server(event) => {
                self.directory.learn_event(&event);
                if let Event::Message(message) = &event
                    && Some(message.conversation) != self.current
                    && message.from.id != self.directory.me.id
                {
                    *self.unread.entry(message.conversation).or_default() += 1;
                }
                if let Some(line) = self.wording.event(&event, &self.directory) {
                    self.printer.print(&line);
                }
            }
            ClientEvent::Disconnected { reason, retry_in } => {
                self.is_away = true;
                let seconds = retry_in.as_secs_f32();
                let text = format!("{}; trying again in {seconds:.1} s", visible(&reason));
                self.printer.print(&self.wording.alert(&text));
            }
            ClientEvent::Reconnected(welcome) => {
                self.is_away = false;
                self.directory.learn_reply(&Reply::Friends {
                    friends: welcome.friends.clone(),
                });
                self.directory.learn_reply(&Reply::Groups {
                    groups: welcome.groups.clone(),
                });
                self.printer.print(&self.wording.quiet("connected again"));
            }
            _ => {}
        }
    }

    pub(super) fn alert(&mut self, failure: &Failure) {
        self.printer.print(&self.wording.alert(&failure.sentence()));
    }

    pub(super) fn print_no_conversation(&mut self) {
        self.printer.print(
            &self
                .wording
                .alert("say first where to talk: /to @NAME or /to #GROUP"),
        );
    }

    pub(super) fn print_help(&mut self) {
        for (command, usage, what) in COMMANDS {
            self.printer
                .print(&format!("{:<34} {what}", format!("{command} {usage}")));
        }
    }

    /// Sets the prompt and the names to complete.
    pub(super) fn refresh(&mut self) {
        let title = self
            .current
            .map(|current| visible(&self.directory.title(current)));
        let unread: u64 = self.unread.values().sum();
        let mut prompt = title.unwrap_or_default();
        if unread > 0 {
            prompt = format!("[{unread} unread] {prompt}");
        }
        let friends = self.directory.friends.values().map(|name| format!("@{name}"));
        let groups = self.directory.groups.values().map(|name| format!("#{name}"));
        let mut shown = self.screen.shown();
        shown.prompt = format!("{prompt}> ");
        shown.names = friends.chain(groups).collect();
    }
}
