//! What is counted of requests, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::problem::SLUGS;
use crate::figures::Latency;

/// The route of what no handler stands for.
pub(super) const NO_ROUTE: &str = "none";

/// Every route, as it is written in the router: a label is one of these words and no other.
const ROUTES: [&str; 15] = [
    "/",
    "/console/{name}",
    "/images/tasks",
    "/images/tasks/{id}",
    "/images/task/{id}",
    "/images/task/{id}/events",
    "/images/{id}",
    "/images/{id}/{number}",
    "/plugins",
    "/plugins/{name}",
    "/schemas/{name}",
    "/openapi.json",
    "/health/live",
    "/health/ready",
    "/metrics",
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    method: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivered {
    outcome: &'static str,
}

/// What is counted of all requests, and of the announcements that go the other way.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    requests: Family<Answered, Counter>,
    duration: Family<Of, Latency>,
    refused: Family<Refused, Counter>,
    uploads: Gauge,
    upload_bytes: Gauge,
    received: Counter<u64, AtomicU64>,
    deliveries: Family<Delivered, Counter>,
}

/// What became of an attempt to announce an end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Announced {
    Delivered,
    Retried,
    GivenUp,
}

impl Figures {
    /// Has `registry` show them.
    pub fn register(&self, registry: &mut Registry) {
        // Whoever asks how much a counter has grown must have seen it at 0.
        for reason in SLUGS.iter().copied() {
            drop(self.refused.get_or_create(&Refused { reason }));
        }
        for announced in [Announced::Delivered, Announced::Retried, Announced::GivenUp] {
            drop(self.deliveries.get_or_create(&Delivered { outcome: announced.name() }));
        }
        let tasks = registry.sub_registry_with_prefix("tasks");
        tasks.register(
            "refused",
            "Tasks that were not accepted, by the problem's type",
            self.refused.clone(),
        );
        let callbacks = registry.sub_registry_with_prefix("callback");
        let help = "Attempts to announce the end of a task, by what became of them";
        callbacks.register("deliveries", help, self.deliveries.clone());
        let registry = registry.sub_registry_with_prefix("http");
        registry.register("requests", "Requests, by the class of the answer's status", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to the head of its answer; whoever prefers to wait is held back in it",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register("uploads", "Uploads under way", self.uploads.clone());
        registry.register_with_unit(
            "upload_pending",
            "Bytes that arrived of uploads under way",
            Unit::Bytes,
            self.upload_bytes.clone(),
        );
        registry.register_with_unit(
            "upload_received",
            "Bytes of bodies that arrived",
            Unit::Bytes,
            self.received.clone(),
        );
    }

    /// Counts an answer.
    pub(super) fn answered(
        &self,
        method: &'static str,
        route: &'static str,
        code: StatusCode,
        took: Duration,
    ) {
        self.requests.get_or_create(&Answered { method, route, status: class(code) }).inc();
        self.duration.get_or_create(&Of { method, route }).observe(took);
    }

    /// Counts a task that was not accepted.
    pub(super) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Refused { reason }).inc();
    }

    /// Counts an attempt to announce an end.
    pub(super) fn announced(&self, announced: Announced) {
        self.deliveries.get_or_create(&Delivered { outcome: announced.name() }).inc();
    }

    /// An upload begins.
    pub(super) fn upload(&self) -> Upload {
        self.uploads.inc();
        Upload { figures: self.clone(), bytes: 0 }
    }
}

impl Announced {
    fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retried => "retried",
            Self::GivenUp => "given-up",
        }
    }
}

/// An upload that is under way as long as the value.
#[derive(Debug)]
pub(super) struct Upload {
    figures: Figures,
    bytes: u64,
}

impl Upload {
    /// Counts bytes that arrived.
    pub(super) fn arrived(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.figures.upload_bytes.inc_by(bytes.cast_signed());
        self.figures.received.inc_by(bytes);
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.figures.uploads.dec();
        self.figures.upload_bytes.dec_by(self.bytes.cast_signed());
    }
}

/// What is written of a route: one of [`ROUTES`], whatever was asked for.
pub(super) fn route(matched: Option<&str>) -> &'static str {
    let known = matched.and_then(|matched| ROUTES.into_iter().find(|known| *known == matched));
    known.unwrap_or(NO_ROUTE)
}

/// What is written of a method. A client may call it whatever it likes.
pub(super) fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(code: StatusCode) -> &'static str {
    match code.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_router_has_a_word_of_its_own() {
        let (_, document) = super::super::routes().split_for_parts();
        for path in document.paths.paths.keys() {
            assert_eq!(route(Some(path)), path, "it is not among ROUTES");
        }
        assert_eq!(document.paths.paths.len(), ROUTES.len());
        assert_eq!(route(Some("/images/../secret")), NO_ROUTE);
    }
}
