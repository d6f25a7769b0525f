"""Which addresses may be connected to: public ones, on the usual ports."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address

PORTS = frozenset({80, 443, 8000, 8080, 8443})
_NEVER = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services, on an address that is public by its looks
        "192.0.0.0/24",  # protocols, and Oracle's metadata
        "192.88.99.0/24",  # relays into IPv6
        "2001::/23",  # tunnels and benchmarks
        "2001:db8::/32",
        "2002::/16",  # IPv4 inside IPv6
        "3fff::/20",
    )
)
_UNICAST6 = ip_network("2000::/3")


def is_public(address: str) -> bool:
    """Whether an address is global unicast and holds no other address within."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:  # a scope such as %eth0, or no address
        return False
    if isinstance(ip, IPv6Address) and (ip.scope_id or ip not in _UNICAST6):
        return False
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def resolve(host: str, port: int) -> tuple[str, ...]:
    """All addresses that a name stands for; decimal, octal and hexadecimal forms of one included."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may be connected to; tests open it for a server of their own."""

    allowed: Callable[[str], bool] = is_public
    resolve: Callable[[str, int], tuple[str, ...]] = resolve
    ports: frozenset[int] | None = PORTS
    clock: Callable[[], float] = time.monotonic
