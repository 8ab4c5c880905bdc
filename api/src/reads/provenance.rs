//! Where an answer comes from and how old it is, as headers.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{ItemStock, Source};

/// RFC 9211.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// `Cache-Status` says whether Redis answered (`hit`), Postgres (`fwd=miss`) or both (`fwd=partial`). `Age` (RFC 9111) is that
/// of the oldest part from Redis in whole seconds: the time since the newest change that it knows.
pub(crate) fn provenance<'a>(stocks: impl Iterator<Item = &'a ItemStock>) -> HeaderMap {
    let (mut cached, mut loaded, mut oldest) = (0_usize, 0_usize, Duration::ZERO);
    for stock in stocks {
        match stock.source {
            Source::Cache => {
                cached += 1;
                oldest = oldest.max(stock.age());
            }
            Source::Database => loaded += 1,
        }
    }
    let status = match (cached, loaded) {
        (0, 0) => return HeaderMap::new(),
        (_, 0) => format!("redis; hit; detail=\"{} ms old\"", oldest.as_millis()),
        (0, _) => "redis; fwd=miss".to_owned(),
        (_, _) => format!(
            "redis; fwd=partial; detail=\"{cached} of {}, {} ms old\"",
            cached + loaded,
            oldest.as_millis()
        ),
    };
    let mut headers = HeaderMap::new();
    if let Ok(status) = HeaderValue::from_str(&status) {
        headers.insert(CACHE_STATUS, status);
    }
    if cached > 0 {
        headers.insert(header::AGE, HeaderValue::from(oldest.as_secs()));
    }
    headers
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use jiff::{Timestamp, ToSpan};
    use uuid::Uuid;

    use super::*;

    fn stock(source: Source, seconds: i64) -> ItemStock {
        ItemStock {
            source,
            as_of: Timestamp::now() - seconds.seconds(),
            ..ItemStock::of_database(Uuid::nil(), Vec::new())
        }
    }

    #[test]
    fn the_oldest_cached_part_gives_the_age() {
        let stocks = [
            stock(Source::Cache, 3),
            stock(Source::Cache, 90),
            stock(Source::Database, 0),
        ];
        let headers = provenance(stocks.iter());
        assert_eq!(headers[header::AGE], "90");
        assert!(
            headers[CACHE_STATUS]
                .to_str()
                .unwrap()
                .starts_with("redis; fwd=partial; detail=\"2 of 3, 90")
        );
        let headers = provenance(stocks[..1].iter());
        assert!(
            headers[CACHE_STATUS]
                .to_str()
                .unwrap()
                .starts_with("redis; hit; detail=\"3")
        );
        let headers = provenance(stocks[2..].iter());
        assert_eq!(headers[CACHE_STATUS], "redis; fwd=miss");
        assert!(headers.get(header::AGE).is_none(), "what Postgres says is not old");
    }
}
