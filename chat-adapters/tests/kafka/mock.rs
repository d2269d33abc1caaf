//! The mock cluster of librdkafka, which fails on command.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use chat_adapters::kafka::KafkaOptions;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;
type Order = Box<dyn FnOnce(&Cluster) + Send>;

/// A cluster of one broker. It cannot leave the thread that made it, so it has one of its own.
pub(crate) struct Mock {
    bootstrap: String,
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Mock {
    pub(crate) fn start() -> Self {
        let (orders, incoming) = sync_channel::<Order>(1);
        let (started, address) = sync_channel(1);
        let thread = thread::spawn(move || {
            let cluster = MockCluster::new(1).unwrap();
            started.send(cluster.bootstrap_servers()).unwrap();
            for order in incoming {
                order(&cluster);
            }
        });
        Self {
            bootstrap: address.recv().unwrap(),
            orders: Some(orders),
            thread: Some(thread),
        }
    }

    /// A cluster that has this topic.
    pub(crate) fn with_topic(topic: &str, partitions: i32) -> Self {
        let mock = Self::start();
        let name = topic.to_owned();
        mock.order(move |cluster| cluster.create_topic(&name, partitions, 1).unwrap());
        mock
    }

    /// Does something to the cluster, and waits until it is done.
    pub(crate) fn order(&self, order: impl FnOnce(&Cluster) + Send + 'static) {
        let (done, end) = sync_channel(1);
        let order: Order = Box::new(move |cluster| {
            order(cluster);
            done.send(()).unwrap();
        });
        self.orders.as_ref().unwrap().send(order).unwrap();
        end.recv().unwrap();
    }

    pub(crate) fn options(&self, topic: &str) -> KafkaOptions {
        KafkaOptions::parse(&format!("kafka://{}/{topic}", self.bootstrap)).unwrap()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
