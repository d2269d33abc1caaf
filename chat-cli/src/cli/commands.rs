//! The subcommands, from arguments to output.

use std::io::Read;

use chat_client::{Connection, Error};
use chat_core::protocol::{OutgoingMessage, Register, Reply, Welcome};
use chat_core::types::{Body, MessageId, UserName};
use tokio::runtime::Runtime;

use super::action::{Action, perform, recipient, send};
use super::args::{Arguments, Command, GlobalArguments, SendArguments};
use super::credentials::{self, Prompt};
use super::directory::Directory;
use super::failure::Failure;
use super::one_shot::{Repeat, in_session};
use super::output::{Wording, print_json, print_line};
use super::text::Colour;
use super::token_file::StoredLogin;
use super::{bench, interactive, listen, logs, top};

/// Runs what the command line asks for.
pub(crate) fn run(arguments: Arguments, runtime: &Runtime) -> Result<(), Failure> {
    let Arguments { global, command } = arguments;
    let Some(command) = command else {
        return interactive::run(&global, runtime);
    };
    if let Command::Bench(arguments) = command {
        return bench::run(&global, *arguments);
    }
    let outcome = runtime.block_on(run_command(&global, command));
    if global.json
        && let Err(Failure::Client(Error::Refused(refusal))) = &outcome
    {
        print_json(&Reply::Error(refusal.clone()).to_frame(None))?;
    }
    outcome
}

async fn run_command(global: &GlobalArguments, command: Command) -> Result<(), Failure> {
    match command {
        Command::Register { new_name } => register(global, new_name).await,
        Command::Login { own_name } => login(global, own_name).await,
        Command::Logout => logout(global).await,
        Command::Send(arguments) => send_message(global, arguments).await,
        Command::Listen(arguments) => listen::run(global, &arguments).await,
        Command::Logs(arguments) => logs::run(global, *arguments).await,
        Command::Top(arguments) => top::run(global, arguments).await,
        Command::Ping => {
            let mut connection = global.connect().await?;
            let at = connection.ping().await?;
            print_reply(global, &Reply::Pong { at }, None)
        }
        other => match action_of(other) {
            Some(action) => act(global, action).await,
            None => Err(Failure::Usage(
                "this command is not known; see `chat --help`".to_owned(),
            )),
        },
    }
}

/// The commands that are one request of a logged-in user.
fn action_of(command: Command) -> Option<Action> {
    Some(match command {
        Command::History(arguments) => Action::History {
            of: arguments.conversation,
            before: arguments.before,
            limit: arguments.limit,
        },
        Command::Conversations { limit } => Action::Conversations { limit },
        Command::Friends => Action::Friends,
        Command::AddFriend { user } => Action::AddFriend(user),
        Command::RemoveFriend { user } => Action::RemoveFriend(user),
        Command::Groups => Action::Groups,
        Command::CreateGroup {
            group_name,
            description,
        } => Action::CreateGroup {
            name: group_name,
            description,
        },
        Command::Join { group } => Action::Join(group),
        Command::Leave { group } => Action::Leave(group),
        Command::Members { group, after, limit } => Action::Members { group, after, limit },
        Command::Find { user } => Action::Find(user),
        Command::Register { .. }
        | Command::Login { .. }
        | Command::Logout
        | Command::Send(_)
        | Command::Listen(_)
        | Command::Logs(_)
        | Command::Top(_)
        | Command::Bench(_)
        | Command::Ping => return None,
    })
}

async fn act(global: &GlobalArguments, action: Action) -> Result<(), Failure> {
    let credentials = credentials::find(global)?;
    let repeat = if action.is_repeatable() {
        Repeat::Safe
    } else {
        Repeat::Never
    };
    let work = async |connection: &mut Connection, welcome: &Welcome| {
        let mut directory = Directory::new(welcome);
        let reply = perform(connection, &directory, action.clone()).await?;
        directory.learn_reply(&reply);
        Ok((reply, directory))
    };
    let (reply, directory) = in_session(global, credentials, repeat, work).await?;
    print_reply(global, &reply, Some(&directory))
}

async fn register(global: &GlobalArguments, name: Option<UserName>) -> Result<(), Failure> {
    let name = name
        .or_else(|| global.name.clone())
        .ok_or_else(|| Failure::Usage("say which name to take: `chat register NAME`".to_owned()))?;
    let password = credentials::read_password(global, Prompt::Twice)?;
    let mut connection = global.connect().await?;
    let user = connection.register(Register { name, password }).await?;
    print_reply(global, &Reply::Registered { user }, None)
}

async fn login(global: &GlobalArguments, name: Option<UserName>) -> Result<(), Failure> {
    let credentials = credentials::find_for_login(global, name)?;
    let path = credentials::token_path(global)?;
    let welcome = in_session(
        global,
        credentials,
        Repeat::Safe,
        async |_: &mut Connection, welcome: &Welcome| Ok(welcome.clone()),
    )
    .await?;
    let stored = StoredLogin::new(&global.server_name(), &welcome).ok_or_else(|| {
        Failure::Usage("this server gives no tokens; say who you are with each command".to_owned())
    })?;
    stored.write(&path)?;
    print_reply(global, &Reply::Welcome(Box::new(welcome)), None)
}

async fn logout(global: &GlobalArguments) -> Result<(), Failure> {
    let credentials = credentials::find(global)?;
    let path = credentials::token_path(global)?;
    let work = async |connection: &mut Connection, _: &Welcome| Ok(connection.logout().await?);
    let outcome = in_session(global, credentials, Repeat::Never, work).await;
    // Whoever logs out wants the token gone, also where the server does not take it any more.
    if !matches!(&outcome, Err(Failure::Client(error)) if error.is_unreachable()) {
        StoredLogin::remove(&path)?;
    }
    outcome?;
    print_reply(global, &Reply::LoggedOut, None)
}

async fn send_message(global: &GlobalArguments, arguments: SendArguments) -> Result<(), Failure> {
    let SendArguments { to, body, id, data } = arguments;
    let credentials = credentials::find(global)?;
    let body = read_body(body)?;
    let body = Body::parse(&body)
        .map_err(|invalid| Failure::Usage(format!("the text {invalid}; shorten or split it")))?;
    // With an id of its own the message can be sent again where its answer was lost.
    let id = match id {
        Some(id) => id,
        None => MessageId::random().map_err(Error::Randomness)?,
    };
    let work = async |connection: &mut Connection, welcome: &Welcome| {
        let directory = Directory::new(welcome);
        let to = recipient(connection, &directory, to.clone()).await?;
        let (body, id, data) = (body.clone(), Some(id.clone()), data.clone());
        send(connection, OutgoingMessage { to, body, id, data }).await
    };
    let reply = in_session(global, credentials, Repeat::Safe, work).await?;
    print_reply(global, &reply, None)
}

fn read_body(argument: Option<String>) -> Result<String, Failure> {
    if let Some(body) = argument.filter(|body| body != "-") {
        return Ok(body);
    }
    let mut body = String::new();
    // The longest text and a little more: enough to see that it is too long.
    std::io::stdin().lock().take(65_536).read_to_string(&mut body)?;
    if body.ends_with('\n') {
        body.pop();
    }
    Ok(body)
}

fn print_reply(
    global: &GlobalArguments,
    reply: &Reply,
    directory: Option<&Directory>,
) -> Result<(), Failure> {
    if global.json {
        return print_json(&reply.clone().to_frame(None));
    }
    let wording = Wording {
        colour: Colour::of_stdout(),
    };
    print_line(&wording.reply(reply, directory))
}
