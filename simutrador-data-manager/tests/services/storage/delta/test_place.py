"""Addresses: what is refused, what opens an object store, and that no secret shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simutrador_core.errors import InputError, StoreError
from simutrador_data.services.storage.delta import DeltaStore
from simutrador_data.services.storage.delta.place import place_of


@pytest.mark.parametrize("name", ["AWS_S3_ALLOW_UNSAFE_RENAME", "allow_unsafe_rename"])
@pytest.mark.parametrize("where", ["options", "environment"])
def test_unsafe_renames_are_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    options: dict[str, str] = {}
    if where == "options":
        options[name] = "true"
    else:
        monkeypatch.setenv(name, "TRUE")
    for address in (tmp_path / "store", "s3://bucket/store"):
        with pytest.raises(InputError, match="overwrite each other"):
            DeltaStore(address, storage_options=options)
    assert not (tmp_path / "store").exists()


def test_unsafe_renames_that_are_switched_off_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_S3_ALLOW_UNSAFE_RENAME", "false")
    assert place_of("s3://bucket/store").url == "s3://bucket/store"


def test_commits_to_s3_are_conditional_puts() -> None:
    assert place_of("s3://bucket/store").options["conditional_put"] == "etag"
    for name in ("conditional_put", "AWS_CONDITIONAL_PUT"):
        with pytest.raises(InputError, match="overwrite each other"):
            place_of("s3://bucket/store", {name: "disabled"})


@pytest.mark.parametrize(
    "url",
    ["s3://me:hush-hush@bucket/x", "s3://bucket/x?sig=hush-hush", "az://bucket/x#hush-hush"],
)
def test_credentials_in_the_url_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(InputError) as caught:
        place_of(url)
    assert "hush" not in str(caught.value)


def test_no_error_and_no_repr_shows_a_secret(object_store: Any) -> None:
    options = {**object_store.options, "AWS_SESSION_TOKEN": "token-nobody-may-see"}
    place = place_of("s3://no-such-bucket-here/x", options)
    with pytest.raises(StoreError) as caught:
        DeltaStore("s3://no-such-bucket-here/x", storage_options=options)
    said = f"{caught.value!r} {place!r}"
    assert "no-such-bucket-here" in said
    for secret in (options["AWS_SECRET_ACCESS_KEY"], options["AWS_SESSION_TOKEN"]):
        assert secret not in said
        assert secret not in place.without_secrets(f"refused {secret}, sorry")


def test_server_that_is_not_there_is_told_within_seconds(object_store: Any) -> None:
    options = {**object_store.options, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with pytest.raises(StoreError, match="can be reached"):
        DeltaStore("s3://bucket/x", storage_options=options)


def test_folder_that_the_library_would_take_for_another_is_refused(tmp_path: Path) -> None:
    for address in (tmp_path / "50%25", (tmp_path / "50%25").as_uri()):
        with pytest.raises(InputError, match="%25"):
            DeltaStore(address)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["plain", "with space", "50%", "h#sh", "caf\u00e9"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    from simutrador_core.testing.builders import make_bars, make_change, query_all

    with DeltaStore(tmp_path / name) as store:
        store.commit(make_change(make_bars("EUR/USD")))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with DeltaStore(tmp_path / name, create=False) as store:
        assert len(store.read(query_all("EUR/USD"))) == 5
    with DeltaStore((tmp_path / name).as_uri(), create=False) as store:
        assert len(store.read(query_all("EUR/USD"))) == 5
