//! A ZooKeeper URL as options.

use percent_encoding::percent_decode_str;

use super::{Address, Digest, ZooKeeperOptions};

const DEFAULT_PORT: u16 = 2181;
/// The longest folder, in bytes.
const LONGEST_PATH: usize = 255;
/// What ZooKeeper keeps for itself.
const RESERVED: &str = "zookeeper";

/// What is wrong with a ZooKeeper URL. The text says what to do, and never holds the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is another.
    #[error("a ZooKeeper URL begins with zookeeper://: check its beginning")]
    Scheme,
    /// It does not have the form of a URL.
    #[error(
        "a ZooKeeper URL has the form zookeeper://user:password@host:port,host:port/path: check it, and escape the symbols of a URL in the user and the password with %"
    )]
    Malformed,
    /// A user without a password, or a password without a user.
    #[error("a ZooKeeper URL names a user and a password, or neither: write both before the host")]
    Login,
    /// The path is missing, or ZooKeeper would not take it.
    #[error(
        "a ZooKeeper URL ends with the folder of the announcements, such as /chat: names of letters, digits, `.`, `_` and `-` after each `/`, 255 characters in all, and not /zookeeper, which ZooKeeper keeps for itself: choose such a path"
    )]
    Path,
    /// Parameters, which such a URL does not have.
    #[error("a ZooKeeper URL has no parameters: leave out what follows the question mark")]
    Parameter,
}

pub(super) fn parse(url: &str) -> Result<ZooKeeperOptions, UrlError> {
    let rest = url.strip_prefix("zookeeper://").ok_or(UrlError::Scheme)?;
    if rest.contains('?') {
        return Err(UrlError::Parameter);
    }
    let (authority, path) = rest.find('/').map(|at| rest.split_at(at)).ok_or(UrlError::Path)?;
    if !is_path(path) {
        return Err(UrlError::Path);
    }
    let (digest, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(digest(login)?), hosts),
        None => (None, authority),
    };
    let server = |text| Address::parse(text, DEFAULT_PORT).ok_or(UrlError::Malformed);
    Ok(ZooKeeperOptions {
        servers: hosts.split(',').map(server).collect::<Result<_, _>>()?,
        digest,
        ..ZooKeeperOptions::new("", 0, path)
    })
}

fn digest(login: &str) -> Result<Digest, UrlError> {
    let (user, password) = login.split_once(':').ok_or(UrlError::Login)?;
    let (user, password) = (decoded(user)?, decoded(password)?);
    // The first colon ends the user's name on the way to ZooKeeper.
    if user.contains(':') {
        return Err(UrlError::Malformed);
    }
    if user.is_empty() || password.is_empty() {
        return Err(UrlError::Login);
    }
    Ok(Digest { user, password })
}

fn decoded(text: &str) -> Result<String, UrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| UrlError::Malformed)?.into_owned())
}

fn is_path(path: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = |name: &str| !matches!(name, "" | "." | "..") && name.bytes().all(allowed);
    let mut names = path
        .strip_prefix('/')
        .into_iter()
        .flat_map(|path| path.split('/'));
    path.len() <= LONGEST_PATH && names.clone().next() != Some(RESERVED) && names.all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_url_has_the_defaults() {
        let options = parse("zookeeper://zk.example/chat").unwrap();
        assert_eq!(options, ZooKeeperOptions::new("zk.example", 2181, "/chat"));
        assert_eq!(options.session_timeout.as_secs(), 6);
    }

    #[test]
    fn several_servers_a_user_and_a_deep_path_are_read() {
        let options =
            parse("zookeeper://ch%61t:p%40ss%2Fw%3Ard%3A@one:21,[::1]:22,10.0.0.3/a/b-1/c_.d").unwrap();
        let expected = [
            Address::new("one", 21),
            Address::new("::1", 22),
            Address::new("10.0.0.3", 2181),
        ];
        assert_eq!(options.servers, expected);
        assert_eq!(options.connect_string(), "one:21,[::1]:22,10.0.0.3:2181");
        assert_eq!(options.path, "/a/b-1/c_.d");
        let digest = Digest {
            user: "chat".to_owned(),
            password: "p@ss/w:rd:".to_owned(),
        };
        assert_eq!(options.digest, Some(digest));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        let long = format!("zookeeper://h/secret{}", "x".repeat(255));
        let cases = [
            ("redis://u:secret@h/t", UrlError::Scheme),
            ("h:2181/secret", UrlError::Scheme),
            ("zookeeper://secret", UrlError::Path),
            ("zookeeper://u:secret@h/", UrlError::Path),
            ("zookeeper://u:secret@h//a", UrlError::Path),
            ("zookeeper://u:secret@h/a/", UrlError::Path),
            ("zookeeper://u:secret@h/a/../b", UrlError::Path),
            ("zookeeper://u:secret@h/a/.", UrlError::Path),
            ("zookeeper://u:secret@h/a b", UrlError::Path),
            ("zookeeper://u:sec/ret@h/a", UrlError::Path),
            ("zookeeper://u:secret@h/zookeeper/a", UrlError::Path),
            (&long, UrlError::Path),
            ("zookeeper:///secret", UrlError::Malformed),
            ("zookeeper://h:secret/a", UrlError::Malformed),
            ("zookeeper://h:0/secret", UrlError::Malformed),
            ("zookeeper://one,,two/secret", UrlError::Malformed),
            ("zookeeper://u:secret%FF@h/a", UrlError::Malformed),
            ("zookeeper://u%3A:secret@h/a", UrlError::Malformed),
            ("zookeeper://secret@h/a", UrlError::Login),
            ("zookeeper://:secret@h/a", UrlError::Login),
            ("zookeeper://secret:@h/a", UrlError::Login),
            ("zookeeper://u:secret@h/a?ca=/x", UrlError::Parameter),
        ];
        for (url, expected) in cases {
            let error = parse(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn the_password_is_not_printed() {
        let options = parse("zookeeper://u:secret@h/chat").unwrap();
        let printed = format!("{options:?} {options:#?}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}
