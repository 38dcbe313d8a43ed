"""S7: a flipped bit or a missing end is noticed, named by verify, and never served."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import patch

import pytest

from simutrador_core.errors import CorruptDataError
from simutrador_core.models.enums import Maintenance
from simutrador_core.testing.acceptance import at_scale
from simutrador_core.testing.builders import make_bars, make_change, query_all
from simutrador_core.testing.comparing import assert_same_bars
from simutrador_data.services.storage.contents import Contents
from simutrador_data.services.storage.parquet_store import ParquetStore


def compares_no_checksum() -> AbstractContextManager[object]:
    """Fault: bytes are served without a look at their checksum."""
    return patch.object(Contents, "_check", lambda *_: None)


@pytest.mark.acceptance("S7", package="data-manager", breaks=compares_no_checksum)
def test_no_damaged_file_is_ever_served(fast_path: Path, figure: Callable[[str], None]) -> None:
    samples = at_scale(200, 2_000)
    chance = random.Random(7)
    bars = make_bars("AAPL", n=9_000)
    with ParquetStore(fast_path / "store", mirror_limit_bytes=0) as store:
        store.commit(make_change(bars))
    (file,) = (fast_path / "store").rglob("*.parquet")
    whole = file.read_bytes()
    for number in range(samples):
        data = bytearray(whole)
        if number % 4 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        with ParquetStore(fast_path / "store", mirror_limit_bytes=0) as store:
            with pytest.raises(CorruptDataError, match=file.name):
                store.read(query_all("AAPL"))
            (problem,) = store.maintain(Maintenance.VERIFY).problems
            assert file.name in problem
            assert "fetch its bars again" in problem
    file.write_bytes(whole)
    with ParquetStore(fast_path / "store") as store:
        assert_same_bars(store.read(query_all("AAPL")), bars)
    shutil.rmtree(fast_path / "store")
    figure(f"{samples} damaged files, 0 served, each named")
