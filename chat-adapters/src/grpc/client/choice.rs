//! Which backend a call goes to.
//!
//! The power of two choices: of two backends that are drawn at random, the one with less to do. It spreads calls nearly
//! as well as always taking the idlest, without all callers running to that one at the same moment (Mitzenmacher, 2001).

/// Of two drawn at random, the one that costs less; `None` where there is none at all.
pub(super) fn choose<'a, T>(
    eligible: &[&'a T],
    cost: impl Fn(&T) -> f64,
    random: &mut fastrand::Rng,
) -> Option<&'a T> {
    let count = eligible.len();
    if count <= 1 {
        return eligible.first().copied();
    }
    let first = random.usize(..count);
    // Another than the first, each as likely.
    let second = (first + random.usize(1..count)) % count;
    let (first, second) = (*eligible.get(first)?, *eligible.get(second)?);
    Some(if cost(second) < cost(first) { second } else { first })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::load::Load;
    use super::*;

    struct Backend {
        load: Arc<Load>,
        latency: Duration,
        calls: usize,
    }

    /// Makes calls, ten at a time, to backends of which each takes its time; answers how many each got.
    async fn spread(latencies: &[u64], rounds: usize, seed: u64) -> Vec<usize> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut backends: Vec<_> = latencies
            .iter()
            .map(|millis| Backend {
                load: Arc::new(Load::new()),
                latency: Duration::from_millis(*millis),
                calls: 0,
            })
            .collect();
        for _ in 0..rounds {
            let mut calls = Vec::new();
            for _ in 0..10 {
                let numbers: Vec<_> = (0..backends.len()).collect();
                let eligible: Vec<_> = numbers.iter().collect();
                let chosen = *choose(&eligible, |number| backends[*number].load.cost(), &mut random).unwrap();
                backends[chosen].calls += 1;
                calls.push((backends[chosen].latency, backends[chosen].load.begin()));
            }
            calls.sort_by_key(|(latency, _)| *latency);
            let mut passed = Duration::ZERO;
            for (latency, call) in calls {
                tokio::time::advance(latency - passed).await;
                passed = latency;
                call.answered();
            }
        }
        backends.into_iter().map(|backend| backend.calls).collect()
    }

    #[test]
    fn nothing_comes_of_nothing_and_one_of_one() {
        let mut random = fastrand::Rng::with_seed(1);
        assert_eq!(choose::<u8>(&[], |_| 0.0, &mut random), None);
        assert_eq!(choose(&[&7], |_| 0.0, &mut random), Some(&7));
    }

    #[test]
    fn of_two_the_cheaper_is_always_taken() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..100 {
            assert_eq!(choose(&[&2.0, &1.0], |cost| *cost, &mut random), Some(&1.0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn equals_share_the_calls() {
        let calls = spread(&[5, 5, 5], 300, 3).await;
        assert!(
            calls.iter().all(|calls| (800..1_200).contains(calls)),
            "{calls:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_backend_gets_few_calls() {
        let calls = spread(&[5, 200, 5], 300, 4).await;
        assert!(calls[1] < 150 && calls[1] > 0, "{calls:?}");
    }
}
