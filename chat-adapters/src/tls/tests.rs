//! Files that are replaced by good ones and by bad ones.

use std::path::Path;
use std::time::Duration;

use chat_core::{Clock as _, SystemClock, Timestamp};
use chat_test_services::{Authority, SignedCertificate};
use metrics_exporter_prometheus::PrometheusBuilder;
use tempfile::TempDir;

use super::certificates::{Certificates, Reloaded};
use super::follow::Watch;
use crate::pem::{Identity, TlsError};

/// What stands before the value of the metric.
const EXPIRES: &str = "chat_tls_certificate_expires_timestamp_seconds ";
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Two files, and the certificate that was read from them.
struct Scene {
    folder: TempDir,
    authority: Authority,
    first: SignedCertificate,
    certificates: Certificates,
}

impl Scene {
    fn new() -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::default());
        let first = authority.sign(&["localhost"]);
        let certificates = load(folder.path(), &first).unwrap();
        Self {
            folder,
            authority,
            first,
            certificates,
        }
    }

    fn signed(&self) -> SignedCertificate {
        self.authority.sign(&["localhost"])
    }

    fn write(&self, signed: &SignedCertificate) {
        signed.write_to(self.folder.path(), "server").unwrap();
    }

    /// Reads them again, and answers what is wrong.
    fn refused(&self, signed: &SignedCertificate) -> TlsError {
        self.write(signed);
        self.certificates.reload().unwrap_err()
    }
}

fn load(folder: &Path, signed: &SignedCertificate) -> Result<Certificates, TlsError> {
    let (certificate, key) = signed.write_to(folder, "server").unwrap();
    Certificates::load(Identity { certificate, key })
}

#[test]
fn what_cannot_be_used_leaves_the_one_in_use_and_names_the_file() {
    let scene = Scene::new();
    let (good, other) = (scene.signed(), scene.signed());
    let before = scene.certificates.expires_at();
    let broken = |certificate: &str, key: &str| SignedCertificate {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        ..good.clone()
    };
    let halved = good.certificate.get(..200).unwrap();
    for (signed, named) in [
        (broken("", &good.key), "server.pem"),
        (broken(halved, &good.key), "server.pem"),
        (broken(&good.key, &good.key), "server.pem"),
        (broken(&good.certificate, ""), "server.key"),
        (broken(&good.certificate, "no key at all"), "server.key"),
        (broken(&good.certificate, &other.key), "does not fit"),
        (scene.authority.sign_expired(&["localhost"]), "expired"),
    ] {
        let error = scene.refused(&signed).to_string();
        assert!(error.contains(named), "{named}: {error}");
        assert_eq!(scene.certificates.expires_at(), before);
    }
    scene.write(&good);
    assert_eq!(scene.certificates.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(scene.certificates.reload().unwrap(), Reloaded::Unchanged);
}

#[test]
fn a_key_is_in_no_error_and_in_nothing_that_is_shown() {
    let scene = Scene::new();
    let signed = scene.signed();
    let secret: String = signed.key.lines().skip(1).take(1).collect();
    let torn = SignedCertificate {
        key: signed.key.replace("-----END", "----END"),
        ..signed
    };
    let error = scene.refused(&torn);
    for shown in [
        format!("{error} {error:?}"),
        format!("{:?}", scene.certificates),
        format!("{:?}", super::ServerTls::new(&scene.certificates).unwrap()),
        format!("{:?}", scene.certificates.resolver()),
    ] {
        assert!(!shown.contains(&secret) && !shown.contains("PRIVATE"), "{shown}");
    }
}

#[test]
fn an_expired_certificate_is_taken_at_the_start_since_there_is_no_other() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::default());
    let expired = load(folder.path(), &authority.sign_expired(&["localhost"])).unwrap();
    // 2020-01-01.
    assert_eq!(expired.expires_at(), Timestamp::from_millis(1_577_836_800_000));
}

#[test]
fn files_are_told_of_once_and_only_where_the_next_look_finds_the_same() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let refusals = || {
        let text = counted.render();
        text.lines()
            .filter(|line| line.ends_with("{outcome=\"refused\"} 1"))
            .count()
    };
    let _recording = metrics::set_default_local_recorder(&recorder);
    let scene = Scene::new();
    let mut watch = Watch::default();
    let mut look = || watch.look(&scene.certificates, SystemClock.now());
    let next = scene.signed();
    // The certificate is there already, and its key is not.
    std::fs::write(scene.folder.path().join("server.pem"), &next.certificate).unwrap();
    look();
    assert_eq!(refusals(), 0);
    look();
    look();
    look();
    assert_eq!(refusals(), 1);
    std::fs::write(scene.folder.path().join("server.key"), &next.key).unwrap();
    look();
    assert!(counted.render().contains("{outcome=\"replaced\"} 1"));
    assert_eq!(scene.certificates.reload().unwrap(), Reloaded::Unchanged);
}

#[test]
fn what_was_mended_is_told_of_anew_where_it_breaks_again() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let scene = Scene::new();
    let mut watch = Watch::default();
    let mut refusals_after_a_look = |key: &str| {
        std::fs::write(scene.folder.path().join("server.key"), key).unwrap();
        watch.look(&scene.certificates, SystemClock.now());
        let text = counted.render();
        let mut counts = text
            .lines()
            .filter_map(|line| line.split_once("{outcome=\"refused\"} "));
        counts.next().map_or(0, |(_, count)| count.parse().unwrap())
    };
    let (right, wrong) = (&scene.first.key, "no key at all");
    let told: Vec<i32> = [wrong, wrong, right, wrong, wrong, wrong]
        .map(&mut refusals_after_a_look)
        .into();
    assert_eq!(told, [0, 1, 1, 1, 2, 2]);
}

#[test]
fn the_metric_shows_the_end_of_the_certificate_in_use() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::default());
    let certificates = load(folder.path(), &authority.sign_expired(&["localhost"])).unwrap();
    let shown = || {
        let text = counted.render();
        let mut values = text.lines().filter_map(|line| line.strip_prefix(EXPIRES));
        values.next().map(|value| value.parse::<f64>().unwrap())
    };
    let expected = || Some(certificates.expires_at().as_millis() as f64 / 1_000.0);
    let first = expected();
    assert_eq!(shown(), first);
    authority
        .sign(&["localhost"])
        .write_to(folder.path(), "server")
        .unwrap();
    assert_eq!(certificates.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(shown(), expected());
    assert_ne!(shown(), first);
}

#[test]
fn a_certificate_that_is_about_to_expire_is_told_of_once_a_day() {
    let end = SystemClock.now();
    let mut watch = Watch::default();
    let told: Vec<_> = (0..60)
        .map(|quarter| end.before(15 * DAY).after(quarter * DAY / 4))
        .map(|now| watch.is_to_warn(end, now))
        .collect();
    let first = told.iter().position(|told| *told).unwrap();
    assert_eq!(first, 4);
    assert_eq!(told.iter().filter(|told| **told).count(), 14);
    let later = end.after(365 * DAY);
    assert!(!watch.is_to_warn(later, end), "it was replaced");
    assert!(watch.is_to_warn(end, end), "this is another one");
}
