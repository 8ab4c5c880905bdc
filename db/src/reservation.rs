//! Reservations, read and expired.

use crate::{DbError, PooledClient};
use jiff::Timestamp;
use uuid::Uuid;

/// What a reservation holds of one item at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationLine {
    /// Sku of the item.
    pub sku: String,
    /// Id of the item.
    pub item_id: Uuid,
    /// Id of the location.
    pub location: String,
    /// Units.
    pub quantity: i64,
}

/// A reservation as it is now. A pending one past its deadline reads as EXPIRED.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationState {
    /// Its id.
    pub id: Uuid,
    /// PENDING, COMMITTED, RELEASED or EXPIRED.
    pub status: String,
    /// Who it is for.
    pub owner: Option<String>,
    /// What it is for, e.g. an order number.
    pub reference: Option<String>,
    /// Its deadline.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Version of the row.
    pub version: i64,
    /// What it holds, in key order.
    pub lines: Vec<ReservationLine>,
}

/// `api.get_reservation`.
///
/// # Errors
/// [`DbError::Refused`] with `UnknownReservation` if there is none with this id.
pub async fn get_reservation(client: &PooledClient, id: Uuid) -> Result<ReservationState, DbError> {
    let statement = client
        .prepare_cached(
            "select reservation_id, status, owner, reference, expires_at, created_at, updated_at, version, sku, item_id, \
             location, quantity from api.get_reservation($1)",
        )
        .await?;
    let rows = client.query(&statement, &[&id]).await?;
    let first = rows
        .first()
        .ok_or_else(|| DbError::Unexpected("a reservation without lines".into()))?;
    let lines = rows
        .iter()
        .map(|row| {
            Ok(ReservationLine {
                sku: row.try_get(8)?,
                item_id: row.try_get(9)?,
                location: row.try_get(10)?,
                quantity: row.try_get(11)?,
            })
        })
        .collect::<Result<_, tokio_postgres::Error>>()?;
    Ok(ReservationState {
        id: first.try_get(0)?,
        status: first.try_get(1)?,
        owner: first.try_get(2)?,
        reference: first.try_get(3)?,
        expires_at: first.try_get(4)?,
        created_at: first.try_get(5)?,
        updated_at: first.try_get(6)?,
        version: first.try_get(7)?,
        lines,
    })
}

/// `api.expire_reservations`: writes off up to `max_count` holds past their deadline. Returns how many.
///
/// # Errors
/// [`DbError::Refused`] if `max_count` is not 1 to 1000.
pub async fn expire_reservations(client: &PooledClient, max_count: i32) -> Result<i32, DbError> {
    let statement = client.prepare_cached("select api.expire_reservations($1)").await?;
    Ok(client.query_one(&statement, &[&max_count]).await?.try_get(0)?)
}
