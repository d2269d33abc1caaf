//! Text of every kind comes back byte for byte, and is never a statement.

use chat_core::Timestamp;
use chat_core::ports::{
    CreateGroup, DeviceStore, GroupStore, MessageStore, NewGroup, UserSelector, UserStore,
};
use chat_core::types::{Data, PasswordHash, Seq};

use crate::harness::Setting;
use crate::scene::{message, new_user, open, users};

/// Texts that could be changed or taken for something else on their way.
const TEXTS: [&str; 18] = [
    "it's",
    "\"quoted\"",
    "back\\slash",
    "trailing backslash\\",
    "'; DROP TABLE User; -- ",
    "' OR '1'='1",
    "\"; DELETE FROM Message; #",
    "/*!50000 SELECT 1 */",
    "1); DROP DATABASE chat; --",
    "%_?$1:name @x `tick`",
    "你好，世界。簡體與繁體",
    "Ä ä ß ñ é and e\u{301}",
    "🦀 👩‍👩‍👧 𝕳𝖊𝖑𝖑𝖔 \u{10fffd}",
    "שלום مرحبا",
    "MiXeD cAsE",
    "null",
    "0x41",
    "NULL\u{a0}byte \u{fffd}",
];

pub(crate) async fn names_and_descriptions_come_back_byte_for_byte(setting: Setting) {
    let store = open(&setting.database).await;
    for (place, text) in TEXTS.iter().enumerate() {
        let text = text.trim();
        let mut new = new_user(text);
        let hash = format!("$argon2id$v=19${place}${text}");
        new.password = Some(PasswordHash::new(hash.clone()));
        store.create_user(&new).await.unwrap();
        let selector = UserSelector::Name(text.parse().unwrap());
        let found = store.credentials(&selector).await.unwrap().unwrap();
        assert_eq!(found.user.name.as_str(), text);
        assert_eq!(found.password.unwrap().as_str(), hash);
        let creator = found.user.id;
        let description = format!("{text}\n\t\u{1}\u{7f} {text} ");
        let new = NewGroup {
            id: None,
            name: text.parse().unwrap(),
            description: description.parse().unwrap(),
            creator,
        };
        let CreateGroup::Created(made) = store.create_group(&new, 10).await.unwrap() else {
            panic!("{text}");
        };
        let group = store.group(made.group.id).await.unwrap().unwrap();
        assert_eq!(
            (group.name.as_str(), group.description.as_str()),
            (text, &*description)
        );
        assert_eq!(store.memberships(creator).await.unwrap(), [made]);
    }
    let longest: String = "𝕳".repeat(50);
    let made = store.create_user(&new_user(&longest)).await.unwrap();
    assert!(format!("{made:?}").contains("Created"), "{made:?}");
    // The longest key that a name can have.
    let widest = "\u{fdfa}".repeat(50);
    let made = store.create_user(&new_user(&widest)).await.unwrap();
    assert!(format!("{made:?}").contains("Created"), "{made:?}");
}

pub(crate) async fn bodies_and_data_come_back_byte_for_byte(setting: Setting) {
    let store = open(&setting.database).await;
    let ids = users(&store, 2).await;
    let mut bodies: Vec<String> = TEXTS.map(str::to_owned).into();
    bodies.extend([
        "a\0b\r\n\t\u{8}\u{1a}".to_owned(),
        " ".to_owned(),
        "a ".to_owned(),
    ]);
    bodies.extend(["x".repeat(8_192), "🦀".repeat(2_048)]);
    let data = |place: usize| {
        let text = serde_json::to_string(bodies[place].get(..100).unwrap_or(&bodies[place])).unwrap();
        format!("{{ \"b\" : 1.50,  \"a\":{text} ,\"a\":1e2}}")
    };
    let batch: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(place, body)| {
            let mut new = message(ids[0], ids[1], &format!("m-{place}"), body);
            new.data = Some(Data::parse(&data(place)).unwrap());
            new
        })
        .collect();
    store.append(&batch).await.unwrap();
    let stored = store
        .read_after(batch[0].conversation, Seq::ZERO, 100)
        .await
        .unwrap();
    assert_eq!(stored.len(), bodies.len());
    for (place, message) in stored.iter().enumerate() {
        assert_eq!(message.body.as_str(), bodies[place]);
        assert_eq!(message.data.as_ref().unwrap().as_str(), data(place));
    }
    let device = "A.b-C_9".parse().unwrap();
    store
        .open_device(ids[1], &device, Timestamp::default(), 5)
        .await
        .unwrap();
    let heads = store.heads(ids[1], &device, 5).await.unwrap();
    assert_eq!(heads[0].last_message, *stored.last().unwrap());
}
