//! Kafka, spoken to in its own protocol: fields are big-endian, and each text and list begins with its length.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use chat_test_services::Kafka;

use crate::{connect, nothing_comes, runs};

const METADATA: (i16, i16) = (3, 1);
const CREATE_TOPICS: (i16, i16) = (19, 2);
const NUMBER: i32 = 7;

pub(crate) fn killed() {
    let mut kafka = Kafka::start().unwrap();
    let (bootstrap, address, id) = (kafka.bootstrap(), kafka.address(), kafka.id());
    assert_eq!(bootstrap, format!("127.0.0.1:{}", address.port()));
    assert!(!has_topic(address, "kept"));
    create_topic(address, "kept");
    assert!(has_topic(address, "kept"));
    kafka.kill().unwrap();
    assert!(!runs(id));
    assert!(TcpStream::connect(address).is_err());
    kafka.restart().unwrap();
    assert_eq!(kafka.bootstrap(), bootstrap);
    assert_ne!(kafka.id(), id);
    assert!(has_topic(address, "kept"));
    // It serves, and does not only remember.
    create_topic(address, "new");
}

pub(crate) fn frozen() {
    let mut kafka = Kafka::start().unwrap();
    kafka.freeze().unwrap();
    let mut connection = connect(kafka.address());
    send(&mut connection, METADATA, &all_topics());
    nothing_comes(&mut connection);
    kafka.thaw();
    receive(&mut connection);
    // What is frozen at its end ends as well.
    kafka.freeze().unwrap();
    let id = kafka.id();
    drop(kafka);
    assert!(!runs(id));
}

fn all_topics() -> Vec<u8> {
    (-1_i32).to_be_bytes().to_vec()
}

fn has_topic(address: SocketAddr, name: &str) -> bool {
    let mut connection = connect(address);
    send(&mut connection, METADATA, &all_topics());
    let answer = receive(&mut connection);
    let name = text(name);
    answer.windows(name.len()).any(|part| part == name)
}

/// One topic of one partition.
fn create_topic(address: SocketAddr, name: &str) {
    let mut request = 1_i32.to_be_bytes().to_vec();
    request.extend(text(name));
    request.extend(1_i32.to_be_bytes());
    request.extend(1_i16.to_be_bytes());
    // No places and no settings of its own; half a minute; not only looked at.
    request.extend([0; 8]);
    request.extend(30_000_i32.to_be_bytes());
    request.push(0);
    let mut connection = connect(address);
    send(&mut connection, CREATE_TOPICS, &request);
    let answer = receive(&mut connection);
    // How long it was held back, and one topic, its name, and no error.
    let mut expected = vec![0; 4];
    expected.extend(1_i32.to_be_bytes());
    expected.extend(text(name));
    expected.extend(0_i16.to_be_bytes());
    assert_eq!(
        answer.get(..expected.len()),
        Some(expected.as_slice()),
        "{answer:?}"
    );
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = i16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn send(connection: &mut TcpStream, (kind, version): (i16, i16), body: &[u8]) {
    let mut request = [kind.to_be_bytes(), version.to_be_bytes()].concat();
    request.extend(NUMBER.to_be_bytes());
    // A client without a name.
    request.extend((-1_i16).to_be_bytes());
    request.extend(body);
    let length = i32::try_from(request.len()).unwrap().to_be_bytes();
    connection
        .write_all(&[&length, request.as_slice()].concat())
        .unwrap();
}

/// The body of the answer.
fn receive(connection: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 4];
    connection.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    connection.read_exact(&mut answer).unwrap();
    let body = answer.split_off(4);
    assert_eq!(answer, NUMBER.to_be_bytes());
    body
}
