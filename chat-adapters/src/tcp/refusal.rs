//! Telling a client why it is not let in.

use std::time::Duration;

use chat_core::protocol::{Event, Goodbye};
use tokio::io::{AsyncRead, AsyncWrite};

use super::lines::pack;
use crate::link::{Outgoing, part};

/// The time that a refused connection gets to take its goodbye.
pub(super) const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Says why, then closes.
pub(super) async fn refuse(socket: impl AsyncRead + AsyncWrite + Unpin, goodbye: Goodbye) {
    let Ok(frame) = Event::Goodbye(goodbye).to_frame().encode() else {
        return;
    };
    let mut outgoing = Outgoing::default();
    pack(&mut vec![frame], &mut outgoing);
    part(socket, outgoing, REFUSAL_TIMEOUT).await;
}
