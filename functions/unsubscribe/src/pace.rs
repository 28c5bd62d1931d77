//! How often one place may ask: enough for a household, too seldom to try out tags.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Over which time requests are counted.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// How many requests of one place are answered in that time, by one instance.
const REQUESTS: u32 = 60;

/// How many places are remembered: what is more begins a new count for all.
const PLACES: usize = 10_000;

/// Requests by the place that they come from.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    since: Option<Instant>,
    requests: HashMap<IpAddr, u32>,
}

impl Pace {
    /// Counts a request; gives whether it is to be answered.
    pub(crate) fn admits(&self, source: IpAddr) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = counts.since.is_none_or(|since| since.elapsed() >= WINDOW);
        if is_over || counts.requests.len() >= PLACES {
            *counts = Counts { since: Some(Instant::now()), requests: HashMap::new() };
        }
        let requests = counts.requests.entry(network(source)).or_default();
        *requests += 1;
        *requests <= REQUESTS
    }
}

/// What one place can call its own: an address of IPv4, a /64 of IPv6.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn one_place_is_refused_for_the_rest_of_the_minute_and_others_are_not() {
        let pace = Pace::default();
        for host in (1_u128..).take(REQUESTS as usize) {
            assert!(pace.admits(IpAddr::V6((u128::from(place_v6()) + host).into())));
        }
        assert!(!pace.admits(place("2001:db8::1")), "a network is one place");
        assert!(pace.admits(place("2001:db8:0:1::1")) && pace.admits(place("203.0.113.7")));
        tokio::time::advance(WINDOW).await;
        assert!(pace.admits(place("2001:db8::1")));
    }

    fn place_v6() -> std::net::Ipv6Addr {
        "2001:db8::".parse().expect("an address")
    }

    #[tokio::test]
    async fn however_many_places_ask_few_are_remembered() {
        let pace = Pace::default();
        for number in 0..3 * u32::try_from(PLACES).expect("few") {
            pace.admits(IpAddr::V4(number.into()));
        }
        assert!(pace.0.lock().expect("no panic").requests.len() <= PLACES);
    }
}
