//! ZooKeeper, spoken to in its own protocol: fields are big-endian, and each text and list begins with its length.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use chat_test_services::{ZooKeeper, eventually};

use crate::{connect, nothing_comes, runs};

const CREATE: i32 = 1;
const EXISTS: i32 = 3;
const NUMBER: i32 = 7;
/// The node is gone, or was never there.
const NO_NODE: i32 = -101;
/// In milliseconds.
const SESSION: i32 = 1_000;

pub(crate) fn killed() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    let (string, address, id) = (zookeeper.connect_string(), zookeeper.address(), zookeeper.id());
    assert_eq!(string, format!("127.0.0.1:{}", address.port()));
    let mut session = open(address);
    assert_eq!(exists(&mut session, "/kept"), NO_NODE);
    assert_eq!(create(&mut session, "/kept", Node::Lasting), 0);
    assert_eq!(zookeeper.nodes_of_sessions().unwrap(), Vec::<String>::new());
    assert_eq!(create(&mut session, "/mine", Node::OfTheSession), 0);
    assert_eq!(zookeeper.nodes_of_sessions().unwrap(), ["/mine"]);
    zookeeper.kill().unwrap();
    assert!(!runs(id));
    assert!(TcpStream::connect(address).is_err());
    zookeeper.restart().unwrap();
    assert_eq!(zookeeper.connect_string(), string);
    assert_ne!(zookeeper.id(), id);
    let mut session = open(address);
    assert_eq!(exists(&mut session, "/kept"), 0);
    // The former session is over once its time has passed without it.
    eventually("its node goes", || {
        (exists(&mut session, "/mine") == NO_NODE).then_some(())
    })
    .unwrap();
    assert_eq!(zookeeper.nodes_of_sessions().unwrap(), Vec::<String>::new());
    assert_eq!(create(&mut session, "/new", Node::Lasting), 0);
}

pub(crate) fn frozen() {
    let mut zookeeper = ZooKeeper::start().unwrap();
    zookeeper.freeze().unwrap();
    let mut connection = connect(zookeeper.address());
    ask_for_a_session(&mut connection);
    nothing_comes(&mut connection);
    zookeeper.thaw();
    assert_eq!(granted(&receive(&mut connection)), SESSION);
    // What is frozen at its end ends as well.
    zookeeper.freeze().unwrap();
    let id = zookeeper.id();
    drop(zookeeper);
    assert!(!runs(id));
}

#[derive(Clone, Copy)]
enum Node {
    Lasting,
    OfTheSession,
}

/// A session that gets the short time-out it asks for.
fn open(address: SocketAddr) -> TcpStream {
    let mut connection = connect(address);
    ask_for_a_session(&mut connection);
    assert_eq!(granted(&receive(&mut connection)), SESSION);
    connection
}

fn ask_for_a_session(connection: &mut TcpStream) {
    // Version 0, nothing seen yet.
    let mut request = vec![0; 12];
    request.extend(SESSION.to_be_bytes());
    // A new session, without a secret.
    request.extend([0; 8]);
    request.extend(16_i32.to_be_bytes());
    request.extend([0; 16]);
    send(connection, &request);
}

/// The time-out, which comes after the version.
fn granted(answer: &[u8]) -> i32 {
    i32::from_be_bytes(answer[4..8].try_into().unwrap())
}

fn create(session: &mut TcpStream, path: &str, node: Node) -> i32 {
    let mut fields = text(path);
    // No data; everybody may do everything.
    fields.extend(0_i32.to_be_bytes());
    fields.extend(1_i32.to_be_bytes());
    fields.extend(0x1f_i32.to_be_bytes());
    fields.extend(text("world"));
    fields.extend(text("anyone"));
    let flags: i32 = match node {
        Node::Lasting => 0,
        Node::OfTheSession => 1,
    };
    fields.extend(flags.to_be_bytes());
    outcome(session, CREATE, &fields)
}

fn exists(session: &mut TcpStream, path: &str) -> i32 {
    let mut fields = text(path);
    // Without a watch.
    fields.push(0);
    outcome(session, EXISTS, &fields)
}

/// 0, or the number of an error.
fn outcome(session: &mut TcpStream, kind: i32, fields: &[u8]) -> i32 {
    let mut request = [NUMBER.to_be_bytes(), kind.to_be_bytes()].concat();
    request.extend(fields);
    send(session, &request);
    let answer = receive(session);
    assert_eq!(answer[..4], NUMBER.to_be_bytes());
    // The number of the last change comes between.
    i32::from_be_bytes(answer[12..16].try_into().unwrap())
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = i32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn send(connection: &mut TcpStream, request: &[u8]) {
    let length = i32::try_from(request.len()).unwrap().to_be_bytes();
    connection.write_all(&[&length, request].concat()).unwrap();
}

fn receive(connection: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 4];
    connection.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    connection.read_exact(&mut answer).unwrap();
    answer
}
