from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.addresses import is_public, read_address, read_literal

INTERNAL = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "fe80::1",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
]
PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]


@pytest.mark.parametrize("text", INTERNAL)
def test_an_internal_address_is_not_public(text: str) -> None:
    assert not is_public(read_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(read_address(text))


@given(st.ip_addresses(v=4))
def test_what_python_keeps_private_is_never_public(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address)


@given(st.ip_addresses(v=6))
def test_only_unicast_ipv6_is_public(address: IPv6Address) -> None:
    if is_public(address):
        assert int(address) >> 125 == 0b001
        assert address.is_global


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_a_wrapped_address_is_judged_as_what_it_wraps(address: IPv4Address, prefix: str) -> None:
    wrapped = IPv6Address(int(ip_address(prefix)) | int(address))
    assert read_address(str(wrapped)) == address


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "0x",
        "1.2.3.4.5",
        "256.1.1.1",
        "example.127",
        "fe80::1%eth0",
        "::1%1",
        "1::2::3",
    ],
)
def test_a_number_that_is_no_proper_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_literal(host)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_no_whole_number_passes_for_a_name(number: int, form: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_literal(form.format(number))


@given(st.ip_addresses())
def test_a_literal_is_the_address_it_writes(address: IPv4Address | IPv6Address) -> None:
    assert read_literal(str(address)) == read_address(str(address))


@pytest.mark.parametrize("host", ["example.com", "a", "1a.example", "0x7f.example", "xn--bcher-kva.example"])
def test_a_name_is_not_a_literal(host: str) -> None:
    assert read_literal(host) is None
