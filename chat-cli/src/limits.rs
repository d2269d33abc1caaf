//! Every bound and time-out of a client, in one place.

use std::time::Duration;

/// The time that the handshake of TLS may take.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The bounds of a connection and of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// The longest line taken from a server, in bytes. A list of friends or groups is one line.
    pub max_frame: usize,
    /// Frames that a [`Connection`](crate::Connection) keeps until they are taken.
    pub received_frames: usize,
    /// Events that a [`Client`](crate::Client) keeps until they are taken; then it reads no further.
    pub events: usize,
    /// Messages that wait for their answer, whether written or not; then `send` waits for room.
    pub unanswered_sends: usize,
    /// Requests that wait for their answers on a connection; the next ones are written after them.
    pub pipelined_requests: usize,
    /// Bytes that wait to be written before the next request is taken.
    pub write_buffer: usize,
    /// How often a message is sent again that was refused as `rate_limited` or `unavailable`.
    pub send_retries: u32,
    /// The longest wait that a server's `retry_after_ms` can ask for.
    pub longest_retry_after: Duration,
    /// Conversations whose positions are remembered to leave out repeated deliveries.
    pub positions: usize,
    /// Own messages of one conversation that are remembered until delivery has passed them.
    pub own_messages: usize,
    /// The time to connect.
    pub connect_timeout: Duration,
    /// The time that an answer may take before the connection counts as lost.
    pub reply_timeout: Duration,
    /// The time without a frame from the server before it is asked for a sign of life.
    pub keepalive: Duration,
    /// The time that acknowledgements are gathered.
    pub ack_interval: Duration,
    /// The time that [`Client::close`](crate::Client::close) waits for answers.
    pub close_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 16 << 20,
            received_frames: 16_384,
            events: 1_024,
            unanswered_sends: 1_024,
            pipelined_requests: 64,
            write_buffer: 256 << 10,
            send_retries: 10,
            longest_retry_after: Duration::from_secs(300),
            positions: 65_536,
            own_messages: 1_024,
            connect_timeout: Duration::from_secs(10),
            reply_timeout: Duration::from_secs(30),
            keepalive: Duration::from_secs(60),
            ack_interval: Duration::from_millis(100),
            close_timeout: Duration::from_secs(10),
        }
    }
}
