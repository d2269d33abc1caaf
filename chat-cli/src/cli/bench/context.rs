//! What all scenarios have in common.

use chat_client::Error;
use futures_util::TryStreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::accounts::{Account, Acks, Proof, Servers, accounts, in_order};
use super::args::{CommonArguments, TimeArguments};
use super::open_files::allow_connections;
use super::progress::Progress;
use super::rounds::{Rounds, Span};
use super::seat::Seat;
use super::stamp::{Run, write_hex};
use super::tokens::Tokens;
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

/// A run of a scenario.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) servers: Servers,
    pub(super) common: CommonArguments,
    pub(super) run: Run,
    pub(super) progress: Progress,
}

impl Bench {
    pub(super) fn new(servers: &str, common: CommonArguments) -> Result<Self, Failure> {
        let number = getrandom::u32().map_err(Error::Randomness)?;
        let mut run = Run::default();
        write_hex(u64::from(number), &mut run);
        Ok(Self {
            servers: Servers::parse(servers),
            progress: Progress::new(!common.no_progress),
            common,
            run,
        })
    }

    /// So many users, and room for so many connections.
    pub(super) async fn accounts(&self, users: usize, connections: usize) -> Result<Vec<Account>, Failure> {
        allow_connections(connections as u64)?;
        self.progress.begin("users", users);
        let done = |number| self.progress.reach(number);
        let file = self.common.tokens.as_deref();
        let mut tokens = file.map_or_else(|| Ok(Tokens::default()), Tokens::read)?;
        let of = (self.common.seed, users);
        let accounts = accounts(&self.servers, of, &mut tokens, done).await?;
        if let Some(file) = file {
            tokens.write(file)?;
        }
        Ok(accounts)
    }

    /// The devices of so many connections: each user has as many as it takes.
    pub(super) fn seats<'a>(&'a self, accounts: &'a [Account], connections: usize) -> Vec<Seat<'a>> {
        let users = accounts.iter().cycle().take(connections).enumerate();
        let seats = users.map(|(number, account)| Seat {
            server: self.servers.of(number),
            account,
            device: format!("bench-{}", number / accounts.len().max(1)),
            acks: Acks::Auto,
        });
        seats.collect()
    }

    /// One device of each user, whose messages are acknowledged like this.
    pub(super) fn seats_of<'a>(&'a self, accounts: &'a [Account], acks: Acks) -> Vec<Seat<'a>> {
        let seats = self.seats(accounts, accounts.len()).into_iter();
        seats.map(|seat| Seat { acks, ..seat }).collect()
    }

    /// Rounds of work for so long, and so often a second where that is said.
    pub(super) fn rounds(&self, rate: Option<u32>, time: TimeArguments) -> anyhow::Result<Rounds> {
        let patience = self.common.patience;
        Rounds::new(Span { rate, time, patience })
    }

    /// Logs the devices in, and gives their sessions in their order.
    pub(super) async fn sessions(&self, seats: &[Seat<'_>]) -> Result<Vec<(Incoming, Outgoing)>, Error> {
        self.progress.begin("connections", seats.len());
        let mut number = 0;
        let sessions = in_order(&self.servers, seats, |seat| seat.enter(Proof::Token));
        let counted = sessions.inspect_ok(|_| {
            number += 1;
            self.progress.reach(number);
        });
        counted.try_collect().await
    }

    /// All is prepared: waits for the word to begin where the arguments ask for that.
    pub(super) async fn ready(&self) -> Result<(), Failure> {
        if self.common.wait_for_line {
            self.progress.end();
            eprintln!("ready");
            BufReader::new(tokio::io::stdin())
                .read_line(&mut String::new())
                .await?;
        }
        Ok(())
    }
}
