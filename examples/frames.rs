//! Frames in, frames out: the wire protocol over any transport, here none at all.

use chat_core::{Chat, Connection, Next, memory};

/// Passes a request on as a transport would, and waits for the frame of a type.
async fn ask(connection: &mut Connection, request: &str, answer: &str) -> String {
    connection.receive(request.as_bytes());
    loop {
        let mut frames = Vec::new();
        let next = connection.next_frames(&mut frames).await;
        // A transport writes the frames here, and then says so.
        connection.written();
        let mut texts = frames
            .iter()
            .map(|frame| String::from_utf8_lossy(frame).into_owned());
        if let Some(found) = texts.find(|text| text.contains(&format!(r#""type":"{answer}""#))) {
            return found;
        }
        assert_eq!(next, Next::Write, "the connection ended before it answered");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chat = Chat::builder(memory::backends()).start();
    let mut connection = chat.accept(None).map_err(|goodbye| goodbye.message)?;
    let register = r#"{"type":"register","name":"alice","password":"correct horse"}"#;
    let login = r#"{"type":"login","name":"alice","password":"correct horse"}"#;
    let send = r#"{"type":"send","to":{"user":1},"body":"a note to myself"}"#;
    ask(&mut connection, register, "registered").await;
    ask(&mut connection, login, "welcome").await;
    let sent = ask(&mut connection, send, "sent").await;
    assert!(sent.contains(r#""conversation":"d:1:1","seq":1"#));
    drop(connection);
    chat.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
