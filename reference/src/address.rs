//! IP addresses and CIDR blocks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address block: every address of one family whose leading `prefix` bits are those of `address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    address: IpAddr,
    prefix: u32,
}

/// Reads one address, the form that a request value has. `None`: malformed.
///
/// The standard library reads exactly the forms of: four decimal parts without leading zeros; the RFC 4291
/// forms of IPv6 in any letter case, with `::` for one or more groups; no zone id, no white space, no brackets.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let v4 = text.parse::<Ipv4Addr>().map(IpAddr::V4);
    v4.or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::V6)).ok()
}

/// Reads an address or a CIDR block, the forms that a policy value has. `None`: malformed.
///
/// Without a prefix length: 32 bits for IPv4, 128 for IPv6. A netmask in place of a length is malformed.
pub(crate) fn block(text: &str) -> Option<Block> {
    match text.split_once('/') {
        None => address(text).map(|address| Block { address, prefix: bits(address) }),
        Some((network, length)) => {
            let address = address(network)?;
            let prefix = prefix_length(length).filter(|prefix| *prefix <= bits(address))?;
            Some(Block { address, prefix })
        }
    }
}

/// A number of bits: decimal digits without leading zeros.
fn prefix_length(text: &str) -> Option<u32> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The number of leading bits that a block fixes.
pub(crate) fn prefix_bits(block: &Block) -> u32 {
    block.prefix
}

fn bits(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// True iff the address lies in the block.
///
/// Host bits of the block are ignored. The families never meet: `::ffff:192.0.2.1` is an IPv6 address.
pub(crate) fn contains(block: &Block, address: IpAddr) -> bool {
    // Shifting out all bits of a number overflows, and leaves nothing to differ: hence `checked_shr`.
    match (block.address, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u32::from(network) ^ u32::from(address)).checked_shr(32 - block.prefix).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            (u128::from(network) ^ u128::from(address)).checked_shr(128 - block.prefix).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_address() {
        for good in [
            "0.0.0.0",
            "255.255.255.255",
            "203.0.113.9",
            "::",
            "::1",
            "1::",
            "2001:db8::1",
            "2001:DB8::A",
            "1:2:3:4:5:6:7:8",
            "0001:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "::ffff:192.0.2.1",
            "1:2:3:4:5:6:192.0.2.1",
        ] {
            assert!(address(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.04",
            "1.2.3.",
            "+1.2.3.4",
            "0x1.2.3.4",
            " 1.2.3.4",
            "1.2.3.4 ",
            "1.2.3.4/32",
            "::1/128",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::",
            "1::2::3",
            ":1::2",
            "1::2:",
            "12345::",
            "g::",
            "fe80::1%eth0",
            "fe80::1%1",
            "[::1]",
            "::192.0.2.01",
            "1:2:3:4:5:6:7:192.0.2.1",
            "１.2.3.4",
        ] {
            assert!(address(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_a_block() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "1.2.3.4", "::/0", "2001:db8::/32", "::1/128", "::1"] {
            assert!(block(good).is_some(), "{good}");
        }
        for bad in [
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/00",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/ 8",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "10.0.0/8",
            "/8",
            "::/129",
            "::/4294967296",
            "::/99999999999999999999",
            "*",
            "10.0.*",
        ] {
            assert!(block(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn membership() {
        for (network, inside, outside) in [
            ("203.0.113.9/24", "203.0.113.200", "203.0.114.0"),
            ("203.0.113.128/25", "203.0.113.128", "203.0.113.127"),
            ("0.0.0.0/1", "127.255.255.255", "128.0.0.0"),
            ("1.2.3.4", "1.2.3.4", "1.2.3.5"),
            ("1.2.3.4/31", "1.2.3.5", "1.2.3.6"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("::/0", "ffff::", "0.0.0.0"),
            ("::ffff:192.0.2.0/120", "::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:db8::2"),
            ("2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"),
            ("::/127", "::1", "::2"),
        ] {
            let block = block(network).unwrap();
            assert!(contains(&block, address(inside).unwrap()), "{inside} in {network}");
            assert!(!contains(&block, address(outside).unwrap()), "{outside} in {network}");
        }
    }

    #[test]
    fn every_prefix_length() {
        // The address that differs in bit `i` only lies in the block iff the prefix ends before that bit.
        for prefix in 0..=128u32 {
            for bit in 0..128u32 {
                let flipped = IpAddr::V6(Ipv6Addr::from(1u128 << (127 - bit)));
                let block = Block { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix };
                assert_eq!(contains(&block, flipped), bit >= prefix, "/{prefix} bit {bit}");
            }
        }
        for prefix in 0..=32u32 {
            for bit in 0..32u32 {
                let flipped = IpAddr::V4(Ipv4Addr::from(1u32 << (31 - bit)));
                let block = Block { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix };
                assert_eq!(contains(&block, flipped), bit >= prefix, "/{prefix} bit {bit}");
            }
        }
    }
}
