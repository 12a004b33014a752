"""Where the URLs of users may lead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import httpx
from pydantic import Field

from services.kit.addresses import Address, Network, contains, is_public
from services.kit.errors import BadInput
from services.kit.settings import Group

__all__ = ["EgressPolicy", "EgressRefused", "check_address", "check_form", "host_of", "port_of"]

_MAX_URL: Final = 2048
# A name, or an IPv6 address, which comes without its brackets.
_HOST: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,252}|[0-9A-Fa-f:.]{2,45}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class EgressRefused(BadInput):
    """The URL leads where a user must not lead us, or is not one that we follow."""


class EgressPolicy(Group):
    """Where user-given URLs may lead: the public internet, and what an operator opens.

    A destination in `allowed_networks` may be private and have any port, one in `refused_networks` is
    never reached. `ca_file` holds certificates to trust besides the usual ones.
    """

    https_only: bool = False
    ports: tuple[int, ...] = (80, 443, 8080, 8443)
    allowed_networks: tuple[Network, ...] = ()
    refused_networks: tuple[Network, ...] = ()
    max_redirects: int = Field(default=3, ge=0)
    ca_file: Path | None = None


def check_form(url: str, policy: EgressPolicy) -> httpx.URL:
    """The URL, if its form is one that we follow. Raises EgressRefused."""
    if len(url) > _MAX_URL or not url.isprintable() or " " in url:
        raise EgressRefused(f"URL of {len(url)} characters, expected at most {_MAX_URL} and no blanks")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise EgressRefused("URL cannot be read") from error
    schemes = ("https",) if policy.https_only else ("http", "https")
    if parsed.scheme not in schemes:
        raise EgressRefused(f"URL begins with {parsed.scheme[:16]!r}, expected {' or '.join(schemes)}")
    if parsed.userinfo:
        raise EgressRefused("URL holds credentials, expected none")
    if not _HOST.fullmatch(host_of(parsed)):
        raise EgressRefused("URL names no proper host")
    if not 0 < port_of(parsed) < 1 << 16:
        raise EgressRefused(f"URL has the port {parsed.port}, expected 1 to 65535")
    return parsed.copy_with(fragment=None)


def check_address(host: str, address: Address, port: int, policy: EgressPolicy) -> None:
    """Raise EgressRefused unless a host with this address may be reached."""
    if contains(policy.refused_networks, address):
        raise EgressRefused(f"{host} has an address that is refused")
    if contains(policy.allowed_networks, address):
        return
    # The address itself stays out of the text: it would tell a stranger about our network.
    if not is_public(address):
        raise EgressRefused(f"{host} has an address that is not public")
    if port not in policy.ports:
        raise EgressRefused(f"port {port} is not one of {', '.join(map(str, policy.ports))}")


def host_of(target: httpx.URL) -> str:
    """The host in the letters that name servers and certificates know."""
    return target.raw_host.decode("ascii")


def port_of(target: httpx.URL) -> int:
    """The port, given or not."""
    return _DEFAULT_PORTS[target.scheme] if target.port is None else target.port
