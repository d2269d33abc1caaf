//! The `send` of one sender, as bytes in which a number and a time are set.

use super::stamp::{LONG, NUMBER_AT, Run, SHORT, Stamp, TIME_AT, write_hex};

/// To whom a sender writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    User(u64),
    Group(u64),
}

/// A frame with its line end, ready but for the message's number and time.
#[derive(Debug)]
pub(super) struct SendFrame {
    line: Vec<u8>,
    reference_at: usize,
    id_at: usize,
    text_at: usize,
}

impl SendFrame {
    /// The frame of a sender. A message's id is that of the run and its number, so that no other run has it.
    pub(super) fn new(run: Run, sender: u32, to: To, size: usize) -> Self {
        let mut line = br#"{"type":"send","ref":""#.to_vec();
        let reference_at = line.len();
        line.extend_from_slice(b"00000000");
        let to = match to {
            To::User(user) => format!(r#"","to":{{"user":{user}}},"id":""#),
            To::Group(group) => format!(r#"","to":{{"group":{group}}},"id":""#),
        };
        line.extend_from_slice(to.as_bytes());
        line.extend_from_slice(&run);
        line.push(b'-');
        let id_at = line.len();
        line.extend_from_slice(br#"00000000","body":""#);
        let text_at = line.len();
        let stamp = Stamp {
            sender,
            number: 0,
            at: 0,
        };
        line.extend_from_slice(&stamp.text(run, size));
        line.extend_from_slice(b"\"}\n");
        Self {
            line,
            reference_at,
            id_at,
            text_at,
        }
    }

    /// Appends the frame of a message.
    #[inline]
    pub(super) fn write(&mut self, number: u32, at: u64, output: &mut Vec<u8>) {
        self.set::<SHORT>(self.reference_at, u64::from(number));
        self.set::<SHORT>(self.id_at, u64::from(number));
        self.set::<SHORT>(self.text_at + NUMBER_AT, u64::from(number));
        self.set::<LONG>(self.text_at + TIME_AT, at);
        output.extend_from_slice(&self.line);
    }

    #[inline]
    fn set<const DIGITS: usize>(&mut self, place: usize, value: u64) {
        if let Some(digits) = self.line.get_mut(place..place + DIGITS) {
            write_hex(value, digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::protocol::{ClientFrame, Request};

    use super::*;

    #[test]
    fn each_frame_is_a_send_with_its_number_and_time() {
        let run = *b"0badcafe";
        let mut frame = SendFrame::new(run, 7, To::Group(3), 100);
        let mut output = Vec::new();
        for number in [0, 0x12_3456] {
            output.clear();
            frame.write(number, 99, &mut output);
            let line = output.strip_suffix(b"\n").unwrap();
            let decoded = ClientFrame::decode(line).unwrap();
            let Request::Send(message) = decoded.request else {
                panic!("no send");
            };
            let stamp = Stamp {
                sender: 7,
                number,
                at: 99,
            };
            assert_eq!(Stamp::read(run, message.body.as_str().as_bytes()), Some(stamp));
            assert_eq!(message.body.as_str().len(), 100);
            assert_eq!(message.id.unwrap().as_str(), format!("0badcafe-{number:08x}"));
        }
    }
}
