//! The real binary with its pictures, or its plugins, in an object store: alone, beside others, and while the
//! store is away.
#![allow(clippy::unwrap_used)]

mod doctor;
mod published;

use tintype_tests::client::path;
use tintype_tests::cluster::Cluster;
use tintype_tests::s3::{self, CREDENTIALS};
use tintype_tests::{Related, Relay, Setup, Status, eventually, pictures, task_xml};

type Message = (String, Vec<u8>);

fn resize() -> Message {
    Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &pictures::png(16, 16))
}

fn spin() -> Message {
    Related::simple(&task_xml("spin", &[], ""), "application/octet-stream", b"bytes")
}

/// A picture that no format makes smaller.
fn noise() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let noise =
        image::RgbImage::from_fn(2000, 2000, |_, _| image::Rgb(std::array::from_fn(|_| random.u8(..))));
    let mut png = std::io::Cursor::new(vec![]);
    noise.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn size_of(png: &[u8]) -> (u32, u32) {
    let picture = pictures::decode(png);
    (picture.width(), picture.height())
}

/// A server whose pictures are in this bucket, of the engine at this address.
fn keeping_in(bucket: &str, address: &str) -> Setup {
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let setup = Setup::default().hostile().with("workers", 1).with("deadline", "10m");
    let setup = setup.env("TINTYPE_BLOBS", &format!("s3://{bucket}/pictures")).env("AWS_ENDPOINT_URL", &url);
    CREDENTIALS.iter().fold(setup, |setup, (name, value)| setup.env(name, value))
}

#[test]
fn pictures_and_results_are_there_and_after_a_restart_too() {
    let Some(s3) = s3::Server::shared() else { return };
    let server = keeping_in(&s3.new_bucket(), &s3.address).start();
    let client = server.client();
    let small = client.process(&resize());
    // More than one part.
    let noise = noise();
    assert!(noise.len() > 10 << 20);
    let task = task_xml("convert", &[], "image/png");
    let large = client.process(&Related::simple(&task, "image/png", &noise));
    assert!(!server.folder().join("data/blobs").exists(), "nothing of it is here");

    let server = server.kill_and_restart();
    let client = server.client();
    // What they were told names the port of before.
    let result = |status: &Status| client.get(&path(status.href())).body;
    assert_eq!(size_of(&result(&small)), (8, 8));
    let whole = result(&large);
    let range = client.send("GET", &path(large.href()), &[("Range", "bytes=5000000-5000999")], &[]);
    assert_eq!((range.code, range.body.as_slice()), (206, &whole[5_000_000..5_001_000]));
}

#[test]
fn an_engine_that_goes_away_is_said_and_nothing_fails_for_it() {
    let Some(s3) = s3::Server::shared() else { return };
    let relay = Relay::to(&s3.address);
    let server = keeping_in(&s3.new_bucket(), &relay.url()).start();
    let client = server.client();
    let over = client.process(&resize());
    let spinning = client.accepted(&spin());
    client.wait_until_running(&spinning);
    let waiting = client.accepted(&resize());

    relay.go_away();
    let refused = client.submit(&resize());
    refused.refused(503, "storage-failed");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    client.get("/health/ready").refused(503, "storage-failed");
    client.get(&path(over.href())).refused(503, "storage-failed");
    // The worker is free, and what waits is neither begun nor failed.
    assert_eq!(client.delete(&spinning).code, 200);
    assert_eq!(client.status(&waiting).state(), "pending");

    relay.come_back();
    let is_ready = || (client.get("/health/ready").code == 200).then_some(());
    eventually(is_ready, || "it is never ready again".to_owned());
    assert_eq!(client.wait(&waiting).state(), "OK");
    assert_eq!(client.result(&over).code, 200);
    assert_eq!(client.process(&resize()).state(), "OK");
}

#[test]
fn a_place_of_other_tasks_a_missing_bucket_and_pictures_on_the_disk_are_refused() {
    let Some(s3) = s3::Server::shared() else { return };
    let refused = |setup: Setup, folder| setup.try_start_in(folder).err().unwrap().to_string();
    let new = || tempfile::tempdir().unwrap();
    let bucket = s3.new_bucket();
    let first = keeping_in(&bucket, &s3.address).start();
    assert!(refused(keeping_in(&bucket, &s3.address), new()).contains("choose another prefix"));
    assert!(refused(keeping_in("missing-bucket", &s3.address), new()).contains("there is no bucket"));
    assert!(refused(Setup::default(), first.into_folder()).contains("set blobs again"));
    let on_disk = Setup::default().start().into_folder();
    assert!(refused(keeping_in(&s3.new_bucket(), &s3.address), on_disk).contains("unset blobs"));
}

#[test]
fn servers_that_share_tasks_and_pictures_go_on_when_one_of_them_is_killed() {
    let (Some(s3), Some(cluster)) = (s3::Server::shared(), Cluster::shared()) else { return };
    let (bucket, database) = (s3.new_bucket(), cluster.database());
    let node = || keeping_in(&bucket, &s3.address).env("TINTYPE_STORE", &database.url).with("lease", "2s");
    let takes = node().with("no-workers", true).start();
    let client = takes.client();
    let mut dies = node().only_works().start();
    assert_eq!(size_of(&client.result(&client.process(&resize())).body), (8, 8));

    let spinning = client.accepted(&spin());
    client.wait_until_running(&spinning);
    let waiting: Vec<String> = (0..10).map(|_| client.accepted(&resize())).collect();
    dies.kill();
    let goes_on = node().only_works().start();
    // It may have been the death of the first, so it runs alone until it is cancelled.
    let is_busy = || goes_on.client().get("/metrics").text().contains("\ntintype_workers_busy 1");
    eventually(|| is_busy().then_some(()), || "what ran is never begun again".to_owned());
    assert_eq!(client.delete(&spinning).code, 200);
    for task in &waiting {
        let over = client.wait(task);
        assert_eq!(over.state(), "OK", "{over:?}");
        assert_eq!(size_of(&client.result(&over).body), (8, 8));
    }
}
