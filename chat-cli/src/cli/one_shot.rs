//! A session for one command.

use std::time::Duration;

use chat_client::{Connection, Credentials, Error};
use chat_core::GoodbyeCode;
use chat_core::protocol::Welcome;
use chat_core::types::Device;

use super::args::GlobalArguments;
use super::failure::Failure;

/// Devices that single commands share, so that they neither end each other's sessions nor fill
/// the user's list of devices.
const DEVICES: u32 = 8;
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Whether a command may be done again after its connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Safe,
    Never,
}

/// Logs in, does something, and starts over where the session was lost and that is safe.
pub(crate) async fn in_session<T>(
    arguments: &GlobalArguments,
    credentials: Credentials,
    repeat: Repeat,
    action: impl AsyncFn(&mut Connection, &Welcome) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let device = device(arguments)?;
    let mut attempt = 1;
    loop {
        let mut connection = arguments.connect().await?;
        connection.ignore_events();
        let outcome = match connection.login(credentials.clone().login(device.clone())).await {
            Ok(welcome) => action(&mut connection, &welcome).await,
            Err(error) => Err(Failure::Client(error)),
        };
        match outcome {
            Err(Failure::Client(error))
                if repeat == Repeat::Safe && attempt < ATTEMPTS && is_passing(&error) => {}
            outcome => return outcome,
        }
        tokio::time::sleep(PAUSE * attempt).await;
        attempt += 1;
    }
}

/// Whether another attempt can succeed: another command took over the device, the server
/// restarts, or the connection broke.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Goodbye(goodbye) => {
            matches!(goodbye.code, GoodbyeCode::Replaced | GoodbyeCode::ServerDraining)
        }
        Error::ConnectionLost(_) => true,
        _ => false,
    }
}

fn device(arguments: &GlobalArguments) -> Result<Device, Failure> {
    match &arguments.device {
        Some(device) => Ok(device.clone()),
        None => Ok(Device::parse(&format!("command-{}", std::process::id() % DEVICES)).map_err(Error::from)?),
    }
}
