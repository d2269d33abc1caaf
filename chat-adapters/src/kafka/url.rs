//! A Kafka URL as options.

use percent_encoding::percent_decode_str;

use super::{Address, KafkaOptions, Mechanism, Sasl, Tls};

const DEFAULT_PORT: u16 = 9092;
/// The longest name of a topic that Kafka takes, in bytes.
const LONGEST_TOPIC: usize = 249;

/// What is wrong with a Kafka URL. The text says what to do, and never holds the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is another.
    #[error("a Kafka URL begins with kafka://: check its beginning")]
    Scheme,
    /// It does not have the form of a URL.
    #[error(
        "a Kafka URL has the form kafka://user:password@host:port,host:port/topic: check it, and escape the symbols of a URL in the user and the password with %"
    )]
    Malformed,
    /// The topic is missing, or Kafka would not take its name.
    #[error(
        "a Kafka URL ends with /topic, whose name has 1 to 249 letters, digits, `.`, `_` and `-`: choose such a name"
    )]
    Topic,
    /// `security` is something else.
    #[error(
        "the parameter `security` of a Kafka URL is `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`: choose one of them"
    )]
    Security,
    /// `mechanism` is something else.
    #[error(
        "the parameter `mechanism` of a Kafka URL is `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`: choose one of them"
    )]
    Mechanism,
    /// `security` asks for a user and a password.
    #[error(
        "the parameter `security` of this Kafka URL needs a user and a password: write them before the host"
    )]
    UserMissing,
    /// A user or a mechanism that nobody asks for.
    #[error(
        "a user and a `mechanism` in a Kafka URL need the parameter `security=sasl_ssl` or `security=sasl_plaintext`: add it, or leave them out"
    )]
    UserWithoutSasl,
    /// `ca` without TLS.
    #[error(
        "the parameter `ca` of a Kafka URL needs TLS: add `security=ssl` or `security=sasl_ssl`, or leave the parameter out"
    )]
    AuthorityWithoutTls,
    /// A parameter that nobody knows, or one twice.
    #[error(
        "a Kafka URL has the parameters `security`, `mechanism` and `ca` only, each once: leave the others out"
    )]
    Parameter,
}

pub(super) fn parse(url: &str) -> Result<KafkaOptions, UrlError> {
    let rest = url.strip_prefix("kafka://").ok_or(UrlError::Scheme)?;
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, topic) = rest.split_once('/').ok_or(UrlError::Topic)?;
    if !is_topic(topic) {
        return Err(UrlError::Topic);
    }
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    let servers = hosts.split(',').map(server).collect::<Result<_, _>>()?;
    let parameters = Parameters::read(parameters)?;
    Ok(KafkaOptions {
        tls: parameters.tls()?,
        sasl: parameters.sasl(login)?,
        servers,
        ..KafkaOptions::new("", 0, topic)
    })
}

/// What stands behind the question mark.
#[derive(Default)]
struct Parameters<'a> {
    security: Option<&'a str>,
    mechanism: Option<&'a str>,
    authority: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn read(text: &'a str) -> Result<Self, UrlError> {
        let mut read = Self::default();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(UrlError::Parameter)?;
            let place = match name {
                "security" => &mut read.security,
                "mechanism" => &mut read.mechanism,
                "ca" => &mut read.authority,
                _ => return Err(UrlError::Parameter),
            };
            if place.replace(value).is_some() {
                return Err(UrlError::Parameter);
            }
        }
        match read.security {
            None | Some("plaintext" | "ssl" | "sasl_plaintext" | "sasl_ssl") => Ok(read),
            Some(_) => Err(UrlError::Security),
        }
    }

    fn tls(&self) -> Result<Option<Tls>, UrlError> {
        let authority = self.authority.map(Into::into);
        match self.security {
            Some("ssl" | "sasl_ssl") => Ok(Some(Tls { authority })),
            _ if authority.is_some() => Err(UrlError::AuthorityWithoutTls),
            _ => Ok(None),
        }
    }

    fn sasl(&self, login: Option<&str>) -> Result<Option<Sasl>, UrlError> {
        let mechanism = match self.mechanism {
            None => Mechanism::default(),
            Some("PLAIN") => Mechanism::Plain,
            Some("SCRAM-SHA-256") => Mechanism::ScramSha256,
            Some("SCRAM-SHA-512") => Mechanism::ScramSha512,
            Some(_) => return Err(UrlError::Mechanism),
        };
        if !matches!(self.security, Some("sasl_plaintext" | "sasl_ssl")) {
            let unasked = login.is_some() || self.mechanism.is_some();
            return if unasked {
                Err(UrlError::UserWithoutSasl)
            } else {
                Ok(None)
            };
        }
        let (user, password) = login
            .ok_or(UrlError::UserMissing)?
            .split_once(':')
            .ok_or(UrlError::UserMissing)?;
        let (user, password) = (decoded(user)?, decoded(password)?);
        if user.is_empty() {
            return Err(UrlError::UserMissing);
        }
        Ok(Some(Sasl {
            mechanism,
            user,
            password,
        }))
    }
}

fn server(text: &str) -> Result<Address, UrlError> {
    Address::parse(text, DEFAULT_PORT).ok_or(UrlError::Malformed)
}

/// What an escaped text stands for. The settings of librdkafka are C strings, which a NUL would end.
fn decoded(text: &str) -> Result<String, UrlError> {
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| UrlError::Malformed)?;
    if decoded.contains('\0') {
        return Err(UrlError::Malformed);
    }
    Ok(decoded.into_owned())
}

pub(super) fn is_topic(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_short = (1..=LONGEST_TOPIC).contains(&name.len());
    is_short && name.bytes().all(allowed) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sasl(mechanism: Mechanism, password: &str) -> Option<Sasl> {
        Some(Sasl {
            mechanism,
            user: "chat".to_owned(),
            password: password.to_owned(),
        })
    }

    #[test]
    fn a_plain_url_has_the_defaults() {
        let options = parse("kafka://kafka.example/chat-events").unwrap();
        assert_eq!(options, KafkaOptions::new("kafka.example", 9092, "chat-events"));
        assert_eq!(
            parse("kafka://kafka.example:9092/chat-events?security=plaintext").unwrap(),
            options
        );
    }

    #[test]
    fn a_url_names_several_servers() {
        let options = parse("kafka://one:19092,10.0.0.3,[::1]:9094,[::2]/t").unwrap();
        let expected = [
            Address::new("one", 19092),
            Address::new("10.0.0.3", 9092),
            Address::new("::1", 9094),
            Address::new("::2", 9092),
        ];
        assert_eq!(options.servers, expected);
        assert_eq!(
            options.to_string(),
            "kafka://one:19092,10.0.0.3:9092,[::1]:9094,[::2]:9092/t"
        );
    }

    #[test]
    fn user_password_and_parameters_are_read() {
        let options =
            parse("kafka://chat:p%40ss%2Fw%3Ford@h/t?security=sasl_ssl&mechanism=PLAIN&ca=/etc/ca.pem")
                .unwrap();
        let authority = Some("/etc/ca.pem".into());
        assert_eq!(options.tls, Some(Tls { authority }));
        assert_eq!(options.sasl, sasl(Mechanism::Plain, "p@ss/w?ord"));

        let options = parse("kafka://chat:secret@h/t?security=sasl_plaintext").unwrap();
        assert_eq!(options.tls, None);
        assert_eq!(options.sasl, sasl(Mechanism::ScramSha512, "secret"));

        let options = parse("kafka://h/t?security=ssl").unwrap();
        assert_eq!((options.tls, options.sasl), (Some(Tls::default()), None));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        let sasl = "security=sasl_ssl";
        let cases = [
            ("redis://u:secret@h/t".to_owned(), UrlError::Scheme),
            ("h:9092/t".to_owned(), UrlError::Scheme),
            ("kafka://h".to_owned(), UrlError::Topic),
            ("kafka://h/".to_owned(), UrlError::Topic),
            ("kafka://h/..".to_owned(), UrlError::Topic),
            ("kafka://h/secret/t".to_owned(), UrlError::Topic),
            (format!("kafka://h/{}", "t".repeat(250)), UrlError::Topic),
            ("kafka:///t".to_owned(), UrlError::Malformed),
            ("kafka://h:0/t".to_owned(), UrlError::Malformed),
            ("kafka://h:secret/t".to_owned(), UrlError::Malformed),
            ("kafka://one,,two/t".to_owned(), UrlError::Malformed),
            ("kafka://[::1/t".to_owned(), UrlError::Malformed),
            ("kafka://[::1]9092/t".to_owned(), UrlError::Malformed),
            ("kafka://a secret/t".to_owned(), UrlError::Malformed),
            (format!("kafka://u:secret%FF@h/t?{sasl}"), UrlError::Malformed),
            (format!("kafka://u:secret%00@h/t?{sasl}"), UrlError::Malformed),
            (format!("kafka://h/t?{sasl}"), UrlError::UserMissing),
            (format!("kafka://secret@h/t?{sasl}"), UrlError::UserMissing),
            (format!("kafka://:secret@h/t?{sasl}"), UrlError::UserMissing),
            ("kafka://u:secret@h/t".to_owned(), UrlError::UserWithoutSasl),
            (
                "kafka://u:secret@h/t?security=ssl".to_owned(),
                UrlError::UserWithoutSasl,
            ),
            (
                "kafka://h/t?mechanism=PLAIN".to_owned(),
                UrlError::UserWithoutSasl,
            ),
            (
                format!("kafka://u:secret@h/t?{sasl}&mechanism=GSSAPI"),
                UrlError::Mechanism,
            ),
            ("kafka://h/t?security=secret".to_owned(), UrlError::Security),
            ("kafka://h/t?ca=/secret".to_owned(), UrlError::AuthorityWithoutTls),
            ("kafka://h/t?acks=secret".to_owned(), UrlError::Parameter),
            ("kafka://h/t?security".to_owned(), UrlError::Parameter),
            (
                "kafka://h/t?security=ssl&security=ssl".to_owned(),
                UrlError::Parameter,
            ),
        ];
        for (url, expected) in cases {
            let error = parse(&url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn the_password_is_not_printed() {
        let options = parse("kafka://u:secret@h/t?security=sasl_ssl").unwrap();
        let printed = format!("{options} {options:?} {options:#?}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}
