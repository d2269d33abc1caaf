use libtest_mimic::{Completion, Failed, Trial};

use crate::service::Service;

/// A test that needs services. Where this machine lacks one, it is ignored with the reason, or fails where
/// `CHAT_REQUIRE` names the service.
pub fn trial(
    name: impl Into<String>,
    needs: &'static [Service],
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || match Service::all_of(needs) {
        Ok(()) => run().map(|()| Completion::Completed),
        Err(missing) if missing.required => Err(Failed::from(missing.reason)),
        Err(missing) => Ok(Completion::ignored_with(missing.reason)),
    })
}

/// The same for an asynchronous test, on a runtime of several threads that is its own.
pub fn async_trial<F>(
    name: impl Into<String>,
    needs: &'static [Service],
    test: impl FnOnce() -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = ()>,
{
    trial(name, needs, move || {
        tokio::runtime::Runtime::new()?.block_on(test());
        Ok(())
    })
}
