//! `chat listen`: prints what arrives.

use std::time::Duration;

use chat_client::{Client, ClientEvent, ClientOptions};
use chat_core::protocol::Event;
use tokio::time::{Instant, sleep_until};

use super::args::{GlobalArguments, ListenArguments};
use super::credentials;
use super::directory::Directory;
use super::failure::Failure;
use super::output::{Wording, print_json, print_line};
use super::text::{Colour, visible};

/// Longer than anybody listens.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// Prints events until there were enough, the time is up, or somebody interrupts.
pub(crate) async fn run(global: &GlobalArguments, arguments: &ListenArguments) -> Result<(), Failure> {
    let mut options = ClientOptions::new(&global.server, credentials::find(global)?);
    if let Some(device) = &global.device {
        options.device = device.clone();
    }
    let mut client = Client::connect_by(global.dialer()?, options).await?;
    let outcome = print_events(&mut client, global, arguments).await;
    // What was printed is acknowledged also where something failed after it.
    let closed = client.close().await;
    outcome?;
    Ok(closed?)
}

async fn print_events(
    client: &mut Client,
    global: &GlobalArguments,
    arguments: &ListenArguments,
) -> Result<(), Failure> {
    let mut directory = Directory::new(&client.welcome());
    let wording = Wording {
        colour: Colour::of_stdout(),
    };
    let end = Instant::now() + arguments.duration.unwrap_or(FOREVER).min(FOREVER);
    let mut left = arguments.count;
    while left != Some(0) {
        // Each branch is cancel-safe: an event is given only when its branch is chosen.
        let event = tokio::select! {
            biased;
            interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
            () = sleep_until(end) => return Ok(()),
            event = client.next_event() => event?,
        };
        match event {
            ClientEvent::Server(event) => {
                directory.learn_event(&event);
                if global.json {
                    print_json(&event.clone().to_frame())?;
                } else if let Some(line) = wording.event(&event, &directory) {
                    print_line(&line)?;
                }
                if matches!(event, Event::Message(_)) {
                    left = left.map(|left| left - 1);
                }
            }
            ClientEvent::Disconnected { reason, retry_in } => {
                let seconds = retry_in.as_secs_f32();
                eprintln!("chat: {}; trying again in {seconds:.1} s", visible(&reason));
            }
            ClientEvent::Reconnected(welcome) => {
                directory = Directory::new(&welcome);
                eprintln!("chat: connected again");
            }
            _ => {}
        }
    }
    Ok(())
}
