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
                    let landing = Landing {
                        flights: Arc::clone(&self.flights),
                        key: key.clone(),
                    };
                    let query = start();
                    // It leaves the list before its answer can be seen: whoever has the answer and asks again wants a newer one.
                    let flight = async move {
                        let _landing = landing;
                        query.await
                    };
                    let flight = flight.boxed().shared();
                    flights.insert(key, flight.clone());
                    tokio::spawn(flight).map(Result::ok).boxed()
                }
            }
        };
        flight.await
    }
}

/// Takes the flight off the list when its query ends, also when it panics.
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
    /// Whoever has the answer of a flight and asks again wants a newer one.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn an_answer_is_never_given_twice_to_one_caller() {
        let flights: Flights<u8, usize> = Flights::new();
        let started = Arc::new(AtomicUsize::new(0));
        let callers = (0..8).map(|_| {
            let (flights, started) = (flights.clone(), Arc::clone(&started));
            tokio::spawn(async move {
                let mut last = None;
                for _ in 0..2_000 {
                    let started = Arc::clone(&started);
                    let answer = flights
                        .join(1, move || async move {
                            tokio::task::yield_now().await;
                            started.fetch_add(1, Ordering::SeqCst)
                        })
                        .await;
                    assert!(answer > last, "{answer:?} after {last:?}");
                    last = answer;
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            assert!(caller.await.is_ok());
        }
    }
}
