//! Black-box tests of the real binary. A folder is a section of the protocol, a file one of its
//! promises, a test one of its sentences; `server` holds what the protocol doesn't speak of.
#![allow(clippy::unwrap_used)]

mod steps;

/// The three answers of the note, and the result.
mod section_1_answers {
    mod note;
    mod note_views;
    mod result;
}

/// The task description.
mod section_2_description {
    mod description;
    mod schemas;
    mod xml_attacks;
}

/// Ways to submit.
mod section_3_submitting {
    mod malformed;
    mod raw_body;
    mod submit_form;
    mod submit_related;
}

/// Beyond the note.
mod section_4_beyond {
    mod callbacks;
    mod cancelling;
    mod console;
    mod discovery;
    mod events;
    mod fairness;
    mod idempotency;
    mod keys;
    mod listing;
    mod metrics;
    mod quotas;
    mod retention;
    mod traces;
    mod waiting;
}

/// Refusals before a 202, and failures after one.
mod section_5_refusals {
    mod refusals;
    mod sandbox;
}

/// The client's commands of the same binary, against the real server.
mod client {
    mod batch;
    mod going_on;
    mod pages;
    mod picture;
    mod steps;
    mod trouble;
}

/// What an operator relies on, and pictures.
mod server {
    mod avif;
    mod broken_clients;
    mod config;
    mod contract;
    mod corruption;
    mod data_folder;
    mod deployment;
    mod doctor;
    mod hardening;
    mod info;
    mod lifecycle;
    mod load;
    mod logs;
    mod pictures;
    mod plugin_changes;
    mod plugin_check;
    mod plugin_commands;
    mod plugin_files;
    mod plugin_settings;
    mod presets;
    mod thumbnails;
    mod tls;
    mod watermark;
    mod worlds;
}
