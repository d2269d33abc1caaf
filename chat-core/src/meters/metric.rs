//! A metric as data.

use metrics::{Counter, Gauge, Histogram, Unit};

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// It only grows, from 0 at the start of the process.
    Counter,
    /// It shows how much there is now.
    Gauge,
    /// It takes single values, and tells how they are distributed.
    Histogram,
}

impl MetricKind {
    /// Its name in the Prometheus text format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a metric's values are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricUnit {
    /// Things, of the kind that the help text names.
    Count,
    /// 1 for yes and 0 for no.
    Flag,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

impl MetricUnit {
    /// Its name in the documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Flag => "0 or 1",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
        }
    }
}

/// What tells the series of one metric apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Every value that it takes.
    pub values: &'static [&'static str],
}

/// One metric.
///
/// ```
/// use chat_core::meters::{Label, Metric};
///
/// const KNOCKS: Metric = Metric::counter("app_knocks_total", "Knocks at a door")
///     .by(&[Label { name: "door", values: &["front", "back"] }]);
///
/// KNOCKS.count(&["front"]).increment(1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with its unit and, for a counter, `_total` at the end.
    pub name: &'static str,
    /// How it moves.
    pub kind: MetricKind,
    /// What its values are counted in.
    pub unit: MetricUnit,
    /// What tells its series apart.
    pub labels: &'static [Label],
    /// What it means, without a full stop.
    pub help: &'static str,
}

impl Metric {
    /// A counter of things.
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Counter, MetricUnit::Count, help)
    }

    /// A gauge of things.
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Gauge, MetricUnit::Count, help)
    }

    /// A gauge that is 1 or 0.
    pub const fn flag(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Gauge, MetricUnit::Flag, help)
    }

    /// A histogram of numbers of things.
    pub const fn histogram(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Histogram, MetricUnit::Count, help)
    }

    /// A histogram of durations.
    pub const fn seconds(name: &'static str, help: &'static str) -> Self {
        Self::new(name, MetricKind::Histogram, MetricUnit::Seconds, help)
    }

    const fn new(name: &'static str, kind: MetricKind, unit: MetricUnit, help: &'static str) -> Self {
        Self {
            name,
            kind,
            unit,
            labels: &[],
            help,
        }
    }

    /// The same metric, counted in another unit.
    #[must_use]
    pub const fn in_unit(mut self, unit: MetricUnit) -> Self {
        self.unit = unit;
        self
    }

    /// The same metric, with labels.
    #[must_use]
    pub const fn by(mut self, labels: &'static [Label]) -> Self {
        self.labels = labels;
        self
    }

    /// The counter of the labels' `values`, in the order of the labels, of the recorder that is
    /// installed now. Asking costs a look-up, adding to the answer an atomic operation.
    pub fn count(&self, values: &[&'static str]) -> Counter {
        metrics::counter!(self.name, &self.pairs(values))
    }

    /// The gauge of the labels' `values`; see [`count`](Self::count).
    pub fn level(&self, values: &[&'static str]) -> Gauge {
        metrics::gauge!(self.name, &self.pairs(values))
    }

    /// The histogram of the labels' `values`; see [`count`](Self::count).
    pub fn distribution(&self, values: &[&'static str]) -> Histogram {
        metrics::histogram!(self.name, &self.pairs(values))
    }

    /// Every combination of values that its labels take; one without values where it has no label.
    pub fn series(&self) -> Vec<Vec<&'static str>> {
        self.labels.iter().fold(vec![Vec::new()], |series, label| {
            let further = |values: &Vec<&'static str>| {
                let values = values.clone();
                label.values.iter().map(move |value| {
                    let mut longer = values.clone();
                    longer.push(value);
                    longer
                })
            };
            series.iter().flat_map(further).collect()
        })
    }

    pub(super) fn describe(&self) {
        let unit = match self.unit {
            MetricUnit::Count | MetricUnit::Flag => Unit::Count,
            MetricUnit::Seconds => Unit::Seconds,
            MetricUnit::Bytes => Unit::Bytes,
        };
        match self.kind {
            MetricKind::Counter => metrics::describe_counter!(self.name, unit, self.help),
            MetricKind::Gauge => metrics::describe_gauge!(self.name, unit, self.help),
            MetricKind::Histogram => metrics::describe_histogram!(self.name, unit, self.help),
        }
        for values in self.series() {
            match self.kind {
                MetricKind::Counter => drop(self.count(&values)),
                MetricKind::Gauge => drop(self.level(&values)),
                MetricKind::Histogram => drop(self.distribution(&values)),
            }
        }
    }

    fn pairs(&self, values: &[&'static str]) -> Vec<(&'static str, &'static str)> {
        let names = self.labels.iter().map(|label| label.name);
        names.zip(values.iter().copied()).collect()
    }
}
