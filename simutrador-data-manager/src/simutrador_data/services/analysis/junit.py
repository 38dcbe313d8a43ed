"""Reports of checks as JUnit XML, which every CI service shows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

# What XML 1.0 cannot hold, however it is written; a source's name can.
_IMPOSSIBLE: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was checked.

    Attributes:
        group: What it belongs to, `AAPL 1min raw`.
        name: What was checked, `gaps`.
        failures: Why it failed, a line each; empty when it passed.
        notes: What to know of it besides.
    """

    group: str
    name: str
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def junit_report(suite: str, cases: Iterable[Case]) -> bytes:
    """Return a JUnit document with one test case for each."""
    every = list(cases)
    failed = sum(bool(case.failures) for case in every)
    counts = {"name": suite, "tests": str(len(every)), "failures": str(failed), "errors": "0"}
    root = ET.Element("testsuites", counts)
    inner = ET.SubElement(root, "testsuite", counts)
    for case in every:
        names = {"classname": _clean(case.group), "name": _clean(case.name)}
        element = ET.SubElement(inner, "testcase", names)
        if case.failures:
            message = {"message": _clean(case.failures[0])}
            failure = ET.SubElement(element, "failure", message)
            failure.text = _clean("\n".join(case.failures))
        if case.notes:
            ET.SubElement(element, "system-out").text = _clean("\n".join(case.notes))
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _clean(text: str) -> str:
    return _IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", text)


__all__ = ["Case", "junit_report"]
