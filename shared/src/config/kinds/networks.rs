//! Networks by their addresses.

use ipnet::IpNet;

use super::{Kind, Wrong};

/// Networks in CIDR notation, separated by commas.
#[derive(Debug)]
pub struct Networks;

impl Kind for Networks {
    type Value = Vec<IpNet>;

    fn parse(&self, text: &str) -> Result<Vec<IpNet>, Wrong> {
        text.split(',').map(|network| network_of(network.trim())).collect()
    }

    fn expected(&self) -> String {
        "networks in CIDR notation separated by commas, such as 10.20.0.0/16,fd00:1::/64".to_owned()
    }
}

fn network_of(text: &str) -> Result<IpNet, Wrong> {
    let network: IpNet = text.parse().map_err(|_| Wrong::of_value("is no list of networks such as 10.20.0.0/16"))?;
    if network.network() != network.addr() {
        // Most often a slip of a digit, which would let through more or other addresses than are meant.
        return Err(Wrong::of_value(format!(
            "has a network that is written as one of its hosts: it is {}",
            network.trunc()
        )));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_they_are_written_and_nothing_else_is_one() {
        let read = Networks.parse("127.0.0.0/8, fd00:1::/64,10.1.2.3/32").expect("networks");
        assert_eq!(
            read.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.0/8", "fd00:1::/64", "10.1.2.3/32"]
        );
        for wrong in ["127.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "10/8", "localhost", "10.0.0.0/8,", "\u{1}"] {
            assert!(Networks.parse(wrong).is_err(), "{wrong}");
        }
    }
}
