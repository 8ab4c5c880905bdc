//! The alarm when the verification is itself late.

use onhand_tests::stack::eventually;
use std::process::{Child, Command, Stdio};

/// Ends the program whatever becomes of the test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_verification_that_cannot_work_says_that_it_is_late() {
    let prefix = std::env::var("ONHAND_PORT_PREFIX").unwrap();
    let listen = format!("127.0.0.1:{prefix}196");
    let program = std::env::var("ONHAND_BIN").unwrap();
    let child = Command::new(program)
        .args(["verify", "--continuous"])
        .env("ONHAND_VERIFY__METRICS_LISTEN", &listen)
        .env("ONHAND_VERIFY__INTERVAL_MS", "500")
        .env("ONHAND_VERIFY__LATE_AFTER_MS", "3000")
        // Nobody listens there.
        .env("ONHAND_REDIS__URL", "redis://127.0.0.1:9/")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _guard = Guard(child);
    let ready = || async {
        let answer = reqwest::get(format!("http://{listen}/readyz")).await?;
        let status = answer.status().as_u16();
        anyhow::Ok((status, answer.text().await?))
    };
    eventually("it starts in time", || async { Ok(ready().await?.0 == 200) })
        .await
        .unwrap();
    eventually("it is late", || async {
        let (status, body) = ready().await?;
        Ok(status == 503 && body.contains("\"late\"") && body.contains("redis cannot be read"))
    })
    .await
    .unwrap();
    eventually("the metrics say so", || async {
        let text = reqwest::get(format!("http://{listen}/metrics")).await?.text().await?;
        let has = |line: &str| text.lines().any(|found| found == line);
        Ok(has("onhand_verify_late 1") && has("onhand_verify_last_complete_timestamp_seconds 0"))
    })
    .await
    .unwrap();
    let live = reqwest::get(format!("http://{listen}/livez")).await.unwrap().status();
    assert_eq!(live.as_u16(), 200, "a restart would make it no faster");
}
