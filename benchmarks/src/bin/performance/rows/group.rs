//! A group of 1,000 members who are online, on one node.

use super::direct::{delivered, p99, unanswered};
use super::{Context, in_turns};
use crate::figure::{Figure, Target};
use crate::server::{Relay, Server, Store};

const MEMBERS: &str = "group --connections 1000";
/// Passwords are hashed only while members are made, before anything is measured.
const HASHES: &str = "password_hashes = 8\n";

/// What members got, beside a relay that writes the same bytes to the same sockets.
pub(super) async fn deliveries(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start_with(context.programs, Store::Memory, HASHES)?;
    let relay = Relay::start(context.programs)?;
    let load = format!("{MEMBERS} --window 30 --duration 3s");
    let (ours, reference) = in_turns(
        context.runs,
        async || delivered(context, &server.address, &load).await,
        async || delivered(context, &relay.address, &unanswered(&load)).await,
    )
    .await?;
    let what = "deliveries to a group of 1,000 who are online, in memory, beside a bare relay";
    let target = Target::AtLeast(0.8);
    Ok(vec![Figure::compared(what, "/s", ours, reference, target)])
}

/// How long the messages of a group take while one member reads nothing. They are large and many enough that they
/// fill whatever the system keeps for that member.
pub(super) async fn slow_reader(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start_with(context.programs, Store::Memory, HASHES)?;
    let load = format!("{MEMBERS} --rate 50 --size 2000 --duration 4s");
    let (beside, without) = in_turns(
        context.runs,
        async || p99(context, &server.address, &format!("{load} --stalled 1")).await,
        async || p99(context, &server.address, &load).await,
    )
    .await?;
    let what = "p99 from send to delivered in a group of 1,000, beside one member who does not read";
    let target = Target::AtMost(1.2);
    Ok(vec![Figure::compared(what, "ms", beside, without, target)])
}
