//! How many statements a batch costs, as the server gets them.

use chat_adapters::mysql::MySqlStore;
use chat_core::Timestamp;
use chat_core::ports::{
    Appended, DeviceStore, MessageRange, MessageStore, NewMessage, TokenStore, UserStore,
};
use chat_core::types::{Data, Device, Seq, TokenHash, UserId};

use crate::harness::Setting;
use crate::relay::{Command, Relay};
use crate::scene::{connect, message, users};

/// A batch in as many conversations as there are pairs of neighbours.
fn batch(ids: &[UserId], size: usize, id: &str) -> Vec<NewMessage> {
    (0..size)
        .map(|number| {
            let place = number % (ids.len() - 1);
            message(ids[place], ids[place + 1], &format!("{id}-{number}"), "text")
        })
        .collect()
}

/// The commands but for preparing, which happens once a connection and size.
fn counted(commands: &[Command]) -> usize {
    commands
        .iter()
        .filter(|command| !matches!(command, Command::Prepare(_)))
        .inspect(|command| {
            assert!(
                matches!(command, Command::Query(_) | Command::Execute),
                "{command:?}: a statement is closed, or the connection asked for its health"
            );
        })
        .count()
}

pub(crate) async fn a_batch_costs_as_many_statements_as_one_message(setting: Setting) {
    let relay = Relay::start(&setting.database).await;
    let store = MySqlStore::open(relay.options(&setting.database)).await.unwrap();
    let ids = users(&store, 60).await;
    store.append(&batch(&ids, 59, "first")).await.unwrap();
    relay.take();
    let mut counts = Vec::new();
    for size in [1, 3, 100, 500] {
        let batch = batch(&ids, size, &format!("of {size}").replace(' ', "-"));
        let appended = store.append(&batch).await.unwrap();
        assert!(
            appended
                .iter()
                .all(|outcome| matches!(outcome, Appended::Stored { .. }))
        );
        counts.push(counted(&relay.take()));
    }
    // The beginning, locks, messages, conversations, the commit.
    assert_eq!(counts, [5, 5, 5, 5]);
}

/// Up to as many as a statement takes; more are one transaction, in which all of them are written or none.
pub(crate) async fn states_of_many_users_cost_one_statement(setting: Setting) {
    const ROWS: usize = 512;
    let relay = Relay::start(&setting.database).await;
    let store = MySqlStore::open(relay.options(&setting.database)).await.unwrap();
    let ids = users(&store, ROWS + 1).await;
    relay.take();
    let mut counts = Vec::new();
    for size in [1, 3, ROWS, ROWS + 1] {
        for online in [true, false] {
            store.set_states(&ids[..size], online).await.unwrap();
            let expected = if online { &ids[..size] } else { &[] };
            counts.push(counted(&relay.take()));
            assert_eq!(store.online_states(None, ROWS + 2).await.unwrap(), expected);
            relay.take();
        }
    }
    // More than a statement takes: the beginning, two statements, the commit.
    assert_eq!(counts, [1, 1, 1, 1, 1, 1, 4, 4]);
}

/// What a login asks, of a device that is known, and delivery that reads on. Also the count of its session is one statement, which commits by itself.
pub(crate) async fn each_call_of_a_login_costs_one_statement(setting: Setting) {
    let relay = Relay::start(&setting.database).await;
    let store = MySqlStore::open(relay.options(&setting.database)).await.unwrap();
    let ids = users(&store, 60).await;
    let first = batch(&ids, 59, "first");
    store.append(&first).await.unwrap();
    let (token, phone) = (TokenHash::from_bytes([7; 32]), Device::parse("phone").unwrap());
    let (now, far) = (Timestamp::from_millis(1), Timestamp::from_millis(9));
    store.put_token(ids[0], token, far, 5).await.unwrap();
    let epoch = store.open_device(ids[0], &phone, now, 5).await.unwrap().epoch;
    relay.take();
    assert!(store.token(token, now).await.unwrap().is_some());
    let opened = store.open_device(ids[0], &phone, now, 5).await.unwrap();
    assert_eq!(opened.epoch, epoch + 1);
    let start = store.session_start(ids[0], &phone, 1_000, 100).await.unwrap();
    assert_eq!((start.positions.len(), start.messages.len()), (1, 1));
    let ranges: Vec<_> = first
        .iter()
        .map(|new| MessageRange {
            conversation: new.conversation,
            after: Seq::ZERO,
            limit: 1,
        })
        .collect();
    let read = store.read_ranges(&ranges).await.unwrap();
    assert_eq!(read.len(), first.len());
    assert_eq!(counted(&relay.take()), 4);
}

/// More messages than one statement takes, so that some are stored before the repeated one is noticed.
pub(crate) async fn a_repeated_message_at_the_end_of_a_large_batch_is_told_from_the_new_ones(
    setting: Setting,
) {
    const NEW: u64 = 1_100;
    let store = crate::scene::open(&setting.database).await;
    let ids = users(&store, 2).await;
    let repeated = message(ids[0], ids[1], "repeated", "text");
    store.append(std::slice::from_ref(&repeated)).await.unwrap();
    let mut batch = batch(&ids, usize::try_from(NEW).unwrap(), "new");
    batch.push(NewMessage {
        at: Timestamp::from_millis(repeated.at.as_millis() + 1),
        ..repeated.clone()
    });
    let mut expected: Vec<_> = (2..NEW + 2)
        .map(|seq| Appended::Stored {
            seq: Seq::new(seq).unwrap(),
        })
        .collect();
    expected.push(Appended::Duplicate {
        seq: Seq::new(1).unwrap(),
        at: repeated.at,
    });
    assert_eq!(store.append(&batch).await.unwrap(), expected);
}

/// As long as a statement gets, texts and all.
pub(crate) async fn the_largest_batch_is_stored(setting: Setting) {
    const LARGEST: usize = 512;
    let store = crate::scene::open(&setting.database).await;
    let ids = users(&store, 2).await;
    let text = "x".repeat(8_192);
    let data = format!("{{\"x\":\"{}\"}}", "x".repeat(8_192 - 8));
    let batch: Vec<_> = (0..LARGEST)
        .map(|number| {
            let mut new = message(ids[0], ids[1], &number.to_string(), &text);
            new.data = Some(Data::parse(&data).unwrap());
            new
        })
        .collect();
    let appended = store.append(&batch).await.unwrap();
    let last = Appended::Stored {
        seq: Seq::new(512).unwrap(),
    };
    assert_eq!(appended.last(), Some(&last));
}

pub(crate) async fn a_refused_message_to_a_stranger_leaves_nothing_behind(setting: Setting) {
    let store = crate::scene::open(&setting.database).await;
    let ids = users(&store, 2).await;
    let stranger = UserId::new(1_000_000).unwrap();
    let refused = store
        .append(&[message(ids[0], stranger, "m", "text")])
        .await
        .unwrap();
    assert_eq!(refused, [Appended::NotFound]);
    let mixed = [
        message(ids[0], stranger, "m", "text"),
        message(ids[0], ids[1], "m", "text"),
    ];
    store.append(&mixed).await.unwrap();
    let mut connection = connect(&setting.database).await;
    let rows: Vec<String> = sqlx::query_scalar("SELECT id FROM Conversation")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(rows, [mixed[1].conversation.to_string()]);
}
