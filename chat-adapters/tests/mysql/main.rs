//! What is MySQL's own, beyond the contract of the ports, on the server that a variable names.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test binary without a harness of its own"
)]

mod cancelling;
mod connections;
#[path = "../counted/mod.rs"]
mod counted;
mod database;
mod harness;
mod locking;
mod offline_messages;
mod opening;
mod plans;
mod refused;
mod relay;
mod scene;
mod statements;
mod texts;

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::run(trials![
        cancelling::an_append_cancelled_at_any_moment_is_done_as_a_whole_or_not_at_all,
        connections::a_commit_that_is_not_answered_may_be_done_and_can_be_repeated,
        connections::a_commit_that_takes_too_long_may_be_done,
        connections::a_connection_killed_during_a_call_is_replaced,
        connections::a_server_that_does_not_answer_costs_a_call_its_deadline_and_the_next_one_nothing,
        connections::calls_beyond_the_connections_wait_and_are_then_not_done,
        connections::closing_ends_every_connection_and_takes_no_further_call,
        connections::connections_idle_for_long_are_closed_down_to_the_fewest,
        connections::connections_killed_between_calls_cost_no_call,
        connections::who_stands_still_in_a_transaction_keeps_no_locks,
        locking::a_deadlock_is_got_over_and_counted,
        locking::a_lock_that_another_program_keeps_ends_the_call_in_time_and_no_other,
        locking::appenders_in_opposite_orders_all_succeed,
        locking::appenders_of_one_new_conversation_number_it_densely,
        locking::states_written_by_two_nodes_at_once_are_all_written,
        offline_messages::messages_wait_until_the_furthest_device_has_acknowledged_them,
        opening::a_user_with_rights_on_the_database_alone_is_enough,
        opening::an_interrupted_migration_is_run_again,
        opening::connections_are_strict_and_read_what_is_committed,
        opening::pending_migrations_are_refused_where_the_options_say_so,
        opening::twenty_openers_of_an_empty_database_at_once_all_succeed,
        plans::a_session_starts_with_the_same_rows_read_however_many_messages_are_stored,
        plans::no_statement_costs_more_as_tables_grow,
        refused::a_database_of_a_newer_version_is_refused_by_open_and_by_migrate,
        refused::a_database_of_another_program_is_refused_and_left_as_it_is,
        refused::a_row_that_cannot_be_right_is_a_defect,
        refused::a_server_a_user_and_a_database_that_are_not_there_are_told_apart,
        statements::a_batch_costs_as_many_statements_as_one_message,
        statements::each_call_of_a_login_costs_one_statement,
        statements::a_repeated_message_at_the_end_of_a_large_batch_is_told_from_the_new_ones,
        statements::states_of_many_users_cost_one_statement,
        statements::the_largest_batch_is_stored,
        statements::a_refused_message_to_a_stranger_leaves_nothing_behind,
        texts::bodies_and_data_come_back_byte_for_byte,
        texts::names_and_descriptions_come_back_byte_for_byte,
    ])
}
