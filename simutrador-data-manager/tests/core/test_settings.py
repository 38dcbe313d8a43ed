"""Settings: layers, names, bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from simutrador_core.assets.registry import AssetRegistry
from simutrador_core.models.enums import AssetType
from simutrador_data.core.settings import get_settings, load_settings
from simutrador_service.config import SettingsError, sources_of

# The names and values an env file of the data manager has been documented with.
DOCUMENTED = (
    "API__HOST=0.0.0.0",
    "API__PORT=8002",
    "API__DEBUG=true",
    "DATA_STORAGE__BASE_PATH=storage",
    "DATA_STORAGE__CANDLES_PATH=candles",
)
OF_VENDORS = (
    "FINANCIAL_MODELING_PREP__API_KEY=fmp-key",
    "FINANCIAL_MODELING_PREP__BASE_URL=https://fmp.example",
    "FINANCIAL_MODELING_PREP__RATE_LIMIT_PER_MINUTE=300",
    "POLYGON__API_KEY=polygon-key",
    "POLYGON__BASE_URL=https://polygon.example",
    "POLYGON__RATE_LIMIT_REQUESTS_PER_SECOND=100",
    "POLYGON__USE_TRADES_ENDPOINT_FOR_GAPS=false",
    "POLYGON__MAX_CONCURRENT_REQUESTS=1",
    "TIINGO__API_KEY=tiingo-key",
    "TIINGO__BASE_URL=https://tiingo.example",
    "TIINGO__RATE_LIMIT_REQUESTS_PER_HOUR=50",
    "TIINGO__RATE_LIMIT_REQUESTS_PER_DAY=1000",
    "TRADING_DATA_PROVIDER__DEFAULT_PROVIDER=polygon",
    "TRADING_DATA_PROVIDER__FALLBACK_PROVIDERS=[financial_modeling_prep,tiingo]",
    "TRADING_DATA_PROVIDER__ENABLE_FALLBACK=false",
)
OF_THE_NIGHTLY_UPDATE = (
    "NIGHTLY_UPDATE__LARGE_CAP_SYMBOLS=[AAPL,BRK.B]",
    "NIGHTLY_UPDATE__MID_CAP_SYMBOLS=[ZS,AAPL]",
    "NIGHTLY_UPDATE__MARKET_OPEN_HOUR_UTC=13",
    "NIGHTLY_UPDATE__MARKET_OPEN_MINUTE_UTC=30",
    "NIGHTLY_UPDATE__MARKET_CLOSE_HOUR_UTC=20",
    "NIGHTLY_UPDATE__MARKET_CLOSE_MINUTE_UTC=0",
    "NIGHTLY_UPDATE__EXPECTED_CANDLES_PER_DAY=390",
    "NIGHTLY_UPDATE__EXPECTED_CANDLES_HALF_DAY=210",
    "NIGHTLY_UPDATE__MIN_VOLUME_THRESHOLD=500",
    "NIGHTLY_UPDATE__MAX_CONCURRENT_SYMBOLS=5",
    "NIGHTLY_UPDATE__RETRY_ATTEMPTS=2",
    "NIGHTLY_UPDATE__RETRY_DELAY_SECONDS=30",
    "NIGHTLY_UPDATE__TARGET_TIMEFRAMES=[5min,15min,30min,1h,2h,4h,daily]",
    "NIGHTLY_UPDATE__ENABLE_DATA_VALIDATION=true",
    "NIGHTLY_UPDATE__ENABLE_MARKET_HOURS_CHECK=false",
    "NIGHTLY_UPDATE__ENABLE_AUTO_RESAMPLING=true",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in an empty folder with none of our settings set."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if "__" in name or name in {"ENV", "SIMUTRADOR_CONFIG", "API_HOST", "API_PORT"}:
            monkeypatch.delenv(name)


def test_without_any_setting_the_service_listens_on_loopback_8002() -> None:
    settings = load_settings()
    assert (settings.api.host, settings.api.port) == ("127.0.0.1", 8002)
    assert settings.api.allowed_origins == ()


def test_without_any_setting_the_store_is_in_the_working_directory(tmp_path: Path) -> None:
    assert load_settings().data_storage.root == tmp_path / "storage"


def test_the_candles_folder_lies_inside_the_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_STORAGE__BASE_PATH", "/srv/storage")
    monkeypatch.setenv("DATA_STORAGE__CANDLES_PATH", "candles")
    assert load_settings().data_storage.root == Path("/srv/storage/candles")


def test_command_line_beats_environment_beats_file_beats_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("API__PORT=1111\nLOGGING__LEVEL=ERROR\n")
    assert load_settings().api.port == 1111
    monkeypatch.setenv("API__PORT", "2222")
    assert load_settings().api.port == 2222
    chosen = load_settings(api={"port": 3333})
    assert chosen.api.port == 3333
    assert chosen.logging.level == "ERROR"


def test_one_field_of_the_command_line_leaves_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("API__DEBUG", "true")
    assert load_settings(api={"port": 1, "host": None}).api.debug is True


def test_flat_names_count_and_the_nested_name_of_the_same_layer_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("API_PORT", "1234")
    assert load_settings().api.port == 1234
    monkeypatch.setenv("API__PORT", "4321")
    assert load_settings().api.port == 4321


def test_a_flat_name_in_the_environment_beats_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("API__PORT=1111\nAPI_HOST=localhost\n")
    monkeypatch.setenv("API_PORT", "1234")
    settings = load_settings()
    assert (settings.api.port, settings.api.host) == (1234, "localhost")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("API__PRT=1", "did you mean API__PORT"),
        ("DATA_STORGE__BASE_PATH=x", "did you mean DATA_STORAGE__BASE_PATH"),
        ("API__PORT=70000", "API__PORT=70000"),
        ("API__PORT=many", "API__PORT=many"),
        ("API__CORS_ORIGINS=*", "name each one"),
        ("LOGGING__LEVEL=LOUD", "LOGGING__LEVEL=LOUD"),
        ("POLYGON__RATE_LIMIT=often", "'often' is no limit"),
        ("POLYGON__BASE_URL=api.polygon.io", "write https://HOST"),
        ("TIINGO__BASE_URL=https://me:secret@tiingo.example", "an address holds no password"),
        ("POLYGON__KEY=x", "did you mean POLYGON__API_KEY"),
        ("NIGHTLY_UPDATE__MARKET_OPEN_HOUR_UTC=14", "trading hours come from each exchange"),
        ("NIGHTLY_UPDATE__EXPECTED_CANDLES_HALF_DAY=180", "trading hours come from each exchange"),
        ("NIGHTLY_UPDATE__TARGET_TIMEFRAMES=[1min]", "1min is not made of minutes"),
        ("NIGHTLY_UPDATE__LARGE_CAP_SYMBOLS=[A B]", "LARGE_CAP_SYMBOLS"),
        ("NIGHTLY_UPDATE__MAX_CONCURRENT_SYMBOLS=0", "MAX_CONCURRENT_SYMBOLS=0"),
    ],
)
def test_a_wrong_line_is_named_with_what_to_write(line: str, text: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    with pytest.raises(SettingsError, match=text.replace("*", r"\*")):
        load_settings()


def test_an_unknown_name_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_STORAGE__PATH", "x")
    with pytest.raises(SettingsError, match="DATA_STORAGE__PATH in the environment"):
        load_settings()


def test_settings_of_other_programs_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://x\nOTHER__THING=1\nexport EDITOR=vi\n")
    monkeypatch.setenv("APIS__PORT", "1")
    assert load_settings().api.port == 8002


def test_every_documented_name_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\n".join([*DOCUMENTED, *OF_VENDORS, *OF_THE_NIGHTLY_UPDATE]))
    settings = load_settings()
    assert (settings.api.host, settings.api.port, settings.api.debug) == ("0.0.0.0", 8002, True)
    assert settings.data_storage.root == tmp_path / "storage" / "candles"
    assert settings.log_level == "DEBUG"
    assert settings.polygon.api_key is not None
    assert settings.polygon.api_key.get_secret_value() == "polygon-key"
    assert settings.polygon.rate == "100/s"
    assert settings.financial_modeling_prep.rate == "300/min"
    assert settings.tiingo.rate == "50/h, 1000/day"
    assert settings.trading_data_provider.fallback_providers == ("fmp", "tiingo")
    nightly = settings.nightly_update
    assert nightly.symbols == ("AAPL", "BRK.B", "ZS")
    assert (nightly.max_concurrent_symbols, nightly.retry_attempts) == (5, 2)
    assert (nightly.retry_delay_seconds, nightly.min_volume_threshold) == (30.0, 500)
    assert [str(one) for one in nightly.target_timeframes] == [
        *("5min", "15min", "30min", "1h", "2h", "4h", "daily")
    ]
    assert nightly.enable_market_hours_check is False
    assert sources_of(settings).not_read == ()


def test_the_symbols_of_the_nightly_update_are_us_equities_that_trade() -> None:
    registry, symbols = AssetRegistry.default(), load_settings().nightly_update.symbols
    assert len(symbols) == 83
    assets = [registry.get(symbol) for symbol in symbols]
    assert {asset.asset_type for asset in assets} == {AssetType.US_EQUITY}
    assert [asset.symbol for asset in assets if asset.delisted is not None] == []
    assert {"BRK.B", "XYZ", "ZS"} <= set(symbols)  # formerly unknown, SQ, and a commodity
    assert {"TWTR", "SQ"}.isdisjoint(symbols)  # delisted, and renamed


def test_the_password_of_an_address_that_is_refused_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TIINGO__BASE_URL=https://me:sEcReT@tiingo.example\n")
    with pytest.raises(SettingsError, match="me:") as raised:
        load_settings()
    assert "sEcReT" not in str(raised.value)


def test_a_vendor_is_asked_at_its_free_plan_s_rate_unless_told_otherwise(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.polygon.rate == "5/min"
    assert settings.tiingo.rate == "50/h, 1000/day"
    (tmp_path / ".env").write_text(
        "POLYGON__RATE_LIMIT=40/10s\nTIINGO__RATE_LIMIT_REQUESTS_PER_DAY=9\n"
    )
    settings = load_settings()
    assert (settings.polygon.rate, settings.tiingo.rate) == ("40/10s", "9/day")


def test_origins_are_a_list_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API__CORS_ORIGINS", "http://localhost:4200, https://desk.example")
    assert load_settings().api.allowed_origins == ("http://localhost:4200", "https://desk.example")


def test_env_names_the_file_when_it_looks_like_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "environments" / ".env.prod"
    file.parent.mkdir()
    file.write_text("API__PORT=7\n")
    monkeypatch.setenv("ENV", str(file))
    assert load_settings().api.port == 7
    monkeypatch.setenv("ENV", "production")
    assert load_settings().api.port == 8002
    monkeypatch.setenv("ENV", "environments/.env.test")
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings()


def test_without_a_nearer_file_that_of_environments_is_read(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / ".env.dev").write_text("API__PORT=7\n")
    assert load_settings().api.port == 7


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.env does not exist"):
        load_settings(env_file=tmp_path / "nothing.env")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().api.port = 1


def test_keys_are_kept_beside_the_bars_unless_the_settings_say_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "storage" / "service"
    assert load_settings().service_folder == folder
    assert load_settings().database_url == f"sqlite:///{folder / 'service.db'}"
    monkeypatch.setenv("DATA_STORAGE__SERVICE_PATH", "elsewhere")
    assert load_settings().service_folder == tmp_path / "elsewhere"
    assert load_settings().database_url == f"sqlite:///{tmp_path / 'elsewhere' / 'service.db'}"
    monkeypatch.setenv("DATABASE__URL", "postgresql://u:p@h/n")
    assert load_settings().database_url == "postgresql://u:p@h/n"


def test_a_toml_file_is_read_below_the_env_file(tmp_path: Path) -> None:
    (tmp_path / "simutrador.toml").write_text("[api]\nport = 1111\ndebug = true\n")
    (tmp_path / ".env").write_text("API__PORT=2222\n")
    settings = load_settings()
    assert (settings.api.port, settings.api.debug) == (2222, True)


def test_the_settings_of_the_process_are_read_once() -> None:
    get_settings.cache_clear()
    assert get_settings() is get_settings()
    get_settings.cache_clear()
