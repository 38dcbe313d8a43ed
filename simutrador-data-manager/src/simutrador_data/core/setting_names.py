"""Which setting names exist, and what to say about one that does not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from simutrador_core.errors import InputError

# Documented names without a double underscore, and the setting each stands for.
FLAT_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "API_HOST": ("api", "host"),
    "API_PORT": ("api", "port"),
}

# Documented sections of features this release does not have: accepted, so that one env file
# serves several releases, and reported by `config show` as not read.
LATER_SECTIONS: Final = frozenset(
    {"FINANCIAL_MODELING_PREP", "POLYGON", "TIINGO", "TRADING_DATA_PROVIDER", "NIGHTLY_UPDATE"}
)


class SettingsError(InputError):
    """A setting is unknown or its value cannot be used; the text names it."""

    code = "invalid_settings"


def check_names(
    names: Iterable[str],
    *,
    where: str,
    sections: Mapping[str, Collection[str]],
    ours_only: bool = False,
) -> None:
    """Refuse a name in one of our sections that we do not know.

    Args:
        names: What is set.
        where: Where it is set, for the message.
        sections: Section to its fields, in capitals.
        ours_only: True for the environment, which belongs to every program: a section that merely
            resembles one of ours is left alone there.

    Raises:
        SettingsError: with the nearest known name.
    """
    for name in sorted(str(name).upper() for name in names):
        section, separator, field = name.partition("__")
        if not separator or section in LATER_SECTIONS:
            continue
        if section in sections:
            if field not in sections[section]:
                known = [f"{section}__{known}" for known in sections[section]]
                raise SettingsError(_unknown(name, where, known))
        elif not ours_only:
            _refuse_resembling(name, section, where, sections)


def later_names(names: Iterable[str]) -> list[str]:
    """Return the names among these that belong to a feature of a later release, sorted."""
    upper = {str(name).upper() for name in names}
    return sorted(name for name in upper if name.partition("__")[0] in LATER_SECTIONS)


def _refuse_resembling(
    name: str, section: str, where: str, sections: Mapping[str, Collection[str]]
) -> None:
    if get_close_matches(section, [*sections, *LATER_SECTIONS], n=1, cutoff=0.8):
        known = [f"{one}__{field}" for one, fields in sections.items() for field in fields]
        raise SettingsError(_unknown(name, where, known))


def _unknown(name: str, where: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
    return f"unknown setting {name} in {where}: {hint}"
