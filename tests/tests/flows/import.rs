//! `onhand import` on the running stack.

use onhand_tests::stack::{Stack, eventually, program};
use std::io::Write;
use std::path::PathBuf;

/// A file of its own for a test, removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("onhand-{}-{name}", uuid::Uuid::now_v7().simple()));
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const ORDERS: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
700001,90001A,RED LAMP,6,2024-03-01T08:00:00,2.5,1,United Kingdom
700001,90002,BLUE LAMP,2,2024-03-01T08:00:00,3.0,1,United Kingdom
700002,90001A,RED LAMP,4,2024-03-01T09:00:00,2.5,2,United Kingdom
C700003,90001A,RED LAMP,-1,2024-03-02T09:00:00,2.5,1,United Kingdom
700004,POST,POSTAGE,1,2024-03-02T10:00:00,18,1,United Kingdom
700005,90002,BLUE LAMP,x,2024-03-02T11:00:00,3.0,1,United Kingdom
700006,90002,thrown away,-1,2024-03-02T12:00:00,0,,United Kingdom
700007,90003,GREEN LAMP,3,2024-03-03T12:00:00,1,,United Kingdom
";

#[tokio::test(flavor = "multi_thread")]
async fn an_import_run_twice_changes_nothing_the_second_time() {
    let stack = Stack::from_env().unwrap();
    let file = File::new("orders.csv", ORDERS.as_bytes());
    let report = File::new("report.csv", b"");
    let arguments = [
        "import",
        file.path(),
        "--location",
        "IMPORT-T1",
        "--report",
        report.path(),
    ];
    let (code, text) = program(&arguments);
    assert_eq!(code, 0, "{text}");
    let rejected = std::fs::read_to_string(report.path()).unwrap();
    assert!(rejected.contains("POST"), "{rejected}");
    assert!(
        rejected.lines().count() >= 3,
        "a heading, the postage and the number that is none: {rejected}"
    );

    let read = || async { stack.get("/v1/inventory/product/90001A?location=IMPORT-T1").await };
    eventually("the imported stock is in the cache", || async {
        Ok(read().await?["source"] == "cache")
    })
    .await
    .unwrap();
    let (client, connection) = onhand_db::tokio_postgres::connect(&stack.database, onhand_db::tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let movements = "select count(*), coalesce(sum(on_hand_delta), 0)::bigint from inventory.stock_movement \
                     where location_id = 'IMPORT-T1'";
    let first = client.query_one(movements, &[]).await.unwrap();
    let sold: i64 = client
        .query_one(
            "select coalesce(sum(-on_hand_delta), 0)::bigint from inventory.stock_movement \
             where location_id = 'IMPORT-T1' and type = 'commit'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(sold, 6 + 2 + 4 + 3, "every goods line was sold");

    let (code, text) = program(&arguments);
    assert_eq!(code, 0, "{text}");
    let second = client.query_one(movements, &[]).await.unwrap();
    assert_eq!(
        (first.get::<_, i64>(0), first.get::<_, i64>(1)),
        (second.get(0), second.get(1))
    );
    drop(client);
    driver.await.unwrap().unwrap();
}

#[test]
fn files_that_cannot_be_imported_are_refused_with_a_reason() {
    let other = File::new("other.csv", b"a,b,c\n1,2,3\n");
    let (code, text) = program(&["import", other.path(), "--location", "IMPORT-T2"]);
    assert_ne!(code, 0);
    assert!(text.contains("InvoiceNo"), "the missing columns are named: {text}");

    let (code, text) = program(&["import", "/no/such/file.csv"]);
    assert_ne!(code, 0);
    assert!(text.contains("/no/such/file.csv"), "{text}");

    // The first half of a gzip file: whole lines at first, then nothing.
    let mut lines = String::from("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n");
    for n in 0..5_000_u32 {
        let noise = n.wrapping_mul(2_654_435_761);
        lines.push_str(&format!(
            "8{n:05},91{:03},LAMP {noise},1,2024-03-01T08:00:00,1,,United Kingdom\n",
            n % 50
        ));
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(lines.as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let half = File::new("half.csv.gz", &whole[..whole.len() / 2]);
    let report = File::new("half-report.csv", b"");
    let (code, text) = program(&[
        "import",
        half.path(),
        "--location",
        "IMPORT-T3",
        "--report",
        report.path(),
    ]);
    assert_ne!(code, 0);
    assert!(text.contains("line"), "where it ended is said: {text}");
}
