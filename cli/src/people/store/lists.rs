//! Lists of keys in a query.

/// How many keys one query looks up at most. Planning a longer list costs a server more than another query does.
const KEYS: usize = 128;

/// Cuts keys into lists of a few fixed lengths by repeating the last key, which finds nothing twice, so that a server
/// prepares few different statements.
pub(super) fn lists<K: Copy>(keys: &[K]) -> impl Iterator<Item = Vec<K>> {
    keys.chunks(KEYS).filter_map(|some| {
        let last = *some.last()?;
        let mut list = some.to_vec();
        list.resize(some.len().next_power_of_two(), last);
        Some(list)
    })
}

#[cfg(test)]
mod tests {
    use super::lists;

    #[test]
    fn every_key_is_looked_up_in_lists_of_few_lengths() {
        let keys: Vec<u32> = (0..360).collect();
        let lists: Vec<_> = lists(&keys).collect();
        assert_eq!(lists.iter().map(Vec::len).collect::<Vec<_>>(), [128, 128, 128]);
        let mut seen = lists.concat();
        seen.dedup();
        assert_eq!(seen, keys);
        assert_eq!(super::lists::<u32>(&[]).count(), 0);
    }
}
