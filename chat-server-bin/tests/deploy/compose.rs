//! `deploy/compose.yaml` and `deploy/compose.backends.yaml`, as far as they can be checked without running them.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlLoader};

use crate::{deployed, test, variables};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "compose::what_a_service_names_is_there",
            what_a_service_names_is_there,
        ),
        test(
            "compose::its_secrets_come_from_the_example_of_the_environment",
            its_secrets_come_from_the_example_of_the_environment,
        ),
        test(
            "compose::nginx_and_the_nodes_know_each_others_addresses",
            nginx_and_the_nodes_know_each_others_addresses,
        ),
        #[cfg(all(feature = "cluster", feature = "kafka"))]
        test(
            "compose::the_server_takes_the_settings_of_every_node",
            the_server_takes_the_settings_of_every_node,
        ),
        #[cfg(all(feature = "cluster", feature = "grpc", feature = "kafka"))]
        test(
            "compose::nodes_look_for_backends_where_those_make_themselves_known",
            nodes_look_for_backends_where_those_make_themselves_known,
        ),
    ]
}

/// A chat of nodes alone, and what is put on top of it for backends apart.
const FILES: [&str; 2] = [WHOLE, ON_TOP];
const WHOLE: &str = "compose.yaml";
const ON_TOP: &str = "compose.backends.yaml";

fn compose(file: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(&deployed(file)).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// Every service of a file with its name; what it merges from elsewhere in the file is in its place.
fn services(file: &str) -> Vec<(String, Hash)> {
    let compose = compose(file);
    let services = compose["services"].as_hash().unwrap();
    let services = services
        .iter()
        .map(|(name, service)| (text(name), merged(service)));
    services.collect()
}

fn merged(mapping: &Yaml) -> Hash {
    let mapping = mapping.as_hash().unwrap();
    let other = mapping.get(&Yaml::from_str("<<")).map(merged);
    let mut whole = other.unwrap_or_default();
    for (key, value) in mapping.iter().filter(|(key, _)| key.as_str() != Some("<<")) {
        whole.insert(key.clone(), value.clone());
    }
    whole
}

fn text(scalar: &Yaml) -> String {
    match scalar {
        Yaml::String(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        other => panic!("{other:?} is no text"),
    }
}

fn field<'a>(service: &'a Hash, name: &str) -> Option<&'a Yaml> {
    service.get(&Yaml::String(name.to_owned()))
}

/// The keys of a mapping, or the entries of a list.
fn names(field: Option<&Yaml>) -> Vec<String> {
    match field {
        None => Vec::new(),
        Some(Yaml::Hash(mapping)) => mapping.keys().map(text).collect(),
        Some(Yaml::Array(list)) => list.iter().map(text).collect(),
        Some(other) => panic!("{other:?} names nothing"),
    }
}

fn address_of(service: &Hash) -> String {
    let networks = field(service, "networks").unwrap();
    text(&networks["chat"]["ipv4_address"])
}

fn nodes() -> Vec<(String, Hash)> {
    named(WHOLE, "node-")
}

/// The services of a file whose names begin like this.
fn named(file: &str, beginning: &str) -> Vec<(String, Hash)> {
    let services = services(file).into_iter();
    services.filter(|(name, _)| name.starts_with(beginning)).collect()
}

/// A node's variables, as they are written.
fn environment(node: &Hash) -> Vec<(String, String)> {
    let environment = merged(field(node, "environment").unwrap());
    let variables = environment.iter().map(|(name, value)| (text(name), text(value)));
    variables.collect()
}

fn what_a_service_names_is_there() {
    let services: Vec<_> = FILES.into_iter().flat_map(services).collect();
    let known: Vec<_> = services.iter().map(|(name, _)| name.clone()).collect();
    assert!(known.len() >= 13, "{known:?}");
    let named = |key: &str| {
        let sections = FILES.map(|file| compose(file)[key].clone());
        let sections = sections.iter().filter(|section| !section.is_badvalue());
        sections
            .flat_map(|section| names(Some(section)))
            .collect::<Vec<_>>()
    };
    let (volumes, networks) = (named("volumes"), named("networks"));
    for (name, service) in &services {
        for needed in names(field(service, "depends_on")) {
            assert!(known.contains(&needed), "{name} depends on {needed}");
            let (_, needed) = services.iter().find(|(name, _)| *name == needed).unwrap();
            let is_built = field(needed, "build").is_some();
            assert!(
                is_built || field(needed, "healthcheck").is_some(),
                "the image or the service has a health check"
            );
        }
        for network in names(field(service, "networks")) {
            assert!(networks.contains(&network), "{name} is on {network}");
        }
        for volume in names(field(service, "volumes")) {
            let (source, _) = volume.split_once(':').unwrap();
            let file = format!("{}/../deploy/{source}", env!("CARGO_MANIFEST_DIR"));
            let is_there = volumes.iter().any(|volume| volume == source) || std::fs::exists(file).unwrap();
            assert!(is_there, "{name} mounts {source}");
        }
    }
    let file = text(&compose(WHOLE)["x-node"]["build"]["dockerfile"]);
    assert!(
        deployed(file.strip_prefix("deploy/").unwrap()).contains("HEALTHCHECK"),
        "the nodes are waited for"
    );
}

fn its_secrets_come_from_the_example_of_the_environment() {
    let text = FILES.map(deployed).concat();
    let named = text
        .split("${")
        .skip(1)
        .map(|rest| rest.split([':', '}']).next().unwrap().to_owned());
    let named: BTreeSet<String> = named.collect();
    let example = variables(&deployed("compose.env.example"));
    let known: BTreeSet<String> = example.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(named, known);
    for (name, value) in example {
        assert_eq!(value, "", "{name} is chosen by whoever runs it");
    }
}

/// The groups of servers in a configuration of nginx, by name.
fn upstreams(configuration: &str) -> Vec<(&str, Vec<String>)> {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for line in configuration.lines() {
        match *line.split_whitespace().collect::<Vec<_>>() {
            ["upstream", name, "{"] => groups.push((name, Vec::new())),
            ["server", address, _, ..] if address != "{" => {
                groups.last_mut().unwrap().1.push(address.to_owned());
            }
            _ => {}
        }
    }
    groups
}

fn nginx_and_the_nodes_know_each_others_addresses() {
    let nginx = deployed("nginx.conf");
    let nodes = nodes();
    let at = |port: u16| {
        let addresses = nodes.iter().map(|(_, node)| address_of(node));
        addresses.map(|address| format!("{address}:{port}")).collect()
    };
    let expected: [(&str, Vec<String>); 3] = [
        ("chat_nodes", at(6000)),
        ("chat_websockets", at(6080)),
        ("chat_pages", at(6080)),
    ];
    assert_eq!(upstreams(&nginx), expected);

    let (_, nginx) = services(WHOLE)
        .into_iter()
        .find(|(name, _)| name == "nginx")
        .unwrap();
    for believed in ["CHAT_PROXY_PROTOCOL_FROM", "CHAT_WEBSOCKET_FORWARDED_FROM"] {
        let believed = (believed.to_owned(), address_of(&nginx));
        for (name, node) in &nodes {
            assert!(environment(node).contains(&believed), "{name}");
        }
    }
}

/// What the server reads of a service's environment, with passwords filled in.
#[cfg(all(feature = "cluster", feature = "kafka"))]
fn settings_in(service: &Hash) -> toml::Table {
    let variables = environment(service).into_iter().map(|(name, value)| {
        let pieces = value.split("${").enumerate();
        let filled = pieces.map(|(place, piece)| match piece.split_once('}') {
            Some((_, rest)) if place > 0 => format!("hunter2{rest}"),
            _ => piece.to_owned(),
        });
        (name, filled.collect())
    });
    crate::settings(&variables.collect::<Vec<_>>())
}

#[cfg(all(feature = "cluster", feature = "grpc", feature = "kafka"))]
fn nodes_look_for_backends_where_those_make_themselves_known() {
    let known = services(ON_TOP);
    let mut taken = BTreeSet::new();
    for (name, backend) in named(ON_TOP, "backend-") {
        let settings = settings_in(&backend);
        let shared = Some("mysql://chat:***@mysql:3306/chat");
        assert_eq!(settings["store"].as_str(), shared);
        let registry = settings["registry"].as_str().unwrap();
        let (_, server) = registry.split_once("://").unwrap();
        let (server, _) = server.split_once(':').unwrap();
        assert!(known.iter().any(|(name, _)| name == server), "{server}");
        for (node, service) in named(ON_TOP, "node-") {
            let store = settings_in(&service)["store"].as_str().map(str::to_owned);
            assert_eq!(store, Some(format!("grpc+{registry}")), "{node}");
        }
        let (_, port) = settings["listen"].as_str().unwrap().rsplit_once(':').unwrap();
        assert_eq!(
            settings["advertise"].as_str(),
            Some(format!("{name}:{port}").as_str())
        );
        assert_eq!(names(field(&backend, "command")), ["backend"]);
        taken.insert(settings["node"].as_str().unwrap().to_owned());
    }
    assert_eq!(taken.len(), 2, "each backend has a name of its own");
    let of_nodes = |file| {
        named(file, "node-")
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of_nodes(ON_TOP),
        of_nodes(WHOLE),
        "every node is one of the backends'"
    );
}

#[cfg(all(feature = "cluster", feature = "kafka"))]
fn the_server_takes_the_settings_of_every_node() {
    let mut taken = BTreeSet::new();
    for (_, node) in nodes() {
        let settings = settings_in(&node);
        assert_eq!(
            settings["store"].as_str(),
            Some("mysql://chat:***@mysql:3306/chat")
        );
        assert_eq!(settings["bus"].as_str(), Some("redis://:***@redis:6379"));
        let log = settings["event_log"].as_array().unwrap();
        let broker = log[0].as_str().unwrap().strip_prefix("kafka://").unwrap();
        let (broker, _) = broker.split_once(':').unwrap();
        assert!(services(WHOLE).iter().any(|(name, _)| name == broker), "{broker}");
        assert_eq!(settings["http"].as_str(), Some("0.0.0.0:6080"));
        taken.insert(settings["node"].as_str().unwrap().to_owned());
    }
    assert_eq!(taken.len(), 3, "each node has a name of its own");
}
