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
from simutrador_core.testing.builders import covering, make_bars, make_change, query_all
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
    with ParquetStore(fast_path / "sound", mirror_limit_bytes=0) as store:
        store.commit(make_change(bars))
    for number in range(samples):
        root = Path(shutil.copytree(fast_path / "sound", fast_path / str(number)))
        (file,) = root.rglob("*.parquet")
        data = bytearray(file.read_bytes())
        if number % 4 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        with ParquetStore(root, mirror_limit_bytes=0) as store:
            with pytest.raises(CorruptDataError, match=file.name):
                store.read(query_all("AAPL"))
            report = store.maintain(Maintenance.VERIFY)
            (problem,) = report.problems
            assert file.name in problem
            assert "fetch its bars again" in problem
            assert report.refetch == (covering(bars),)
            assert (root / "quarantine" / file.relative_to(root)).read_bytes() == data
            assert len(store.read(query_all("AAPL"))) == 0
            assert store.maintain(Maintenance.VERIFY).problems == ()
            store.commit(make_change(bars))
            assert_same_bars(store.read(query_all("AAPL")), bars)
        shutil.rmtree(root)
    figure(f"{samples} damaged files, 0 served, each put aside and fetched again")
