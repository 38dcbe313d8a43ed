"""Files for the browser."""

from __future__ import annotations

import re

import pytest

from simutrador_data.web.assets import own_files, own_url, plotly_script

OUTSIDE = re.compile(rb"""(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}""", re.IGNORECASE)


def test_our_files_name_no_other_host() -> None:
    for path, asset in own_files().items():
        named = set(OUTSIDE.findall(asset.content)) - {b"http://www.w3.org"}
        assert not named, path


def test_modules_import_files_that_exist() -> None:
    for path, asset in own_files().items():
        for name in re.findall(rb'from "\./([^"]+)"', asset.content):
            assert f"js/{name.decode()}" in own_files(), path


def test_an_unknown_file_is_an_error_when_the_page_is_made() -> None:
    with pytest.raises(KeyError):
        own_url("css/typo.css")


def test_scripts_make_no_markup_from_text() -> None:
    for path, asset in own_files().items():
        for way in (b"innerHTML", b"outerHTML", b"insertAdjacentHTML", b"document.write", b"eval("):
            assert way not in asset.content, path


def test_plotly_comes_from_the_installed_package() -> None:
    assert plotly_script().content.startswith(b"/**\n* plotly.js v")
