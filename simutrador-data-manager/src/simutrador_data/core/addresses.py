"""Which addresses the service may listen on: this machine's own, as long as there is no login."""

from __future__ import annotations

from ipaddress import ip_address

from simutrador_service.errors import SettingsError


def is_loopback(host: str) -> bool:
    """Return whether an address, or a name, is this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_host(host: str) -> None:
    """Refuse to be reachable from other machines: there is no login yet.

    Raises:
        SettingsError: `host` is not a loopback address.
    """
    if not is_loopback(host):
        raise SettingsError(
            f"API__HOST={host} would open the service to other machines, but it has no login yet; "
            "use 127.0.0.1, and an SSH tunnel or a proxy with a login for others",
            field="host",
        )
