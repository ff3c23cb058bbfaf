"""Tests of the gate and of the selection: for each reason to fail there is a report that fails for it."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import check_report  # noqa: E402
import select_cases  # noqa: E402

HERE = Path(__file__).parent
EXPECTED = ["1.1.1", "7.1.6", "9.2.1", "12.1.10"]


def result(behavior="OK", close="OK"):
    return {
        "behavior": behavior,
        "behaviorClose": close,
        "duration": 3,
        "remoteCloseCode": 1000,
        "reportfile": "parley_case.json",
    }


def report(**changes):
    """A report that passes, with some cases changed (`None` removes one)."""
    cases = {case_id: result() for case_id in EXPECTED}
    cases["7.1.6"] = result("INFORMATIONAL", "INFORMATIONAL")
    for name, value in changes.items():
        case_id = name.removeprefix("case_").replace("_", ".")
        if value is None:
            del cases[case_id]
        else:
            cases[case_id] = value
    return {"parley": cases}


def run_gate(tmp_path, content, expected=EXPECTED):
    """Runs the gate as the script does and gives its exit code."""
    report_file = tmp_path / "index.json"
    report_file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    expected_file = tmp_path / "expected.txt"
    expected_file.write_text("\n".join(expected) + "\n", encoding="utf-8")
    return check_report.main(["--report", str(report_file), "--expected", str(expected_file), "--seconds", "7"])


def test_a_report_with_ok_and_informational_alone_passes(tmp_path, capsys):
    assert run_gate(tmp_path, report()) == 0
    output = capsys.readouterr().out
    assert "4 cases in 7 s; behaviour INFORMATIONAL 1, OK 3; close INFORMATIONAL 1, OK 3" in output
    assert output.endswith("passed\n")


@pytest.mark.parametrize("value", ["FAILED", "NON-STRICT", "UNIMPLEMENTED", "WRONG CODE", "UNCLEAN", "ok", ""])
@pytest.mark.parametrize("key", ["behavior", "close"])
def test_any_other_behaviour_fails(tmp_path, capsys, key, value):
    assert run_gate(tmp_path, report(case_9_2_1=result(**{key: value}))) == 1
    output = capsys.readouterr().out
    assert "case 9.2.1: behaviour" in output
    assert output.count("\n  ") == 1, "no other reason is given"


@pytest.mark.parametrize("broken", [{}, [], "OK", 1])
def test_a_case_without_a_behaviour_fails(tmp_path, broken):
    assert run_gate(tmp_path, report(case_1_1_1=broken)) == 1


def test_a_missing_case_fails(tmp_path, capsys):
    assert run_gate(tmp_path, report(case_12_1_10=None)) == 1
    assert "1 of 4 cases were not run: 12.1.10" in capsys.readouterr().out


def test_a_case_that_is_not_expected_fails(tmp_path, capsys):
    assert run_gate(tmp_path, report(case_1_1_2=result())) == 1
    assert "1 cases were run that are not expected: 1.1.2" in capsys.readouterr().out


def test_another_case_in_place_of_one_fails_though_the_count_is_right(tmp_path):
    assert run_gate(tmp_path, report(case_1_1_1=None, case_1_1_2=result())) == 1


@pytest.mark.parametrize("content", [{}, {"parley": None}, {"parley": {}}])
def test_a_missing_or_empty_agent_fails(tmp_path, content):
    assert run_gate(tmp_path, content) == 1


def test_another_agent_fails(tmp_path, capsys):
    other = {"other": report()["parley"]}
    assert run_gate(tmp_path, other) == 1
    assert "the report has no agent parley" in capsys.readouterr().out
    assert run_gate(tmp_path, report() | other) == 1
    assert "the report has other agents: other" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{", "[]", '"parley"', "null"])
def test_an_unreadable_report_fails(tmp_path, content):
    assert run_gate(tmp_path, content) == 1


def test_an_absent_report_fails(tmp_path):
    expected_file = tmp_path / "expected.txt"
    expected_file.write_text("1.1.1\n", encoding="utf-8")
    assert check_report.main(["--report", str(tmp_path / "no.json"), "--expected", str(expected_file)]) == 1


def test_an_empty_list_of_expected_cases_fails(tmp_path):
    assert run_gate(tmp_path, {"parley": {}}, expected=[]) == 1


def test_the_list_has_all_517_cases_once():
    case_ids = select_cases.read_case_ids(HERE / "cases.txt")
    assert len(case_ids) == len(set(case_ids)) == 517


def test_the_fast_selection_leaves_out_compression_cases_alone():
    case_ids = select_cases.read_case_ids(HERE / "cases.txt")
    fast = select_cases.fast_selection(case_ids)
    left_out = set(case_ids) - set(fast)
    assert {case_id.split(".")[0] for case_id in left_out} == {"12", "13"}
    assert len([case_id for case_id in fast if case_id.split(".")[0] not in ("12", "13")]) == 247 + 54
    groups = {tuple(case_id.split(".")[:2]) for case_id in case_ids if case_id.split(".")[0] in ("12", "13")}
    assert len(groups) == 5 + 7
    for group in groups:
        assert [case_id for case_id in fast if tuple(case_id.split(".")[:2]) == group] == [
            ".".join([*group, number]) for number in ("1", "9", "11", "18")
        ]
