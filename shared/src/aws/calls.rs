//! Dividing what is sent into calls that a service takes.

/// Calls of items by their indexes, in their order; and the items that no call can take.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    /// The items of each call; at least one.
    pub calls: Vec<Vec<usize>>,
    /// The items that are larger than a whole call.
    pub too_large: Vec<usize>,
}

/// Divides items of these sizes into calls of at most `most` items and `bytes` bytes.
pub(super) fn divide(sizes: impl IntoIterator<Item = usize>, most: usize, bytes: usize) -> Calls {
    let mut divided = Calls::default();
    let mut room = 0;
    for (index, size) in sizes.into_iter().enumerate() {
        if size > bytes {
            divided.too_large.push(index);
            continue;
        }
        match divided.calls.last_mut() {
            Some(call) if size <= room && call.len() < most => call.push(index),
            _ => {
                divided.calls.push(vec![index]);
                room = bytes;
            }
        }
        room -= size;
    }
    divided
}
