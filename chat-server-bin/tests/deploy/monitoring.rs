//! `deploy/alerts.yaml` and `deploy/grafana-dashboard.json`: every expression is one, and asks for metrics and labels
//! that there are.

use std::collections::{BTreeMap, BTreeSet};

use chat_adapters::{mysql, redis, tcp, tls};
use chat_core::meters::{self, Metric, MetricKind};
use libtest_mimic::Trial;
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::expression::Asked;
use crate::support::Server;
use crate::support::http::get;
use crate::{deployed, test};

/// Labels that Prometheus gives every metric that it asks for.
const OF_PROMETHEUS: &[&str] = &["instance", "job"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "monitoring::alerts_ask_for_metrics_that_there_are",
            alerts_ask_for_metrics_that_there_are,
        ),
        test(
            "monitoring::the_dashboard_asks_for_metrics_that_there_are",
            the_dashboard_asks_for_metrics_that_there_are,
        ),
        test(
            "monitoring::what_there_is_not_is_found_out",
            what_there_is_not_is_found_out,
        ),
    ]
}

/// Names and labels of everything that can be asked for.
struct Catalogue(BTreeMap<String, BTreeSet<String>>);

impl Catalogue {
    /// The chat's own metrics, and those that a server tells of its process.
    fn read() -> Self {
        let all = [
            meters::METRICS,
            tcp::METRICS,
            tls::METRICS,
            mysql::METRICS,
            redis::METRICS,
        ];
        let mut catalogue = Self(BTreeMap::new());
        for metric in all.into_iter().flatten() {
            catalogue.insert(metric);
        }
        let server = Server::start(&["--store", "memory:", "--http", "127.0.0.1:0"]);
        let shown = get(server.http(), "/metrics").body;
        let names = shown.lines().filter_map(|line| line.split([' ', '{']).next());
        for name in names.filter(|name| name.starts_with("process_")) {
            catalogue.0.insert(name.to_owned(), BTreeSet::new());
        }
        let build = BTreeSet::from(["version".to_owned()]);
        assert!(shown.contains("chat_build_info{version="), "{shown}");
        catalogue.0.insert("chat_build_info".to_owned(), build);
        // Prometheus' own, of every place that it asks.
        catalogue.0.insert("up".to_owned(), BTreeSet::new());
        catalogue
    }

    fn insert(&mut self, metric: &Metric) {
        let labels: BTreeSet<_> = metric.labels.iter().map(|label| label.name.to_owned()).collect();
        if metric.kind == MetricKind::Histogram {
            let mut of_buckets = labels.clone();
            of_buckets.insert("le".to_owned());
            self.0.insert(format!("{}_bucket", metric.name), of_buckets);
            for end in ["sum", "count"] {
                self.0.insert(format!("{}_{end}", metric.name), labels.clone());
            }
        } else {
            self.0.insert(metric.name.to_owned(), labels);
        }
    }

    /// What an expression asks for that there is not.
    fn missing_in(&self, expression: &str) -> Vec<String> {
        let asked = Asked::by(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let mut missing = Vec::new();
        let mut known: BTreeSet<&str> = OF_PROMETHEUS.iter().copied().collect();
        for (name, labels) in &asked.metrics {
            match self.0.get(name) {
                Some(has) => {
                    known.extend(has.iter().map(String::as_str));
                    let not_had = labels
                        .iter()
                        .filter(|label| !has.contains(*label) && !OF_PROMETHEUS.contains(&label.as_str()));
                    missing.extend(not_had.map(|label| format!("{name}{{{label}}}")));
                }
                None => missing.push(name.clone()),
            }
        }
        let groups = asked
            .groups
            .iter()
            .filter(|label| !known.contains(label.as_str()));
        missing.extend(groups.cloned());
        missing
    }
}

fn text<'a>(mapping: &'a Yaml, key: &str) -> &'a str {
    let text = mapping[key].as_str();
    text.unwrap_or_else(|| panic!("no {key} in {mapping:?}"))
}

fn alerts_ask_for_metrics_that_there_are() {
    let documents = YamlLoader::load_from_str(&deployed("alerts.yaml")).unwrap();
    let catalogue = Catalogue::read();
    let groups = documents[0]["groups"].as_vec().unwrap();
    let rules: Vec<_> = groups
        .iter()
        .flat_map(|group| group["rules"].as_vec().unwrap())
        .collect();
    let names: BTreeSet<_> = rules.iter().map(|rule| text(rule, "alert")).collect();
    assert_eq!(names.len(), rules.len(), "each alert has a name of its own");
    assert!(rules.len() > 10, "{names:?}");
    for rule in rules {
        let name = text(rule, "alert");
        assert_eq!(catalogue.missing_in(text(rule, "expr")), [""; 0], "{name}");
        let severity = text(&rule["labels"], "severity");
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        for annotation in ["summary", "description"] {
            assert!(!text(&rule["annotations"], annotation).is_empty(), "{name}");
        }
        if let Some(time) = rule["for"].as_str() {
            humantime::parse_duration(time).unwrap_or_else(|error| panic!("{name}: {time}: {error}"));
        }
    }
}

fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(&deployed("grafana-dashboard.json")).unwrap();
    let catalogue = Catalogue::read();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut expressions = 0;
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(
            ids.insert(panel["id"].as_u64()),
            "each panel has an id of its own"
        );
        for target in panel["targets"].as_array().into_iter().flatten() {
            expressions += 1;
            let expression = target["expr"].as_str().unwrap();
            assert_eq!(catalogue.missing_in(expression), [""; 0], "{}", panel["title"]);
        }
    }
    assert!(expressions > 30, "{expressions}");
    let node = &dashboard["templating"]["list"][1];
    assert_eq!(node["query"], "label_values(chat_build_info, instance)");
}

fn what_there_is_not_is_found_out() {
    let catalogue = Catalogue::read();
    for (expression, missing) in [
        ("chat_rabbits_total", "chat_rabbits_total"),
        (
            "rate(chat_errors_total{colour=\"red\"}[5m]) > 0",
            "chat_errors_total{colour}",
        ),
        ("sum by (colour) (chat_connections)", "colour"),
        ("chat_send_seconds", "chat_send_seconds"),
        (
            "chat_connections / chat_connections_maximum",
            "chat_connections_maximum",
        ),
    ] {
        assert_eq!(catalogue.missing_in(expression), [missing], "{expression}");
    }
    for wrong in [
        "sum by (instance (up)",
        "rate(up[5m)",
        "up{job=\"x}",
        "1 > 0",
        "sumof(up)",
    ] {
        assert!(Asked::by(wrong).is_err(), "{wrong}");
    }
    assert_eq!(
        catalogue.missing_in("sum by (instance, le) (rate(chat_send_seconds_bucket[5m]))"),
        [""; 0]
    );
}
