//! The page's table of events, as a whole.

use std::collections::BTreeSet;

use chat_core::types::Token;

use crate::backends::{be_slow, lose_and_regain};
use crate::schema::Schema;
use crate::stage::{Stage, name, password};
use crate::{hooks, limits, log, node, status};

#[tokio::test(start_paused = true)]
async fn every_event_of_the_core_that_the_page_lists_is_written() {
    let stage = Stage::default();
    let chat = stage.chat();
    lose_and_regain(&stage, &chat).await;
    be_slow(&stage, &chat, 1).await;
    log::lose_and_regain(&stage).await;
    chat.register(name("bob"), &password()).await.unwrap();
    let login = chat_core::protocol::Login::token(Token::parse("no such token").unwrap());
    chat.login(login).await.unwrap_err();
    chat.shutdown().await;
    hooks::fail(&stage, 1).await;
    limits::reach(&stage).await;
    status::busy(&stage).await;
    node::defect(&stage).await;
    node::failed_task(&stage).await;
    stage.wait_for("task_failed", 1).await;

    let records = stage.records();
    let written: BTreeSet<_> = records.iter().map(|record| record.event.as_str()).collect();
    assert_eq!(written, Schema::of_the_page().events_of_the_core());
}
