//! Argon2id off the async threads, few at once, so that a login storm degrades logins only.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash as PhcHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use metrics::Histogram;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::limit::{Limit, LimitHits};
use crate::error::{BackendError, Error, ErrorCode};
use crate::limits::Limits;
use crate::meters::catalogue::{PASSWORD_HASH_SECONDS, PASSWORD_WAIT_SECONDS};
use crate::types::{Password, PasswordHash};

/// Hashes and verifies passwords with Argon2id at the `argon2` crate's parameters
/// (19 MiB, 2 passes, 1 lane: the first choice of the OWASP password storage cheat sheet).
#[derive(Debug)]
pub(crate) struct Passwords {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    retry_after: std::time::Duration,
    /// Verified against where the user does not exist, so that both cases take the same time.
    decoy: Option<PasswordHash>,
    wait_seconds: Histogram,
    hash_seconds: Histogram,
    limit_hits: Arc<LimitHits>,
}

impl Passwords {
    pub(crate) fn new(limits: &Limits, limit_hits: Arc<LimitHits>) -> Self {
        Self {
            running: Arc::new(Semaphore::new(at_once(limits.password_hashes))),
            waiting: AtomicUsize::new(0),
            queue: limits.password_queue,
            retry_after: limits.retry_after,
            decoy: hash_blocking("an account that does not exist").ok(),
            wait_seconds: PASSWORD_WAIT_SECONDS.distribution(&[]),
            hash_seconds: PASSWORD_HASH_SECONDS.distribution(&[]),
            limit_hits,
        }
    }

    /// How many wait or are being hashed.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    pub(crate) async fn hash(&self, password: &Password) -> Result<PasswordHash, Error> {
        let text: Box<str> = password.reveal().into();
        self.run(move || hash_blocking(&text))
            .await?
            .map_err(|error| self.defect(error))
    }

    /// Whether a password is the one behind `hash`. `None`, for a user who does not exist or has
    /// no password, takes the same time and is always false.
    pub(crate) async fn verify(
        &self,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        let exists = hash.is_some();
        let Some(hash) = hash.or_else(|| self.decoy.clone()) else {
            return Ok(false);
        };
        let text: Box<str> = password.reveal().into();
        let verified = self.run(move || verify_blocking(&text, &hash)).await?;
        Ok(verified.map_err(|error| self.defect(error))? && exists)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = Place::take(&self.waiting, self.queue).ok_or_else(|| {
            self.limit_hits.hit(Limit::PasswordQueue);
            Error::new(ErrorCode::RateLimited, "too many logins at once").retry_after(self.retry_after)
        })?;
        let came_at = Instant::now();
        let closed = |_| self.defect(BackendError::broken("password hashing has stopped"));
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(closed)?;
        let began_at = Instant::now();
        self.wait_seconds.record(began_at - came_at);
        // The permit goes along: where nobody waits for the outcome any more, the hash still takes its core.
        let hash = move || {
            let done = work();
            drop(permit);
            done
        };
        let done = tokio::task::spawn_blocking(hash)
            .await
            .map_err(|error| self.defect(BackendError::broken("password hashing failed").because(error)));
        self.hash_seconds.record(began_at.elapsed());
        done
    }

    fn defect(&self, error: BackendError) -> Error {
        Error::from_backend(error, self.retry_after)
    }
}

/// How many passwords are hashed at once. With as many as there are cores, messages would have to wait for their turn
/// between the hashes.
fn at_once(configured: usize) -> usize {
    match configured {
        0 => (available_parallelism().map_or(1, NonZeroUsize::get) / 2).max(1),
        _ => configured,
    }
}

/// A place in the queue, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, queue: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::AcqRel) < queue).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl PasswordHash {
    /// Hashes a password as registering does, with a salt of its own.
    ///
    /// Takes a core for some 20 ms, and 19 MiB: call it where blocking is allowed, few at once.
    ///
    /// # Errors
    /// Where the operating system has no randomness to give.
    pub fn of(password: &Password) -> Result<Self, BackendError> {
        hash_blocking(password.reveal())
    }
}

fn hash_blocking(password: &str) -> Result<PasswordHash, BackendError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| PasswordHash::new(hash.to_string()))
        .map_err(|error| BackendError::broken("a password could not be hashed").because(error.to_string()))
}

fn verify_blocking(password: &str, hash: &PasswordHash) -> Result<bool, BackendError> {
    let hash = PhcHash::new(hash.as_str()).map_err(|error| {
        BackendError::broken("a stored password hash is unreadable").because(error.to_string())
    })?;
    Ok(Argon2::default()
        .verify_password(password.as_bytes(), &hash)
        .is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let passwords = Passwords::new(&Limits::default(), Arc::new(LimitHits::new()));
        let right = Password::parse("correct horse").unwrap();
        let wrong = Password::parse("correct house").unwrap();
        let hash = passwords.hash(&right).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$"));
        assert!(passwords.verify(&right, Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(&wrong, Some(hash)).await.unwrap());
        let decoy = Password::parse("an account that does not exist").unwrap();
        assert!(!passwords.verify(&decoy, None).await.unwrap());
    }

    #[test]
    fn half_of_the_cores_hash_where_nothing_else_is_said() {
        let cores = available_parallelism().unwrap().get();
        assert!(at_once(0) >= 1);
        assert!(at_once(0) * 2 <= cores.max(2));
        assert_eq!([1, 7].map(at_once), [1, 7]);
    }

    #[tokio::test]
    async fn a_full_queue_is_refused_with_a_time_to_retry() {
        let limits = Limits {
            password_queue: 0,
            ..Limits::default()
        };
        let limit_hits = Arc::new(LimitHits::new());
        let passwords = Passwords::new(&limits, Arc::clone(&limit_hits));
        let refused = passwords
            .hash(&Password::parse("12345678").unwrap())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), ErrorCode::RateLimited);
        assert!(refused.retry_delay().is_some());
        assert_eq!(limit_hits.take(), [("password_queue", 1)]);
    }
    #[tokio::test]
    async fn a_hash_that_nobody_waits_for_still_counts_among_those_at_once() {
        let limits = Limits {
            password_hashes: 1,
            ..Limits::default()
        };
        let passwords = Passwords::new(&limits, Arc::new(LimitHits::new()));
        let (finish, finished) = std::sync::mpsc::sync_channel(0);
        let mut abandoned = Box::pin(passwords.run(move || finished.recv()));
        assert!(futures_util::poll!(&mut abandoned).is_pending());
        drop(abandoned);
        assert_eq!(passwords.running.available_permits(), 0);
        finish.send(()).unwrap();
        passwords.run(|| ()).await.unwrap();
    }
}
