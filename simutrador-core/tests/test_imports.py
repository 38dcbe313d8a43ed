"""What an import costs: time, and which libraries it drags in. Measured in fresh processes."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import simutrador_core

ROOT = Path(simutrador_core.__file__).parent
HEAVY = {"numpy", "pydantic", "pandas", "pyarrow", "fastapi", "pandas_market_calendars"}
NO_PANDAS = {"pandas", "pyarrow", "fastapi", "pandas_market_calendars"}
LAZY = [
    "simutrador_core",
    "simutrador_core.models",
    "simutrador_core.utils",
    "simutrador_core.interfaces",
]

MEASURE = """
import sys, time
before = time.process_time()  # so that busy neighbours do not count
import {module}
print(time.process_time() - before, *sys.modules)
"""


def measure(module: str, *, times: int = 1) -> tuple[float, set[str]]:
    """Return the least of several import times in CPU seconds, and the modules loaded."""
    seconds: list[float] = []
    loaded: set[str] = set()
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE.format(module=module)],
            capture_output=True,
            text=True,
            check=True,
        )
        first, *names = done.stdout.split()
        seconds.append(float(first))
        loaded = set(names)
    return min(seconds), loaded


@pytest.mark.parametrize(
    ("module", "limit", "forbidden"),
    [
        ("simutrador_core", 0.1, HEAVY),
        ("simutrador_core.models.websocket", 0.6, NO_PANDAS | {"numpy"}),
    ],
)
def test_import_is_quick_and_light(module: str, limit: float, forbidden: set[str]) -> None:
    seconds, loaded = measure(module, times=5)
    assert seconds < limit
    assert not loaded & forbidden


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("simutrador_core.models.enums", HEAVY),
        ("simutrador_core.models.series", HEAVY),
        ("simutrador_core.models.asset_types", HEAVY),
        ("simutrador_core.errors", HEAVY),
        ("simutrador_core.utils.timeframe_utils", HEAVY),
        ("simutrador_core.utils.validation", HEAVY),
        ("simutrador_core.utils.serialization", HEAVY),
        ("simutrador_core.utils.logging", HEAVY),
        ("simutrador_core.models.price_data", NO_PANDAS | {"numpy"}),
        ("simutrador_core.models.bars", NO_PANDAS | {"pydantic"}),
        ("simutrador_core.dataset", NO_PANDAS | {"pydantic"}),
        ("simutrador_core.interfaces.storage", NO_PANDAS | {"pydantic"}),
        ("simutrador_core.interfaces.data_provider", NO_PANDAS | {"pydantic"}),
        ("simutrador_core.interfaces.validation", NO_PANDAS | {"pydantic"}),
        ("simutrador_core.remote.remote_bars", NO_PANDAS | {"pydantic", "httpx", "stamina"}),
        ("simutrador_core.interfaces.strategy", NO_PANDAS | {"pydantic"}),
    ],
)
def test_module_loads_no_library_it_does_not_need(module: str, forbidden: set[str]) -> None:
    assert not measure(module)[1] & forbidden


@pytest.mark.parametrize("package", LAZY)
def test_every_public_name_can_be_had(package: str) -> None:
    module = import_module(package)
    names = module.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None
    assert set(names) <= set(dir(module))


@pytest.mark.parametrize("package", LAZY)
def test_type_checkers_see_the_same_names(package: str) -> None:
    module = import_module(package)
    stub = Path(str(module.__file__)).with_suffix(".pyi")
    homes: dict[str, str] = {}
    listed: list[str] = []
    for node in ast.parse(stub.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            homes |= {alias.name: str(node.module) for alias in node.names}
        elif isinstance(node, ast.Assign):
            listed = ast.literal_eval(node.value)
    assert set(listed) == set(module.__all__)
    assert set(homes) == set(module.__all__)
    for name, home in homes.items():
        assert getattr(module, name) is getattr(import_module(home), name)


@pytest.mark.parametrize("package", LAZY)
def test_unknown_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Nothing'"):
        _ = import_module(package).Nothing


def test_version_is_the_installed_one() -> None:
    assert simutrador_core.__version__ == version("simutrador-core")


def test_the_published_root_exports_are_there() -> None:
    published = {
        "Timeframe",
        "OrderType",
        "WSOrderType",
        "OrderSide",
        "TradeResult",
        "SessionState",
        "OrderStatus",
        "UserPlan",
        "WSErrorCode",
        "AssetType",
        "PriceCandle",
        "PaginationInfo",
        "PriceDataSeries",
        "PriceQuote",
        "DataUpdateStatus",
        "MarketSession",
        "AssetTypeConfig",
        "get_asset_config",
        "get_resampling_offset",
        "should_use_session_alignment",
        "is_24_7_market",
        "US_EQUITY_SESSION",
        "LONDON_FOREX_SESSION",
        "ASSET_TYPE_CONFIGS",
        "WSMessage",
        "HistorySnapshotData",
        "StartSimulationRequest",
        "SessionCreatedResponseData",
        "SessionTradingState",
        "OpenOrderState",
        "SymbolPriceState",
        "PositionBracketState",
        "build_error",
        "get_timeframe_minutes",
        "get_pandas_frequency",
        "validate_timeframe_conversion",
        "get_supported_timeframes",
        "get_resampling_rules",
        "setup_logger",
        "get_default_logger",
        "configure_third_party_loggers",
    }
    assert published <= set(simutrador_core.__all__)


@pytest.mark.parametrize(
    "path",
    [
        "models/price_data.py",
        "models/enums.py",
        "models/asset_types.py",
        "models/websocket.py",
        "utils/timeframe_utils.py",
        "utils/validation.py",
        "utils/serialization.py",
        "interfaces/data_provider.py",
        "interfaces/storage.py",
        "interfaces/validation.py",
        "py.typed",
    ],
)
def test_the_planned_modules_are_there(path: str) -> None:
    assert (ROOT / path).is_file()
