//! `chat-server import` from real databases of the original system.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod original;
mod refused;
mod small;
#[path = "../support/mod.rs"]
mod support;
mod whole;

use std::process::ExitCode;

use chat_test_services::{Service, trial};
use libtest_mimic::{Arguments, Trial};

/// Names each test after its function.
macro_rules! tests {
    ($($module:ident::$test:ident,)+) => {
        vec![$(test(stringify!($test), $module::$test)),+]
    };
}

fn main() -> ExitCode {
    let trials = tests! {
        whole::into_sqlite_everything_is_taken_over_once_and_what_cannot_be_is_listed,
        whole::into_mysql_everything_is_taken_over_once_and_what_cannot_be_is_listed,
        small::a_sound_database_is_taken_over_without_a_word,
        small::texts_come_back_from_other_character_sets,
        small::what_is_added_later_is_taken_over_and_no_position_jumps,
        small::a_store_with_users_of_its_own_keeps_them_apart,
        refused::what_cannot_be_imported_from_is_refused_without_the_password,
    };
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn test(name: &str, run: fn()) -> Trial {
    trial(name, &[Service::MySql], move || {
        run();
        Ok(())
    })
}
