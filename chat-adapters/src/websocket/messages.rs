//! WebSocket messages in memory: what has come is cut into frames, and frames are packed.

use std::io::{self, Cursor, ErrorKind, Read, Write};

use bytes::{Buf as _, Bytes, BytesMut};
use chat_core::GoodbyeCode;
use chat_core::protocol::Goodbye;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, FrameHeader, Utf8Bytes};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use crate::link::Unreadable;

/// What the protocol's state takes from what has come at once. It keeps so much for a silent connection.
const PIECE_BYTES: usize = 512;
/// The longest header of a message to a client, which is not masked.
pub(super) const HEADER_BYTES: usize = 10;

/// The state of the protocol on one connection.
#[derive(Debug)]
pub(super) struct Messages {
    context: WebSocketContext,
    max_frame: usize,
    pipe: Pipe,
    /// What the closing is for, where the client sent what is not taken.
    fault: Option<(CloseCode, &'static str)>,
}

impl Messages {
    /// Nothing longer than `max_frame` is taken, in one piece or in several.
    pub(super) fn new(max_frame: usize) -> Self {
        Self {
            context: context(max_frame),
            max_frame,
            pipe: Pipe::default(),
            fault: None,
        }
    }

    /// Adds bytes as they came.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.pipe.input.extend_from_slice(bytes);
    }

    /// The next text message; `None` where more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Unreadable> {
        loop {
            self.fault = match self.context.read(&mut self.pipe) {
                Ok(Message::Text(text)) => {
                    self.give_back(text.len());
                    return Ok(Some(text.into()));
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
                Ok(Message::Binary(_)) => Some((CloseCode::Unsupported, "only text messages are taken")),
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => None,
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(Error::Capacity(_)) => return Err(Unreadable::TooLarge),
                Err(Error::Utf8(_)) => Some((CloseCode::Invalid, "a text message was not UTF-8")),
                Err(_) => Some((CloseCode::Protocol, "this is not the WebSocket protocol")),
            };
            return Err(Unreadable::Over);
        }
    }

    /// Begins anew after a long message, as the state would keep room for another one. Between two messages it knows
    /// nothing that has to be kept.
    fn give_back(&mut self, length: usize) {
        if length > PIECE_BYTES {
            self.context = context(self.max_frame);
        }
    }

    /// The answer to the last ping, where it waits.
    pub(super) fn reply(&self) -> &[u8] {
        &self.pipe.reply
    }

    /// Forgets that answer, which was taken.
    pub(super) fn reply_taken(&mut self) {
        self.pipe.reply = Vec::new();
    }

    /// The message that closes the connection: the client's own where it closes, and otherwise one
    /// that says why the server does.
    pub(super) fn close(mut self, goodbye: Option<&Goodbye>) -> Vec<u8> {
        let (code, reason) = match goodbye {
            Some(goodbye) => (close_code(goodbye.code), goodbye.code.as_str()),
            None => self.fault.unwrap_or((CloseCode::Normal, "")),
        };
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        };
        // Into memory nothing can fail, and an end that was reached before is what is wanted. What the
        // protocol itself has to say goes first: nothing may follow the close.
        let _ = self.context.flush(&mut self.pipe);
        let _ = self.context.close(&mut self.pipe, Some(frame));
        self.pipe.reply
    }
}

fn context(max_frame: usize) -> WebSocketContext {
    let config = WebSocketConfig::default()
        .read_buffer_size(PIECE_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(max_frame))
        .max_frame_size(Some(max_frame));
    WebSocketContext::new(Role::Server, Some(config))
}

/// Adds a frame as one text message.
pub(super) fn pack_text(frame: &[u8], bytes: &mut Vec<u8>) {
    pack(OpCode::Data(Data::Text), frame, bytes);
}

/// A ping without content.
pub(super) fn ping() -> Vec<u8> {
    let mut bytes = Vec::new();
    pack(OpCode::Control(Control::Ping), &[], &mut bytes);
    bytes
}

fn pack(opcode: OpCode, content: &[u8], bytes: &mut Vec<u8>) {
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    // Writing into memory cannot fail.
    let _ = header.format(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

/// The number by which a client that knows no `goodbye` can tell why.
const fn close_code(code: GoodbyeCode) -> CloseCode {
    match code {
        GoodbyeCode::FrameTooLarge => CloseCode::Size,
        GoodbyeCode::ServerDraining => CloseCode::Away,
        GoodbyeCode::TooManyConnections => CloseCode::Again,
        _ => CloseCode::Policy,
    }
}

/// What the protocol's state reads from and writes to.
#[derive(Debug, Default)]
struct Pipe {
    /// What has come and was not read. Holds no memory when all was.
    input: BytesMut,
    /// How much of the part of a message that is being read is still to come. Nothing beyond it is handed over, so that
    /// the protocol's state holds nothing when a message is whole.
    rest_of_part: u64,
    /// The last control message that is to go out. Only the last ping has to be answered, so that a
    /// client that asks without end and does not read fills no memory.
    reply: Vec<u8>,
}

impl Pipe {
    /// What has come of one part of a message, from its header on.
    fn part(&mut self) -> &[u8] {
        if self.rest_of_part == 0 {
            let mut header = Cursor::new(&self.input);
            self.rest_of_part = match FrameHeader::parse(&mut header) {
                Ok(Some((_, length))) => length.saturating_add(header.position()),
                Ok(None) => 0,
                // What is wrong with it the protocol's state finds as well.
                Err(_) => u64::MAX,
            };
        }
        let rest = usize::try_from(self.rest_of_part).unwrap_or(usize::MAX);
        self.input.get(..rest).unwrap_or(&self.input)
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.part().read(buffer)?;
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.input.advance(count);
        self.rest_of_part -= count as u64;
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        Ok(count)
    }
}

impl Write for Pipe {
    /// Comes with one whole message, as nothing is gathered in front of it.
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        self.reply.clear();
        self.reply.extend_from_slice(message);
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
