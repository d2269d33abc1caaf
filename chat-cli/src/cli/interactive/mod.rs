//! `chat` for people: a line editor, conversations as they happen.

mod commands;
mod display;
mod editor;
mod screen;
mod talk;

pub(crate) use talk::run;
