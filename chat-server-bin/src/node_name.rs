//! The node's name where the settings give none: `HOST:PORT`, the same after every restart.

use chat_core::types::NodeId;

use crate::failure::Failure;

/// The longest part of a host name that fits beside a port.
const HOST_CHARACTERS: usize = 58;

/// The configured name, or the machine's name with the port that is listened on.
pub(crate) fn node_name(configured: &str, port: u16) -> Result<NodeId, Failure> {
    let name = if configured.is_empty() {
        let host = nix::unistd::gethostname().unwrap_or_default();
        default_name(&host.to_string_lossy(), port)
    } else {
        configured.to_owned()
    };
    NodeId::parse(&name).map_err(|error| Failure::setting(format!("`node` {error}")))
}

fn default_name(host: &str, port: u16) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let host: String = host
        .chars()
        .map(|character| if allowed(character) { character } else { '-' })
        .take(HOST_CHARACTERS)
        .collect();
    let host = if host.is_empty() { "localhost" } else { &host };
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_host_name_gives_a_valid_node_name() {
        for (host, expected) in [
            ("web-1.example", "web-1.example:6000"),
            ("büro pc", "b-ro-pc:6000"),
            ("", "localhost:6000"),
        ] {
            assert_eq!(default_name(host, 6000), expected);
        }
        assert!(NodeId::parse(&default_name(&"x".repeat(300), u16::MAX)).is_ok());
    }

    #[test]
    fn a_configured_name_is_taken_as_it_is() {
        assert_eq!(node_name("node-7", 1).unwrap().as_str(), "node-7");
    }
}
