//! What a cluster costs, as long tables of figures for whoever has to choose one.

pub(crate) mod log;
pub(crate) mod nodes;
pub(crate) mod rpc;
pub(crate) mod table;

/// A hundred senders, each with ten messages under way.
pub(crate) const SENDS: &str = "direct --connections 200 --window 10 --duration 10s";

/// Messages at a rate, from each node to the next one.
pub(crate) fn paced(rate: u32) -> String {
    format!("direct --connections 20 --rate {rate} --duration 10s")
}
