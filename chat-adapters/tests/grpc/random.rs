//! Random faults: whatever fails and breaks, an append stores nothing twice, and answers only what is stored.

use std::collections::HashMap;
use std::time::Duration;

use chat_core::BackendErrorKind;
use chat_core::faulty::Fault;
use chat_core::ports::{Appended, MessageStore};
use chat_core::types::ConversationId;
use chat_test_services::TcpProxy;
use proptest::prelude::*;

use crate::scene::{DEADLINE, message, store, within};
use crate::together::Scene;

/// What happens to the attempts of one append, in the order in which they reach the store.
#[derive(Clone, Debug)]
struct Step {
    /// Messages of the batch: an id that was there before is a repetition of the client's.
    ids: Vec<u8>,
    faults: Vec<Fault>,
    /// The connections of this backend break while the append is under way.
    cut: Option<usize>,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::FailBefore),
        Just(Fault::FailAfter),
        Just(Fault::Delay(Duration::ZERO)),
        Just(Fault::Delay(Duration::from_millis(15))),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        prop::collection::vec(0_u8..12, 1..4),
        prop::collection::vec(fault(), 0..3),
        prop::option::weighted(0.3, 0_usize..2),
    );
    let step = step.prop_map(|(ids, faults, cut)| Step { ids, faults, cut });
    prop::collection::vec(step, 1..12)
}

async fn play(steps: Vec<Step>) {
    let scene = Scene::new(2).await;
    let (alice, bob) = (scene.user("alice").await, scene.user("bob").await);
    let conversation = ConversationId::direct(alice, bob);
    let proxies = [0, 1].map(|number| TcpProxy::start(scene.backends[number].address).unwrap());
    let addresses = proxies.each_ref().map(|proxy| proxy.address().to_string());
    let node = store(&addresses, within(1_000));
    node.ready(DEADLINE).await.unwrap();
    let mut answered = HashMap::new();
    for step in steps {
        scene.faults.clear();
        step.faults
            .iter()
            .for_each(|fault| scene.faults.next_calls("append", 1, *fault));
        let name = |id: &u8| format!("m-{id}");
        let batch: Vec<_> = step
            .ids
            .iter()
            .map(|id| message(conversation, alice, &name(id)))
            .collect();
        let cutting = async {
            if let Some(number) = step.cut {
                tokio::time::sleep(Duration::from_millis(5)).await;
                proxies[number].cut().unwrap();
                proxies[number].resume().unwrap();
            }
        };
        let before = scene.stored(conversation).await;
        let (appended, ()) = tokio::join!(node.append(&batch), cutting);
        // What the first attempt does late is done by the time that its fault lets it.
        let after = scene.stored(conversation).await;
        match appended {
            Ok(appended) => {
                for (id, appended) in step.ids.iter().zip(appended) {
                    let (Appended::Stored { seq } | Appended::Duplicate { seq, .. }) = appended else {
                        panic!("{appended:?}");
                    };
                    let place = usize::try_from(seq.get()).unwrap() - 1;
                    assert_eq!(after[place], name(id), "what was answered is stored there");
                    assert_eq!(*answered.entry(*id).or_insert(seq), seq, "and stays there");
                }
            }
            Err(error) if error.kind() == BackendErrorKind::NotDone => assert_eq!(before, after),
            Err(error) => assert_eq!(error.kind(), BackendErrorKind::Unknown, "{error:?}"),
        }
    }
    let mut stored = scene.stored(conversation).await;
    let count = stored.len();
    stored.sort();
    stored.dedup();
    assert_eq!(stored.len(), count, "something is stored twice");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_fault_makes_an_append_store_twice_or_answer_what_is_not_stored(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
