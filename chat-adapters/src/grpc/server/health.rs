//! gRPC health: whether this backend wants to be called.

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, HealthService};

use super::services::NAMES;

/// Tells the health of all services, and of the backend as a whole.
#[derive(Debug)]
pub(super) struct Condition {
    reporter: HealthReporter,
    serving: watch::Receiver<bool>,
    /// What was told last.
    told: Option<bool>,
}

impl Condition {
    pub(super) async fn new(serving: watch::Receiver<bool>) -> Self {
        let mut condition = Self {
            reporter: HealthReporter::new(),
            serving,
            told: None,
        };
        condition.tell_present().await;
        condition
    }

    pub(super) fn service(&self) -> HealthServer<impl Health> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Tells every change, and never ends. Cancel safe: what was not told is told by the next one.
    pub(super) async fn follow(&mut self) {
        self.tell_present().await;
        while self.serving.changed().await.is_ok() {
            self.tell_present().await;
        }
        // Nobody is left to change it.
        std::future::pending().await
    }

    async fn tell_present(&mut self) {
        let serving = *self.serving.borrow_and_update();
        if self.told != Some(serving) {
            self.tell(serving).await;
            self.told = Some(serving);
        }
    }

    /// Tells that nothing is served any more, and ends the streams of those who watch.
    pub(super) async fn end(mut self) {
        self.tell(false).await;
        for name in all() {
            self.reporter.clear_service_status(name).await;
        }
    }

    async fn tell(&self, serving: bool) {
        let status = if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for name in all() {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

/// The empty name stands for the whole.
fn all() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain([""])
}
