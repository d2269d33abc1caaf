//! The services: one for each port of the store. A call's arguments go to the port as they are.

use std::sync::Arc;

use chat_core::ports::{
    CursorAdvance, DeviceStore, FriendStore, GroupStore, MessageStore, NewGroup, NewMessage, NewUser, Stores,
    TokenStore, UserSelector, UserStore,
};
use chat_core::types::UserId;
use tonic::service::Routes;
use tonic::{Request, Response, Status, async_trait};

use super::super::proto;
use super::super::proto::device_service_server::{DeviceService, DeviceServiceServer};
use super::super::proto::friend_service_server::{FriendService, FriendServiceServer};
use super::super::proto::group_service_server::{GroupService, GroupServiceServer};
use super::super::proto::message_service_server::{MessageService, MessageServiceServer};
use super::super::proto::token_service_server::{TokenService, TokenServiceServer};
use super::super::proto::user_service_server::{UserService, UserServiceServer};
use super::calls;
use super::gate::Gate;

/// Defines the service of a port: for each call its messages, its name, and what the store is asked.
macro_rules! service {
    ($service:ident as $name:ident of $port:ident {$(
        $method:ident($request:ident) -> $response:ident, $call:ident:
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
                self.gate.pass(calls::$call, request, |$arguments $(: $type)?| $asked).await
            }
        )+}
    };
}

service!(UserService as Users of UserStore {
    create_user(CreateUserRequest) -> CreateUserResponse, CREATE_USER:
        |store, user: NewUser| async move { store.create_user(&user).await };
    credentials(CredentialsRequest) -> CredentialsResponse, CREDENTIALS:
        |store, user: UserSelector| async move { store.credentials(&user).await };
    users(UsersRequest) -> UsersResponse, USERS:
        |store, ids: Vec<UserId>| async move { store.users(&ids).await };
    set_states(SetStatesRequest) -> SetStatesResponse, SET_STATES:
        |store, (users, online): (Vec<UserId>, bool)| async move { store.set_states(&users, online).await };
    online_states(OnlineStatesRequest) -> OnlineStatesResponse, ONLINE_STATES:
        |store, (after, limit)| store.online_states(after, limit);
});

service!(FriendService as Friends of FriendStore {
    add_friend(AddFriendRequest) -> AddFriendResponse, ADD_FRIEND:
        |store, (user, friend, limit)| store.add_friend(user, friend, limit);
    remove_friend(RemoveFriendRequest) -> RemoveFriendResponse, REMOVE_FRIEND:
        |store, (user, friend)| store.remove_friend(user, friend);
    friends(FriendsRequest) -> FriendsResponse, FRIENDS:
        |store, user| store.friends(user);
});

service!(GroupService as Groups of GroupStore {
    create_group(CreateGroupRequest) -> CreateGroupResponse, CREATE_GROUP:
        |store, (group, limit): (NewGroup, usize)| async move { store.create_group(&group, limit).await };
    join_group(JoinGroupRequest) -> JoinGroupResponse, JOIN_GROUP:
        |store, (group, user, groups_limit, members_limit)|
            store.join_group(group, user, groups_limit, members_limit);
    leave_group(LeaveGroupRequest) -> LeaveGroupResponse, LEAVE_GROUP:
        |store, (group, user)| store.leave_group(group, user);
    group(GroupRequest) -> GroupResponse, GROUP:
        |store, group| store.group(group);
    membership(MembershipRequest) -> MembershipResponse, MEMBERSHIP:
        |store, (group, user)| store.membership(group, user);
    memberships(MembershipsRequest) -> MembershipsResponse, MEMBERSHIPS:
        |store, user| store.memberships(user);
    members(MembersRequest) -> MembersResponse, MEMBERS:
        |store, (group, after, limit)| store.members(group, after, limit);
    changed_memberships(ChangedMembershipsRequest) -> ChangedMembershipsResponse, CHANGED_MEMBERSHIPS:
        |store, (window, after, limit)| store.changed_memberships(window, after, limit);
});

service!(MessageService as Messages of MessageStore {
    append(AppendRequest) -> AppendResponse, APPEND:
        |store, batch: Vec<NewMessage>| async move { store.append(&batch).await };
    read_after(ReadAfterRequest) -> ReadAfterResponse, READ_AFTER:
        |store, (conversation, after, limit)| store.read_after(conversation, after, limit);
    read_before(ReadBeforeRequest) -> ReadBeforeResponse, READ_BEFORE:
        |store, (conversation, before, limit)| store.read_before(conversation, before, limit);
    heads(HeadsRequest) -> HeadsResponse, HEADS:
        |store, (user, device, limit)| async move { store.heads(user, &device, limit).await };
    changed_conversations(ChangedConversationsRequest) -> ChangedConversationsResponse, CHANGED_CONVERSATIONS:
        |store, (window, after, limit)| store.changed_conversations(window, after, limit);
});

service!(DeviceService as Devices of DeviceStore {
    open_device(OpenDeviceRequest) -> OpenDeviceResponse, OPEN_DEVICE:
        |store, (user, device, at, devices_limit)|
            async move { store.open_device(user, &device, at, devices_limit).await };
    opened_devices(OpenedDevicesRequest) -> OpenedDevicesResponse, OPENED_DEVICES:
        |store, (window, after, limit)| store.opened_devices(window, after, limit);
    positions(PositionsRequest) -> PositionsResponse, POSITIONS:
        |store, (user, device, after, limit)|
            async move { store.positions(user, &device, after, limit).await };
    position(PositionRequest) -> PositionResponse, POSITION:
        |store, (user, device, conversation)|
            async move { store.position(user, &device, conversation).await };
    advance_cursors(AdvanceCursorsRequest) -> AdvanceCursorsResponse, ADVANCE_CURSORS:
        |store, advances: Vec<CursorAdvance>| async move { store.advance_cursors(&advances).await };
});

service!(TokenService as Tokens of TokenStore {
    put_token(PutTokenRequest) -> PutTokenResponse, PUT_TOKEN:
        |store, (user, token, expires_at, keep)| store.put_token(user, token, expires_at, keep);
    token(TokenRequest) -> TokenResponse, TOKEN:
        |store, (token, now)| store.token(token, now);
    revoke_token(RevokeTokenRequest) -> RevokeTokenResponse, REVOKE_TOKEN:
        |store, token| store.revoke_token(token);
    revoke_tokens(RevokeTokensRequest) -> RevokeTokensResponse, REVOKE_TOKENS:
        |store, user| store.revoke_tokens(user);
    purge_tokens(PurgeTokensRequest) -> PurgeTokensResponse, PURGE_TOKENS:
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
