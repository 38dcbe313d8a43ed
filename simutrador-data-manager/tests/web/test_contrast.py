"""Contrast of the colours in the style sheet, light and dark (WCAG 2.2: 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from simutrador_core.models.enums import GapReason
from simutrador_data.web.site import data_pages

FILES = data_pages({}).assets.files
_PAIR = re.compile(r"--([a-z_-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")

TEXT = 4.5
GRAPHICS = 3.0

TEXTS = [
    (text, ground)
    for text in ("text", "soft", "accent", "warn", "bad")
    for ground in ("page", "surface", "hover")
] + [("accent-text", "accent")]

SHAPES = [
    (shape, "surface")
    for shape in ("edge", "up", "down", "volume", "full", "stray", "accent", *GapReason)
]


def tokens(scheme: str) -> dict[str, str]:
    """Return the colours of `light` or `dark` by name."""
    sheets = [FILES[path].content.decode() for path in ("kit/css/tokens.css", "css/reasons.css")]
    column = {"light": 1, "dark": 2}[scheme]
    return {match[0]: match[column] for match in _PAIR.findall("".join(sheets))}


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2, glossary)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    # A published pair: #767676 is the lightest grey that passes on white.
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    colours = tokens(scheme)
    assert contrast(colours[text], colours[ground]) >= TEXT


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_that_mean_something_can_be_seen(scheme: str, shape: str, ground: str) -> None:
    colours = tokens(scheme)
    assert contrast(colours[shape], colours[ground]) >= GRAPHICS


def test_every_reason_has_a_colour_and_a_mark() -> None:
    marks = FILES["css/reasons.css"].content.decode()
    for reason in GapReason:
        assert f'[data-reason="{reason}"]' in marks
        assert reason in tokens("light")
