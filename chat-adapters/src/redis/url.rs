//! A Redis URL as options.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use super::channels::MOST_CHANNELS;
use super::{Address, Deployment, RedisOptions, Tls};

/// The longest prefix of keys and channels, in bytes.
const LONGEST_PREFIX: usize = 64;

/// The number of channels in a cluster unless it is given: a few for each server.
const CHANNELS_IN_CLUSTER: u16 = 16;

/// What is wrong with a Redis URL. The text says what to do, and never holds the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is none of Redis.
    #[error(
        "a Redis URL begins with redis://, rediss://, redis+cluster:// or rediss+cluster://: check its beginning"
    )]
    Scheme,
    /// It does not have the form of a URL.
    #[error(
        "a Redis URL has the form redis://user:password@host:port/database: check it, and escape the symbols of a URL in the user and the password with %"
    )]
    Malformed,
    /// A cluster has no database but 0.
    #[error("a Redis Cluster has no databases: leave the number out")]
    DatabaseInCluster,
    /// Several servers, and not a cluster.
    #[error("several Redis servers are a cluster: begin the URL with redis+cluster://, or name one server")]
    SeveralServers,
    /// `ca` without TLS.
    #[error(
        "the parameter `ca` of a Redis URL needs TLS: begin the URL with rediss:// or leave the parameter out"
    )]
    AuthorityWithoutTls,
    /// The prefix is not fit for names of keys.
    #[error(
        "the parameter `prefix` of a Redis URL takes 1 to 64 letters, digits, `.`, `_`, `-` and `:`: choose another prefix"
    )]
    Prefix,
    /// The number of channels is none.
    #[error(
        "the parameter `channels` of a Redis URL takes a number from 1 to 4096: leave it out, or set the same on all nodes"
    )]
    Channels,
    /// A parameter that nobody knows.
    #[error("a Redis URL has the parameters `ca`, `channels` and `prefix` only: leave the others out")]
    Parameter,
}

pub(super) fn parse(url: &str) -> Result<RedisOptions, UrlError> {
    let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
    let (tls, deployment) = match scheme {
        "redis" => (None, Deployment::Single),
        "rediss" => (Some(Tls::default()), Deployment::Single),
        "redis+cluster" => (None, Deployment::Cluster),
        "rediss+cluster" => (Some(Tls::default()), Deployment::Cluster),
        _ => return Err(UrlError::Scheme),
    };
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let servers = hosts.split(',').map(|host| server(&user, host, database));
    let servers: Vec<_> = servers.collect::<Result<_, _>>()?;
    let (_, first) = servers.first().ok_or(UrlError::Malformed)?;
    let settings = first.redis_settings();
    let mut options = RedisOptions {
        deployment,
        tls,
        user: settings.username().map(str::to_owned),
        password: settings.password().map(str::to_owned),
        database: settings.db().try_into().map_err(|_| UrlError::Malformed)?,
        channels: match deployment {
            Deployment::Single => 1,
            Deployment::Cluster => CHANNELS_IN_CLUSTER,
        },
        servers: servers.iter().map(|(address, _)| address.clone()).collect(),
        ..RedisOptions::new("", 0)
    };
    match deployment {
        Deployment::Single if options.servers.len() > 1 => return Err(UrlError::SeveralServers),
        Deployment::Cluster if options.database != 0 => return Err(UrlError::DatabaseInCluster),
        Deployment::Single | Deployment::Cluster => {}
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        set_parameter(&mut options, parameter)?;
    }
    Ok(options)
}

/// Reads one server with the user and the database, which the URLs of several servers share.
fn server(user: &str, host: &str, database: &str) -> Result<(Address, ConnectionInfo), UrlError> {
    let url = format!("redis://{user}{host}/{database}");
    let info = url.into_connection_info().map_err(|_| UrlError::Malformed)?;
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => {
            // The brackets of an IPv6 address belong to the URL.
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            Ok((Address { host, port: *port }, info))
        }
        _ => Err(UrlError::Malformed),
    }
}

fn set_parameter(options: &mut RedisOptions, parameter: &str) -> Result<(), UrlError> {
    match parameter.split_once('=').ok_or(UrlError::Parameter)? {
        ("ca", path) => {
            let tls = options.tls.as_mut().ok_or(UrlError::AuthorityWithoutTls)?;
            tls.authority = Some(path.into());
        }
        ("prefix", prefix) if is_prefix(prefix) => prefix.clone_into(&mut options.prefix),
        ("prefix", _) => return Err(UrlError::Prefix),
        ("channels", number) => {
            let number = number.parse().map_err(|_| UrlError::Channels)?;
            if !(1..=MOST_CHANNELS).contains(&number) {
                return Err(UrlError::Channels);
            }
            options.channels = number;
        }
        _ => return Err(UrlError::Parameter),
    }
    Ok(())
}

fn is_prefix(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_PREFIX && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_url_has_the_defaults() {
        let options = parse("redis://redis.example").unwrap();
        assert_eq!(options, RedisOptions::new("redis.example", 6379));
    }

    #[test]
    fn user_password_database_and_parameters_are_read() {
        let options =
            parse("rediss://chat:p%40ss%2Fword@[::1]:6380/3?ca=/etc/ca.pem&prefix=test-1&channels=64")
                .unwrap();
        let expected = RedisOptions {
            tls: Some(Tls {
                authority: Some("/etc/ca.pem".into()),
            }),
            user: Some("chat".to_owned()),
            password: Some("p@ss/word".to_owned()),
            database: 3,
            prefix: "test-1".to_owned(),
            channels: 64,
            ..RedisOptions::new("::1", 6380)
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn a_cluster_names_several_servers_with_one_user() {
        let options = parse("redis+cluster://:secret@one:7001,two,10.0.0.3:7003").unwrap();
        assert_eq!((options.deployment, options.channels), (Deployment::Cluster, 16));
        assert_eq!(
            options.servers,
            [
                Address::new("one", 7001),
                Address::new("two", 6379),
                Address::new("10.0.0.3", 7003)
            ]
        );
        assert_eq!(
            (options.user, options.password.as_deref()),
            (None, Some("secret"))
        );
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        let cases = [
            ("mysql://u:secret@h", UrlError::Scheme),
            ("localhost:6379", UrlError::Scheme),
            ("redis://u:secret@h:port", UrlError::Malformed),
            ("redis://u:secret@h/x", UrlError::Malformed),
            ("redis://u:secret@h/-1", UrlError::Malformed),
            ("redis://u:secret@", UrlError::Malformed),
            ("redis://u:secret@one,two", UrlError::SeveralServers),
            ("redis+cluster://u:secret@one,two/1", UrlError::DatabaseInCluster),
            ("redis://u:secret@h?ca=/x", UrlError::AuthorityWithoutTls),
            ("redis://u:secret@h?prefix={x}", UrlError::Prefix),
            ("redis://u:secret@h?prefix=", UrlError::Prefix),
            ("redis://u:secret@h?channels=0", UrlError::Channels),
            ("redis://u:secret@h?channels=4097", UrlError::Channels),
            ("redis://u:secret@h?channels=many", UrlError::Channels),
            ("redis://u:secret@h?protocol=3", UrlError::Parameter),
        ];
        for (url, expected) in cases {
            let error = parse(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn the_password_is_not_printed() {
        let printed = format!("{:?}", parse("redis://u:secret@h").unwrap());
        assert!(!printed.contains("secret"), "{printed}");
    }
}
