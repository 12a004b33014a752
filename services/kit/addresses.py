"""Which network addresses a stranger may send us to: only those of the public internet."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

__all__ = ["Address", "Network", "contains", "is_public", "read_address", "read_literal"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What the IANA registries of special addresses keep from the public internet, and what clouds answer
# to their own machines. Spelled out, because `is_global` differs between versions of Python.
_NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind carriers; one cloud's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public address that one cloud serves its machines from
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_PUBLIC_IPV6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")


def read_address(text: str) -> Address:
    """The address in `text`; one that only wraps an IPv4 address becomes that. Raises ValueError."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:
        raise ValueError(f"{text} names a network interface")
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


def read_literal(host: str) -> Address | None:
    """The address that a host is, None for a name.

    Raises ValueError for numbers that some resolvers would take for an address (127.1, 0x7f000001,
    0177.0.0.1, 2130706433).
    """
    if ":" in host:
        return read_address(host)
    last = host.rstrip(".").rpartition(".")[2].lower()
    if not (last.isdecimal() or _is_hexadecimal(last)):
        return None
    return IPv4Address(host)


def _is_hexadecimal(label: str) -> bool:
    return label.startswith("0x") and all(digit in "0123456789abcdef" for digit in label[2:])


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet."""
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    return address.is_global and not address.is_multicast and not contains(_NOT_PUBLIC, address)


def contains(networks: Iterable[Network], address: Address) -> bool:
    """Whether any of the networks holds the address."""
    return any(address in network for network in networks)
