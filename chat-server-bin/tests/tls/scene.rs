//! A server with a certificate in files that a test replaces.

use std::io::{Read as _, Write as _};

use chat_test_services::{Authority, SignedCertificate, eventually};
use tempfile::TempDir;

use crate::client::{Client, Stream, shake_hands};
use crate::support::Server;
use crate::support::http::{Answer, read};

pub(crate) struct Scene {
    pub(crate) authority: Authority,
    pub(crate) folder: TempDir,
    pub(crate) first: SignedCertificate,
    pub(crate) server: Server,
}

impl Scene {
    /// A server in memory that speaks TLS on both addresses, where these arguments do not say otherwise.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(|authority| authority.sign(&["127.0.0.1"]), arguments)
    }

    /// The same with this certificate.
    pub(crate) fn start_with(
        first: impl FnOnce(&Authority) -> SignedCertificate,
        arguments: &[&str],
    ) -> Self {
        let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
        let first = first(&authority);
        let (certificate, key) = first.write_to(folder.path(), "server").unwrap();
        let always = [
            "--store",
            "memory:",
            "--http",
            "127.0.0.1:0",
            "--tls-certificate",
            certificate.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ];
        let server = Server::start(&[&always[..], arguments].concat());
        Self {
            authority,
            folder,
            first,
            server,
        }
    }

    pub(crate) fn write(&self, signed: &SignedCertificate) {
        signed.write_to(self.folder.path(), "server").unwrap();
    }

    /// A certificate that the server does not have yet.
    pub(crate) fn signed(&self) -> SignedCertificate {
        self.authority.sign(&["127.0.0.1"])
    }

    /// A client by TCP.
    pub(crate) fn connect(&self) -> Client {
        Client::by_tcp(shake_hands(self.server.address(), self.authority.client()).unwrap())
    }

    /// A client by WebSocket.
    pub(crate) fn connect_by_websocket(&self) -> Client {
        Client::by_websocket(self.https(), self.server.http())
    }

    fn https(&self) -> Stream {
        shake_hands(self.server.http(), self.authority.client()).unwrap()
    }

    /// Asks for a path by HTTPS.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let mut stream = self.https();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.server.http());
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        read(&answer).unwrap()
    }

    /// The value of a series.
    pub(crate) fn counted(&self, series: &str) -> f64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("no {series} in {text}"))
            .trim()
            .parse()
            .unwrap()
    }

    /// What clients are shown at both addresses.
    pub(crate) fn shown(&self) -> [Vec<u8>; 2] {
        [self.server.address(), self.server.http()].map(|address| {
            let stream = shake_hands(address, self.authority.client()).unwrap();
            stream.conn.peer_certificates().unwrap()[0].to_vec()
        })
    }

    /// Waits until clients are shown this certificate.
    pub(crate) fn shows(&self, signed: &SignedCertificate) {
        eventually("the new certificate is shown", || {
            self.shown()
                .iter()
                .all(|shown| *shown == signed.der)
                .then_some(())
        })
        .unwrap();
    }
}
