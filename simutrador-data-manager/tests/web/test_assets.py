"""Files for the browser."""

from __future__ import annotations

import posixpath
import re

import pytest

from simutrador_data.web.site import data_pages

ASSETS = data_pages({}).assets
OWN = {path: asset for path, asset in ASSETS.files.items() if not path.startswith("kit/")}
OUTSIDE = re.compile(rb"""(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}""", re.IGNORECASE)


def test_our_files_name_no_other_host() -> None:
    for path, asset in OWN.items():
        named = set(OUTSIDE.findall(asset.content)) - {b"http://www.w3.org"}
        assert not named, path


def test_modules_import_files_that_exist() -> None:
    found = 0
    for path, asset in OWN.items():
        for name in re.findall(rb'from "([^"]+)"', asset.content):
            assert posixpath.normpath(f"js/{name.decode()}") in ASSETS.files, path
            found += 1
    assert found > 30


def test_an_unknown_file_is_an_error_when_the_page_is_made() -> None:
    with pytest.raises(KeyError):
        ASSETS.url("css/typo.css")


def test_scripts_make_no_markup_from_text() -> None:
    for path, asset in OWN.items():
        for way in (b"innerHTML", b"outerHTML", b"insertAdjacentHTML", b"document.write", b"eval("):
            assert way not in asset.content, path
