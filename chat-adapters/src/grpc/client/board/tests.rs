use chat_core::types::NodeId;
use tokio::time::timeout;
use tonic::transport::Endpoint;

use super::*;

fn peer(name: &str) -> Peer {
    Peer {
        node: NodeId::parse(name).unwrap(),
        address: format!("{name}:1"),
    }
}

fn connection(number: u64) -> Connection {
    Connection {
        number,
        channel: Endpoint::from_static("http://nowhere:1").connect_lazy(),
        lost: CancellationToken::new(),
    }
}

/// Backends of these names, none of them connected.
fn board(names: &[&str]) -> Board {
    let board = Board::new(fastrand::Rng::with_seed(1));
    for name in names {
        board.add(Arc::new(peer(name)));
    }
    board
}

/// How many of a hundred calls go to which backend; a call takes a millisecond.
async fn hundred(board: &Board) -> std::collections::BTreeMap<String, usize> {
    let mut calls = std::collections::BTreeMap::new();
    for _ in 0..100 {
        let chosen = board.next(None).await;
        *calls.entry(chosen.peer.node.to_string()).or_default() += 1;
        let call = chosen.load.begin();
        tokio::time::advance(Duration::from_millis(1)).await;
        call.answered();
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn calls_go_to_those_that_serve_and_come_back_to_one_that_returns() {
    let board = board(&["one", "two", "three"]);
    board.set(&peer("one"), State::Serving(connection(1)));
    board.set(&peer("two"), State::Serving(connection(2)));
    board.set(&peer("three"), State::NotServing(connection(3)));
    let calls = hundred(&board).await;
    assert!(calls["one"] > 20 && calls["two"] > 20, "{calls:?}");
    assert!(!calls.contains_key("three"), "{calls:?}");
    board.set(&peer("one"), State::Away);
    let calls = hundred(&board).await;
    assert_eq!(calls["two"], 100);
    board.set(&peer("one"), State::Serving(connection(4)));
    let calls = hundred(&board).await;
    assert!(calls["one"] > 20 && calls["two"] > 20, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn where_none_serves_one_that_is_connected_is_called() {
    let board = board(&["one", "two"]);
    board.set(&peer("two"), State::NotServing(connection(1)));
    assert_eq!(hundred(&board).await["two"], 100);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_backend_to_come() {
    let board = Arc::new(board(&["one"]));
    let waiting = timeout(Duration::from_secs(60), board.next(None)).await;
    assert!(waiting.is_err(), "{waiting:?}");
    let comes = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        board.set(&peer("one"), State::Serving(connection(1)));
    };
    let (chosen, ()) = tokio::join!(board.next(None), comes);
    assert_eq!(chosen.connection.number, 1);
}

#[tokio::test(start_paused = true)]
async fn the_one_that_failed_is_taken_again_only_where_there_is_no_other() {
    let board = board(&["one", "two"]);
    board.set(&peer("one"), State::Serving(connection(1)));
    board.set(&peer("two"), State::NotServing(connection(2)));
    for _ in 0..20 {
        assert_eq!(board.next(Some(1)).await.connection.number, 2);
    }
    board.remove(&peer("two"));
    let before = Instant::now();
    assert_eq!(board.next(Some(1)).await.connection.number, 1);
    assert_eq!(before.elapsed(), FOR_ANOTHER);
    board.set(&peer("one"), State::Serving(connection(3)));
    let before = Instant::now();
    assert_eq!(board.next(Some(1)).await.connection.number, 3);
    assert!(before.elapsed().is_zero(), "another connection is another chance");
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_connection_showed_is_forgotten() {
    let board = board(&["one", "two"]);
    board.set(&peer("one"), State::Serving(connection(1)));
    let call = board.next(None).await.load.begin();
    tokio::time::advance(Duration::from_secs(4)).await;
    call.failed();
    board.set(&peer("one"), State::Away);
    board.set(&peer("one"), State::Serving(connection(2)));
    let chosen = board.next(None).await;
    assert_eq!(chosen.load.cost(), 0.0);
}
