//! A list of networks.

use std::net::IpAddr;

use chat_adapters::tcp::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::written_list;

/// Networks, each as in `10.0.0.0/8`; an address alone is a network of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    /// The networks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = IpNet> {
        self.0.iter().copied()
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let example = "write a list of networks as in [\"10.0.0.0/8\"]";
        written_list::items(deserializer, example, network).map(Self)
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .map_err(|_| format!("`{text}` is no network: write for example 10.0.0.0/8, or one address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(toml: &str) -> Result<Vec<String>, String> {
        let table: toml::Table = toml::from_str(&format!("networks = {toml}")).unwrap();
        let networks: Networks = table["networks"]
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| error.to_string())?;
        Ok(networks.iter().map(|network| network.to_string()).collect())
    }

    #[test]
    fn lists_and_texts_with_commas_name_the_same_networks() {
        for written in [
            r#"["10.0.0.0/8", "::1", "192.0.2.7"]"#,
            r#""10.0.0.0/8, ::1,192.0.2.7""#,
        ] {
            assert_eq!(
                networks(written).unwrap(),
                ["10.0.0.0/8", "::1/128", "192.0.2.7/32"]
            );
        }
        for none in ["[]", r#""""#] {
            assert_eq!(networks(none).unwrap(), [""; 0]);
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        for (written, named) in [
            (r#""10.0.0.0/33""#, "`10.0.0.0/33`"),
            (r#"["nginx.example"]"#, "`nginx.example`"),
            ("7", "list of networks"),
        ] {
            let sentence = networks(written).unwrap_err();
            assert!(sentence.contains(named), "{sentence}");
        }
    }
}
