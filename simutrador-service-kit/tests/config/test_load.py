"""Settings: layers, names, bounds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from kit_settings import ApiSection, Settings
from simutrador_service.config import ServerSection, SettingsError, load, sources_of


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in an empty folder with none of our settings set."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper() in {"ENV", "DATA_PATH", "SIMUTRADOR_CONFIG"} or "__" in name:
            monkeypatch.delenv(name)


def test_without_any_setting_defaults_hold() -> None:
    settings = load(Settings)
    assert (settings.api.host, settings.api.port) == ("127.0.0.1", 8002)
    assert settings.api.allowed_origins == ()
    assert settings.auth.enabled is None


def test_command_line_beats_environment_beats_env_file_beats_toml_beats_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "simutrador.toml").write_text('[api]\nport = 1111\n[logging]\nlevel = "ERROR"\n')
    assert load(Settings).api.port == 1111
    (tmp_path / ".env").write_text("API__PORT=2222\n")
    assert load(Settings).api.port == 2222
    monkeypatch.setenv("API__PORT", "3333")
    assert load(Settings).api.port == 3333
    chosen = load(Settings, api={"port": 4444})
    assert (chosen.api.port, chosen.logging.level) == (4444, "ERROR")


def test_one_field_of_the_command_line_leaves_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("API__HOST", "localhost")
    assert load(Settings, api={"port": 1, "host": None}).api.host == "localhost"
    assert load(Settings, api=ApiSection(port=1)).api.host == "localhost"


def test_aliases_count_and_the_own_name_of_the_same_layer_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("API__PORT=1111\nAPI_HOST=localhost\n")
    monkeypatch.setenv("API_PORT", "1234")
    settings = load(Settings)
    assert (settings.api.port, settings.api.host) == (1234, "localhost")
    monkeypatch.setenv("API__PORT", "4321")
    assert load(Settings).api.port == 4321


def test_an_empty_text_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API__PORT", "")
    monkeypatch.setenv("DATABASE__URL", "")
    settings = load(Settings)
    assert (settings.api.port, settings.database.url) == (8002, None)


def test_a_setting_outside_any_section_has_its_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_PATH", "/srv/data")
    assert load(Settings).data_path == Path("/srv/data")


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:4200, https://desk.example",
        '["http://localhost:4200","https://desk.example"]',
        "[http://localhost:4200,https://desk.example]",
    ],
)
def test_lists_are_written_with_commas_or_as_json(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API__CORS_ORIGINS", text)
    found = load(Settings).api.allowed_origins
    assert found == ("http://localhost:4200", "https://desk.example")


def test_tables_are_written_as_json_or_toml(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "simutrador.toml").write_text("[vendor.plan]\nfree = 5\n")
    assert load(Settings).vendor.plan == {"free": 5}
    monkeypatch.setenv("VENDOR__PLAN", '{"paid": 100}')
    assert load(Settings).vendor.plan == {"paid": 100}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("API__PRT=1", "unknown setting API__PRT in .env: did you mean API__PORT?"),
        ("VENDR__API_KEY=x", "unknown setting VENDR__API_KEY in .env: did you mean VENDOR__API"),
        ("API__PORT=70000", "API__PORT=70000 (.env): Input should be less than or equal to 65535"),
        ("API__PORT=0.5", "; the default is 8002"),
        ("API_PORT=many", "API__PORT=many (.env as API_PORT): Input should be a valid integer"),
        ("API__ALLOWED_ORIGINS=*", "name each one"),
        ("API__ALLOWED_ORIGINS=https://*.example", "name each one"),
        ("API__ALLOWED_ORIGINS=https://a.example/", "name each one"),
        ("VENDOR__PLAN=many", "VENDOR__PLAN in .env is not JSON (Expecting value at character 0)"),
        ("LOGGING__LEVEL=LOUD", "LOGGING__LEVEL=LOUD (.env): Input should be 'DEBUG', 'INFO'"),
        ("AUTH__JWT_SECRET=hunter2", "AUTH__JWT_SECRET (.env): 7 bytes are too few; give at least"),
    ],
)
def test_a_wrong_line_is_named_with_its_place_and_what_to_write(
    line: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    assert text in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (
            "[api]\nprt = 1\n",
            "unknown setting API__PRT in simutrador.toml: did you mean API__PORT?",
        ),
        ("api = 1\n", "API in simutrador.toml is a section, not a value; write [api]"),
        ("[api\n", "simutrador.toml cannot be read as TOML: Expected ']' at the end of a table"),
        ("[api]\nport = 'x'\n", "API__PORT=x (simutrador.toml): Input should be a valid integer"),
    ],
)
def test_a_wrong_toml_file_is_named_with_the_place(
    document: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "simutrador.toml").write_text(document)
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    assert text in str(refused.value)


def test_an_unknown_name_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS__URI", "x")
    with pytest.raises(SettingsError, match="REDIS__URI in the environment: did you mean"):
        load(Settings)


def test_an_unknown_override_is_refused() -> None:
    with pytest.raises(SettingsError, match="API__PRT in the command line: did you mean API__PORT"):
        load(Settings, api={"prt": 1})


def test_settings_of_other_programs_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://x\nOTHER__THING=1\nexport EDITOR=vi\n")
    for name in ("APIS__PORT", "API", "DATABASE"):
        monkeypatch.setenv(name, "1")
    assert load(Settings).api.port == 8002


class WithServer(Settings):
    """Settings in whose sections the client SDK has some too."""

    server: ServerSection = ServerSection()


SDK_NAMES = pytest.mark.parametrize(
    "name", ["AUTH__API_KEY", "AUTH__SERVER_URL", "SERVER__WEBSOCKET__URL"]
)


@SDK_NAMES
def test_settings_of_the_client_sdk_may_stand_where_it_reads_them(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"{name}=x\nSESSION__MAX_RETRY_ATTEMPTS=3\n")
    assert load(WithServer).server.port == 8000
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SESSION__MAX_RETRY_ATTEMPTS", "3")
    assert load(WithServer).server.port == 8000


@SDK_NAMES
def test_settings_of_the_client_sdk_are_refused_in_our_own_file(name: str, tmp_path: Path) -> None:
    *sections, last = name.lower().split("__")
    (tmp_path / "simutrador.toml").write_text(f'[{".".join(sections)}]\n{last} = "x"\n')
    with pytest.raises(SettingsError, match=f"unknown setting {name} in simutrador.toml"):
        load(WithServer)


def test_documented_names_of_later_releases_do_not_stop_the_service(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NIGHTLY_UPDATE__RETRY_ATTEMPTS=3\n")
    assert sources_of(load(Settings)).not_read == ("NIGHTLY_UPDATE__RETRY_ATTEMPTS",)


def test_env_names_the_file_when_it_looks_like_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "environments" / ".env.prod"
    file.parent.mkdir()
    file.write_text("API__PORT=7\n")
    monkeypatch.setenv("ENV", str(file))
    assert load(Settings).api.port == 7
    monkeypatch.setenv("ENV", "production")
    assert load(Settings).api.port == 8002
    monkeypatch.setenv("ENV", "environments/.env.test")
    with pytest.raises(SettingsError, match=r"ENV names environments/\.env\.test, which"):
        load(Settings)


def test_a_file_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.env does not exist"):
        load(Settings, env_file=tmp_path / "nothing.env")
    with pytest.raises(SettingsError, match=r"nothing\.toml does not exist"):
        load(Settings, config_file=tmp_path / "nothing.toml")
    monkeypatch.setenv("SIMUTRADOR_CONFIG", "gone.toml")
    with pytest.raises(SettingsError, match=r"SIMUTRADOR_CONFIG names gone\.toml"):
        load(Settings)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    for name in ("bad.env", "bad.toml"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00A")
    with pytest.raises(SettingsError, match=r"bad\.env cannot be read"):
        load(Settings, env_file=tmp_path / "bad.env")
    with pytest.raises(SettingsError, match=r"bad\.toml cannot be read"):
        load(Settings, config_file=tmp_path / "bad.toml")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load(Settings).api.port = 1


def test_the_class_itself_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API__PORT", "1")
    assert Settings().api.port == 8002


def test_settings_alone_load_no_web_framework_and_no_database() -> None:
    code = (
        "import sys, simutrador_service.config; "
        "print([n for n in ('fastapi', 'starlette', 'sqlalchemy', 'typer', 'rich', 'structlog') "
        "if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
