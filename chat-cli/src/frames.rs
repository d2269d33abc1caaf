//! The two halves of a connection: frames in, frames out.

use std::fmt;
use std::io;

use bytes::{Buf, Bytes, BytesMut};
use chat_core::protocol::{ClientFrame, LineDecoder, ServerFrame, UnreadableFrame};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::error::Error;
use crate::transport::BoxedStream;

const READ_BYTES: usize = 4_096;
/// How the answer of a server begins that wants TLS.
const ALERT: &[u8] = &[0x15, 0x03];

/// A frame as it came and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedFrame {
    /// The line without its end.
    pub line: Bytes,
    /// What it says.
    pub frame: ServerFrame,
}

/// The receiving half of a connection.
pub struct FrameReader {
    input: ReadHalf<BoxedStream>,
    decoder: LineDecoder,
}

impl FrameReader {
    pub(crate) fn new(input: ReadHalf<BoxedStream>, max_frame: usize) -> Self {
        Self {
            input,
            decoder: LineDecoder::new(max_frame),
        }
    }

    /// The next line as it came; `None` once the server has closed.
    ///
    /// Cancelling loses nothing.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`] where the connection breaks, also in the middle of a line,
    /// [`Error::Protocol`] for a line that is too long, and [`Error::WantsTls`].
    pub async fn next_line(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let line = self.decoder.next_frame();
            if let Some(line) = line.map_err(|error| Error::protocol("a line is too long", error))? {
                return Ok(Some(line));
            }
            let buffer = self.decoder.buffer_mut();
            buffer.reserve(READ_BYTES);
            if self.input.read_buf(buffer).await.map_err(Error::lost)? == 0 {
                return self.end_of_stream();
            }
        }
    }

    /// The next frame of a known type; `None` once the server has closed.
    ///
    /// Cancelling loses nothing.
    ///
    /// # Errors
    /// As [`next_line`](Self::next_line), and [`Error::Protocol`] for what is no frame.
    pub async fn next(&mut self) -> Result<Option<ReceivedFrame>, Error> {
        while let Some(line) = self.next_line().await? {
            match ServerFrame::decode(&line) {
                Ok(frame) => return Ok(Some(ReceivedFrame { line, frame })),
                Err(UnreadableFrame::UnknownType) => {
                    tracing::debug!("a frame of an unknown type was ignored")
                }
                Err(UnreadableFrame::Malformed(error)) => {
                    return Err(Error::protocol("a frame cannot be read", error));
                }
            }
        }
        Ok(None)
    }

    fn end_of_stream(&mut self) -> Result<Option<Bytes>, Error> {
        if self.decoder.buffer_mut().starts_with(ALERT) {
            return Err(Error::WantsTls);
        }
        if self.decoder.has_partial() {
            return Err(Error::lost(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(None)
    }
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader").finish_non_exhaustive()
    }
}

/// The sending half of a connection.
pub struct FrameWriter {
    output: WriteHalf<BoxedStream>,
    buffer: BytesMut,
}

impl FrameWriter {
    pub(crate) fn new(output: WriteHalf<BoxedStream>) -> Self {
        Self {
            output,
            buffer: BytesMut::new(),
        }
    }

    /// Adds a frame to what [`flush`](Self::flush) writes.
    ///
    /// # Errors
    /// [`Error::Protocol`] where it cannot be encoded, which frames of this protocol always can.
    pub fn push(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        let line = frame
            .encode()
            .map_err(|error| Error::protocol("a frame cannot be encoded", error))?;
        self.push_line(line.as_bytes());
        Ok(())
    }

    /// Adds a line as it is, with a line end.
    pub fn push_line(&mut self, line: &[u8]) {
        self.push_bytes(line);
        self.push_bytes(b"\n");
    }

    /// Adds bytes as they are.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes wait to be written.
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Writes all that waits. Cancelling loses nothing: what was not written waits on.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        while self.buffer.has_remaining() {
            let written = self
                .output
                .write_buf(&mut self.buffer)
                .await
                .map_err(Error::lost)?;
            if written == 0 {
                return Err(Error::lost(io::ErrorKind::WriteZero.into()));
            }
        }
        self.output.flush().await.map_err(Error::lost)
    }

    /// Says that no more will be sent; the other half can still receive.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`].
    pub async fn shutdown(&mut self) -> Result<(), Error> {
        self.flush().await?;
        self.output.shutdown().await.map_err(Error::lost)
    }
}

impl fmt::Debug for FrameWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameWriter")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
