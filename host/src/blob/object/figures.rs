//! What is counted of an object store: its answers, by kind of request, and how many failed.

use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use crate::figures::Latency;

/// A kind of request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Put,
    PutPart,
    Get,
    Delete,
    List,
    Move,
}

impl Operation {
    const ALL: [Self; 6] = [Self::Put, Self::PutPart, Self::Get, Self::Delete, Self::List, Self::Move];

    fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::PutPart => "put-part",
            Self::Get => "get",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Move => "move",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    operation: &'static str,
}

impl From<Operation> for Labels {
    fn from(operation: Operation) -> Self {
        Self { operation: operation.name() }
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    took: Family<Labels, Latency>,
    failed: Family<Labels, Counter>,
    pub(super) kept: Latency,
}

impl Figures {
    pub(super) fn register(&self, registry: &mut Registry) {
        // Whoever asks how much a counter has grown must have seen it at 0.
        for operation in Operation::ALL {
            drop(self.took.get_or_create(&operation.into()));
            drop(self.failed.get_or_create(&operation.into()));
        }
        let help = "Time until the pictures of a task are kept, durably";
        registry.register_with_unit("blob_keep_duration", help, Unit::Seconds, self.kept.clone());
        let help = "Time of a request to the object store, with what is tried again";
        registry.register_with_unit("object_store_duration", help, Unit::Seconds, self.took.clone());
        let help = "Requests to the object store that failed, however often they were tried";
        registry.register("object_store_failures", help, self.failed.clone());
    }

    /// Counts a request. What is not there is an answer.
    pub(super) async fn count<T>(
        &self,
        operation: Operation,
        request: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<T, object_store::Error> {
        let began = Instant::now();
        let done = request.await;
        self.took.get_or_create(&operation.into()).observe(began.elapsed());
        if done.as_ref().is_err_and(|error| !super::error::is_missing(error)) {
            self.failed.get_or_create(&operation.into()).inc();
        }
        done
    }
}
