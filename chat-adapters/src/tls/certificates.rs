//! The certificate in use, which can be replaced while connections go on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chat_core::{Clock as _, SystemClock, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::meters::{EXPIRES, RELOADS};
use crate::pem::{Identity, TlsError, certificates, key, provider};

/// What came of reading the files again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// They hold the certificate in use.
    Unchanged,
    /// They hold another, which is in use from now on.
    Replaced,
}

/// The certificate that a server shows, and its key. Cheap to clone; all clones are one.
///
/// Connections keep the certificate that they were made with, and none of them is closed when it is replaced.
#[derive(Clone)]
pub struct Certificates(Arc<Cell>);

/// Where the certificate comes from, and the one in use.
struct Cell {
    files: Identity,
    in_use: RwLock<Pair>,
}

/// A certificate with its key.
#[derive(Clone)]
struct Pair {
    certified: Arc<CertifiedKey>,
    expires_at: Timestamp,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Certificates");
        shown.field("files", &self.0.files).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads the certificate and its key. Blocks on files.
    ///
    /// # Errors
    /// Where a file cannot be read, or the key is not that of the certificate. One that has expired is taken:
    /// clients that check it refuse it, and [`follow`](Self::follow) tells the log.
    pub fn load(files: Identity) -> Result<Self, TlsError> {
        let pair = Pair::read(&files)?;
        let certificates = Self(Arc::new(Cell {
            files,
            in_use: RwLock::new(pair),
        }));
        certificates.show_expiry();
        Ok(certificates)
    }

    /// Reads the files again, and shows what they hold to clients that come from now on. Blocks on files.
    ///
    /// # Errors
    /// Where they cannot be used, as in [`load`](Self::load), or hold a certificate that has expired: the one in use
    /// stays. That is counted and told to the log.
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        self.read_again().inspect_err(|error| self.refused(error))
    }

    /// Until when the certificate in use is valid.
    pub fn expires_at(&self) -> Timestamp {
        self.in_use().expires_at
    }

    /// The file of the certificate, for messages.
    pub(super) fn file(&self) -> impl fmt::Display {
        self.0.files.certificate.display()
    }

    /// What gives handshakes the certificate in use.
    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::new(Resolver(self.clone()))
    }

    /// The same as `reload`, without a word where it fails.
    pub(super) fn read_again(&self) -> Result<Reloaded, TlsError> {
        let pair = Pair::read(&self.0.files)?;
        if pair.certified.cert == self.in_use().certified.cert {
            return Ok(Reloaded::Unchanged);
        }
        if pair.expires_at <= SystemClock.now() {
            return Err(self.0.files.unusable("it has expired"));
        }
        *self.0.in_use.write().unwrap_or_else(PoisonError::into_inner) = pair;
        RELOADS.count(&["replaced"]).increment(1);
        self.show_expiry();
        tracing::info!(file = %self.file(), "a new certificate is in use for connections that come from now on");
        Ok(Reloaded::Replaced)
    }

    /// Counts and tells that what was read cannot be used.
    pub(super) fn refused(&self, error: &TlsError) {
        RELOADS.count(&["refused"]).increment(1);
        tracing::warn!(%error, "the certificate in use stays, because what was read cannot be used: correct its files");
    }

    /// Sets the metric, which may not have been listened to before.
    pub(super) fn show_expiry(&self) {
        EXPIRES
            .level(&[])
            .set(self.expires_at().as_millis() as f64 / 1_000.0);
    }

    fn in_use(&self) -> Pair {
        let in_use = self.0.in_use.read().unwrap_or_else(PoisonError::into_inner);
        in_use.clone()
    }
}

impl Pair {
    fn read(files: &Identity) -> Result<Self, TlsError> {
        let certificates = certificates(&files.certificate)?;
        let expires_at = certificates.first().and_then(expiry);
        let expires_at = expires_at.ok_or_else(|| files.unusable("its first certificate is not of X.509"))?;
        let key = key(&files.key)?;
        let certified =
            CertifiedKey::from_der(certificates, key, &provider()).map_err(|error| files.mismatch(&error))?;
        Ok(Self {
            certified: Arc::new(certified),
            expires_at,
        })
    }
}

/// Until when a certificate is valid.
fn expiry(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    let millis = u64::try_from(seconds).unwrap_or_default().saturating_mul(1_000);
    Some(Timestamp::from_millis(millis))
}

/// Gives every handshake the certificate in use.
struct Resolver(Certificates);

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver(…)")
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.in_use().certified)
    }
}
