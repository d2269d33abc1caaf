//! Figures of several runs.

/// One figure of each run, in the order of the runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    /// The middle one, or the mean of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let middle = sorted.len() / 2;
        if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        } else {
            at(middle)
        }
    }

    pub(crate) fn least(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn most(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(f64::NAN)
    }

    /// Each of these divided by the other of the same run.
    pub(crate) fn divided_by(&self, others: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&others.0)
                .map(|(one, other)| one / other)
                .collect(),
        )
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_values_and_not_of_their_order() {
        let odd: Samples = [9.0, 1.0, 5.0].into_iter().collect();
        let even: Samples = [9.0, 1.0, 5.0, 3.0].into_iter().collect();
        assert_eq!((odd.median(), odd.least(), odd.most()), (5.0, 1.0, 9.0));
        assert_eq!(even.median(), 4.0);
        assert!(Samples::default().median().is_nan());
    }

    #[test]
    fn a_ratio_is_that_of_two_figures_of_one_run() {
        let ours: Samples = [10.0, 40.0, 30.0].into_iter().collect();
        let reference: Samples = [20.0, 20.0, 60.0].into_iter().collect();
        assert_eq!(ours.divided_by(&reference).values(), [0.5, 2.0, 0.5]);
    }
}
