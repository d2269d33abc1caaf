//! What the code under test counts, as whoever collects its metrics reads it. Shared by the tests of all adapters.

use std::collections::BTreeMap;

use metrics_exporter_prometheus::PrometheusHandle;

/// The values of all series so far, by names and labels as in `calls_total{outcome="broken"}`, without fractions.
/// A histogram has two: `_count`, how many values it was given, and `_sum`.
pub(crate) fn series(counted: &PrometheusHandle) -> BTreeMap<String, i64> {
    let text = counted.render();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.filter_map(|line| line.rsplit_once(' '));
    samples
        .filter(|(name, _)| !name.contains("quantile="))
        .map(|(name, value)| (name.to_owned(), value.parse::<f64>().unwrap() as i64))
        .collect()
}
