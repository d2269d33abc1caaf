use chat_core::protocol::Goodbye;

use super::*;

const MAX: usize = 200;

/// What a client sends, masked by a key that changes every byte.
fn from_client(first: u8, content: &[u8]) -> Vec<u8> {
    let key = [1_u8, 2, 3, 4];
    let mut bytes = vec![first];
    match content.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
    }
    bytes.extend(key);
    bytes.extend(
        content
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

const TEXT: u8 = 0x81;
const TEXT_BEGINS: u8 = 0x01;
const GOES_ON: u8 = 0x00;
const ENDS: u8 = 0x80;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

fn after(bytes: &[u8]) -> Messages {
    let mut messages = Messages::new(MAX);
    messages.extend(bytes);
    messages
}

#[test]
fn messages_may_come_byte_by_byte_and_in_parts() {
    let bytes = [
        from_client(TEXT, b"one"),
        from_client(TEXT_BEGINS, b"t"),
        from_client(GOES_ON, b"w"),
        from_client(PONG, b"between"),
        from_client(ENDS, b"o"),
        from_client(TEXT, &[b'x'; MAX]),
    ]
    .concat();
    for size in [1, 2, 7, bytes.len()] {
        let mut messages = Messages::new(MAX);
        let mut texts = Vec::new();
        for piece in bytes.chunks(size) {
            messages.extend(piece);
            while let Some(text) = messages.next().unwrap() {
                texts.push(text);
            }
        }
        assert_eq!(texts, [&b"one"[..], b"two", &[b'x'; MAX]], "by {size}");
        assert!(messages.pipe.input.capacity() == 0, "what was read is kept");
    }
}

#[test]
fn nothing_holds_the_memory_of_a_long_message_once_it_was_taken() {
    let mut messages = Messages::new(65_536);
    for piece in from_client(TEXT, &[b'x'; 60_000]).chunks(16_384) {
        assert_eq!(messages.next(), Ok(None));
        messages.extend(piece);
    }
    let taken = messages.next().unwrap().unwrap();
    assert!(taken.len() == 60_000 && taken.is_unique(), "room for it is kept");
    messages.extend(&from_client(TEXT, b"next"));
    assert_eq!(messages.next(), Ok(Some("next".into())));
}

#[test]
fn what_comes_in_one_piece_with_a_long_message_is_not_thrown_away_with_its_memory() {
    let bytes = [
        from_client(TEXT, &[b'x'; 600]),
        from_client(TEXT, b"next"),
        from_client(TEXT_BEGINS, b"in "),
        from_client(ENDS, &[b'y'; 600]),
        from_client(TEXT, b"last"),
    ];
    let mut messages = Messages::new(65_536);
    messages.extend(&bytes.concat());
    let lengths = [600, 4, 603, 4].map(|_| messages.next().unwrap().map(|text| text.len()));
    assert_eq!(lengths, [600, 4, 603, 4].map(Some));
}

#[test]
fn a_message_that_is_too_long_is_found_by_its_header_and_by_its_parts() {
    let whole = from_client(TEXT, &[b'x'; MAX + 1]);
    assert_eq!(after(&whole[..8]).next(), Err(Unreadable::TooLarge));
    let parts = [from_client(TEXT_BEGINS, &[b'x'; MAX]), from_client(ENDS, b"x")];
    assert_eq!(after(&parts.concat()).next(), Err(Unreadable::TooLarge));
}

#[test]
fn of_many_pings_the_last_is_answered() {
    let mut messages = after(&[from_client(PING, b"1"), from_client(PING, b"2")].concat());
    assert_eq!(messages.next(), Ok(None));
    assert_eq!(messages.reply(), b"\x8A\x012");
    messages.reply_taken();
    assert!(messages.reply().is_empty());
}

/// The number and the reason with which the server closes after this.
fn closing(bytes: &[u8], goodbye: Option<&Goodbye>) -> (u16, String) {
    let mut messages = after(bytes);
    while let Ok(Some(_)) = messages.next() {}
    let close = messages.close(goodbye);
    assert_eq!((close[0], usize::from(close[1])), (CLOSE, close.len() - 2));
    let reason = String::from_utf8(close[4..].to_vec()).unwrap();
    (u16::from_be_bytes([close[2], close[3]]), reason)
}

#[test]
fn the_closing_says_what_was_wrong() {
    let unmasked = b"\x81\x01x".to_vec();
    let reserved = from_client(0xC1, b"x");
    let unknown = from_client(0x83, b"x");
    let long_ping = from_client(PING, &[b'x'; 126]);
    let orphan = from_client(ENDS, b"x");
    for (sent, code, reason) in [
        (from_client(BINARY, b"{}"), 1_003, "only text messages are taken"),
        (from_client(TEXT, b"\xff"), 1_007, "a text message was not UTF-8"),
        (unmasked, 1_002, "this is not the WebSocket protocol"),
        (reserved, 1_002, "this is not the WebSocket protocol"),
        (unknown, 1_002, "this is not the WebSocket protocol"),
        (long_ping, 1_002, "this is not the WebSocket protocol"),
        (orphan, 1_002, "this is not the WebSocket protocol"),
    ] {
        assert_eq!(after(&sent).next(), Err(Unreadable::Over), "{sent:?}");
        assert_eq!(closing(&sent, None), (code, reason.to_owned()), "{sent:?}");
    }
}

#[test]
fn a_client_that_closes_is_answered_with_its_own_reason() {
    let close = from_client(CLOSE, b"\x0f\xa0bye");
    assert_eq!(after(&close).next(), Err(Unreadable::Over));
    assert_eq!(closing(&close, None), (4_000, "bye".to_owned()));
    // Also where the answer to a ping waits.
    let both = [from_client(PING, b"1"), close].concat();
    assert_eq!(closing(&both, None), (4_000, "bye".to_owned()));
}

#[test]
fn the_number_of_a_goodbye_tells_why_and_its_code_is_the_reason() {
    for (code, number) in [
        (GoodbyeCode::FrameTooLarge, 1_009),
        (GoodbyeCode::ServerDraining, 1_001),
        (GoodbyeCode::TooManyConnections, 1_013),
        (GoodbyeCode::Replaced, 1_008),
        (GoodbyeCode::IdleTimeout, 1_008),
    ] {
        let goodbye = Goodbye::new(code, None);
        let expected = (number, code.as_str().to_owned());
        assert_eq!(closing(&from_client(PING, b"1"), Some(&goodbye)), expected);
    }
    assert_eq!(closing(&[], None), (1_000, String::new()));
}

#[test]
fn packed_messages_have_the_lengths_of_all_three_forms() {
    for length in [0_usize, 125, 126, 65_535, 65_536] {
        let (content, mut bytes) = (vec![b'x'; length], Vec::new());
        pack_text(&content, &mut bytes);
        let expected: Vec<u8> = match length {
            0..126 => vec![TEXT, length as u8],
            126..65_536 => [&[TEXT, 126][..], &(length as u16).to_be_bytes()].concat(),
            _ => [&[TEXT, 127][..], &(length as u64).to_be_bytes()].concat(),
        };
        assert_eq!(bytes[..bytes.len() - length], expected);
        assert!(bytes.ends_with(&content) && expected.len() <= HEADER_BYTES);
    }
    assert_eq!(ping(), [PING, 0]);
}
