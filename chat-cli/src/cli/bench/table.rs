//! The result of a run, for people.

use std::fmt::Write as _;

use super::latency::Latency;
use super::report::Report;

/// The share of a core from which on the load itself may be what holds things up.
const BUSY: f64 = 0.9;

/// The table, with a line end.
pub(super) fn table(report: &Report) -> String {
    let mut lines = vec![heading(report), String::new()];
    for (name, rate) in &report.rates {
        let name = name.trim_end_matches("_per_second").replace('_', " ");
        lines.push(format!("{name:<18}{:>14}/s", grouped(rate.round() as u64)));
    }
    if !report.latency.is_empty() {
        lines.push(String::new());
        let mut header = format!("{:<18}", "latency, ms");
        for column in ["mean", "p50", "p90", "p99", "p99.9", "max"] {
            write!(header, "{column:>10}").ok();
        }
        lines.push(header);
        lines.extend(
            report
                .latency
                .iter()
                .filter(|(_, latency)| latency.count > 0)
                .map(latency_line),
        );
    }
    lines.push(String::new());
    let counts = report.counts.iter().filter(|(_, count)| **count > 0);
    let counts: Vec<String> = counts
        .map(|(name, count)| format!("{} {}", grouped(*count), name.replace('_', " ")))
        .collect();
    if !counts.is_empty() {
        lines.push(counts.join(", "));
    }
    lines.extend(report.processor_share.map(own_share));
    lines.extend(verdict(report));
    lines.join("\n") + "\n"
}

fn heading(report: &Report) -> String {
    let settings = report.settings.iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => format!("{name} {text}"),
        value => format!("{name} {value}"),
    });
    let settings: Vec<String> = settings.collect();
    format!(
        "{}: {:.1} s, {}",
        report.scenario,
        report.seconds,
        settings.join(", ")
    )
}

fn latency_line((name, latency): (&String, &Latency)) -> String {
    let mut line = format!("{:<18}", name.replace("_to_", " → ").replace('_', " "));
    let Latency {
        mean_us,
        p50_us,
        p90_us,
        p99_us,
        p999_us,
        max_us,
        ..
    } = *latency;
    write!(line, "{:>10.3}", mean_us / 1_000.0).ok();
    for micros in [p50_us, p90_us, p99_us, p999_us, max_us] {
        write!(line, "{:>10.3}", micros as f64 / 1_000.0).ok();
    }
    line
}

/// What the load itself used, which may be what was measured.
fn own_share(share: f64) -> String {
    let used = format!("The load itself used {:.0} % of a core", share * 100.0);
    if share < BUSY {
        used + "."
    } else {
        used + ", the most that one process can: it may be what was measured, so run several and merge them."
    }
}

/// Nothing where no message was looked at.
fn verdict(report: &Report) -> Option<String> {
    let violations = report.violations;
    if violations.total() > 0 {
        return Some(format!(
            "{} LOST, {} REPEATED, {} OUT OF ORDER, {} MISDIRECTED, {} MISNUMBERED",
            violations.lost,
            violations.repeated,
            violations.out_of_order,
            violations.misdirected,
            violations.misnumbered
        ));
    }
    let looked = ["delivered", "messages_read"].map(|what| report.counts.get(what).copied().unwrap_or(0));
    (looked != [0, 0]).then(|| "Nothing was lost, repeated or out of order.".to_owned())
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let grouped = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_load_that_could_do_no_more_says_so() {
        assert_eq!(own_share(0.42), "The load itself used 42 % of a core.");
        assert!(own_share(0.97).contains("run several"));
    }
}
