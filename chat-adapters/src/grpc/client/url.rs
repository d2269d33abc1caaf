//! Where backends are, as a URL.

use chat_core::ports::Peer;
use chat_core::types::NodeId;

use super::ClientTls;
use crate::endpoint::Address;
use crate::grpc::Identity;

/// What is wrong with the URL of backends. The text says what to do, and never holds the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is another.
    #[error(
        "the URL of backends begins with grpc://, grpcs://, grpc+zookeeper:// or grpcs+zookeeper://: check its beginning"
    )]
    Scheme,
    /// It does not name backends as it should.
    #[error(
        "the URL of backends has the form grpc://HOST:PORT,HOST:PORT, with brackets around an IPv6 address: check it"
    )]
    Malformed,
    /// A host name that is too long for the name of a node.
    #[error(
        "a host and its port in the URL of backends have at most 64 symbols: name the host by a shorter name or its address"
    )]
    HostTooLong,
    /// There are no servers of `ZooKeeper` in it.
    #[error("the URL of backends has the form grpc+zookeeper://HOST:PORT,HOST:PORT/PATH: check it")]
    ZooKeeper,
    /// A parameter that needs TLS.
    #[error(
        "the parameters `ca`, `cert` and `key` of the URL of backends need TLS: begin it with grpcs:// or grpcs+zookeeper://, or leave them out"
    )]
    ParameterWithoutTls,
    /// A certificate without its key, or a key without its certificate.
    #[error("the parameters `cert` and `key` of the URL of backends go together: name both files or none")]
    HalfIdentity,
    /// A parameter that nobody knows, one twice, or one without a value.
    #[error(
        "the URL of backends has the parameters `ca`, `cert` and `key` only, each once and with the path of a file: check what stands behind `?`"
    )]
    Parameter,
}

/// Where the backends are, and how to reach them.
///
/// ```
/// use chat_adapters::grpc::{Backends, BackendsUrl};
///
/// let url = BackendsUrl::parse("grpcs+zookeeper://zk-1:2181,zk-2:2181/chat?ca=/etc/chat/ca.pem")?;
/// assert_eq!(url.backends, Backends::ZooKeeper("zookeeper://zk-1:2181,zk-2:2181/chat".to_owned()));
/// assert!(url.tls.is_some_and(|tls| tls.authority.is_some()));
/// # Ok::<(), chat_adapters::grpc::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendsUrl {
    /// Where they are.
    pub backends: Backends,
    /// TLS towards them.
    pub tls: Option<ClientTls>,
}

/// Where backends are.
#[derive(Clone, PartialEq, Eq)]
pub enum Backends {
    /// At these addresses. Each has the name `HOST:PORT`, without the brackets of an IPv6 address.
    Listed(Vec<Peer>),
    /// Where they announce themselves: the URL of a `ZooKeeper` ensemble, which may hold a password.
    ZooKeeper(String),
}

impl std::fmt::Debug for Backends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listed(peers) => f.debug_tuple("Listed").field(peers).finish(),
            Self::ZooKeeper(_) => f.write_str("ZooKeeper(…)"),
        }
    }
}

impl BackendsUrl {
    /// Reads `grpc[s]://HOST:PORT[,HOST:PORT…][?parameters]`, or
    /// `grpc[s]+zookeeper://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]/PATH[?parameters]`.
    ///
    /// - `grpcs` is TLS towards the backends, also where `ZooKeeper` tells where they are.
    /// - The parameter `ca` names a file of certificates to trust instead of the system's; `cert` and
    ///   `key` name the files of a certificate and its key, for backends that ask for one.
    ///
    /// # Errors
    /// [`UrlError`] with what is wrong, and never with the URL, which may hold a password. What stands behind
    /// `zookeeper://` is looked at by whoever connects to it.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (encrypted, backends) = match scheme {
            "grpc" => (false, listed(rest)?),
            "grpcs" => (true, listed(rest)?),
            "grpc+zookeeper" => (false, announced(rest)?),
            "grpcs+zookeeper" => (true, announced(rest)?),
            _ => return Err(UrlError::Scheme),
        };
        let tls = Parameters::read(parameters)?.tls()?;
        match (encrypted, tls) {
            (true, tls) => Ok(Self {
                backends,
                tls: Some(tls),
            }),
            (false, tls) if tls == ClientTls::default() => Ok(Self { backends, tls: None }),
            (false, _) => Err(UrlError::ParameterWithoutTls),
        }
    }
}

/// What stands behind the question mark.
#[derive(Default)]
struct Parameters<'a> {
    authority: Option<&'a str>,
    certificate: Option<&'a str>,
    key: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn read(text: &'a str) -> Result<Self, UrlError> {
        let mut read = Self::default();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(UrlError::Parameter)?;
            let place = match name {
                "ca" => &mut read.authority,
                "cert" => &mut read.certificate,
                "key" => &mut read.key,
                _ => return Err(UrlError::Parameter),
            };
            if value.is_empty() || place.replace(value).is_some() {
                return Err(UrlError::Parameter);
            }
        }
        Ok(read)
    }

    fn tls(&self) -> Result<ClientTls, UrlError> {
        let identity = match (self.certificate, self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(Identity {
                certificate: certificate.into(),
                key: key.into(),
            }),
            (Some(_), None) | (None, Some(_)) => return Err(UrlError::HalfIdentity),
        };
        Ok(ClientTls {
            authority: self.authority.map(Into::into),
            identity,
        })
    }
}

fn listed(hosts: &str) -> Result<Backends, UrlError> {
    let mut peers: Vec<_> = hosts.split(',').map(peer).collect::<Result<_, _>>()?;
    peers.sort();
    peers.dedup();
    Ok(Backends::Listed(peers))
}

fn peer(text: &str) -> Result<Peer, UrlError> {
    // There is no port to assume, and none is 0.
    let mut address = Address::parse(text, 0).ok_or(UrlError::Malformed)?;
    if text.starts_with('[') {
        let host: std::net::Ipv6Addr = address.host.parse().map_err(|_| UrlError::Malformed)?;
        address.host = host.to_string();
    } else if address.host.contains('%') {
        return Err(UrlError::Malformed);
    }
    let name = format!("{}:{}", address.host, address.port);
    let node = NodeId::parse(&name).map_err(|_| UrlError::HostTooLong)?;
    let address = address.to_string();
    Ok(Peer { node, address })
}

fn announced(rest: &str) -> Result<Backends, UrlError> {
    let (servers, path) = rest.split_once('/').ok_or(UrlError::ZooKeeper)?;
    if servers.is_empty() || servers.ends_with('@') || path.is_empty() {
        return Err(UrlError::ZooKeeper);
    }
    Ok(Backends::ZooKeeper(format!("zookeeper://{rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed_names(url: &str) -> Vec<(String, String)> {
        match BackendsUrl::parse(url).unwrap().backends {
            Backends::Listed(peers) => {
                let shown = |peer: Peer| (peer.node.to_string(), peer.address);
                peers.into_iter().map(shown).collect()
            }
            Backends::ZooKeeper(_) => panic!("{url} lists no backends"),
        }
    }

    #[test]
    fn listed_backends_are_named_by_their_addresses() {
        let names = listed_names("grpc://two.example:6100,10.0.0.1:6101,[::1]:6100,two.example:6100");
        let expected = [
            ("10.0.0.1:6101", "10.0.0.1:6101"),
            ("::1:6100", "[::1]:6100"),
            ("two.example:6100", "two.example:6100"),
        ];
        let expected = expected.map(|(node, address)| (node.to_owned(), address.to_owned()));
        assert_eq!(names, expected);
    }

    #[test]
    fn the_parameters_are_those_of_tls() {
        let url = BackendsUrl::parse("grpcs://one:1?ca=/ca.pem&cert=/me.pem&key=/me.key").unwrap();
        let expected = ClientTls {
            authority: Some("/ca.pem".into()),
            identity: Some(Identity {
                certificate: "/me.pem".into(),
                key: "/me.key".into(),
            }),
        };
        assert_eq!(url.tls, Some(expected));
        let bare = BackendsUrl::parse("grpcs://one:1").unwrap();
        assert_eq!(bare.tls, Some(ClientTls::default()));
        assert_eq!(BackendsUrl::parse("grpc://one:1").unwrap().tls, None);
    }

    #[test]
    fn zookeeper_gets_all_that_is_not_about_the_backends() {
        let url = BackendsUrl::parse("grpcs+zookeeper://u:secret@zk:2181,[::1]:2181/a/b?ca=/ca.pem").unwrap();
        let expected = "zookeeper://u:secret@zk:2181,[::1]:2181/a/b";
        assert_eq!(url.backends, Backends::ZooKeeper(expected.to_owned()));
        assert!(!format!("{url:?}").contains("secret"), "{url:?}");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        let long = format!("grpc://{}:6100", "x".repeat(64));
        let cases = [
            ("redis://u:secret@h", UrlError::Scheme),
            ("secret:6100", UrlError::Scheme),
            ("grpc://", UrlError::Malformed),
            ("grpc://secret", UrlError::Malformed),
            ("grpc://secret:0", UrlError::Malformed),
            ("grpc://secret:65536", UrlError::Malformed),
            ("grpc://one:1,,secret:2", UrlError::Malformed),
            ("grpc://u:secret@h:1", UrlError::Malformed),
            ("grpc://::1:6100", UrlError::Malformed),
            ("grpc://[::1]", UrlError::Malformed),
            ("grpc://[secret]:1", UrlError::Malformed),
            ("grpc://sec%72et:1", UrlError::Malformed),
            ("grpc://one:1/secret", UrlError::Malformed),
            (&long, UrlError::HostTooLong),
            ("grpc+zookeeper://u:secret@zk:2181", UrlError::ZooKeeper),
            ("grpc+zookeeper://u:secret@/chat", UrlError::ZooKeeper),
            ("grpc+zookeeper://zk:2181/", UrlError::ZooKeeper),
            ("grpc://one:1?ca=/secret", UrlError::ParameterWithoutTls),
            ("grpcs://one:1?cert=/secret", UrlError::HalfIdentity),
            ("grpcs://one:1?key=/secret", UrlError::HalfIdentity),
            ("grpcs://one:1?ca=/secret&ca=/secret", UrlError::Parameter),
            ("grpcs://one:1?ca=", UrlError::Parameter),
            ("grpcs://one:1?secret", UrlError::Parameter),
        ];
        for (url, expected) in cases {
            let error = BackendsUrl::parse(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }
}
