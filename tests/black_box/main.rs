//! Black-box tests of the real binary, one file per promise.
#![allow(clippy::unwrap_used)]

mod broken_clients;
mod callbacks;
mod cancelling;
mod config;
mod discovery;
mod events;
mod idempotency;
mod keys;
mod lifecycle;
mod listing;
mod load;
mod malformed;
mod note;
mod note_views;
mod pictures;
mod plugin_files;
mod quotas;
mod raw_body;
mod refusals;
mod result;
mod retention;
mod sandbox;
mod schemas;
mod steps;
mod submit_form;
mod submit_related;
mod waiting;
mod xml_attacks;
