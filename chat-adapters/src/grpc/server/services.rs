//! The services: one for each port of the store. A call's arguments go to the port as they are.

use std::sync::Arc;

use chat_core::ports::{
    CursorAdvance, DeviceStore, FriendStore, GroupStore, MessageRange, MessageStore, NewGroup, NewMessage,
    NewUser, Stores, TokenStore, UserSelector, UserStore,
};
use chat_core::types::UserId;
use tonic::service::Routes;
use tonic::{Request, Response, Status, async_trait};

use super::super::methods;
use super::super::proto;
use super::super::proto::device_service_server::{DeviceService, DeviceServiceServer};
use super::super::proto::friend_service_server::{FriendService, FriendServiceServer};
use super::super::proto::group_service_server::{GroupService, GroupServiceServer};
use super::super::proto::message_service_server::{MessageService, MessageServiceServer};
use super::super::proto::token_service_server::{TokenService, TokenServiceServer};
use super::super::proto::user_service_server::{UserService, UserServiceServer};
use super::gate::Gate;

/// Defines the service of a port: for each call its messages, and what the store is asked.
macro_rules! service {
    ($service:ident as $name:ident of $port:ident {$(
        $method:ident($request:ident) -> $response:ident:
            |$store:ident, $arguments:tt $(: $type:ty)?| $asked:expr;
    )+}) => {
        #[derive(Debug)]
        struct $name {
            store: Arc<dyn $port>,
            gate: Gate,
        }

        #[async_trait]
        impl $service for $name {$(
            async fn $method(
                &self,
                request: Request<proto::$request>,
            ) -> Result<Response<proto::$response>, Status> {
                let $store = &*self.store;
                self.gate.pass(&methods::$method, request, |$arguments $(: $type)?| $asked).await
            }
        )+}
    };
}

service!(UserService as Users of UserStore {
    create_user(CreateUserRequest) -> CreateUserResponse:
        |store, user: NewUser| async move { store.create_user(&user).await };
    credentials(CredentialsRequest) -> CredentialsResponse:
        |store, user: UserSelector| async move { store.credentials(&user).await };
    users(UsersRequest) -> UsersResponse:
        |store, ids: Vec<UserId>| async move { store.users(&ids).await };
    set_states(SetStatesRequest) -> SetStatesResponse:
        |store, (users, online): (Vec<UserId>, bool)| async move { store.set_states(&users, online).await };
    online_states(OnlineStatesRequest) -> OnlineStatesResponse:
        |store, (after, limit)| store.online_states(after, limit);
});

service!(FriendService as Friends of FriendStore {
    add_friend(AddFriendRequest) -> AddFriendResponse:
        |store, (user, friend, limit)| store.add_friend(user, friend, limit);
    remove_friend(RemoveFriendRequest) -> RemoveFriendResponse:
        |store, (user, friend)| store.remove_friend(user, friend);
    friends(FriendsRequest) -> FriendsResponse:
        |store, user| store.friends(user);
});

service!(GroupService as Groups of GroupStore {
    create_group(CreateGroupRequest) -> CreateGroupResponse:
        |store, (group, limit): (NewGroup, usize)| async move { store.create_group(&group, limit).await };
    join_group(JoinGroupRequest) -> JoinGroupResponse:
        |store, (group, user, groups_limit, members_limit)|
            store.join_group(group, user, groups_limit, members_limit);
    leave_group(LeaveGroupRequest) -> LeaveGroupResponse:
        |store, (group, user)| store.leave_group(group, user);
    group(GroupRequest) -> GroupResponse:
        |store, group| store.group(group);
    membership(MembershipRequest) -> MembershipResponse:
        |store, (group, user)| store.membership(group, user);
    memberships(MembershipsRequest) -> MembershipsResponse:
        |store, user| store.memberships(user);
    members(MembersRequest) -> MembersResponse:
        |store, (group, after, limit)| store.members(group, after, limit);
    changed_memberships(ChangedMembershipsRequest) -> ChangedMembershipsResponse:
        |store, (window, after, limit)| store.changed_memberships(window, after, limit);
});

service!(MessageService as Messages of MessageStore {
    append(AppendRequest) -> AppendResponse:
        |store, batch: Vec<NewMessage>| async move { store.append(&batch).await };
    read_after(ReadAfterRequest) -> ReadAfterResponse:
        |store, (conversation, after, limit)| store.read_after(conversation, after, limit);
    read_ranges(ReadRangesRequest) -> ReadRangesResponse:
        |store, ranges: Vec<MessageRange>| async move { store.read_ranges(&ranges).await };
    read_before(ReadBeforeRequest) -> ReadBeforeResponse:
        |store, (conversation, before, limit)| store.read_before(conversation, before, limit);
    heads(HeadsRequest) -> HeadsResponse:
        |store, (user, device, limit)| async move { store.heads(user, &device, limit).await };
    changed_conversations(ChangedConversationsRequest) -> ChangedConversationsResponse:
        |store, (window, after, limit)| store.changed_conversations(window, after, limit);
});

service!(DeviceService as Devices of DeviceStore {
    open_device(OpenDeviceRequest) -> OpenDeviceResponse:
        |store, (user, device, at, devices_limit)|
            async move { store.open_device(user, &device, at, devices_limit).await };
    opened_devices(OpenedDevicesRequest) -> OpenedDevicesResponse:
        |store, (window, after, limit)| store.opened_devices(window, after, limit);
    session_start(SessionStartRequest) -> SessionStartResponse:
        |store, (user, device, positions_limit, messages_limit)|
            async move { store.session_start(user, &device, positions_limit, messages_limit).await };
    positions(PositionsRequest) -> PositionsResponse:
        |store, (user, device, after, limit)|
            async move { store.positions(user, &device, after, limit).await };
    position(PositionRequest) -> PositionResponse:
        |store, (user, device, conversation)|
            async move { store.position(user, &device, conversation).await };
    advance_cursors(AdvanceCursorsRequest) -> AdvanceCursorsResponse:
        |store, advances: Vec<CursorAdvance>| async move { store.advance_cursors(&advances).await };
});

service!(TokenService as Tokens of TokenStore {
    put_token(PutTokenRequest) -> PutTokenResponse:
        |store, (user, token, expires_at, keep)| store.put_token(user, token, expires_at, keep);
    token(TokenRequest) -> TokenResponse:
        |store, (token, now)| store.token(token, now);
    revoke_token(RevokeTokenRequest) -> RevokeTokenResponse:
        |store, token| store.revoke_token(token);
    revoke_tokens(RevokeTokensRequest) -> RevokeTokensResponse:
        |store, user| store.revoke_tokens(user);
    purge_tokens(PurgeTokensRequest) -> PurgeTokensResponse:
        |store, (now, limit)| store.purge_tokens(now, limit);
});

/// The names of the services, as health knows them.
pub(super) const NAMES: [&str; 6] = [
    proto::user_service_server::SERVICE_NAME,
    proto::friend_service_server::SERVICE_NAME,
    proto::group_service_server::SERVICE_NAME,
    proto::message_service_server::SERVICE_NAME,
    proto::device_service_server::SERVICE_NAME,
    proto::token_service_server::SERVICE_NAME,
];

/// All six services, whose messages are at most `max_message` bytes long in both directions.
pub(super) fn routes(stores: &Stores, gate: &Gate, max_message: usize) -> Routes {
    macro_rules! add {
        ($routes:ident, $($server:ident, $service:ident, $port:ident;)+) => {$(
            let store = Arc::clone(&stores.$port);
            let server = $server::new($service { store, gate: gate.clone() });
            let limited = server.max_decoding_message_size(max_message).max_encoding_message_size(max_message);
            $routes = $routes.add_service(limited);
        )+};
    }
    let mut routes = Routes::default();
    add!(routes,
        UserServiceServer, Users, users;
        FriendServiceServer, Friends, friends;
        GroupServiceServer, Groups, groups;
        MessageServiceServer, Messages, messages;
        DeviceServiceServer, Devices, devices;
        TokenServiceServer, Tokens, tokens;
    );
    routes
}
