"""JUnit reports, read back by the standard parser."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from simutrador_data.services.analysis.junit import Case, junit_report


def test_a_report_counts_cases_and_failures() -> None:
    cases = [
        Case("AAPL daily raw", "gaps"),
        Case("MSFT daily raw", "gaps", ("one", "two"), ("a note",)),
    ]
    root = ET.fromstring(junit_report("validate", cases))
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "2", "1")
    passed, failed = root.iter("testcase")
    assert (passed.attrib, list(passed)) == ({"classname": "AAPL daily raw", "name": "gaps"}, [])
    failure = failed.find("failure")
    assert failure is not None
    assert (failure.attrib["message"], failure.text) == ("one", "one\ntwo")
    assert failed.findtext("system-out") == "a note"


def test_text_that_xml_cannot_hold_is_replaced() -> None:
    report = junit_report("validate", [Case("a\x00<b>&\ud800", "x", ("\x1b[31m",))])
    case = next(ET.fromstring(report).iter("testcase"))
    assert case.attrib["classname"] == "a\ufffd<b>&\ufffd"
    assert case.find("failure").attrib["message"] == "\ufffd[31m"  # type: ignore[union-attr]


def test_nothing_checked_is_a_report_too() -> None:
    assert ET.fromstring(junit_report("validate", [])).attrib["tests"] == "0"
