//! The stock that the tests drive, and the tables they look into: the real functions, through SQL.

use onhand_db::tokio_postgres::{Client, NoTls, Row, types::ToSql};

/// A session of the superuser of the stack.
pub(crate) struct Shop {
    client: Client,
    pub(crate) sku: String,
    pub(crate) item_id: String,
}

impl Shop {
    /// A new item at a new place, with a reorder point of 10 and so many units.
    pub(crate) async fn open(units: i64) -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let url = format!(
            "host={} port={} user={} password={} dbname={}",
            variable("PGHOST"),
            variable("PGPORT"),
            variable("PGUSER"),
            variable("PGPASSWORD"),
            variable("PGDATABASE")
        );
        let (client, connection) = onhand_db::tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut shop = Self {
            client,
            sku: format!("ALERT-{}", uuid::Uuid::now_v7().simple()),
            item_id: String::new(),
        };
        let sku = shop.sku.clone();
        shop.run(
            "select api.upsert_item($1, $1), api.upsert_location('ALERT-W1')",
            &[&sku],
        )
        .await;
        shop.item_id = shop
            .text("select id::text from inventory.item where sku = $1", &[&sku])
            .await;
        if units > 0 {
            shop.add(units).await;
        }
        shop.run(
            "select api.set_stock_policy($1, 'ALERT-W1', reorder_point => 10)",
            &[&sku],
        )
        .await;
        shop
    }

    pub(crate) fn fingerprint(&self, kind: &str) -> String {
        format!("{kind}/{}/ALERT-W1", self.item_id)
    }

    pub(crate) async fn run(&self, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> u64 {
        self.client.execute(sql, arguments).await.unwrap()
    }

    pub(crate) async fn rows(&self, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.client.query(sql, arguments).await.unwrap()
    }

    pub(crate) async fn text(&self, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> String {
        self.client.query_one(sql, arguments).await.unwrap().get(0)
    }

    pub(crate) async fn add(&self, units: i64) {
        self.run("select api.add_stock($1, 'ALERT-W1', $2)", &[&self.sku, &units])
            .await;
    }

    pub(crate) async fn remove(&self, units: i64) {
        self.run("select api.remove_stock($1, 'ALERT-W1', $2)", &[&self.sku, &units])
            .await;
    }

    /// A webhook of the test's own for this receiver; answers its secret. Those of other tests are gone.
    pub(crate) async fn webhook(&self, name: &str, url: &str) -> String {
        self.run("select api.remove_webhook($1)", &[&name]).await;
        self.text("select secret from api.set_webhook($1, $2)", &[&name, &url])
            .await
    }

    pub(crate) async fn forget(&self, name: &str) {
        self.run("select api.remove_webhook($1)", &[&name]).await;
    }

    /// The edges of an alert in the history, oldest first.
    pub(crate) async fn history(&self, fingerprint: &str) -> Vec<String> {
        self.rows(
            "select event from api.get_alert_history($1) order by id",
            &[&fingerprint],
        )
        .await
        .iter()
        .map(|row| row.get(0))
        .collect()
    }

    /// A message to a webhook: id, status, attempts, response status.
    pub(crate) async fn deliveries(&self, webhook: &str, fingerprint: &str) -> Vec<(String, String, i32, Option<i32>)> {
        self.rows(
            "select delivery_id::text, status, attempts, response_status from api.get_webhook_deliveries($1) \
             where fingerprint = $2 order by delivery_id",
            &[&webhook, &fingerprint],
        )
        .await
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect()
    }
}
