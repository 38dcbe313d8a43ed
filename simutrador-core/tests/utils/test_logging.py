"""The logging helpers act only when called, and only where they are told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from simutrador_core.utils.logging import (
    configure_third_party_loggers,
    get_default_logger,
    setup_logger,
)

NAME = "simutrador.test.logging"


@pytest.fixture(autouse=True)
def clean_loggers() -> Iterator[None]:
    yield
    logger = logging.getLogger(NAME)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture
def root_handler() -> Iterator[logging.Handler]:
    handler = logging.StreamHandler()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_logger_has_a_console_and_no_file_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    logger = get_default_logger(NAME)
    assert [type(handler) for handler in logger.handlers] == [logging.StreamHandler]
    assert list(tmp_path.iterdir()) == []


def test_calling_again_adds_nothing_and_changes_levels(tmp_path: Path) -> None:
    setup_logger(NAME, log_dir=tmp_path)
    logger = setup_logger(
        NAME, logging.DEBUG, tmp_path, console_level=logging.ERROR, file_level=logging.DEBUG
    )
    assert [handler.level for handler in logger.handlers] == [logging.ERROR, logging.DEBUG]
    assert logger.level == logging.DEBUG


def test_file_is_made_even_when_the_root_has_handlers(
    tmp_path: Path, root_handler: logging.Handler
) -> None:
    logger = setup_logger(NAME, log_dir=tmp_path / "logs")
    logger.error("disk full")
    logger.warning("not severe enough for the file")
    text = (tmp_path / "logs" / "simutrador_test_logging.log").read_text("utf-8")
    assert text.endswith(f"ERROR {NAME}: disk full\n")
    assert root_handler not in logger.handlers


def test_file_can_be_added_later_and_moved(tmp_path: Path) -> None:
    setup_logger(NAME)
    setup_logger(NAME, log_dir=tmp_path / "a")
    logger = setup_logger(NAME, log_dir=str(tmp_path / "b"))
    assert len(logger.handlers) == 3


def test_file_is_rotated(tmp_path: Path) -> None:
    logger = setup_logger(NAME, log_dir=tmp_path, max_bytes=200, backup_count=1)
    for number in range(10):
        logger.error("record number %d", number)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "simutrador_test_logging.log",
        "simutrador_test_logging.log.1",
    ]


def test_chatty_libraries_are_quietened() -> None:
    names = ["uvicorn.access", "httpx", "urllib3", "requests", "asyncio", "websockets"]
    before = {name: logging.getLogger(name).level for name in names}
    try:
        configure_third_party_loggers(logging.ERROR)
        assert {logging.getLogger(name).level for name in names} == {logging.ERROR}
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
