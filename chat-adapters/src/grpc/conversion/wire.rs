//! What conversion is, and what most messages have in common.

use std::borrow::Cow;

use chat_core::types::InvalidValue;

/// A value that is `Message` on the wire.
pub(in crate::grpc) trait Wire<Message>: Sized {
    /// The value as it is sent.
    fn to_wire(&self) -> Message;

    /// The value that was sent.
    ///
    /// # Errors
    /// Where the message holds something that cannot be right.
    fn from_wire(message: Message) -> Result<Self, Invalid>;
}

/// A message that cannot be right. Names the field, and never shows what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the field `{field}` {problem}")]
pub(in crate::grpc) struct Invalid {
    field: Cow<'static, str>,
    problem: Cow<'static, str>,
}

impl Invalid {
    /// The value itself, whose field only the reader of the message around it knows.
    pub(super) fn value(problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: Cow::Borrowed(""),
            problem: problem.into(),
        }
    }

    /// A word that this version does not know, without one that it is to be taken for.
    pub(super) fn unknown(field: &'static str) -> Self {
        Self::value("has a value that this version does not know").within(field)
    }

    /// Says in which field of a message it is.
    pub(super) fn within(mut self, field: &'static str) -> Self {
        self.field = if self.field.is_empty() {
            field.into()
        } else {
            format!("{field}.{}", self.field).into()
        };
        self
    }
}

impl From<InvalidValue> for Invalid {
    fn from(error: InvalidValue) -> Self {
        Self::value(error.to_string())
    }
}

/// Reads a field of a message.
pub(super) fn read<M, T: Wire<M>>(value: M, field: &'static str) -> Result<T, Invalid> {
    T::from_wire(value).map_err(|error| error.within(field))
}

/// The word that was sent, or the one that an older version is to take it for; `UNSPECIFIED` where neither is known.
pub(super) fn known<Word: TryFrom<i32> + Default + PartialEq>(word: i32, fallback: i32) -> Word {
    let known = |word| Word::try_from(word).ok();
    known(word)
        .filter(|word| *word != Word::default())
        .or_else(|| known(fallback))
        .unwrap_or_default()
}

impl<M, T: Wire<M>> Wire<Option<M>> for Option<T> {
    fn to_wire(&self) -> Option<M> {
        self.as_ref().map(T::to_wire)
    }

    fn from_wire(message: Option<M>) -> Result<Self, Invalid> {
        message.map(T::from_wire).transpose()
    }
}

impl<M, T: Wire<M>> Wire<Vec<M>> for Vec<T> {
    fn to_wire(&self) -> Vec<M> {
        self.iter().map(T::to_wire).collect()
    }

    fn from_wire(message: Vec<M>) -> Result<Self, Invalid> {
        message.into_iter().map(T::from_wire).collect()
    }
}

/// A message whose fields are the parts of a tuple, or one value.
macro_rules! message {
    ($message:ident($($field:ident: $type:ty),*)) => {
        #[allow(unused_parens, clippy::needless_question_mark, reason = "a tuple of one is the value itself")]
        impl Wire<proto::$message> for ($($type),*) {
            fn to_wire(&self) -> proto::$message {
                let ($($field),*) = self;
                proto::$message { $($field: $field.to_wire()),* }
            }

            fn from_wire(message: proto::$message) -> Result<Self, Invalid> {
                let proto::$message { $($field),* } = message;
                Ok(($(read($field, stringify!($field))?),*))
            }
        }
    };
}

/// A message whose fields are those of a struct.
macro_rules! record {
    ($value:ident as $message:ident { $($field:ident),* }) => {
        impl Wire<proto::$message> for $value {
            fn to_wire(&self) -> proto::$message {
                let Self { $($field),* } = self;
                proto::$message { $($field: $field.to_wire()),* }
            }

            fn from_wire(message: proto::$message) -> Result<Self, Invalid> {
                let proto::$message { $($field),* } = message;
                Ok(Self { $($field: read($field, stringify!($field))?),* })
            }
        }
    };
}

/// Messages that others hold in a field of their own, where they are never absent.
macro_rules! needed {
    ($($value:ty as $message:ident),*) => {$(
        impl Wire<Option<proto::$message>> for $value {
            fn to_wire(&self) -> Option<proto::$message> {
                Some(self.to_wire())
            }

            fn from_wire(message: Option<proto::$message>) -> Result<Self, Invalid> {
                message.map_or_else(|| Err(Invalid::value("is missing")), Self::from_wire)
            }
        }
    )*};
}

/// Words that come without one to be taken for.
macro_rules! words {
    ($value:ident { $($name:ident),* }) => {
        impl Wire<i32> for $value {
            fn to_wire(&self) -> i32 {
                match self { $(Self::$name => proto::$value::$name.into()),* }
            }

            fn from_wire(word: i32) -> Result<Self, Invalid> {
                match known(word, 0) {
                    $(proto::$value::$name => Ok(Self::$name),)*
                    proto::$value::Unspecified => Err(Invalid::value("has a value that this version does not know")),
                }
            }
        }
    };
}

/// An answer that is an outcome and nothing else.
macro_rules! outcome {
    ($value:ident as $message:ident, $outcome:path { $($name:ident),* }) => {
        impl Wire<proto::$message> for $value {
            fn to_wire(&self) -> proto::$message {
                use $outcome as Outcome;
                let outcome = match self { $(Self::$name => Outcome::$name),* };
                proto::$message { outcome: outcome.into(), ..Default::default() }
            }

            fn from_wire(message: proto::$message) -> Result<Self, Invalid> {
                use $outcome as Outcome;
                match known(message.outcome, message.fallback) {
                    $(Outcome::$name => Ok(Self::$name),)*
                    Outcome::Unspecified => Err(Invalid::unknown("outcome")),
                }
            }
        }
    };
}

pub(super) use {message, needed, outcome, record, words};
