"""`LivePatience`: how long a stream may be silent, live, and be waited for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from simutrador_core.errors import InputError

_LIFE: Final = timedelta(hours=23, minutes=50)
_LEAST_HANDSHAKE_S: Final = 2.0
_MOST_HANDSHAKE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class LivePatience:
    """Bounds of one stream, all in seconds.

    Attributes:
        interval_s: The longest silence of a healthy stream: the vendor sends data or a ping at
            least that often.
        first_backoff_s: The longest first wait before connecting again; each further one may be
            twice as long.
        most_backoff_s: No wait of our own choice is longer.
        life_s: A connection is renewed after so long, before the vendor cuts it at 24 hours.
        least_between_connects_s: Two attempts to connect are never closer.
    """

    interval_s: float = 30.0
    first_backoff_s: float = 1.0
    most_backoff_s: float = 60.0
    life_s: float = _LIFE.total_seconds()
    least_between_connects_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse bounds that are not above zero.

        Raises:
            InputError: one is not.
        """
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} {getattr(self, name)} is not above 0", field=name)

    @property
    def handshake_s(self) -> float:
        """How long one attempt to connect may take."""
        return min(_MOST_HANDSHAKE_S, max(_LEAST_HANDSHAKE_S, 2 * self.interval_s))
