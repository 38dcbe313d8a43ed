"""Every error SimuTrador raises on purpose, in one tree, grouped by what the caller can do.

SimutradorError
├── InputError (ValueError)         the caller gave something wrong: correct it and call again
│   ├── InvalidSymbolError
│   ├── InvalidTimeframeError
│   ├── InvalidRangeError
│   │   └── VersionGoneError        that version was deleted: read a later one
│   ├── InvalidBarsError            bars that break an invariant
│   └── InvalidActionError          a corporate action that cannot be, or cannot be applied
├── UnknownSymbolError (KeyError)   nothing is stored under that name: import or fetch it first
├── MissingExtraError (ImportError) an optional library is not installed: install the extra named
├── CalendarError                   an exchange calendar is unknown or does not reach that far
├── StoreError                      the store could not do what was asked
│   ├── ConflictError               another writer was first: read again and retry
│   ├── CorruptDataError            a stored file does not match its checksum: verify, then re-fetch
│   ├── StoreFormatError            written by a newer release: upgrade
│   └── UnreachableError            the service that keeps the bars does not answer: is it running?
├── ImportFileError                 a file could not be read as bars; nothing was stored
└── DataProviderError               a vendor could not give what was asked
    ├── AuthenticationError
    └── RateLimitError
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar


class SimutradorError(Exception):
    """Root of all errors raised on purpose; `code` is stable and goes into problem+json."""

    code: ClassVar[str] = "error"

    def __reduce__(self) -> tuple[object, ...]:
        """Carry the facts along when an error crosses processes; `__init__` takes keywords."""
        return _revive, (type(self), self.args, self.__dict__)


def _revive(
    kind: type[SimutradorError], args: tuple[object, ...], facts: dict[str, object]
) -> SimutradorError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class InputError(SimutradorError, ValueError):
    """The caller gave something wrong; `field` names it where there is a field."""

    code: ClassVar[str] = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidSymbolError(InputError):
    """The text is not a symbol we can store."""

    code: ClassVar[str] = "invalid_symbol"


class InvalidTimeframeError(InputError):
    """The text names no timeframe, or one that cannot be made from another."""

    code: ClassVar[str] = "invalid_timeframe"


class InvalidRangeError(InputError):
    """A time range is reversed, naive or absurd."""

    code: ClassVar[str] = "invalid_range"


class VersionGoneError(InvalidRangeError):
    """The version asked for was deleted to save space."""

    code: ClassVar[str] = "version_gone"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="as_of")


class InvalidBarsError(InputError):
    """Bars break an invariant (order, NaN, lengths, missing sessions)."""

    code: ClassVar[str] = "invalid_bars"


class InvalidActionError(InputError):
    """A corporate action cannot be (ratio 0), or not be applied to the bars there are."""

    code: ClassVar[str] = "invalid_action"


class UnknownSymbolError(SimutradorError, KeyError):
    """Nothing is stored under that symbol."""

    code: ClassVar[str] = "unknown_symbol"

    def __init__(self, symbol: str, *, hint: str = "import or fetch it first") -> None:
        super().__init__(symbol)
        self.symbol = symbol
        self.hint = hint

    def __str__(self) -> str:
        """Return the text without the quotes that `KeyError` adds."""
        return f"no bars are stored for symbol {self.symbol!r}: {self.hint}"


class MissingExtraError(SimutradorError, ImportError):
    """An optional library is not installed."""

    code: ClassVar[str] = "missing_extra"

    def __init__(self, library: str, *, extra: str, package: str = "simutrador-core") -> None:
        super().__init__(f"{library} is not installed; run: pip install '{package}[{extra}]'")
        self.library = library
        self.extra = extra


class CalendarError(SimutradorError):
    """An exchange calendar is unknown, or does not reach the dates asked for."""

    code: ClassVar[str] = "calendar"


class StoreError(SimutradorError):
    """The store could not do what was asked."""

    code: ClassVar[str] = "store"


class ConflictError(StoreError):
    """Another writer was first, or a row differs from the one that stands there."""

    code: ClassVar[str] = "conflict"


class CorruptDataError(StoreError):
    """A stored file does not match its checksum; it was not served."""

    code: ClassVar[str] = "corrupt_data"


class StoreFormatError(StoreError):
    """The store was written by a newer release."""

    code: ClassVar[str] = "store_format"


class UnreachableError(StoreError):
    """The service that keeps the bars does not answer, or not as one of ours does."""

    code: ClassVar[str] = "unreachable"


class ImportFileError(SimutradorError):
    """A file could not be read as bars; nothing of it was stored."""

    code: ClassVar[str] = "import_file"

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class DataProviderError(SimutradorError):
    """A vendor could not give what was asked."""

    code: ClassVar[str] = "provider"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, provider: str) -> None:
        super().__init__(f"{provider}: {message}")
        self.provider = provider


class AuthenticationError(DataProviderError):
    """The vendor refused the key."""

    code: ClassVar[str] = "provider_authentication"


class RateLimitError(DataProviderError):
    """The vendor wants us to wait `retry_after`."""

    code: ClassVar[str] = "provider_rate_limit"
    retryable: ClassVar[bool] = True

    def __init__(self, *, provider: str, retry_after: timedelta) -> None:
        super().__init__(f"rate limit reached, retry after {retry_after}", provider=provider)
        self.retry_after = retry_after
