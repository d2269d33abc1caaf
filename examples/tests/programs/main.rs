//! The programs that show more when others run them: one on a real Redis, one against the contract of stores. And what
//! holds for all programs.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test binary without a harness of its own"
)]

mod custom_store;
mod sizes;
mod two_nodes;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut trials = custom_store::trials();
    trials.push(two_nodes::trial());
    trials.push(Trial::test(
        "no_program_is_longer_than_80_lines",
        sizes::no_program_is_longer_than_80_lines,
    ));
    trials.push(Trial::test(
        "the_front_page_embeds_in_15_lines",
        sizes::the_front_page_embeds_in_15_lines,
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
