//! Which item comes next: a few are asked for all the time, most of them hardly ever.

use rand::Rng;

/// Zipf's law with exponent 1: the item of rank n is asked for 1/n as often as the first.
#[derive(Debug)]
pub(crate) struct Popularity {
    /// Sum of the weights up to and with each rank.
    sums: Vec<f64>,
}

impl Popularity {
    /// For so many items.
    pub(crate) fn new(items: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=items)
            .map(|rank| {
                sum += 1.0 / f64::from(u32::try_from(rank).unwrap_or(u32::MAX));
                sum
            })
            .collect();
        Self { sums }
    }

    /// The rank of the next one, from 0.
    pub(crate) fn next(&self, random: &mut impl Rng) -> usize {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let point = random.random::<f64>() * total;
        self.sums
            .partition_point(|sum| *sum <= point)
            .min(self.sums.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_first_is_asked_for_most() {
        let popularity = Popularity::new(1_000);
        let mut random = StdRng::seed_from_u64(1);
        let mut first = 0;
        let mut upper_half = 0;
        for _ in 0..20_000 {
            match popularity.next(&mut random) {
                0 => first += 1,
                500.. => upper_half += 1,
                _ => {}
            }
        }
        // 1/H(1000) = 13 %, and (H(1000)-H(500))/H(1000) = 9 %.
        assert!((2_200..3_200).contains(&first), "{first}");
        assert!((1_400..2_400).contains(&upper_half), "{upper_half}");
    }

    #[test]
    fn a_single_item_is_always_it() {
        assert_eq!(Popularity::new(1).next(&mut StdRng::seed_from_u64(1)), 0);
    }
}
