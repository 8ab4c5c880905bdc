//! One flight per key: callers that want the same thing at the same time share one query.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

type Flight<V> = Shared<BoxFuture<'static, V>>;

/// Flights under way, by key.
#[derive(Clone)]
pub(crate) struct Flights<K, V: Clone> {
    flights: Arc<Mutex<HashMap<K, Flight<V>>>>,
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self {
            flights: Arc::default(),
        }
    }

    /// Joins the flight of this key, or starts it. It goes on when its starter goes away.
    pub(crate) async fn join<F>(&self, key: K, start: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.get(&key) {
                Some(flight) => flight.clone().map(Some).boxed(),
                None => {
                    let flight = start().boxed().shared();
                    flights.insert(key.clone(), flight.clone());
                    let landing = Landing {
                        flights: Arc::clone(&self.flights),
                        key,
                    };
                    let task = tokio::spawn(async move {
                        let _landing = landing;
                        flight.await
                    });
                    task.map(Result::ok).boxed()
                }
            }
        };
        flight.await
    }
}

/// Takes the flight off the list when it ends, also when it panics.
struct Landing<K: Eq + Hash, V: Clone> {
    flights: Arc<Mutex<HashMap<K, Flight<V>>>>,
    key: K,
}

impl<K: Eq + Hash, V: Clone> Drop for Landing<K, V> {
    fn drop(&mut self) {
        self.flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn many_callers_one_query() {
        let flights: Flights<u8, usize> = Flights::new();
        let started = Arc::new(AtomicUsize::new(0));
        let call = |key| {
            let started = Arc::clone(&started);
            flights.join(key, move || async move {
                let number = started.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
                number
            })
        };
        let (a, b, other) = tokio::join!(call(1), call(1), call(2));
        assert_eq!(a, b);
        assert_ne!(a, other);
        assert_eq!(started.load(Ordering::SeqCst), 2);
        assert_eq!(call(1).await, Some(3), "a flight that has landed is not joined");
    }
}
