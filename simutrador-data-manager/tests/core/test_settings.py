"""Settings: layers, names, bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from simutrador_data.core.settings import SettingsError, find_env_file, get_settings, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in an empty folder with none of our settings set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENV", raising=False)
    for name in ("API_HOST", "API_PORT", "API__PORT", "API__HOST", "DATA_STORAGE__BASE_PATH"):
        monkeypatch.delenv(name, raising=False)


def test_without_any_setting_the_service_listens_on_loopback_8002() -> None:
    settings = load_settings()
    assert (settings.api.host, settings.api.port) == ("127.0.0.1", 8002)
    assert settings.api.cors_origins == ()


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
    chosen = load_settings({"api": {"port": 3333}})
    assert chosen.api.port == 3333
    assert chosen.logging.level == "ERROR"


def test_one_field_of_the_command_line_leaves_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("API__DEBUG", "true")
    assert load_settings({"api": {"port": 1}}).api.debug is True


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


def test_documented_names_of_later_releases_do_not_stop_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("POLYGON__API_KEY=k\nNIGHTLY_UPDATE__RETRY_ATTEMPTS=3\n")
    monkeypatch.setenv("TIINGO__API_KEY", "k")
    assert load_settings().api.port == 8002


def test_origins_are_a_list_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API__CORS_ORIGINS", "http://localhost:4200, https://desk.example")
    assert load_settings().api.cors_origins == ("http://localhost:4200", "https://desk.example")


def test_env_names_the_file_when_it_looks_like_one(tmp_path: Path) -> None:
    file = tmp_path / "environments" / ".env.prod"
    file.parent.mkdir()
    file.write_text("API__PORT=7\n")
    assert find_env_file({"ENV": str(file)}) == file
    assert find_env_file({"ENV": "production"}) is None
    with pytest.raises(SettingsError, match="does not exist"):
        find_env_file({"ENV": "environments/.env.test"})


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.env does not exist"):
        load_settings(env_file=tmp_path / "nothing.env")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().api.port = 1


def test_the_settings_of_the_process_are_read_once() -> None:
    get_settings.cache_clear()
    assert get_settings() is get_settings()
    get_settings.cache_clear()
