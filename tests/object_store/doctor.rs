//! What the doctor says of a database and an object store, before a server works with them and while some do.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tintype_tests::cluster::{Cluster, Database, PORT};
use tintype_tests::server::{Ended, run};
use tintype_tests::{Setup, s3};

use crate::{CREDENTIALS, keeping_in, resize};

/// What the doctor says of servers with this database and these pictures, from a folder with plugins.
fn doctor(arguments: &[&str], store: &str, blobs: &str, s3: &s3::Server, folder: &Path) -> Ended {
    let address = format!("http://{}", s3.address);
    let named = [("TINTYPE_STORE", store), ("TINTYPE_BLOBS", blobs), ("AWS_ENDPOINT_URL", address.as_str())];
    run(&[&["doctor"], arguments].concat(), &[CREDENTIALS.as_slice(), &named].concat(), folder)
}

fn setup(store: &str, blobs: &str, s3: &s3::Server) -> Ended {
    doctor(&["--only", "setup"], store, blobs, s3, Setup::default().folder().path())
}

/// The one line about this, which must be a problem.
fn problem(ended: &Ended, about: &str) -> String {
    let line = ended.output.lines().find(|line| line.contains(about));
    let line = line.unwrap_or_else(|| panic!("nothing about {about:?}: {ended:?}"));
    assert!(line.starts_with("problem: "), "{line}");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    line.to_owned()
}

fn place(bucket: &str) -> String {
    format!("s3://{bucket}/pictures")
}

#[test]
fn before_the_first_start_database_and_bucket_are_looked_at_and_nothing_is_made_in_them() {
    let (Some(s3), Some(cluster)) = (s3::Server::shared(), Cluster::shared()) else { return };
    let (database, bucket) = (cluster.database(), s3.new_bucket());
    let ended = setup(&database.url, &place(&bucket), s3);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for said in ["remark: tasks are in ", "a 202 survives a power cut", "remark: pictures are in s3://"] {
        assert!(ended.output.contains(said), "{ended:?}");
    }
    assert!(!ended.output.contains("password"), "{ended:?}");
    assert_eq!(database.ask("SELECT to_regnamespace('tintype') IS NULL"), "t");
    // It is still free for whoever comes first.
    drop(keeping_in(&bucket, &s3.address).env("TINTYPE_STORE", &database.url).start());
    assert_eq!(setup(&database.url, &place(&bucket), s3).code, Some(0));
}

#[test]
fn a_database_that_no_server_could_work_with_is_a_problem_each_with_what_to_change() {
    let (Some(s3), Some(cluster)) = (s3::Server::shared(), Cluster::shared()) else { return };
    let bucket = place(&s3.new_bucket());
    let nobody = setup("postgres://tintype@127.0.0.1:1/tasks", &bucket, s3);
    problem(&nobody, "the database tasks at 127.0.0.1:1 cannot be used");

    let few = cluster.database().of_role_with(5);
    let line = problem(&setup(&few.url, &bucket, s3), "gives this role 5 connections");
    assert!(line.contains("one server takes 11") && line.contains("store_connections"), "{line}");

    let foreign = cluster.database();
    foreign.run("CREATE ROLE guest LOGIN");
    let guest = foreign.url.replacen("tintype@", "guest@", 1);
    let line = problem(&setup(&guest, &bucket, s3), "may not bring it to version");
    assert!(line.contains("GRANT CREATE ON DATABASE"), "{line}");

    let old = cluster.database();
    let arguments = ["--only", "setup", "--store-migrate", "false"];
    let ended = doctor(&arguments, &old.url, &bucket, s3, Setup::default().folder().path());
    problem(&ended, "run `tintype migrate`");

    let Some(forgetful) = Cluster::own_with(PORT, &["fsync=off"]) else { return };
    let database = forgetful.database();
    problem(&setup(&database.url, &bucket, s3), "fsync = off");
    let arguments = ["--only", "setup", "--store-accept-unsafe", "true"];
    let ended = doctor(&arguments, &database.url, &bucket, s3, Setup::default().folder().path());
    assert!(ended.code == Some(0) && ended.output.contains("a 202 can be lost"), "{ended:?}");
}

#[test]
fn a_place_that_no_server_could_work_with_is_a_problem() {
    let (Some(s3), Some(cluster)) = (s3::Server::shared(), Cluster::shared()) else { return };
    let (database, bucket) = (cluster.database(), s3.new_bucket());
    drop(keeping_in(&bucket, &s3.address).env("TINTYPE_STORE", &database.url).start());
    let other = cluster.database();
    drop(keeping_in(&s3.new_bucket(), &s3.address).env("TINTYPE_STORE", &other.url).start());
    problem(&setup(&other.url, &place(&bucket), s3), "choose another prefix");
    problem(&setup(&database.url, "s3://missing-bucket/pictures", s3), "there is no bucket");
    let plugins = format!("s3://{bucket}/plugins");
    let arguments = ["--only", "setup", "--plugins-from", &plugins];
    let ended = doctor(&arguments, &database.url, &place(&bucket), s3, TempDir::new().unwrap().path());
    problem(&ended, "tintype plugin publish");
}

/// The files below this folder that hold pictures.
fn pictures(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(pictures(&entry));
        } else if entry.metadata().unwrap().len() > 50 {
            found.push(entry);
        }
    }
    found.sort();
    found
}

fn data(database: &Database, shared: &Path, folder: &Path) -> Ended {
    let blobs = format!("file://{}", shared.display());
    run(&["doctor", "--only", "data"], &[("TINTYPE_STORE", &database.url), ("TINTYPE_BLOBS", &blobs)], folder)
}

#[test]
fn every_task_and_picture_that_servers_share_is_looked_at_from_any_machine() {
    let Some(cluster) = Cluster::shared() else { return };
    let (database, shared, anywhere) = (cluster.database(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let blobs = format!("file://{}", shared.path().display());
    let server = Setup::default().env("TINTYPE_STORE", &database.url).env("TINTYPE_BLOBS", &blobs).start();
    for _ in 0..3 {
        assert_eq!(server.client().process(&resize()).state(), "OK");
    }
    let good = data(&database, shared.path(), anywhere.path());
    assert_eq!(good.code, Some(0), "{good:?}");
    let said =
        ["the database and file://", "0 waiting, 0 running, 3 over", "pictures: 6 with", "nothing is wrong"];
    assert!(said.iter().all(|said| good.output.contains(said)), "{good:?}");

    let files = pictures(shared.path());
    assert_eq!(files.len(), 6, "{files:?}");
    fs::remove_file(&files[0]).unwrap();
    let mut bytes = fs::read(&files[1]).unwrap();
    bytes[20] ^= 1;
    fs::write(&files[1], bytes).unwrap();
    let bad = data(&database, shared.path(), anywhere.path());
    assert_eq!(bad.code, Some(1), "{bad:?}");
    let problems = |about: &str| bad.output.lines().filter(|line| line.contains(about)).count();
    assert_eq!((problems("is missing"), problems("is damaged")), (1, 1), "{bad:?}");
    // What the folder of a server says is elsewhere is not looked for in it.
    let here = run(&["doctor", "--only", "data"], &[], server.folder());
    assert!(here.errors.contains("set store, as the server has it"), "{here:?}");
    assert!(fs::read_dir(anywhere.path()).unwrap().next().is_none(), "nothing is made");
}
