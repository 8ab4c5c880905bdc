//! A made-up catalogue: the same at every run, with names, categories and quantities as a shop would have them.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// The catalogue is part of the demonstration: who runs it twice wants to see the same goods.
const SEED: u64 = 20_260_101;
/// One level in so many has a safety stock and a reorder point.
const WATCHED: u32 = 100;

const MATERIALS: [&str; 12] = [
    "Oak", "Walnut", "Linen", "Cotton", "Wool", "Leather", "Steel", "Brass", "Ceramic", "Glass", "Bamboo", "Cork",
];
const COLOURS: [&str; 14] = [
    "Navy", "Sage", "Rust", "Ivory", "Charcoal", "Mustard", "Teal", "Blush", "Olive", "Black", "White", "Indigo",
    "Crème", "Grün",
];
const SIZES: [&str; 6] = ["XS", "S", "M", "L", "XL", "Set of 4"];
/// Things by category.
const THINGS: [(&str, &[&str]); 10] = [
    (
        "lighting",
        &["Desk Lamp", "Floor Lamp", "Pendant", "Candle Holder", "String Lights"],
    ),
    (
        "kitchen",
        &["Mug", "Bowl", "Chopping Board", "Teapot", "Storage Jar", "Café Press"],
    ),
    (
        "textiles",
        &["Cushion", "Throw", "Curtain", "Bath Towel", "Table Runner"],
    ),
    ("furniture", &["Stool", "Side Table", "Bookshelf", "Bench", "Coat Rack"]),
    (
        "garden",
        &["Planter", "Watering Can", "Bird House", "Trowel", "Lantern"],
    ),
    (
        "stationery",
        &["Notebook", "Pencil Case", "Desk Tray", "Card Holder", "Wall Calendar"],
    ),
    (
        "travel",
        &["Weekend Bag", "Wash Bag", "Luggage Tag", "Water Bottle", "Rucksack"],
    ),
    (
        "toys",
        &["Building Blocks", "Puzzle", "Rocking Horse", "Train Set", "Doll House"],
    ),
    (
        "office",
        &["Monitor Stand", "Footrest", "Cable Box", "Whiteboard", "Paper Tray"],
    ),
    (
        "bath",
        &["Soap Dish", "Mirror", "Laundry Basket", "Bath Mat", "Toothbrush Cup"],
    ),
];

/// A location of the demonstration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) id: String,
    name: String,
    kind: &'static str,
}

impl Place {
    /// As `api.upsert_locations` takes it.
    pub(super) fn body(&self, priority: usize) -> Value {
        json!({"id": self.id, "name": self.name, "type": self.kind, "priority": priority})
    }
}

/// Places in the order in which stock is taken from them: warehouses first.
pub(super) fn places(count: usize) -> Vec<Place> {
    const CITIES: [&str; 20] = [
        "Rotterdam",
        "Leipzig",
        "Lyon",
        "Milano",
        "Kraków",
        "Madrid",
        "Porto",
        "Dublin",
        "Malmö",
        "Gdańsk",
        "Wien",
        "Praha",
        "Zürich",
        "Gent",
        "Bilbao",
        "Turku",
        "Aarhus",
        "Graz",
        "Riga",
        "Athens",
    ];
    (0..count)
        .zip(CITIES.iter().cycle())
        .map(|(n, city)| {
            let (kind, what) = match n % 20 {
                0..=3 => ("warehouse", "distribution centre"),
                4..=15 => ("store", "store"),
                16..=17 => ("dark_store", "dark store"),
                18 => ("partner", "partner"),
                _ => ("ecommerce", "web shop"),
            };
            Place {
                id: format!("DEMO-{:02}", n + 1),
                name: format!("{city} {what}"),
                kind,
            }
        })
        .collect()
}

/// Sku of the item with this number.
pub(super) fn sku(number: usize) -> String {
    format!("DEMO-{number:05}")
}

/// The item with this number, as `api.upsert_items` takes it.
pub(super) fn item(number: usize) -> Value {
    let mut random = random(number, 0);
    let (category, things) = pick(&THINGS, &mut random).copied().unwrap_or(("other", &["Thing"]));
    let thing = pick(things, &mut random).copied().unwrap_or("Thing");
    let [material, colour, size] =
        [&MATERIALS[..], &COLOURS[..], &SIZES[..]].map(|words| pick(words, &mut random).copied().unwrap_or_default());
    json!({
        "sku": sku(number),
        "name": format!("{material} {thing}, {colour}, {size}"),
        "description": format!("{thing} of {}, in {}. Size {size}. Wipe clean with a damp cloth.",
            material.to_lowercase(), colour.to_lowercase()),
        "category": category,
        "tags": [material.to_lowercase(), colour.to_lowercase(), "demo"],
        "dimensions": {"length": random.random_range(5..120), "width": random.random_range(5..80),
            "height": random.random_range(2..90), "unit": "cm"},
        "metadata": {"weight_g": random.random_range(40..15_000)},
    })
}

/// Units that are there at first: popular goods (the low numbers) have more, warehouses hold more than stores.
pub(super) fn opening_units(number: usize, place: usize) -> i64 {
    let mut random = random(number, place + 1);
    let most: i64 = match (number, place % 20) {
        (..500, ..4) => 5_000,
        (..500, _) => 800,
        (_, ..4) => 600,
        _ => 60,
    };
    random.random_range(most / 4..=most)
}

/// Safety stock and reorder point, where there are any.
pub(super) fn thresholds(number: usize, place: usize) -> Option<(i64, i64)> {
    let mut random = random(number, place + 10_000);
    (random.random_range(0..WATCHED) == 0).then(|| {
        let safety = random.random_range(2..20);
        (safety, safety * random.random_range(2..6))
    })
}

fn random(number: usize, part: usize) -> StdRng {
    let mix = |n: usize| u64::try_from(n).unwrap_or(0);
    StdRng::seed_from_u64(
        SEED ^ mix(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mix(part).wrapping_mul(0xd1b5_4a32_d192_ed03),
    )
}

fn pick<'a, T>(words: &'a [T], random: &mut StdRng) -> Option<&'a T> {
    words.get(random.random_range(0..words.len().max(1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_number_is_the_same_thing() {
        assert_eq!(item(17), item(17));
        assert_ne!(item(17).get("metadata"), item(18).get("metadata"));
        assert_eq!(opening_units(17, 3), opening_units(17, 3));
    }

    #[test]
    fn some_levels_are_watched_and_all_have_stock() {
        let watched = (0..2_000).filter(|n| thresholds(*n, 5).is_some()).count();
        assert!((5..60).contains(&watched), "{watched}");
        for n in 0..2_000 {
            assert!(opening_units(n, n % 20) > 0);
            if let Some((safety, reorder)) = thresholds(n, 5) {
                assert!(safety > 0 && reorder > safety);
            }
        }
    }

    #[test]
    fn twenty_places_are_of_all_kinds() {
        let places = places(20);
        assert_eq!(places.len(), 20);
        for kind in ["warehouse", "store", "dark_store", "partner", "ecommerce"] {
            assert!(places.iter().any(|place| place.kind == kind), "{kind}");
        }
        assert_eq!(places.first().unwrap().id, "DEMO-01");
    }
}
