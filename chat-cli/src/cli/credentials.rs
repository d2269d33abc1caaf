//! Who the user is: from the command line, the environment, a prompt or the token file.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::Context;
use chat_client::Credentials;
use chat_core::protocol::{LoginProof, UserSelector};
use chat_core::types::{Password, UserName};

use super::args::GlobalArguments;
use super::failure::Failure;
use super::token_file::{StoredLogin, default_path};

const NOT_LOGGED_IN: &str =
    "not logged in at this server; run `chat login NAME` first, or say who you are with --name";

/// Where the token file is.
pub(crate) fn token_path(arguments: &GlobalArguments) -> Result<PathBuf, Failure> {
    match &arguments.token_file {
        Some(path) => Ok(path.clone()),
        None => default_path(&arguments.server_name()),
    }
}

/// The credentials for a command that needs a login.
pub(crate) fn find(arguments: &GlobalArguments) -> Result<Credentials, Failure> {
    if let Some(name) = &arguments.name {
        let gives_password = arguments.password_stdin || std::env::var_os("CHAT_PASSWORD").is_some();
        if !gives_password && let Some(stored) = stored_for(arguments, name)? {
            return Ok(Credentials::token(stored.token));
        }
        return by_password(arguments, name);
    }
    if let Some(token) = &arguments.token {
        return Ok(Credentials::token(token.clone()));
    }
    match StoredLogin::read(&token_path(arguments)?, &arguments.server_name())? {
        Some(stored) => Ok(Credentials::token(stored.token)),
        None => Err(Failure::Usage(NOT_LOGGED_IN.to_owned())),
    }
}

/// The credentials for `login`: a password, unless a token is given.
pub(crate) fn find_for_login(
    arguments: &GlobalArguments,
    name: Option<UserName>,
) -> Result<Credentials, Failure> {
    match (name.or_else(|| arguments.name.clone()), &arguments.token) {
        (Some(name), _) => by_password(arguments, &name),
        (None, Some(token)) => Ok(Credentials::token(token.clone())),
        (None, None) => Err(Failure::Usage("say who you are: `chat login NAME`".to_owned())),
    }
}

/// A name with the password that is given for it.
fn by_password(arguments: &GlobalArguments, name: &UserName) -> Result<Credentials, Failure> {
    let password = read_password(arguments, Prompt::Once)?;
    let user = UserSelector::Name(name.clone());
    Ok(LoginProof::Password { user, password }.into())
}

/// How often a prompt asks for the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Once: it is given to log in.
    Once,
    /// It is set: a second time, so that a slip of the finger locks nobody out.
    Twice,
}

/// The password from standard input, the environment, or a prompt without echo.
pub(crate) fn read_password(arguments: &GlobalArguments, prompt: Prompt) -> Result<Password, Failure> {
    let text = if arguments.password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    } else if let Ok(password) = std::env::var("CHAT_PASSWORD") {
        password
    } else if std::io::stdin().is_terminal() {
        ask(prompt)?
    } else {
        return Err(Failure::Usage(
            "there is no terminal to ask for the password; give it with --password-stdin or CHAT_PASSWORD"
                .to_owned(),
        ));
    };
    let checked = match prompt {
        Prompt::Once => Password::given(&text),
        Prompt::Twice => Password::parse(&text),
    };
    checked
        .map_err(|invalid| Failure::Usage(format!("the password {invalid}; choose another one or check it")))
}

fn ask(prompt: Prompt) -> Result<String, Failure> {
    let password = rpassword::prompt_password("Password: ").context("cannot ask for the password")?;
    if prompt == Prompt::Twice {
        let again = rpassword::prompt_password("Password again: ").context("cannot ask for the password")?;
        if again != password {
            return Err(Failure::Usage("the two passwords differ; try again".to_owned()));
        }
    }
    Ok(password)
}

fn stored_for(arguments: &GlobalArguments, name: &UserName) -> Result<Option<StoredLogin>, Failure> {
    let stored = StoredLogin::read(&token_path(arguments)?, &arguments.server_name())?;
    Ok(stored.filter(|stored| stored.user.name.key() == name.key()))
}
