//! What is SQLite's own, beyond the contract of the ports.
fn main() {}
