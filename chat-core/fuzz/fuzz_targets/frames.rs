//! Any bytes, in any pieces: the decoder gives frames within its limit or refuses, a frame is read
//! or refused, and what was read is written and read back the same.
#![no_main]

use chat_core::protocol::{ClientFrame, LineDecoder, ServerFrame};
use libfuzzer_sys::fuzz_target;

const MAX_FRAME: usize = 1_024;

fuzz_target!(|input: &[u8]| {
    let mut decoder = LineDecoder::new(MAX_FRAME);
    for piece in input.chunks(7) {
        decoder.extend(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => read(&frame),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});

fn read(frame: &[u8]) {
    assert!(frame.len() <= MAX_FRAME);
    if let Ok(request) = ClientFrame::decode(frame) {
        let written = request.encode().expect("a request is written");
        let again = ClientFrame::decode(written.as_bytes()).expect("what was written is read");
        assert_eq!(again.encode().expect("a request is written"), written);
    }
    if let Ok(answer) = ServerFrame::decode(frame) {
        let written = answer.encode().expect("an answer is written");
        assert_eq!(ServerFrame::decode(&written).expect("what was written is read"), answer);
    }
}
