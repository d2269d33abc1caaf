//! A group of 1,000 members who are online, on one node.

use super::Context;
use super::direct::p99;
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::samples::Samples;
use crate::server::{Relay, Server, Store};

const MEMBERS: [&str; 3] = ["group", "--connections", "1000"];

/// What members got, beside a relay that writes the same bytes to the same sockets.
pub(super) async fn deliveries(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let relay = Relay::start(context.programs)?;
    let load = [
        &MEMBERS[..],
        &["--senders", "3", "--window", "10", "--duration", "4s"],
    ]
    .concat();
    let (mut ours, mut reference) = <(Samples, Samples)>::default();
    for _ in 0..context.runs {
        ours.add(
            Load::run(context.programs, &server.address, &load)
                .await?
                .rate("delivered")?,
        );
        let unanswered = [&load[..], &["--unanswered"]].concat();
        reference.add(
            Load::run(context.programs, &relay.address, &unanswered)
                .await?
                .rate("delivered")?,
        );
    }
    let what = "deliveries to a group of 1,000 who are online, in memory, beside a bare relay";
    Ok(vec![Figure::compared(
        what,
        "/s",
        ours,
        reference,
        Target::AtLeast(0.8),
    )])
}

/// How long the messages of a group take while one member reads nothing. They are large and many enough that they
/// fill whatever the system keeps for that member.
pub(super) async fn slow_reader(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Memory)?;
    let load = [
        &MEMBERS[..],
        &["--rate", "100", "--size", "1000", "--duration", "6s"],
    ]
    .concat();
    let (mut beside, mut without) = <(Samples, Samples)>::default();
    for _ in 0..context.runs {
        beside.add(
            p99(
                context,
                &server.address,
                &[&load[..], &["--stalled", "1"]].concat(),
            )
            .await?,
        );
        without.add(p99(context, &server.address, &load).await?);
    }
    let what = "p99 from send to delivered in a group of 1,000, beside one member who does not read";
    Ok(vec![Figure::compared(
        what,
        "ms",
        beside,
        without,
        Target::AtMost(1.2),
    )])
}
