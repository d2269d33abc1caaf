//! Every call of the RPC: its path, its messages, and what making it twice means.

use super::class::Class;
use super::proto::appended::Outcome;
use super::proto::*;

/// A call that takes `Request` and answers `Response`.
#[derive(Debug)]
pub(super) struct Method<Request, Response> {
    pub(super) path: &'static str,
    /// Its name in logs and spans, as the port has it.
    pub(super) name: &'static str,
    pub(super) class: Class,
    /// Makes of the answer to a repetition, after an attempt that may have happened, what came of both.
    pub(super) settle: fn(&Request, &mut Response),
}

macro_rules! methods {
    ($($service:literal { $($name:ident = $call:literal: $class:ident($request:ty) -> $response:ty $(, $settle:ident)?;)* })*) => {
        $($(
            #[allow(non_upper_case_globals, reason = "named as the method of the port that it is")]
            pub(super) const $name: Method<$request, $response> = Method {
                path: concat!("/chat.backend.v1.", $service, "/", $call),
                name: stringify!($name),
                class: Class::$class,
                settle: methods!(@settle $($settle)?),
            };
        )*)*

        /// The names of all calls.
        pub(super) const NAMES: &[&str] = &[$($(stringify!($name)),*),*];

        /// All calls, as `proto/backend.proto` has them.
        #[cfg(test)]
        const CALLS: &[&str] = &[$($(
            concat!("rpc ", $call, "(", stringify!($request), ") returns (", stringify!($response), ");")
        ),*),*];
    };
    (@settle) => { |_, _| {} };
    (@settle $settle:ident) => { $settle };
}

methods! {
    "UserService" {
        create_user = "CreateUser": Once(CreateUserRequest) -> CreateUserResponse;
        credentials = "Credentials": Read(CredentialsRequest) -> CredentialsResponse;
        users = "Users": Read(UsersRequest) -> UsersResponse;
        set_states = "SetStates": Repeatable(SetStatesRequest) -> SetStatesResponse;
        online_states = "OnlineStates": Read(OnlineStatesRequest) -> OnlineStatesResponse;
    }
    "FriendService" {
        add_friend = "AddFriend": Repeatable(AddFriendRequest) -> AddFriendResponse;
        remove_friend = "RemoveFriend": Repeatable(RemoveFriendRequest) -> RemoveFriendResponse;
        friends = "Friends": Read(FriendsRequest) -> FriendsResponse;
    }
    "GroupService" {
        create_group = "CreateGroup": Once(CreateGroupRequest) -> CreateGroupResponse;
        join_group = "JoinGroup": Repeatable(JoinGroupRequest) -> JoinGroupResponse;
        leave_group = "LeaveGroup": Repeatable(LeaveGroupRequest) -> LeaveGroupResponse;
        group = "Group": Read(GroupRequest) -> GroupResponse;
        membership = "Membership": Read(MembershipRequest) -> MembershipResponse;
        memberships = "Memberships": Read(MembershipsRequest) -> MembershipsResponse;
        members = "Members": Read(MembersRequest) -> MembersResponse;
        changed_memberships = "ChangedMemberships":
            Read(ChangedMembershipsRequest) -> ChangedMembershipsResponse;
    }
    "MessageService" {
        append = "Append": Append(AppendRequest) -> AppendResponse, stored_before;
        read_after = "ReadAfter": Read(ReadAfterRequest) -> ReadAfterResponse;
        read_ranges = "ReadRanges": Read(ReadRangesRequest) -> ReadRangesResponse;
        read_before = "ReadBefore": Read(ReadBeforeRequest) -> ReadBeforeResponse;
        heads = "Heads": Read(HeadsRequest) -> HeadsResponse;
        changed_conversations = "ChangedConversations":
            Read(ChangedConversationsRequest) -> ChangedConversationsResponse;
    }
    "DeviceService" {
        open_device = "OpenDevice": Repeatable(OpenDeviceRequest) -> OpenDeviceResponse;
        opened_devices = "OpenedDevices": Read(OpenedDevicesRequest) -> OpenedDevicesResponse;
        session_start = "SessionStart": Read(SessionStartRequest) -> SessionStartResponse;
        positions = "Positions": Read(PositionsRequest) -> PositionsResponse;
        position = "Position": Read(PositionRequest) -> PositionResponse;
        advance_cursors = "AdvanceCursors": Repeatable(AdvanceCursorsRequest) -> AdvanceCursorsResponse;
    }
    "TokenService" {
        put_token = "PutToken": Repeatable(PutTokenRequest) -> PutTokenResponse;
        token = "Token": Read(TokenRequest) -> TokenResponse;
        revoke_token = "RevokeToken": Repeatable(RevokeTokenRequest) -> RevokeTokenResponse;
        revoke_tokens = "RevokeTokens": Repeatable(RevokeTokensRequest) -> RevokeTokensResponse;
        purge_tokens = "PurgeTokens": Repeatable(PurgeTokensRequest) -> PurgeTokensResponse;
    }
}

/// A duplicate with the time of this very batch is what the first attempt has stored.
fn stored_before(batch: &AppendRequest, answer: &mut AppendResponse) {
    for (message, appended) in batch.messages.iter().zip(&mut answer.appended) {
        if appended.outcome == i32::from(Outcome::Duplicate) && appended.at == message.at {
            appended.outcome = Outcome::Stored.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTO: &str = include_str!("../../proto/backend.proto");

    #[test]
    fn the_calls_are_those_of_the_protocol() {
        let described: Vec<_> = PROTO
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("rpc "))
            .collect();
        assert_eq!(CALLS, described);
    }

    #[test]
    fn only_what_the_first_attempt_stored_is_no_duplicate() {
        let message = |at| NewMessage {
            at,
            ..NewMessage::default()
        };
        let answer = |outcome: Outcome, at| Appended {
            outcome: outcome.into(),
            seq: 7,
            at,
            ..Appended::default()
        };
        let batch = AppendRequest {
            messages: vec![message(5), message(5), message(0), message(5)],
        };
        let mut answered = AppendResponse {
            appended: vec![
                answer(Outcome::Duplicate, 5),
                answer(Outcome::Duplicate, 4),
                answer(Outcome::NotMember, 0),
                answer(Outcome::Stored, 0),
            ],
        };
        (append.settle)(&batch, &mut answered);
        let outcomes: Vec<_> = answered.appended.iter().map(Appended::outcome).collect();
        assert_eq!(
            outcomes,
            [
                Outcome::Stored,
                Outcome::Duplicate,
                Outcome::NotMember,
                Outcome::Stored
            ]
        );
    }
}
