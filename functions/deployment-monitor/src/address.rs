//! Which addresses are probed: public ones, and those of networks that the operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// What an address is for that is not the public internet's. The ranges are those of IANA's special-purpose address
/// registries, and the addresses at which clouds serve a machine's own secrets to whatever runs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserved {
    /// A cloud's service for its own machines, such as 169.254.169.254.
    Metadata,
    /// "This network" and the address that stands for none.
    Unspecified,
    /// The machine itself.
    Loopback,
    /// A private network.
    Private,
    /// One link, beyond which no router passes it on.
    LinkLocal,
    /// Between a carrier and its customers (100.64.0.0/10).
    Shared,
    /// The internet's own protocols.
    Protocol,
    /// Examples in documents.
    Documentation,
    /// Measuring network equipment.
    Benchmarking,
    /// Many at once.
    Multicast,
    /// A tunnel that hides another address and is no longer in use: 6to4, Teredo, IPv4-compatible IPv6.
    Tunnel,
    /// Kept for a use that there is not yet.
    Future,
}

impl Reserved {
    /// Its name in a sentence after "an address".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "of a cloud's own services",
            Self::Unspecified => "that stands for no machine",
            Self::Loopback => "of the machine itself (loopback)",
            Self::Private => "of a private network",
            Self::LinkLocal => "of one link alone (link-local)",
            Self::Shared => "shared by a carrier's customers (100.64.0.0/10)",
            Self::Protocol => "kept for protocols",
            Self::Documentation => "kept for documents",
            Self::Benchmarking => "kept for benchmarks",
            Self::Multicast => "of many machines (multicast)",
            Self::Tunnel => "inside a tunnel (6to4, Teredo or IPv4-compatible)",
            Self::Future => "that is reserved",
        }
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: [u16; 4], prefix: u8) -> Ipv6Net {
    let [a, b, c, d] = first;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// What is not public of IPv4; the first that holds an address names it.
const RESERVED_V4: [(Ipv4Net, Reserved); 22] = [
    (v4(169, 254, 169, 254, 32), Reserved::Metadata),
    // Of a container's role (AWS), Alibaba's, and Azure's, which is an otherwise public address.
    (v4(169, 254, 170, 0, 24), Reserved::Metadata),
    (v4(100, 100, 100, 200, 32), Reserved::Metadata),
    (v4(168, 63, 129, 16, 32), Reserved::Metadata),
    (v4(0, 0, 0, 0, 8), Reserved::Unspecified),
    (v4(10, 0, 0, 0, 8), Reserved::Private),
    (v4(100, 64, 0, 0, 10), Reserved::Shared),
    (v4(127, 0, 0, 0, 8), Reserved::Loopback),
    (v4(169, 254, 0, 0, 16), Reserved::LinkLocal),
    (v4(172, 16, 0, 0, 12), Reserved::Private),
    (v4(192, 0, 0, 0, 24), Reserved::Protocol),
    (v4(192, 0, 2, 0, 24), Reserved::Documentation),
    (v4(192, 88, 99, 0, 24), Reserved::Tunnel),
    (v4(192, 168, 0, 0, 16), Reserved::Private),
    (v4(198, 18, 0, 0, 15), Reserved::Benchmarking),
    (v4(198, 51, 100, 0, 24), Reserved::Documentation),
    (v4(203, 0, 113, 0, 24), Reserved::Documentation),
    (v4(233, 252, 0, 0, 24), Reserved::Documentation),
    (v4(224, 0, 0, 0, 4), Reserved::Multicast),
    (v4(240, 0, 0, 0, 4), Reserved::Future),
    // Relays of multicast (AMT) and name servers for private addresses (AS112), which serve no web.
    (v4(192, 52, 193, 0, 24), Reserved::Protocol),
    (v4(192, 175, 48, 0, 24), Reserved::Protocol),
];

/// All of IPv6 that is given out to be reached from anywhere. What lies outside is not public.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

/// What is not public of IPv6; the first that holds an address names it.
const RESERVED_V6: [(Ipv6Net, Reserved); 14] = [
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), Reserved::Metadata),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Reserved::Loopback),
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), Reserved::Unspecified),
    // IPv4-compatible; whatever of IPv4-mapped form comes here has been looked at as IPv4 already.
    (v6([0, 0, 0, 0], 96), Reserved::Tunnel),
    // NAT64 of one network alone. The one that all have is looked at by the address within.
    (v6([0x64, 0xff9b, 1, 0], 48), Reserved::Private),
    (v6([0xfc00, 0, 0, 0], 7), Reserved::Private),
    (v6([0xfe80, 0, 0, 0], 10), Reserved::LinkLocal),
    // Site-local, the private addresses of IPv6's first years.
    (v6([0xfec0, 0, 0, 0], 10), Reserved::Private),
    (v6([0xff00, 0, 0, 0], 8), Reserved::Multicast),
    (v6([0x2001, 0, 0, 0], 32), Reserved::Tunnel),
    (v6([0x2001, 0, 0, 0], 23), Reserved::Protocol),
    (v6([0x2001, 0xdb8, 0, 0], 32), Reserved::Documentation),
    (v6([0x2002, 0, 0, 0], 16), Reserved::Tunnel),
    (v6([0x3fff, 0, 0, 0], 20), Reserved::Documentation),
];

/// The prefix under which a network without IPv4 reaches IPv4 addresses (RFC 6052); the last four bytes are one.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], 96);

/// What an address is for, where it is not the public internet's.
fn reserved(address: IpAddr) -> Option<Reserved> {
    match address {
        IpAddr::V4(address) => {
            RESERVED_V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, reserved)| *reserved)
        }
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            reserved(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) => match RESERVED_V6.iter().find(|(net, _)| net.contains(&address)) {
            Some((_, reserved)) => Some(*reserved),
            None => (!GLOBAL_V6.contains(&address)).then_some(Reserved::Future),
        },
    }
}

/// Which addresses may be probed.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    /// The networks that may be probed though they are not public.
    pub allowed: Vec<IpNet>,
}

impl AddressPolicy {
    /// Of the addresses of a name those that may be probed, each in the form in which it was checked.
    ///
    /// # Errors
    /// What the first is for, when there is none that may be.
    pub fn permitted(&self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Reserved> {
        let mut refused = Reserved::Unspecified;
        let mut permitted = Vec::new();
        for mut address in addresses {
            // An IPv6 socket reaches IPv4 by addresses such as ::ffff:127.0.0.1: they are what they stand for.
            address.set_ip(address.ip().to_canonical());
            match self.check(address.ip()) {
                Ok(()) => permitted.push(address),
                Err(reserved) => refused = reserved,
            }
        }
        if permitted.is_empty() { Err(refused) } else { Ok(permitted) }
    }

    fn check(&self, address: IpAddr) -> Result<(), Reserved> {
        match reserved(address) {
            // Whoever allows so wide a network does not mean the secrets of the machine that probes.
            Some(Reserved::Metadata) => Err(Reserved::Metadata),
            Some(reserved) if !self.allowed.iter().any(|network| network.contains(&address)) => Err(reserved),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted(allowed: &[&str], addresses: &[&str]) -> Result<Vec<String>, Reserved> {
        let allowed = allowed.iter().map(|network| network.parse().expect("a network")).collect();
        let addresses =
            addresses.iter().map(|address| (address.parse::<IpAddr>().expect(address), 80).into()).collect();
        let permitted = AddressPolicy { allowed }.permitted(addresses)?;
        Ok(permitted.iter().map(|address| address.ip().to_string()).collect())
    }

    #[test]
    fn every_address_that_is_not_public_is_refused_by_what_it_is_for() {
        use Reserved::*;
        for (address, named) in [
            ("0.0.0.0", Unspecified),
            ("0.255.255.255", Unspecified),
            ("10.0.0.0", Private),
            ("10.255.255.255", Private),
            ("100.64.0.0", Shared),
            ("100.127.255.255", Shared),
            ("100.100.100.200", Metadata),
            ("127.0.0.1", Loopback),
            ("127.255.255.255", Loopback),
            ("169.254.0.1", LinkLocal),
            ("169.254.169.254", Metadata),
            ("169.254.170.2", Metadata),
            ("168.63.129.16", Metadata),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("192.0.0.1", Protocol),
            ("192.0.0.192", Protocol),
            ("192.0.2.1", Documentation),
            ("192.88.99.1", Tunnel),
            ("192.168.0.0", Private),
            ("192.168.255.255", Private),
            ("198.18.0.0", Benchmarking),
            ("198.19.255.255", Benchmarking),
            ("198.51.100.7", Documentation),
            ("203.0.113.7", Documentation),
            ("224.0.0.1", Multicast),
            ("239.255.255.255", Multicast),
            ("240.0.0.1", Future),
            ("255.255.255.255", Future),
            ("::", Unspecified),
            ("::1", Loopback),
            ("::2", Tunnel),
            ("::8.8.8.8", Tunnel),
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:10.1.2.3", Private),
            ("::ffff:169.254.169.254", Metadata),
            ("64:ff9b::127.0.0.1", Loopback),
            ("64:ff9b::169.254.169.254", Metadata),
            ("64:ff9b:1::8.8.8.8", Private),
            ("100::1", Future),
            ("2001::1", Tunnel),
            ("2001:2::1", Protocol),
            ("2001:10::1", Protocol),
            ("2001:db8::1", Documentation),
            ("2002:7f00:1::", Tunnel),
            ("2002:808:808::", Tunnel),
            ("3fff::1", Documentation),
            ("4000::1", Future),
            ("5f00::1", Future),
            ("fc00::1", Private),
            ("fd00:ec2::254", Metadata),
            ("fdff::1", Private),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("fec0::1", Private),
            ("ff02::1", Multicast),
        ] {
            assert_eq!(permitted(&[], &[address]), Err(named), "{address}");
        }
    }

    #[test]
    fn public_addresses_up_to_the_edges_of_what_is_not_are_probed() {
        for address in [
            "1.0.0.0",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "64:ff9b::808:808",
            "2001:200::",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
        ] {
            assert_eq!(permitted(&[], &[address]), Ok(vec![address.to_owned()]));
        }
    }

    #[test]
    fn an_allowed_network_is_probed_and_no_other_with_it() {
        assert_eq!(permitted(&["127.0.0.2/32"], &["127.0.0.2"]), Ok(vec!["127.0.0.2".to_owned()]));
        assert_eq!(permitted(&["127.0.0.2/32"], &["127.0.0.1"]), Err(Reserved::Loopback));
        assert_eq!(permitted(&["fd00::/16"], &["fd00::1"]), Ok(vec!["fd00::1".to_owned()]));
        // In whatever form it comes, it is checked and reached as what it is.
        assert_eq!(permitted(&["127.0.0.2/32"], &["::ffff:127.0.0.2"]), Ok(vec!["127.0.0.2".to_owned()]));
        assert_eq!(permitted(&["10.0.0.0/8"], &["64:ff9b::10.0.0.1"]), Err(Reserved::Private));
        for metadata in ["169.254.169.254", "fd00:ec2::254"] {
            assert_eq!(permitted(&["0.0.0.0/0", "::/0"], &[metadata]), Err(Reserved::Metadata));
        }
    }

    #[test]
    fn of_several_addresses_only_those_that_may_be_are_left() {
        let mixed = ["10.0.0.1", "8.8.8.8", "::1", "::ffff:127.0.0.1", "2606:4700::1111"];
        assert_eq!(permitted(&[], &mixed), Ok(vec!["8.8.8.8".to_owned(), "2606:4700::1111".to_owned()]));
        assert_eq!(permitted(&[], &["10.0.0.1", "127.0.0.1"]), Err(Reserved::Loopback));
    }
}
