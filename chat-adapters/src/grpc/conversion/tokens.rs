//! Session tokens.

use chat_core::Timestamp;
use chat_core::ports::StoredToken;
use chat_core::types::{TokenHash, UserId};

use super::super::proto;
use super::wire::{Invalid, Wire, message, read};

message!(PutTokenRequest(user: UserId, token_hash: TokenHash, expires_at: Timestamp, keep: usize));
message!(PutTokenResponse());
message!(TokenRequest(token_hash: TokenHash, now: Timestamp));
message!(RevokeTokenRequest(token_hash: TokenHash));
message!(RevokeTokenResponse());
message!(RevokeTokensRequest(user: UserId));
message!(RevokeTokensResponse());
message!(PurgeTokensRequest(now: Timestamp, limit: usize));
message!(PurgeTokensResponse(purged: usize));

impl Wire<proto::TokenResponse> for Option<StoredToken> {
    fn to_wire(&self) -> proto::TokenResponse {
        self.as_ref()
            .map_or_else(proto::TokenResponse::default, |token| proto::TokenResponse {
                user: token.user.to_wire(),
                expires_at: token.expires_at.to_wire(),
            })
    }

    fn from_wire(message: proto::TokenResponse) -> Result<Self, Invalid> {
        let Some(user) = read(message.user, "user")? else {
            return Ok(None);
        };
        let expires_at = read(message.expires_at, "expires_at")?;
        Ok(Some(StoredToken { user, expires_at }))
    }
}
