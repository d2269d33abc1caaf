//! Databases with one thing about them each.

use std::sync::atomic::{AtomicU32, Ordering};

use chat_adapters::sqlite::SqliteStore;
use chat_core::Timestamp;
use chat_core::ports::{
    CreateUser, DeviceStore as _, GroupStore as _, MessageStore as _, NewMessage, NewUser, UserStore as _,
};
use chat_core::types::{ConversationId, Device, GroupId, Message, MessageId, MessageIdOrigin, Seq, UserId};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::original::{Original, direct, to_group};
use crate::support::{Ended, run};

/// A store that imports are made into, and looked at through its ports.
struct Target {
    directory: TempDir,
    runtime: Runtime,
    devices: AtomicU32,
}

impl Target {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            runtime: Runtime::new().unwrap(),
            devices: AtomicU32::new(0),
        }
    }

    fn import(&self, original: &Original, more: &[&str]) -> Ended {
        let store = format!("sqlite:{}", self.directory.path().join("chat.db").display());
        let from = original.url();
        let mut arguments = vec!["import", "--store", &store, "--from", &from];
        arguments.extend(more);
        // Times without a zone are read in this one.
        run(&arguments, &[("TZ", "Asia/Shanghai")])
    }

    /// Does something with the store.
    fn store<T>(&self, work: impl AsyncFnOnce(&SqliteStore) -> T) -> T {
        self.runtime.block_on(async {
            let store = SqliteStore::open(self.directory.path().join("chat.db"))
                .await
                .unwrap();
            let result = work(&store).await;
            store.close().await;
            result
        })
    }

    fn messages(&self, conversation: &str) -> Vec<Message> {
        let conversation = ConversationId::parse(conversation).unwrap();
        self.store(async |store| store.read_after(conversation, Seq::ZERO, 1_000).await.unwrap())
    }

    fn texts(&self, conversation: &str) -> Vec<String> {
        let messages = self.messages(conversation).into_iter();
        messages.map(|message| message.body.as_str().to_owned()).collect()
    }

    fn new_device(&self) -> Device {
        let number = self.devices.fetch_add(1, Ordering::Relaxed);
        Device::parse(&format!("new-{number}")).unwrap()
    }

    /// From where a device that was never seen is sent a conversation.
    fn start(&self, id: u64, conversation: &str) -> u64 {
        let (device, conversation) = (self.new_device(), ConversationId::parse(conversation).unwrap());
        self.store(async |store| {
            store
                .open_device(user(id), &device, Timestamp::default(), 100)
                .await
                .unwrap();
            let position = store.position(user(id), &device, conversation).await.unwrap();
            position.unwrap().acked_seq.get()
        })
    }
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn message(from: u64, to: u64, id: &str) -> NewMessage {
    NewMessage {
        conversation: ConversationId::direct(user(from), user(to)),
        sender: user(from),
        id: MessageId::parse(id).unwrap(),
        id_origin: MessageIdOrigin::Client,
        body: id.parse().unwrap(),
        data: None,
        at: Timestamp::default(),
        policy: Default::default(),
    }
}

const TWO_USERS: &str =
    "INSERT INTO User VALUES (1, 'alice', 'password1', 'offline'), (2, 'bob', 'password2', 'offline')";

pub(crate) fn a_sound_database_is_taken_over_without_a_word() {
    let original = Original::new();
    original.execute(TWO_USERS);
    original.execute(
        "INSERT INTO Friend VALUES (1, 2);
         INSERT INTO AllGroup VALUES (7, 'group', 'description');
         INSERT INTO GroupUser VALUES (7, 2, 'normal'), (7, 1, 'creator')",
    );
    original.wait(&[(2, &direct(1, 2, "hello"))]);
    let target = Target::new();
    for _ in 0..2 {
        let ended = target.import(&original, &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let progress = ended.stderr.lines().collect::<Vec<_>>();
        assert_eq!(
            progress,
            [
                "User: 2 rows",
                "Friend: 1 rows",
                "AllGroup: 1 rows",
                "GroupUser: 2 rows",
                "OfflineMessage: 1 rows",
                "positions: 2 rows"
            ]
        );
        assert_eq!(ended.stdout.lines().count(), 6, "{}", ended.stdout);
    }
    let messages = target.messages("d:1:2");
    assert_eq!(messages.len(), 1);
    // 2020-02-22 00:08:56 at eight hours east, counted from the epoch: 18,314 days and 536 seconds less 8 hours.
    let at = (18_314 * 86_400 + 536 - 8 * 3_600) * 1_000;
    assert_eq!(messages[0].at, Timestamp::from_millis(at));
    let group = target.store(async |store| store.group(GroupId::new(7).unwrap()).await.unwrap().unwrap());
    assert_eq!((group.name.as_str(), group.members), ("group", 2));
}

pub(crate) fn texts_come_back_from_other_character_sets() {
    let lower = |name: &str| name.to_lowercase();
    for (character_set, names, charset) in [
        ("CHARACTER SET utf8mb4", "utf8mb4", "utf8"),
        ("CHARACTER SET utf8mb3", "utf8mb4", "utf8"),
        ("CHARACTER SET gbk", "utf8mb4", "utf8"),
        // The program took its clients' UTF-8 for something else, in tables of either kind. Only texts
        // whose bytes are such, here of an even number, were kept.
        ("CHARACTER SET utf8mb4", "gbk", "gbk"),
        ("CHARACTER SET gbk", "gbk", "gbk"),
        ("CHARACTER SET latin1", "latin1", "latin1"),
        ("CHARACTER SET utf8mb4", "latin1", "latin1"),
    ] {
        let original = Original::with(character_set, lower);
        original.execute(&format!(
            "SET NAMES {names};
             INSERT INTO user VALUES (1, '张三', '密码密码', 'offline'), (2, '李四', 'password2', 'offline');
             INSERT INTO offlinemessage VALUES (2, '{}');",
            direct(1, 2, "你好世界"),
        ));
        let target = Target::new();
        let ended = target.import(&original, &["--charset", charset]);
        assert_eq!(ended.code, Some(0), "{character_set} {names}: {}", ended.stderr);
        assert_eq!(target.texts("d:1:2"), ["你好世界"], "{character_set} {names}");
        let users = target.store(async |store| store.users(&[user(1), user(2)]).await.unwrap());
        let users: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(users, ["张三", "李四"], "{character_set} {names}");
    }
    let original = Original::new();
    assert_eq!(
        Target::new().import(&original, &["--charset", "klingon"]).code,
        Some(2)
    );
}

pub(crate) fn what_is_added_later_is_taken_over_and_no_position_jumps() {
    let original = Original::new();
    original.execute(TWO_USERS);
    original.wait(&[(2, &direct(1, 2, "one")), (2, &direct(1, 2, "two"))]);
    let target = Target::new();
    assert_eq!(target.import(&original, &[]).code, Some(0));
    assert_eq!(target.start(1, "d:1:2"), 2, "a sender starts at the end");

    // The new system is in use, and so is the original still.
    target.store(async |store| {
        let answer = message(2, 1, "answer");
        store.append(&[answer]).await.unwrap();
    });
    original.execute(
        "INSERT INTO User VALUES (3, 'carol', 'password3', 'offline'); INSERT INTO Friend VALUES (3, 1);
         INSERT INTO AllGroup VALUES (7, 'group', ''); INSERT INTO GroupUser VALUES (7, 3, 'creator'), (7, 1, 'normal')",
    );
    original.wait(&[
        (2, &direct(1, 2, "three")),
        (1, &direct(3, 1, "four")),
        (1, &to_group(3, 7, "five")),
    ]);
    for _ in 0..2 {
        let ended = target.import(&original, &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(target.texts("d:1:2"), ["one", "two", "answer", "three"]);
        assert_eq!(target.texts("d:1:3"), ["four"]);
        assert_eq!(target.texts("g:7"), ["five"]);
        assert_eq!(target.start(1, "d:1:2"), 2, "the answer is not passed over");
        assert_eq!(target.start(2, "d:1:2"), 0, "all of it waits");
        assert_eq!(target.start(1, "g:7"), 0);
        assert_eq!(target.start(3, "g:7"), 1);
    }
}

pub(crate) fn a_store_with_users_of_its_own_keeps_them_apart() {
    let original = Original::new();
    original.execute(TWO_USERS);
    original.execute(
        "INSERT INTO Friend VALUES (1, 2);
         INSERT INTO AllGroup VALUES (1, 'group', ''); INSERT INTO GroupUser VALUES (1, 1, 'creator'), (1, 2, 'normal')",
    );
    original.wait(&[(1, &direct(2, 1, "to another alice"))]);
    let target = Target::new();
    target.store(async |store| {
        let own = NewUser {
            id: None,
            name: "somebody else".parse().unwrap(),
            password: None,
        };
        assert!(matches!(
            store.create_user(&own).await.unwrap(),
            CreateUser::Created(_)
        ));
    });
    let ended = target.import(&original, &[]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    for line in [
        "skipped User 1: the store has another user with this id",
        "skipped Friend 1 2: one of the two users was not taken over",
        "changed AllGroup 1: it had no creator; its member 2 is it now",
        "skipped GroupUser 1 1: the group or the user was not taken over",
        "skipped OfflineMessage row 1 for user 1: its sender or receiver was not taken over",
    ] {
        assert!(ended.stderr.contains(line), "{line}: {}", ended.stderr);
    }
    assert_eq!(target.texts("d:1:2"), Vec::<String>::new());
}
