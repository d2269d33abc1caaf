//! Cases of [`TokenStore`](crate::ports::TokenStore).

use super::check::{Failure, Verdict, equal, present};
use super::runner::{Case, Scene, cases};
use super::scene::{PLENTY, at};
use crate::clock::Timestamp;
use crate::ports::Stores;
use crate::types::{TokenHash, UserId};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_token_finds_its_user_until_it_ends,
            an_unknown_token_finds_nobody,
            every_byte_of_a_token_counts,
            keeping_a_token_again_keeps_one,
            beyond_the_limit_the_tokens_that_end_first_are_forgotten,
            the_limit_counts_each_user_by_themselves,
            a_revoked_token_finds_nobody,
            revoking_a_users_tokens_leaves_those_of_others,
            purging_forgets_what_has_ended_and_counts_it,
        }
        Restart { tokens_survive_a_restart }
    }
}

const fn hash(byte: u8) -> TokenHash {
    TokenHash::from_bytes([byte; 32])
}

impl Scene<Stores> {
    async fn put(&self, user: UserId, token: u8, ends: Timestamp) -> Verdict {
        Ok(self.tokens.put_token(user, hash(token), ends, PLENTY).await?)
    }

    /// Which of the tokens find somebody at the cases' first moment.
    async fn valid(&self, tokens: impl IntoIterator<Item = u8>) -> Result<Vec<u8>, Failure> {
        let mut valid = Vec::new();
        for token in tokens {
            if self.tokens.token(hash(token), at(0)).await?.is_some() {
                valid.push(token);
            }
        }
        Ok(valid)
    }
}

async fn a_token_finds_its_user_until_it_ends(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?;
    scene.put(alice.id, 1, at(100)).await?;
    let found = present("the token", scene.tokens.token(hash(1), at(99)).await?)?;
    equal("its user", found.user, alice)?;
    equal("its end", found.expires_at, at(100))?;
    for now in [at(100), at(101)] {
        equal(
            "the token at its end",
            scene.tokens.token(hash(1), now).await?,
            None,
        )?;
    }
    Ok(())
}

async fn an_unknown_token_finds_nobody(scene: Scene<Stores>) -> Verdict {
    scene.put(scene.user("alice").await?.id, 1, at(100)).await?;
    equal("the token", scene.tokens.token(hash(2), at(0)).await?, None)
}

async fn every_byte_of_a_token_counts(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let mut bytes = *b"\0\xff'\\a\x80 0\0\xff'\\a\x80 0\0\xff'\\a\x80 0\0\xff'\\a\x80 0";
    let token = TokenHash::from_bytes(bytes);
    scene.tokens.put_token(alice, token, at(100), PLENTY).await?;
    present("the token", scene.tokens.token(token, at(0)).await?)?;
    for index in 0..bytes.len() {
        flip(&mut bytes, index);
        let found = scene.tokens.token(TokenHash::from_bytes(bytes), at(0)).await?;
        equal("a token of which one byte differs", found, None)?;
        flip(&mut bytes, index);
    }
    Ok(())
}

fn flip(bytes: &mut [u8; 32], index: usize) {
    if let Some(byte) = bytes.get_mut(index) {
        *byte ^= 0x20;
    }
}

async fn keeping_a_token_again_keeps_one(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    for token in [1, 1, 2, 2, 1] {
        scene.tokens.put_token(alice, hash(token), at(100), 2).await?;
    }
    equal("the valid tokens", scene.valid(1..=2).await?, vec![1, 2])
}

async fn beyond_the_limit_the_tokens_that_end_first_are_forgotten(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    for (token, ends) in [(1, 300), (2, 100), (3, 200), (4, 400), (5, 500)] {
        scene.tokens.put_token(alice, hash(token), at(ends), 3).await?;
    }
    equal("the valid tokens", scene.valid(1..=5).await?, vec![1, 4, 5])
}

async fn the_limit_counts_each_user_by_themselves(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    scene.tokens.put_token(alice, hash(1), at(100), 1).await?;
    scene.tokens.put_token(bob, hash(2), at(200), 1).await?;
    equal("the valid tokens", scene.valid(1..=2).await?, vec![1, 2])
}

async fn a_revoked_token_finds_nobody(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    scene.put(alice, 1, at(100)).await?;
    scene.put(alice, 2, at(100)).await?;
    for _ in 0..2 {
        scene.tokens.revoke_token(hash(1)).await?;
        equal("the valid tokens", scene.valid(1..=2).await?, vec![2])?;
    }
    Ok(())
}

async fn revoking_a_users_tokens_leaves_those_of_others(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    for (user, token) in [(alice, 1), (alice, 2), (bob, 3)] {
        scene.put(user, token, at(100)).await?;
    }
    for _ in 0..2 {
        scene.tokens.revoke_tokens(alice).await?;
        equal("the valid tokens", scene.valid(1..=3).await?, vec![3])?;
    }
    Ok(())
}

async fn purging_forgets_what_has_ended_and_counts_it(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    for (user, token, ends) in [(alice, 1, 100), (bob, 2, 100), (alice, 3, 99), (bob, 4, 101)] {
        scene.put(user, token, at(ends)).await?;
    }
    for (limit, purged) in [(0, 0), (2, 2), (2, 1), (2, 0)] {
        let count = scene.tokens.purge_tokens(at(100), limit).await?;
        equal("how many were purged", count, purged)?;
    }
    equal("the tokens left", scene.valid(1..=4).await?, vec![4])
}

async fn tokens_survive_a_restart(scene: Scene<Stores>) -> Verdict {
    scene.put(scene.user("alice").await?.id, 1, at(100)).await?;
    let scene = scene.restarted().await?;
    equal("the valid tokens", scene.valid([1]).await?, vec![1])
}
