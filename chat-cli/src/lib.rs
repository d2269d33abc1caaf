#![doc = include_str!("../README.md")]

mod client;
mod connection;
mod driver;
mod error;
mod event;
mod frames;
mod limits;
mod options;
mod outgoing;
mod positions;
mod reconnect;
mod requests;
mod session;
mod tls;
mod transport;

pub use client::{Client, ClientHandle};
pub use connection::Connection;
pub use error::Error;
pub use event::ClientEvent;
pub use frames::{FrameReader, FrameWriter, ReceivedFrame};
pub use limits::Limits;
pub use options::{Acknowledge, ClientOptions, Credentials, Reconnect};
pub use requests::{ConversationPage, HistoryPage, MemberPage};
pub use tls::{TlsDialer, TlsFailure, TlsSetupError};
pub use transport::{BoxedStream, Dial, Dialing, Stream, TcpDialer};
