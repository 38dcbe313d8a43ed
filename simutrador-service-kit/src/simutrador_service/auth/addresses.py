"""Where a request comes from, as limits and the audit log name it."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import HTTPConnection


def address_of(connection: HTTPConnection) -> str:
    """Return where a request comes from; of IPv6 the network, whose holder has all addresses."""
    host = connection.client.host if connection.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64] or "unknown"
    if address.version == 4:
        return host
    inner = address.ipv4_mapped
    return str(inner) if inner else ":".join(address.exploded.split(":")[:4]) + "::/64"
