//! A figure beside its target.

use std::fmt;

use serde::Serialize;

use crate::samples::Samples;

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// It is only told.
    Reported,
}

impl Target {
    fn is_met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(value >= least),
            Self::AtMost(most) => Some(value <= most),
            Self::Reported => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::Reported => write!(f, "–"),
        }
    }
}

/// What was measured of the chat, and perhaps of what it is compared with, once a run.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    what: String,
    unit: &'static str,
    ours: Samples,
    reference: Option<Samples>,
    target: Target,
}

impl Figure {
    /// A figure that stands by itself.
    pub(crate) fn alone(what: &str, unit: &'static str, ours: Samples, target: Target) -> Self {
        Self {
            what: what.to_owned(),
            unit,
            ours,
            reference: None,
            target,
        }
    }

    /// A figure whose ratio to another one counts.
    pub(crate) fn compared(
        what: &str,
        unit: &'static str,
        ours: Samples,
        reference: Samples,
        target: Target,
    ) -> Self {
        let reference = Some(reference);
        Self {
            reference,
            ..Self::alone(what, unit, ours, target)
        }
    }

    /// What the target is about: the ratio where there is one.
    fn judged(&self) -> Samples {
        match &self.reference {
            Some(reference) => self.ours.divided_by(reference),
            None => self.ours.clone(),
        }
    }

    fn is_met(&self) -> Option<bool> {
        self.target.is_met(self.judged().median())
    }

    /// A line of a table in Markdown.
    pub(crate) fn line(&self) -> String {
        let reference = self
            .reference
            .as_ref()
            .map_or_else(|| "–".to_owned(), |samples| self.amount(samples));
        let ratio = match &self.reference {
            Some(_) => spread(&self.judged(), ""),
            None => "–".to_owned(),
        };
        let met = match self.is_met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        format!(
            "| {} | {} | {reference} | {ratio} | {} | {met} |",
            self.what,
            self.amount(&self.ours),
            self.target
        )
    }

    fn amount(&self, samples: &Samples) -> String {
        spread(samples, self.unit)
    }

    /// The same for machines.
    pub(crate) fn for_machines(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Machines {
            figure: String,
            unit: &'static str,
            ours: Vec<f64>,
            reference: Option<Vec<f64>>,
            judged_median: f64,
            target: String,
            met: Option<bool>,
        }
        Machines {
            figure: self.what.clone(),
            unit: self.unit,
            ours: self.ours.values().to_vec(),
            reference: self.reference.as_ref().map(|samples| samples.values().to_vec()),
            judged_median: self.judged().median(),
            target: self.target.to_string(),
            met: self.is_met(),
        }
    }
}

/// The titles of [`Figure::line`].
pub(crate) const TITLES: &str =
    "| figure | ours | reference | ratio | target | met |\n| --- | --- | --- | --- | --- | --- |";

/// A median, and the range where there was more than one run.
fn spread(samples: &Samples, unit: &str) -> String {
    let median = number(samples.median());
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!(" {unit}")
    };
    if samples.values().len() < 2 {
        return format!("{median}{unit}");
    }
    format!(
        "{median}{unit} ({}–{})",
        number(samples.least()),
        number(samples.most())
    )
}

/// Three digits, and thousands by commas.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if decimals > 0 {
        return text;
    }
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        values.iter().copied().collect()
    }

    #[test]
    fn a_line_has_medians_ranges_and_whether_the_target_is_met() {
        let figure = Figure::compared(
            "direct",
            "/s",
            samples(&[110_000.0, 90_000.0, 100_000.4]),
            samples(&[200_000.0, 200_000.0, 250_000.0]),
            Target::AtLeast(0.5),
        );
        assert_eq!(
            figure.line(),
            "| direct | 100,000 /s (90,000–110,000) | 200,000 /s (200,000–250,000) | 0.450 (0.400–0.550) | ≥ 0.5 | **no** |"
        );
        let alone = Figure::alone("memory", "KiB", samples(&[4.25]), Target::AtMost(6.0));
        assert_eq!(alone.line(), "| memory | 4.25 KiB | – | – | ≤ 6 | yes |");
        let told = Figure::alone("restart", "s", samples(&[12.345]), Target::Reported);
        assert_eq!(told.line(), "| restart | 12.3 s | – | – | – | – |");
    }

    #[test]
    fn numbers_have_three_digits_and_commas() {
        let shown = [0.0, 0.0123, 1.239, 12.34, 999.6, 1_234_567.0, -1_234.0].map(number);
        assert_eq!(
            shown,
            ["0", "0.012", "1.24", "12.3", "1,000", "1,234,567", "-1,234"]
        );
    }
}
