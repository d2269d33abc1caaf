//! What a backend tells of itself, when calls are given up, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use chat_core::faulty::{Fault, Faults, Faulty};
use chat_core::memory::MemoryStore;
use chat_core::ports::{NewUser, Stores, UserStore as _};
use chat_core::types::UserName;
use chat_core::{ManualClock, Timestamp};
use tokio::sync::watch;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::backend::{Backend, Hanging, Lines, look_up, memory, raw_look_up, reason, within};
use crate::proto;
use crate::proto::friend_service_client::FriendServiceClient;
use crate::proto::user_service_client::UserServiceClient;

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn health_follows_what_the_backend_says_and_ends_with_it() {
    let serving = watch::Sender::new(false);
    let backend = Backend::start_with(memory(), |serve| serve.serving(serving.subscribe())).await;
    let mut health = HealthClient::new(backend.channel().await);
    for service in ["", "chat.backend.v1.MessageService"] {
        let answer = within(health.check(of(service))).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::NotServing);
    }
    assert_eq!(
        within(health.check(of("chat"))).await.unwrap_err().code(),
        Code::NotFound
    );
    let mut told = within(health.watch(of(""))).await.unwrap().into_inner();
    let mut next = async || {
        within(told.message())
            .await
            .unwrap()
            .map(|answer| answer.status())
    };
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    serving.send_replace(true);
    assert_eq!(next().await, Some(ServingStatus::Serving));
    serving.send_replace(false);
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    serving.send_replace(true);
    assert_eq!(next().await, Some(ServingStatus::Serving));
    backend.stop.cancel();
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    assert_eq!(next().await, None);
    within(backend.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn reflection_tells_every_service() {
    let backend = Backend::start().await;
    let mut reflection = ServerReflectionClient::new(backend.channel().await);
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let questions = futures_util::stream::iter([question]);
    let mut answers = within(reflection.server_reflection_info(questions))
        .await
        .unwrap()
        .into_inner();
    let answer = within(answers.message()).await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    let expected = ["Device", "Friend", "Group", "Message", "Token", "User"]
        .map(|name| format!("chat.backend.v1.{name}Service"));
    let of_others = names.split_off(expected.len());
    assert_eq!(names, expected);
    assert_eq!(
        of_others,
        ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
    );
    drop(answers);
    backend.end().await;
}

#[tokio::test]
async fn a_call_under_way_is_answered_and_a_new_one_is_not_taken_at_the_end() {
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(stores, |serve| serve).await;
    let channel = backend.channel().await;
    let under_way = look_up(&channel);
    within(hanging.begun.acquire()).await.unwrap().forget();
    backend.stop.cancel();
    // The backend has said goodbye as soon as a call fails; it may take some before.
    let refused = within(async {
        loop {
            let mut users = UserServiceClient::new(channel.clone());
            if let Err(status) = users.users(proto::UsersRequest { ids: vec![] }).await {
                break status;
            }
        }
    });
    let refused = refused.await;
    assert!(!under_way.is_finished());
    let source = std::error::Error::source(&refused)
        .map(chat_core::chain)
        .unwrap_or_default();
    assert!(
        source.contains("canceled")
            || source.contains("refused")
            || source.contains("GO_AWAY")
            || source.contains("NO_ERROR"),
        "{refused:?}"
    );
    hanging.go.cancel();
    within(under_way).await.unwrap().unwrap();
    within(backend.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_that_do_not_end_are_cut_off_at_the_end() {
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(stores, |serve| serve.drain(Duration::from_millis(50))).await;
    let under_way = look_up(&backend.channel().await);
    within(hanging.begun.acquire()).await.unwrap().forget();
    backend.end().await;
    assert_eq!(hanging.dropped.available_permits(), 1);
    assert!(within(under_way).await.unwrap().is_err());
}

#[tokio::test]
async fn dropping_the_server_ends_its_calls() {
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(stores, |serve| serve).await;
    let under_way = look_up(&backend.channel().await);
    within(hanging.begun.acquire()).await.unwrap().forget();
    backend.serving.abort();
    within(hanging.dropped.acquire()).await.unwrap().forget();
    assert!(within(under_way).await.unwrap().is_err());
}

fn alice() -> proto::CreateUserRequest {
    proto::CreateUserRequest {
        id: None,
        name: "alice".to_owned(),
        password_hash: None,
    }
}

#[tokio::test]
async fn a_call_whose_caller_has_given_up_does_nothing() {
    let (lines, _guard) = Lines::record();
    let store = Arc::new(MemoryStore::default());
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000)));
    let backend =
        Backend::start_with(Stores::of(Arc::clone(&store)), |serve| serve.clock(clock.clone())).await;
    let mut users = UserServiceClient::new(backend.channel().await);
    let mut create = async |expires_at: &str| {
        let mut request = Request::new(alice());
        request
            .metadata_mut()
            .insert("chat-expires-at", expires_at.parse().unwrap());
        within(users.create_user(request))
            .await
            .map(|answer| answer.into_inner().outcome())
    };
    let created = proto::create_user_response::Outcome::Created;
    for late in ["999", "1000", "0"] {
        let refused = create(late).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::Unavailable, "NOT_DONE".to_owned()));
    }
    for bad in ["soon", "-1", ""] {
        let refused = create(bad).await.unwrap_err();
        assert_eq!(
            reason(&refused),
            (Code::InvalidArgument, "BROKEN".to_owned()),
            "{bad}"
        );
    }
    assert_eq!(create("1001").await.unwrap(), created);
    // The first that was made, since the others did nothing.
    let bob = NewUser {
        id: None,
        name: UserName::parse("alice").unwrap(),
        password: None,
    };
    let known = store.create_user(&bob).await.unwrap();
    assert!(format!("{known:?}").contains("UserId(1)"), "{known:?}");
    let late = lines.all().into_iter().filter(|line| line.contains("given up"));
    assert_eq!(late.count(), 3);
    backend.end().await;
}

#[tokio::test]
async fn a_store_that_hangs_is_given_up_with_its_caller() {
    let (lines, _guard) = Lines::record();
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(stores, |serve| serve).await;
    // Not by tonic, whose client would go by the time limit as well.
    let headers = [
        ("grpc-timeout", "50m"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
    ];
    let answer = raw_look_up(backend.address, &headers).await;
    let given_up = Status::from_header_map(answer.headers()).unwrap();
    assert_eq!(
        reason(&given_up),
        (Code::DeadlineExceeded, "MAY_HAVE_HAPPENED".to_owned())
    );
    assert_eq!(hanging.dropped.available_permits(), 1);
    let lines = lines.all();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in ["0af7651916cd43dd8448eb211c80319c", "friends", "may_have_happened"] {
        assert!(lines[0].contains(part), "{lines:#?}");
    }
    backend.end().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_call_with_it() {
    let (hanging, stores) = Hanging::stores();
    let backend = Backend::start_with(stores, |serve| serve).await;
    let channel = backend.channel().await;
    // By taking back the call, and by hanging up.
    let call = look_up(&channel);
    within(hanging.begun.acquire()).await.unwrap().forget();
    assert_eq!(hanging.dropped.available_permits(), 0);
    call.abort();
    within(hanging.dropped.acquire()).await.unwrap().forget();
    backend.end().await;
}

#[tokio::test]
async fn failures_of_the_store_reach_the_caller_as_what_they_are() {
    let (lines, _guard) = Lines::record();
    let faults = Faults::default();
    let users = Arc::new(Faulty::new(Arc::new(MemoryStore::default()), faults.clone()));
    let (_, stores) = Hanging::stores();
    let backend = Backend::start_with(Stores { users, ..stores }, |serve| serve).await;
    let channel = backend.channel().await;
    let mut users = UserServiceClient::new(channel.clone());
    for (fault, code, word) in [
        (Fault::FailBefore, Code::Unavailable, "NOT_DONE"),
        (Fault::FailAfter, Code::Aborted, "MAY_HAVE_HAPPENED"),
    ] {
        faults.next_calls("users", 1, fault);
        let failed = within(users.users(proto::UsersRequest { ids: vec![] }))
            .await
            .unwrap_err();
        assert_eq!(reason(&failed), (code, word.to_owned()));
        assert!(failed.message().contains("on command"), "{failed:?}");
    }
    let unfit = within(users.users(proto::UsersRequest { ids: vec![0] }))
        .await
        .unwrap_err();
    assert_eq!(reason(&unfit), (Code::InvalidArgument, "BROKEN".to_owned()));
    assert!(unfit.message().contains("`ids`"), "{unfit:?}");
    // A store that panics costs its own call, and nobody else's.
    let mut friends = FriendServiceClient::new(channel);
    let request = proto::RemoveFriendRequest { user: 1, friend: 2 };
    assert!(within(friends.remove_friend(request)).await.is_err());
    within(users.users(proto::UsersRequest { ids: vec![1] }))
        .await
        .unwrap();
    let lines = lines.all();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(
        lines[3].contains("panicked") && lines[3].contains("remove_friend"),
        "{lines:#?}"
    );
    backend.end().await;
}
