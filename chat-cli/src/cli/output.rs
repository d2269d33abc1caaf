//! What is printed, for people or as JSON.

use std::io::Write;

use anyhow::Context;
use chat_core::protocol::{
    ConversationView, Event, GroupView, MessageView, Reply, Sent, ServerFrame, UserView,
};

use super::directory::Directory;
use super::failure::Failure;
use super::text::{Colour, Tone, full_local_time, local_time, visible, visible_lines};

/// Prints a frame as one line of JSON.
pub(crate) fn print_json(frame: &ServerFrame) -> Result<(), Failure> {
    let json = frame.encode().context("cannot write JSON")?;
    print_line(&String::from_utf8_lossy(&json))
}

/// Prints a line to standard output at once, for those who read it through a pipe.
pub(crate) fn print_line(line: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

/// Turns replies and events into lines for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wording {
    pub(crate) colour: Colour,
}

impl Wording {
    /// A reply, in one line or several.
    pub(crate) fn reply(self, reply: &Reply, directory: Option<&Directory>) -> String {
        match reply {
            Reply::Registered { user } => {
                format!(
                    "registered {} with the id {}",
                    self.person(user.name.as_str()),
                    user.id
                )
            }
            Reply::Welcome(welcome) => {
                format!(
                    "logged in as {} with the id {}",
                    self.person(welcome.user.name.as_str()),
                    welcome.user.id
                )
            }
            Reply::LoggedOut => "logged out".to_owned(),
            Reply::Sent(sent) => self.sent(sent),
            Reply::Acked => "acknowledged".to_owned(),
            Reply::History { messages, more, .. } => {
                let note = more.then(|| self.quiet("there are older messages; see them with --before"));
                let lines = messages.iter().map(|message| self.message(message, directory));
                join(note.into_iter().chain(lines), "no messages")
            }
            Reply::Conversations { conversations, .. } => join(
                conversations.iter().map(|one| self.conversation(one, directory)),
                "no conversations",
            ),
            Reply::FriendAdded { user } => format!("{} is a friend now", self.user(user)),
            Reply::FriendRemoved { user } => {
                format!("{} is no friend any more", self.person(user.name.as_str()))
            }
            Reply::Friends { friends } => join(friends.iter().map(|friend| self.user(friend)), "no friends"),
            Reply::GroupCreated { group } => format!("made {}", self.group(group)),
            Reply::GroupJoined { group } => format!("joined {}", self.group(group)),
            Reply::GroupLeft { group } => format!("left the group {group}"),
            Reply::Groups { groups } => join(groups.iter().map(|group| self.group(group)), "no groups"),
            Reply::Members { members, more } => {
                let lines = members.iter().map(|member| {
                    let name = self.person(member.name.as_str());
                    format!(
                        "{name} ({}) {}, {}",
                        member.id,
                        member.role.as_str(),
                        presence(member.online)
                    )
                });
                join(
                    lines.chain(more.then(|| self.quiet("there are more; see them with --after"))),
                    "no members",
                )
            }
            Reply::UserFound { user } => self.user(user),
            Reply::Pong { at } => format!("the server is there; its time is {}", full_local_time(*at)),
            Reply::Error(refusal) => visible(&refusal.message),
        }
    }

    /// An event, in one line or more; `None` for one that people need not see.
    pub(crate) fn event(self, event: &Event, directory: &Directory) -> Option<String> {
        Some(match event {
            Event::Message(message) => self.message(message, Some(directory)),
            Event::Synced => return None,
            Event::Presence { user, online } => self.quiet(&format!(
                "@{} is {}",
                visible(user.name.as_str()),
                presence(*online)
            )),
            Event::FriendAdded { user } => {
                self.alert(&format!("@{} is a friend now", visible(user.name.as_str())))
            }
            Event::FriendRemoved { user } => {
                self.alert(&format!("@{} is no friend any more", visible(user.name.as_str())))
            }
            Event::MemberJoined { group, user } => {
                let title = directory.title(chat_core::types::ConversationId::group(*group));
                self.quiet(&format!(
                    "@{} joined {}",
                    visible(user.name.as_str()),
                    visible(&title)
                ))
            }
            Event::MemberLeft { group, user } => {
                let title = directory.title(chat_core::types::ConversationId::group(*group));
                self.quiet(&format!(
                    "@{} left {}",
                    visible(user.name.as_str()),
                    visible(&title)
                ))
            }
            Event::Goodbye(goodbye) => self.alert(&visible(&goodbye.message)),
        })
    }

    /// A message: time, conversation where it is not the sender's own, sender, text.
    pub(crate) fn message(self, message: &MessageView, directory: Option<&Directory>) -> String {
        let time = self.quiet(&local_time(message.at));
        let is_own = directory.is_some_and(|directory| directory.me.id == message.from.id);
        let tone = if is_own { Tone::Own } else { Tone::Person };
        let from = self
            .colour
            .paint(tone, &format!("@{}", visible(message.from.name.as_str())));
        let title = directory.map_or_else(
            || message.conversation.to_string(),
            |it| it.title(message.conversation),
        );
        let body = visible_lines(message.body.as_str());
        if message.conversation.as_group().is_some() {
            let group = self.colour.paint(Tone::Group, &visible(&title));
            return format!("{time} {group} {from}: {body}");
        }
        if is_own {
            let to = self.colour.paint(Tone::Person, &visible(&title));
            return format!("{time} {from} to {to}: {body}");
        }
        format!("{time} {from}: {body}")
    }

    pub(crate) fn quiet(self, text: &str) -> String {
        self.colour.paint(Tone::Quiet, text)
    }

    pub(crate) fn alert(self, text: &str) -> String {
        self.colour.paint(Tone::Alert, text)
    }

    fn person(self, name: &str) -> String {
        self.colour.paint(Tone::Person, &format!("@{}", visible(name)))
    }

    fn user(self, user: &UserView) -> String {
        format!(
            "{} ({}) {}",
            self.person(user.name.as_str()),
            user.id,
            presence(user.online)
        )
    }

    fn group(self, group: &GroupView) -> String {
        let name = self
            .colour
            .paint(Tone::Group, &format!("#{}", visible(group.name.as_str())));
        let members = if group.members == 1 { "member" } else { "members" };
        let what = format!(
            "{name} ({}) {}, {} {members}",
            group.id,
            group.role.as_str(),
            group.members
        );
        match group.description.as_str() {
            "" => what,
            description => format!("{what}: {}", visible_lines(description)),
        }
    }

    fn sent(self, sent: &Sent) -> String {
        let again = if sent.duplicate { ", was stored before" } else { "" };
        self.quiet(&format!(
            "sent as number {} of {} (id {}{again})",
            sent.seq, sent.conversation, sent.id
        ))
    }

    fn conversation(self, view: &ConversationView, directory: Option<&Directory>) -> String {
        let unread = view.last_seq.get().saturating_sub(view.acked_seq.get());
        let title = directory.map_or_else(|| view.conversation.to_string(), |it| it.title(view.conversation));
        let unread = match unread {
            0 => String::new(),
            count => self.alert(&format!(" {count} unread")),
        };
        let last = self.message(&view.last_message, directory);
        format!("{} ({}){unread}: {last}", visible(&title), view.conversation)
    }
}

const fn presence(online: bool) -> &'static str {
    if online { "online" } else { "offline" }
}

fn join(lines: impl Iterator<Item = String>, none: &str) -> String {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        none.to_owned()
    } else {
        lines.join("\n")
    }
}
