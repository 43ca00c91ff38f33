//! Forgetting what has been kept long enough.

use std::sync::Arc;
use std::time::Duration;

use super::service::Tasks;
use super::store::StoreError;

/// Time between two looks at what is old.
const PERIOD: Duration = Duration::from_secs(60);

/// Tasks that are deleted before others get a turn at the store.
const GROUP: usize = 256;

/// Deletes tasks that ended `retention` ago, for as long as the server runs. That there was a task is
/// remembered as long again, so that who comes late is told it is gone and not that it never was.
pub async fn sweep(tasks: Arc<Tasks>, retention: Duration) {
    // A short retention must not be kept for a whole period.
    let mut period = tokio::time::interval(PERIOD.min((retention / 10).max(Duration::from_millis(100))));
    loop {
        period.tick().await;
        if let Err(error) = sweep_once(&tasks, retention).await {
            tracing::error!(%error, "old tasks could not be deleted");
        }
    }
}

async fn sweep_once(tasks: &Tasks, retention: Duration) -> Result<(), StoreError> {
    loop {
        let old = tasks.store.ended_ago(retention, GROUP).await?;
        tasks.delete_all(&old).await?;
        if old.len() < GROUP {
            break;
        }
    }
    while tasks.store.forget(retention, GROUP).await? == GROUP {}
    Ok(())
}
