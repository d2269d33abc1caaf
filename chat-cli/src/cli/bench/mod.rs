//! `chat bench`: loads for a server, measured, and every message checked.
//!
//! One thread drives all connections, so that the load takes as little as it can of the cores that it may share with the
//! server. Frames go out as prepared bytes and come in as borrowed slices; nothing is allocated for a message.

mod accounts;
mod alarm;
mod args;
mod catch_up;
mod context;
mod dialogue;
mod direct;
mod fill;
mod flow;
mod frame;
mod group;
mod history;
mod idle;
mod latency;
mod load;
mod logins;
mod measure;
mod merge;
mod mix;
mod open_files;
mod pacer;
mod participant;
mod progress;
mod reconnect;
mod report;
mod rounds;
mod run;
mod seat;
mod send_frame;
mod sender;
mod sequence;
mod stamp;
mod table;
mod tokens;
mod view;
mod wire;

pub(crate) use args::BenchArguments;
pub(crate) use run::run;
