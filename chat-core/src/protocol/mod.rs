//! The wire protocol as types, and a codec without I/O. `docs/protocol.md` is its reference.
//!
//! ```
//! use chat_core::protocol::{Request, Reply, ServerFrame, ClientFrame};
//!
//! let ClientFrame { request, reference } = ClientFrame::decode(br#"{"type":"ping","ref":7}"#)?;
//! assert!(matches!(request, Request::Ping));
//!
//! let pong = Reply::Pong { at: chat_core::Timestamp::from_millis(1) }.to_frame(reference);
//! assert_eq!(pong.encode()?, r#"{"type":"pong","at":1,"ref":7}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client_frame;
mod codec;
mod event;
mod reference;
mod reply;
mod request;
mod request_type;
mod server_frame;
mod views;

pub use client_frame::{BadFrame, ClientFrame};
pub use codec::{FrameTooLarge, LineDecoder};
pub use event::{Event, Goodbye};
pub use reference::Reference;
pub use reply::{ErrorReply, Reply, Sent, Welcome};
pub use request::{
    Ack, AckMode, AddFriend, Conversations, CreateGroup, FindUser, GroupRequest, History, Login, LoginProof,
    Members, OutgoingMessage, Recipient, Register, RemoveFriend, Request, UserSelector,
};
pub(crate) use request_type::RequestType;
pub(crate) use server_frame::FrameEncoder;
pub use server_frame::{ServerFrame, UnreadableFrame};
pub use views::{ConversationView, GroupView, MemberView, MessageView, UserView};
