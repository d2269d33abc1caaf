//! The plans of all statements that the store prepares, on tables of some size.

use chat_adapters::mysql::MySqlStore;
use chat_core::Timestamp;
use chat_core::ports::{
    CursorAdvance, DeviceStore, FriendStore, GroupStore, MessageRange, MessageStore, NewGroup, SendPolicy,
    TokenStore, UserSelector, UserStore,
};
use chat_core::types::{ConversationId, Device, GroupId, Seq, TokenHash, UserId};
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use crate::harness::Setting;
use crate::relay::{Command, Relay};
use crate::scene::{connect, execute, message, new_user, users};

/// Rows of each table, in steps that double them.
const DOUBLINGS: u32 = 12;

pub(crate) async fn no_statement_costs_more_as_tables_grow(setting: Setting) {
    let relay = Relay::start(&setting.database).await;
    let store = MySqlStore::open(relay.options(&setting.database)).await.unwrap();
    let mut connection = connect(&setting.database).await;
    let ids = users(&store, 3).await;
    let group = use_everything(&store, &ids).await;
    fill(&mut connection, ids[0], group).await;
    let mut prepared: Vec<String> = relay
        .take()
        .into_iter()
        .filter_map(|command| match command {
            Command::Prepare(text) => Some(text),
            _ => None,
        })
        .collect();
    assert!(prepared.len() > 40, "{} statements", prepared.len());
    prepared.push("SELECT message FROM OfflineMessage WHERE userid = ?".to_owned());
    let mut bad = Vec::new();
    for statement in prepared.iter().filter(|text| is_about_tables(text)) {
        let explained = AssertSqlSafe(format!("EXPLAIN {}", with_values(statement)));
        for step in sqlx::raw_sql(explained).fetch_all(&mut connection).await.unwrap() {
            let table: Option<String> = step.get("table");
            let access: Option<String> = step.get("type");
            let is_result = table.as_deref().is_none_or(|table| table.starts_with('<'));
            // A scan of a whole table, or of a whole index.
            if !is_result && matches!(access.as_deref(), Some("ALL" | "index")) {
                bad.push(format!("{table:?} {access:?} in {statement}"));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Also of a device that is far behind in some of many conversations.
pub(crate) async fn a_session_starts_with_the_same_rows_read_however_many_messages_are_stored(
    setting: Setting,
) {
    const PAGE: i64 = 10;
    let relay = Relay::start(&setting.database).await;
    let store = MySqlStore::open(relay.options(&setting.database)).await.unwrap();
    let mut connection = connect(&setting.database).await;
    let user = users(&store, 1).await[0];
    let phone: Device = "phone".parse().unwrap();
    store.session_start(user, &phone, 1, 1).await.unwrap();
    let prepared = relay.take().into_iter().find_map(|command| match command {
        Command::Prepare(text) if text.contains("STRAIGHT_JOIN Message") => Some(text),
        _ => None,
    });
    let statement = prepared.unwrap();
    let id = i64::try_from(user.get()).unwrap();
    let mut rows_read = Vec::new();
    for stored in [20, 2_000] {
        fill_conversations(&mut connection, user, stored).await;
        let before = rows_looked_at(&mut connection).await;
        let rows = sqlx::query(AssertSqlSafe(statement.clone()))
            .bind(id)
            .bind("phone")
            .bind(id)
            .bind(id)
            .bind(1_000)
            .bind(id)
            .bind("phone")
            .bind(id)
            .bind(1_000)
            .bind(PAGE)
            .bind(PAGE)
            .bind(id)
            .bind(id)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert_eq!(rows.len(), 100 + 10);
        rows_read.push(rows_looked_at(&mut connection).await - before);
    }
    assert_eq!(rows_read[0], rows_read[1]);
}

/// A hundred conversations of a user with as many messages each, three of which the device knows nothing of.
async fn fill_conversations(connection: &mut MySqlConnection, user: UserId, stored: usize) {
    let (first, last) = (user.get() + 1, user.get() + 100);
    let rows = format!(
        "DELETE FROM Conversation; DELETE FROM Message; DELETE FROM DeviceCursor;
         INSERT IGNORE INTO User (id, name, name_key) SELECT seq, seq, seq FROM seq_{first}_to_{last};
         INSERT INTO Conversation SELECT CONCAT('d:{user}:', seq), {stored}, 1, 1, {user}, seq, NULL
                                    FROM seq_{first}_to_{last};
         INSERT INTO Message SELECT CONCAT('d:{user}:', c.seq), m.seq, c.seq, m.seq, 'client', '', NULL, 1
                               FROM seq_{first}_to_{last} c CROSS JOIN seq_1_to_{stored} m
                              WHERE m.seq > {stored} - 20 OR c.seq % 40 = 0;
         INSERT INTO DeviceCursor SELECT {user}, CONCAT('d:{user}:', seq), 'phone', IF(seq % 40 = 0, 0, {stored})
                                    FROM seq_{first}_to_{last};
         ANALYZE TABLE User, Conversation, Message, DeviceCursor"
    );
    execute(connection, &rows).await;
}

/// How many rows the server has looked at for the connection.
async fn rows_looked_at(connection: &mut MySqlConnection) -> u64 {
    let status = "SHOW SESSION STATUS LIKE 'Handler_read%'";
    let rows = sqlx::raw_sql(status).fetch_all(connection).await.unwrap();
    let counts = rows.iter().map(|row| row.get::<String, _>(1));
    counts.map(|count| count.parse::<u64>().unwrap()).sum()
}

/// Statements of the migrator, and inserts of values, have no plan.
fn is_about_tables(statement: &str) -> bool {
    let has_plan = !statement.starts_with("INSERT") || statement.contains("SELECT");
    has_plan
        && !["_sqlx_migrations", "information_schema", "_LOCK(", "SET SESSION"]
            .iter()
            .any(|word| statement.contains(word))
}

/// A value of its own for each parameter, so that a list is one.
fn with_values(statement: &str) -> String {
    let paged = statement
        .replace("LIMIT ?", "LIMIT 10")
        .replace("OFFSET ?", "OFFSET 3");
    let mut parts = paged.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.enumerate().fold(first, |text, (number, part)| {
        format!("{text}'{}'{part}", number + 1_001)
    })
}

/// Makes every call, so that every statement is prepared.
async fn use_everything(store: &MySqlStore, ids: &[UserId]) -> GroupId {
    let (one, other) = (ids[0], ids[1]);
    let group = use_groups(store, one, other).await;
    store.add_friend(one, other, 10).await.unwrap();
    store.friends(one).await.unwrap();
    store.remove_friend(one, other).await.unwrap();
    store.users(ids).await.unwrap();
    store.set_states(ids, true).await.unwrap();
    store.online_states(None, 10).await.unwrap();
    store.create_user(&new_user("user 0")).await.unwrap();
    store.credentials(&UserSelector::Id(one)).await.unwrap();
    store
        .credentials(&UserSelector::Name("x".parse().unwrap()))
        .await
        .unwrap();
    let (token, end) = (
        TokenHash::from_bytes([1; 32]),
        Timestamp::from_millis(2_000_000_000_000),
    );
    store.put_token(one, token, end, 0).await.unwrap();
    store.token(token, Timestamp::default()).await.unwrap();
    store.revoke_token(token).await.unwrap();
    store.revoke_tokens(one).await.unwrap();
    store.purge_tokens(Timestamp::default(), 10).await.unwrap();
    let mut to_friends = message(one, other, "b", "text");
    to_friends.policy = SendPolicy::Friends;
    let mut in_group = message(one, other, "c", "text");
    in_group.conversation = ConversationId::group(group);
    let batch = [message(one, other, "a", "text"), to_friends, in_group];
    store.append(&batch).await.unwrap();
    store.append(&batch).await.unwrap();
    use_devices(store, one, &batch.map(|new| new.conversation)).await;
    group
}

async fn use_groups(store: &MySqlStore, creator: UserId, other: UserId) -> GroupId {
    let new = NewGroup {
        id: None,
        name: "group".parse().unwrap(),
        description: "".parse().unwrap(),
        creator,
    };
    store.create_group(&new, 10).await.unwrap();
    let group = store.memberships(creator).await.unwrap()[0].group.id;
    store.join_group(group, other, 10, 10).await.unwrap();
    store.membership(group, other).await.unwrap();
    store.members(group, None, 10).await.unwrap();
    store.group(group).await.unwrap();
    store.leave_group(group, other).await.unwrap();
    store
        .changed_memberships(std::time::Duration::from_secs(5), None, 10)
        .await
        .unwrap();
    group
}

async fn use_devices(store: &MySqlStore, user: UserId, conversations: &[ConversationId]) {
    let second = std::time::Duration::from_secs(1);
    for name in ["phone", "phone", "laptop", "tablet"] {
        let device: Device = name.parse().unwrap();
        store
            .open_device(user, &device, Timestamp::default(), 2)
            .await
            .unwrap();
        for conversation in conversations {
            let ack = CursorAdvance {
                user,
                device: device.clone(),
                conversation: *conversation,
                seq: Seq::ZERO.next(),
            };
            store.advance_cursors(&[ack]).await.unwrap();
            store.position(user, &device, *conversation).await.unwrap();
            store.read_after(*conversation, Seq::ZERO, 10).await.unwrap();
            store.read_before(*conversation, None, 10).await.unwrap();
            let range = MessageRange {
                conversation: *conversation,
                after: Seq::ZERO,
                limit: 10,
            };
            store.read_ranges(&[range]).await.unwrap();
        }
        store.session_start(user, &device, 10, 10).await.unwrap();
        store.positions(user, &device, None, 10).await.unwrap();
        store.heads(user, &device, 10).await.unwrap();
    }
    store.opened_devices(second, None, 10).await.unwrap();
    store.changed_conversations(second, None, 10).await.unwrap();
}

/// Makes the tables large: rows of others, and those of the user in a like number of places.
async fn fill(connection: &mut MySqlConnection, user: UserId, group: GroupId) {
    execute(
        connection,
        "CREATE TEMPORARY TABLE Number (n INT PRIMARY KEY); INSERT INTO Number VALUES (0)",
    )
    .await;
    execute(connection, "CREATE TEMPORARY TABLE Other (n INT PRIMARY KEY)").await;
    for step in 0..DOUBLINGS {
        let offset = 1 << step;
        let double = format!(
            "DELETE FROM Other; INSERT INTO Other SELECT n + {offset} FROM Number; INSERT INTO Number SELECT n FROM Other"
        );
        execute(connection, &double).await;
    }
    let tables = format!(
        "INSERT INTO User (id, name, name_key) SELECT n + 1000, n, n FROM Number;
         INSERT INTO Friend SELECT n + 1000, {user} FROM Number;
         INSERT INTO AllGroup (id, groupname, name_key) SELECT n + 1000, n, n FROM Number;
         INSERT INTO GroupUser SELECT n + 1000, n DIV 50 + 1000, 'normal', 0 FROM Number;
         INSERT INTO GroupUser SELECT {group}, n + 1000, 'normal', 0 FROM Number;
         INSERT INTO GroupChange SELECT n + 1000, n DIV 50 + 1000, 0 FROM Number;
         INSERT INTO Conversation SELECT CONCAT('d:', n DIV 50 + 1000, ':', n + 2000), 1, 1, 1,
                                         n DIV 50 + 1000, n + 2000, NULL FROM Number;
         INSERT INTO Conversation SELECT CONCAT('g:', n + 1000), 1, 1, 1, NULL, NULL, n + 1000 FROM Number;
         INSERT INTO Message SELECT CONCAT('g:', n DIV 50 + 1000), n + 1, n DIV 50 + 1000, n, 'client', '', NULL, 1
                               FROM Number;
         INSERT INTO Device SELECT n DIV 5 + 1000, n, 1, 1, 1, 1 FROM Number;
         INSERT INTO DeviceCursor SELECT n DIV 50 + 1000, CONCAT('g:', n + 1000), 'phone', 0 FROM Number;
         INSERT INTO Token SELECT UNHEX(SHA2(n, 256)), n DIV 5 + 1000, n FROM Number;
         ANALYZE TABLE User, Friend, AllGroup, GroupUser, GroupChange, Conversation, Message, Device,
                       DeviceCursor, Token"
    );
    execute(connection, &tables).await;
}
