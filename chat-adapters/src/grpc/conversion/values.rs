//! Ids, texts, times and counts.

use std::time::Duration;

use chat_core::Timestamp;
use chat_core::types::{
    Body, ConversationId, Data, Description, Device, GroupId, GroupName, MessageId, PasswordHash, Seq,
    TokenHash, UserId, UserName,
};

use super::wire::{Invalid, Wire};

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Wire<u64> for $type {
            fn to_wire(&self) -> u64 {
                self.get()
            }

            fn from_wire(value: u64) -> Result<Self, Invalid> {
                Ok(Self::new(value)?)
            }
        }
    )*};
}
integers!(UserId, GroupId, Seq);

macro_rules! texts {
    ($($type:ty),*) => {$(
        impl Wire<String> for $type {
            fn to_wire(&self) -> String {
                self.as_str().to_owned()
            }

            fn from_wire(text: String) -> Result<Self, Invalid> {
                Ok(Self::parse(&text)?)
            }
        }
    )*};
}
texts!(Body, Data, Description, Device, GroupName, MessageId, UserName);

macro_rules! same {
    ($($type:ty),*) => {$(
        impl Wire<Self> for $type {
            fn to_wire(&self) -> Self {
                *self
            }

            fn from_wire(value: Self) -> Result<Self, Invalid> {
                Ok(value)
            }
        }
    )*};
}
same!(bool, u64);

/// A limit or a number of things. More than this machine can count is as much as it can.
impl Wire<u64> for usize {
    fn to_wire(&self) -> u64 {
        u64::try_from(*self).unwrap_or(u64::MAX)
    }

    fn from_wire(value: u64) -> Result<Self, Invalid> {
        Ok(Self::try_from(value).unwrap_or(Self::MAX))
    }
}

/// In milliseconds; a part of one counts as one, so that no window is shorter than it was asked for.
impl Wire<u64> for Duration {
    fn to_wire(&self) -> u64 {
        u64::try_from(self.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    fn from_wire(value: u64) -> Result<Self, Invalid> {
        Ok(Self::from_millis(value))
    }
}

impl Wire<u64> for Timestamp {
    fn to_wire(&self) -> u64 {
        self.as_millis()
    }

    fn from_wire(value: u64) -> Result<Self, Invalid> {
        let time = Self::from_millis(value);
        if time.as_millis() == value {
            Ok(time)
        } else {
            Err(Invalid::value("must be at most 2^53 - 1 milliseconds"))
        }
    }
}

impl Wire<String> for ConversationId {
    fn to_wire(&self) -> String {
        self.to_string()
    }

    fn from_wire(text: String) -> Result<Self, Invalid> {
        Ok(Self::parse(&text)?)
    }
}

impl Wire<String> for PasswordHash {
    fn to_wire(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_wire(text: String) -> Result<Self, Invalid> {
        Ok(Self::new(text))
    }
}

impl Wire<Vec<u8>> for TokenHash {
    fn to_wire(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_wire(bytes: Vec<u8>) -> Result<Self, Invalid> {
        let bytes = bytes.try_into().map_err(|_| Invalid::value("must be 32 bytes"))?;
        Ok(Self::from_bytes(bytes))
    }
}
