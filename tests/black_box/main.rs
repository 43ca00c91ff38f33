//! Black-box tests of the real binary, one file per promise.
#![allow(clippy::unwrap_used)]

mod config;
mod discovery;
mod lifecycle;
mod load;
mod malformed;
mod note;
mod note_views;
mod pictures;
mod plugin_files;
mod refusals;
mod result;
mod sandbox;
mod schemas;
mod steps;
mod submit_form;
mod submit_related;
