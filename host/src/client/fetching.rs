//! Getting a task's results, each compared with the digest that the server says it has.

use serde::Serialize;

use super::api::{Api, Asked};
use super::error::ClientError;
use super::halt::Halt;
use super::naming::{Place, Subject};
use super::persistence::persistently;
use super::placing::Placing;
use super::progress::Line;
use super::status::{Status, TaskResult};
use crate::digest::{Digest, Digester};

/// A result that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Fetched {
    /// Its file; `-` is standard output.
    pub file: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: String,
}

/// Gets all results of a task that nobody has named, and names them after the task.
///
/// # Errors
/// The task has none; one cannot be had or written; those before it are.
pub async fn fetch(
    api: &Api,
    status: &Status,
    placing: &Placing,
    halt: &Halt,
    line: &Line,
) -> Result<Vec<Fetched>, ClientError> {
    fetch_for(api, status, &Subject::of_task(status.id()), placing, halt, line).await
}

/// Gets all results of a task.
pub(super) async fn fetch_for(
    api: &Api,
    status: &Status,
    subject: &Subject,
    placing: &Placing,
    halt: &Halt,
    line: &Line,
) -> Result<Vec<Fetched>, ClientError> {
    let results = status.results()?;
    let mut fetched = vec![];
    for (number, result) in (1..).zip(results) {
        let place = Place { number, count: results.len(), media_type: &result.media_type };
        let path = match number {
            1 => format!("/images/{}", status.id()),
            _ => format!("/images/{}/{number}", status.id()),
        };
        let whole = halt
            .unless(persistently(api, halt, line, async || {
                one(api, &path, result, subject, place, placing).await
            }))
            .await?;
        fetched.push(whole);
    }
    Ok(fetched)
}

async fn one(
    api: &Api,
    path: &str,
    result: &TaskResult,
    subject: &Subject,
    place: Place<'_>,
    placing: &Placing,
) -> Result<Fetched, ClientError> {
    // Where nothing may be written nothing has to be sent.
    let mut sink = placing.open(subject, place)?;
    let any = http::HeaderValue::from_static("*/*");
    let mut answer = api.successful(Asked::get(path).with(http::header::ACCEPT, any)).await?;
    let mut digester = Digester::default();
    let mut size = 0;
    while let Some(piece) = answer.piece().await? {
        digester.update(&piece);
        size += piece.len() as u64;
        sink.write(&piece)?;
    }
    let digest = digester.finish();
    let is_other = |said: &String| said.parse::<Digest>().is_ok_and(|said| said != digest);
    if result.sha256.as_ref().is_some_and(is_other) || result.size.is_some_and(|said| said != size) {
        return Err(ClientError::Damaged);
    }
    let file = placing.keep(sink)?;
    Ok(Fetched { file, media_type: result.media_type.clone(), size, sha256: digest.to_string() })
}
