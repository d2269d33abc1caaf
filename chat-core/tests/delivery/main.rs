//! The promises of delivery under random use of two nodes that share a store and a lossy bus, and
//! proof that the same run notices backends with a defect.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the steps that several tests share are test code too"
)]

mod defects;
mod driver;
mod memberships;
mod noticed;
mod script;
mod setting;

use std::time::Duration;

use driver::run;
use proptest::prelude::*;
use setting::Setting;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_users_do_on_two_nodes_every_promise_is_kept(
        script in script::scripts(), setting in settings()
    ) {
        prop_assert_eq!(run(&script, &setting), []);
    }
}

prop_compose! {
    fn settings()(
        seed in any::<u64>(),
        lost_per_mille in prop_oneof![Just(0), Just(300), Just(1_000)],
        session_notices in 1..6_usize,
        delivery_page in 1..5_usize,
        bus_buffer in prop_oneof![Just(1_usize), Just(64)],
        latency in prop_oneof![Just(0), Just(7), Just(40)],
    ) -> Setting {
        Setting {
            seed,
            lost_per_mille,
            session_notices,
            delivery_page,
            bus_buffer,
            latency: Duration::from_millis(latency),
            ..Setting::default()
        }
    }
}
