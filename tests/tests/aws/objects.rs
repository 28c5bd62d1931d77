//! S3.

use shared::{aws::s3::S3Objects, objects::Objects};
use tests::aws_fake::{AwsFake, Behaviour, Service};

use crate::{PATIENCE, aws, said};

const MIB: usize = 1024 * 1024;
const KEY: &str = "reports/job/2026-11-05/run-1.json";
const PLACE: &str = "almanac-objects/stage/reports/job/2026-11-05/run-1.json";

async fn objects(fake: &AwsFake) -> S3Objects {
    S3Objects::new(&aws(fake), "almanac-objects", "stage/", "OBJECTS", PATIENCE).await.expect("a client")
}

async fn put(fake: &AwsFake, body: &[u8]) -> anyhow::Result<String> {
    objects(fake).await.put(KEY, "application/json", body.to_vec()).await
}

fn held(fake: &AwsFake) -> Option<Vec<u8>> {
    fake.objects().get(PLACE).map(|object| object.body.clone())
}

#[tokio::test]
async fn an_object_arrives_whole_with_its_type_its_checksum_and_only_where_nothing_is() {
    let fake = AwsFake::start().await;
    assert_eq!(put(&fake, b"report").await.expect("put"), format!("s3://{PLACE}"));
    let objects = fake.objects();
    assert_eq!((objects[PLACE].content_type.as_str(), &objects[PLACE].body[..]), ("application/json", &b"report"[..]));
    let call = &fake.calls("PutObject")[0];
    assert_eq!(call.headers["if-none-match"], "*");
    assert!(call.headers.contains_key("x-amz-checksum-sha256"));
    assert!(!call.headers.contains_key("x-amz-server-side-encryption"), "that is the bucket's own to say");
}

#[tokio::test]
async fn a_report_that_is_there_already_is_a_success_and_stays_as_it_is() {
    let fake = AwsFake::start().await;
    put(&fake, b"first").await.expect("put");
    assert_eq!(put(&fake, b"second").await.expect("it is there"), format!("s3://{PLACE}"));
    assert_eq!(held(&fake).as_deref(), Some(&b"first"[..]));
}

#[tokio::test]
async fn a_conflict_with_another_writer_is_tried_again() {
    let fake = AwsFake::start().await;
    fake.script(Service::S3, |_, call| match call {
        0 => Behaviour::Refuse(409, "ConditionalRequestConflict"),
        1 => Behaviour::Refuse(412, "PreconditionFailed"),
        _ => Behaviour::Accept,
    });
    put(&fake, b"report").await.expect("the other writer was first");
    assert_eq!((fake.count("PutObject"), held(&fake)), (2, None));
}

#[tokio::test]
async fn a_bucket_that_asks_to_slow_down_is_asked_again() {
    let fake = AwsFake::start().await;
    fake.script(Service::S3, |_, call| if call < 2 { Behaviour::Refuse(503, "SlowDown") } else { Behaviour::Accept });
    put(&fake, b"report").await.expect("put in the end");
    assert_eq!((fake.count("PutObject"), held(&fake).as_deref()), (3, Some(&b"report"[..])));
}

#[tokio::test]
async fn a_lost_reply_does_not_write_a_report_anew() {
    let fake = AwsFake::start().await;
    fake.script(Service::S3, |_, call| if call == 0 { Behaviour::AcceptAndDrop } else { Behaviour::Accept });
    put(&fake, b"report").await.expect("it is there");
    assert_eq!((fake.count("PutObject"), held(&fake).as_deref()), (2, Some(&b"report"[..])));
}

#[tokio::test]
async fn a_large_object_goes_in_parts_and_is_whole_in_the_end() {
    let fake = AwsFake::start().await;
    let body: Vec<u8> = (0..17 * MIB).map(|at| (at % 251) as u8).collect();
    put(&fake, &body).await.expect("put");
    assert_eq!((fake.count("PutObject"), fake.count("UploadPart")), (0, 3));
    assert_eq!(fake.calls("UploadPart").iter().map(|call| call.bytes).collect::<Vec<_>>(), [8 * MIB, 8 * MIB, MIB]);
    assert_eq!(fake.calls("CompleteMultipartUpload")[0].headers["if-none-match"], "*");
    assert!(held(&fake).expect("it is there") == body && fake.uploads().is_empty());
}

#[tokio::test]
async fn an_upload_that_fails_is_aborted_and_leaves_nothing() {
    let fake = AwsFake::start().await;
    fake.script(Service::S3, |operation, call| match (operation, call) {
        ("UploadPart", 1) => Behaviour::Refuse(403, "AccessDenied"),
        _ => Behaviour::Accept,
    });
    let error = put(&fake, &vec![1; 9 * MIB]).await.expect_err("refused");
    let said = said(&error);
    assert!(said.starts_with("S3, at the bucket that OBJECTS names: HTTP 403 AccessDenied"), "{said}");
    assert_eq!((fake.count("AbortMultipartUpload"), fake.uploads().len(), held(&fake)), (1, 0, None));
}

#[tokio::test]
async fn a_large_report_that_is_there_already_stays_and_the_upload_is_aborted() {
    let fake = AwsFake::start().await;
    put(&fake, b"first").await.expect("put");
    put(&fake, &vec![1; 8 * MIB]).await.expect("it is there");
    assert_eq!((held(&fake).as_deref(), fake.uploads().len()), (Some(&b"first"[..]), 0));
}

#[tokio::test]
async fn expired_credentials_are_said_with_the_setting() {
    let fake = AwsFake::start().await;
    fake.script(Service::S3, |_, _| Behaviour::Refuse(400, "ExpiredToken"));
    let said = said(&put(&fake, b"report").await.expect_err("refused"));
    let told =
        "S3, at the bucket that OBJECTS names: the credentials have expired or are unknown: HTTP 400 ExpiredToken";
    assert!(said.starts_with(told), "{said}");
    assert_eq!(fake.count("PutObject"), 1);
}

#[tokio::test]
async fn a_key_that_could_leave_its_place_is_refused_before_any_call() {
    let fake = AwsFake::start().await;
    objects(&fake).await.put("../x", "text/plain", Vec::new()).await.expect_err("no key");
    assert_eq!(fake.count("PutObject"), 0);
}
