//! A queue in front of a few equal servers: who comes first is served first.

use super::Micros;

/// So many servers, and when each is free.
#[derive(Debug, Clone)]
pub(super) struct Line {
    free_at: Vec<Micros>,
    /// How long all of them together have worked.
    pub(super) worked: Micros,
}

impl Line {
    /// At least one server.
    pub(super) fn of(servers: usize) -> Self {
        Self { free_at: vec![0; servers.max(1)], worked: 0 }
    }

    /// Serves who arrives at `now`, for so long; gives when it is done.
    pub(super) fn serve(&mut self, now: Micros, work: Micros) -> Micros {
        self.worked += work;
        let first = self.free_at.iter_mut().min().expect("there is a server");
        *first = now.max(*first) + work;
        *first
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn two_are_served_at_once_and_the_third_waits_for_the_first_that_is_done() {
        let mut line = Line::of(2);
        assert_eq!([line.serve(0, 10), line.serve(0, 20), line.serve(0, 5), line.serve(100, 1)], [10, 20, 15, 101]);
    }
}
