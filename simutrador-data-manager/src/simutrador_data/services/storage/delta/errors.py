"""What the Delta library says, in our words: cause, place and next step, and never a secret."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from simutrador_core.errors import SimutradorError, StoreError
from simutrador_data.services.storage.delta.place import Place


@contextmanager
def translated(place: Place) -> Generator[None, None, None]:
    """Turn an error of the library into a `StoreError`; a file that is not there passes.

    Raises:
        StoreError: the store cannot be reached, refuses, or holds something else.
    """
    try:
        yield
    except (SimutradorError, FileNotFoundError):
        raise
    except Exception as e:
        if not _is_the_librarys(e):
            raise
        # `from None`: the original text could hold what was masked here.
        text = place.without_secrets(str(e))
        raise StoreError(
            f"{place.url}: {text}; check the address, the credentials in the environment and that "
            "the server can be reached, then try again"
        ) from None


def _is_the_librarys(error: Exception) -> bool:
    return isinstance(error, OSError) or type(error).__module__ in {
        "_internal",
        "deltalake._internal",
        "deltalake.exceptions",
        "pyarrow.lib",
    }


__all__ = ["translated"]
