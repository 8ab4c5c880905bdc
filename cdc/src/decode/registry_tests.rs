//! What the answers of a registry make of a record.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::RegistryConfig;

/// What a registry that answers every question like this makes of a record.
async fn asked(status: u16, body: &'static str) -> (DecodeError, usize) {
    let (url, questions) = registry(status, body).await;
    let config = RegistryConfig { url, timeout_ms: 2_000 };
    let decoder = Decoder::new(RegistryClient::new(&config).unwrap());
    let error = decoder.decode(Table::StockLevel, &frame(9, b"x")).await.unwrap_err();
    (error, questions.load(Ordering::Relaxed))
}

/// The address of a registry that has one answer, and how often it was asked.
async fn registry(status: u16, body: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&questions);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, questions)
}

#[tokio::test]
async fn a_registry_that_refuses_the_question_says_nothing_against_the_record() {
    for status in [400, 401, 403, 405, 409, 422, 429, 500, 503] {
        let (error, questions) = asked(status, "no").await;
        assert_eq!(error.class(), DecodeClass::Transient, "{status}: {error}");
        assert!(questions > 0, "{status}: it was not asked");
    }
    let (page, _) = asked(200, "<html>sign in</html>").await;
    assert_eq!(page.class(), DecodeClass::Transient, "{page}");
}

#[tokio::test]
async fn only_a_clear_answer_about_the_schema_gives_a_record_up() {
    let (unknown, _) = asked(404, r#"{"error_code":40403,"message":"Schema not found"}"#).await;
    assert_eq!(unknown.class(), DecodeClass::UnknownSchema(9));
    let (broken, _) = asked(200, r#"{"schema":"{"}"#).await;
    assert_eq!(broken.class(), DecodeClass::Poison, "{broken}");
    let made_of_others = r#"{"schema":"\"string\"","references":[{"name":"a","subject":"b","version":1}]}"#;
    let (references, _) = asked(200, made_of_others).await;
    assert_eq!(references.class(), DecodeClass::Poison, "{references}");
    assert!(references.to_string().contains("references"), "{references}");
}

#[tokio::test]
async fn an_id_that_was_given_up_or_cannot_be_is_poison_without_a_question() {
    let (url, questions) = registry(404, "no").await;
    let config = RegistryConfig { url, timeout_ms: 2_000 };
    let decoder = Decoder::new(RegistryClient::new(&config).unwrap());
    decoder.give_up(9);
    for id in [9, 0x8000_0000, u32::MAX] {
        let error = decoder.decode(Table::StockLevel, &frame(id, b"x")).await.unwrap_err();
        assert_eq!(error.class(), DecodeClass::Poison, "{error}");
    }
    assert_eq!(questions.load(Ordering::Relaxed), 0);
    // Others are asked for as before.
    let error = decoder.decode(Table::StockLevel, &frame(10, b"x")).await.unwrap_err();
    assert_eq!(error.class(), DecodeClass::UnknownSchema(10));
    assert!(questions.load(Ordering::Relaxed) > 0);
}
