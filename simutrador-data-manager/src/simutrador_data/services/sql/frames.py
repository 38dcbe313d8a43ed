"""How the two processes of a query talk: pickled messages, each behind its length.

What comes from the process that runs a query is taken apart here and nowhere else: values of the
types DuckDB gives, and nothing that could run code.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import IO, Any, Final

_LENGTH: Final = struct.Struct(">Q")
_VALUES: Final = frozenset(
    {
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("pytz", "_UTC"),
        ("uuid", "UUID"),
    }
)


class EndedError(Exception):
    """The other side is gone."""


class TooLargeError(Exception):
    """A message is longer than it may be."""


def send(stream: IO[bytes], message: tuple[Any, ...]) -> None:
    """Write a message.

    Raises:
        EndedError: the other side is gone.
    """
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    try:
        stream.write(_LENGTH.pack(len(data)))
        stream.write(data)
        stream.flush()
    except (BrokenPipeError, ValueError) as e:  # closed by who gave up
        raise EndedError from e


def receive(stream: IO[bytes]) -> tuple[Any, ...]:
    """Return the next message of a process that is trusted.

    Raises:
        EndedError: the other side is gone.
    """
    found: tuple[Any, ...] = pickle.loads(_data(stream, most=None))  # noqa: S301 - from our parent
    return found


def receive_values(stream: IO[bytes], *, most: int) -> tuple[tuple[Any, ...], int]:
    """Return the next message of a process that is not, and how many bytes it took.

    Raises:
        EndedError: the other side is gone.
        TooLargeError: it has more than `most` bytes.
    """
    data = _data(stream, most=most)
    found: tuple[Any, ...] = _Values(io.BytesIO(data)).load()
    return found, len(data)


class _Values(pickle.Unpickler):
    """Makes the values of an answer."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return a type of value.

        Raises:
            UnpicklingError: it is none that DuckDB gives.
        """
        if (module_name, global_name) not in _VALUES:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is no value")
        return super().find_class(module_name, global_name)


def _data(stream: IO[bytes], *, most: int | None) -> bytes:
    head = _exactly(stream, _LENGTH.size)
    (length,) = _LENGTH.unpack(head)
    if most is not None and length > most:
        raise TooLargeError
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise EndedError
    return data


__all__ = ["EndedError", "TooLargeError", "receive", "receive_values", "send"]
