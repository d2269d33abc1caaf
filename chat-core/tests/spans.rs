//! Each request is a span, with ids, types and codes, and with nothing that a client wrote.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use chat_core::{Chat, Connection, REQUEST_TARGET, memory};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// What every text of a client holds here.
const MARK: &str = "zebra";

/// Spans in the order in which they began.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    places: HashMap<u64, usize>,
    spans: Vec<Span>,
}

#[derive(Clone, Debug, Default)]
struct Span {
    name: &'static str,
    parent: Option<&'static str>,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}").trim_matches('"').to_owned();
        self.fields.insert(field.name(), text);
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target() != REQUEST_TARGET {
            return;
        }
        let span = context.span(id).unwrap();
        let mut new = Span {
            name: attributes.metadata().name(),
            parent: span.parent().map(|parent| parent.name()),
            ..Span::default()
        };
        attributes.record(&mut new);
        let mut state = self.0.lock().unwrap();
        let place = state.spans.len();
        state.places.insert(id.into_u64(), place);
        state.spans.push(new);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut state = self.0.lock().unwrap();
        if let Some(&place) = state.places.get(&id.into_u64()) {
            values.record(&mut state.spans[place]);
        }
    }
}

async fn ask(connection: &mut Connection, request: &str) {
    connection.receive(request.as_bytes());
    let mut frames = Vec::new();
    while frames.is_empty() {
        connection.next_frames(&mut frames).await;
    }
    connection.written();
}

#[tokio::test]
async fn a_request_is_a_span_with_its_outcome_and_its_calls_and_without_a_clients_text() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(spans.clone()));
    let chat = Chat::builder(memory::backends()).start();
    let mut connection = chat.accept(None).unwrap();
    let account = format!(r#""name":"{MARK}","password":"{MARK} {MARK}""#);
    for request in [
        format!(r#"{{"type":"register","ref":"{MARK}",{account}}}"#),
        format!(r#"{{"type":"login","ref":"{MARK}",{account}}}"#),
        format!(r#"{{"type":"send","ref":"{MARK}","to":{{"user":1}},"body":"{MARK}","id":"{MARK}"}}"#),
        format!(r#"{{"type":"find_user","ref":"{MARK}","name":"no {MARK}"}}"#),
    ] {
        ask(&mut connection, &request).await;
    }
    chat.shutdown().await;

    let spans = spans.0.lock().unwrap().spans.clone();
    let request = |kind: &str| {
        let mut requests = spans.iter().filter(|span| span.name == "request");
        requests.find(|span| span.fields["request"] == kind).unwrap()
    };
    for (kind, outcome) in [
        ("register", "ok"),
        ("login", "ok"),
        ("send", "ok"),
        ("find_user", "not_found"),
    ] {
        assert_eq!(request(kind).fields["outcome"], outcome, "{kind}");
    }
    assert_eq!(request("login").fields["user"], "1");
    assert_eq!(request("send").fields["user"], "1");
    assert_eq!(request("send").fields["session"], "1");
    assert!(!request("register").fields.contains_key("user"));
    let calls = |parent, call| {
        let mut stores = spans
            .iter()
            .filter(|span| span.name == "store" && span.parent == Some(parent));
        stores.any(|span| span.fields["call"] == call)
    };
    assert!(calls("request", "read") && calls("request", "write"), "{spans:?}");
    assert!(calls("batch", "append"), "{spans:?}");
    let batch = spans.iter().find(|span| span.name == "batch").unwrap();
    assert_eq!((batch.parent, batch.fields["messages"].as_str()), (None, "1"));
    assert!(!format!("{spans:?}").contains(MARK), "{spans:?}");
}
