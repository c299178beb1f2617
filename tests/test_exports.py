"""An export is read as it was written, also after a spreadsheet saved it, and what is none is told apart."""

from __future__ import annotations

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from wslab import exports
from wslab.errors import ProgressError
from wslab.exports import Export, new_export, read_export, write_export
from wslab.results import EXERCISE, QUESTION, Result

RESULTS = (
    Result("03_echo", EXERCISE, "echo", True, 3, first_passed="2026-03-14"),
    Result("03_echo", EXERCISE, "limit", False),
    Result("03_echo", QUESTION, "opcode", True, 2, right_on_try=2),
)
ENDINGS = ["csv", "json"]
DATE = datetime(2026, 3, 15, 9, 26, 53, tzinfo=UTC)


def export_of(name: str = "Ada Lovelace", results: tuple[Result, ...] = RESULTS) -> Export:
    return Export(name, DATE, results, "0.1.0")


NAMES = [
    "Ada",
    "no",
    "42",
    "=1+1",
    "'=1+1",
    "''@x",
    "-",
    "'Ada'",
    "Zoë, 'Z' \"z\";\t",
    "李",
    "می\u200cخواهم",
    "=cmd|' /C x'!A0",
]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_what_is_written_is_read(tmp_path: Path, ending: str, name: str) -> None:
    path = tmp_path / f"me.{ending}"
    write_export(path, export_of(name))
    assert read_export(path) == export_of(name)


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8-sig").splitlines()))


def test_a_csv_holds_one_row_for_each_exercise_and_question(tmp_path: Path) -> None:
    write_export(tmp_path / "me.csv", export_of())
    head = ["wslab progress", "1", "0.1.0", "Ada Lovelace", "2026-03-15T09:26:53Z"]
    assert rows_of(tmp_path / "me.csv") == [
        [
            "format",
            "version",
            "wslab",
            "name",
            "date",
            "lesson",
            "kind",
            "id",
            "done",
            "attempts",
            "first_passed",
            "right_on_try",
        ],
        [*head, "03_echo", "exercise", "echo", "yes", "3", "2026-03-14", ""],
        [*head, "03_echo", "exercise", "limit", "no", "0", "", ""],
        [*head, "03_echo", "question", "opcode", "yes", "2", "", "2"],
    ]
    assert (tmp_path / "me.csv").read_bytes().startswith(b"\xef\xbb\xbfformat,")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(tmp_path: Path, first: str) -> None:
    hostile = Result(f"{first}1", EXERCISE, f"{first}2", True, first_passed=f"{first}3")
    write_export(tmp_path / "me.csv", export_of(f"{first}4", (hostile,)))
    cells = [cell for row in rows_of(tmp_path / "me.csv") for cell in row]
    assert [cell for cell in cells if cell.startswith(first)] == []
    assert [cell for cell in cells if f"'{first}" in cell] == [f"'{first}{number}" for number in (4, 1, 2, 3)]


def test_a_json_holds_the_same(tmp_path: Path) -> None:
    write_export(tmp_path / "me.json", export_of())
    held = json.loads((tmp_path / "me.json").read_bytes())
    assert held["results"][0] == {
        "lesson": "03_echo",
        "kind": "exercise",
        "id": "echo",
        "done": True,
        "attempts": 3,
        "first_passed": "2026-03-14",
        "right_on_try": None,
    }
    del held["results"]
    assert held == {
        "format": "wslab progress",
        "version": 1,
        "wslab": "0.1.0",
        "name": "Ada Lovelace",
        "date": "2026-03-15T09:26:53Z",
    }


RESAVED = {
    "semicolons": lambda text: text.replace(",", ";"),
    "tabs": lambda text: text.replace(",", "\t"),
    "no mark": lambda text: text.removeprefix("\ufeff"),
    "plain line ends": lambda text: text.replace("\r\n", "\n"),
    "empty rows": lambda text: text + "," * 11 + "\r\n\r\n",
    "capitals": lambda text: text.replace("yes", "YES").replace(",no,", ",No,"),
    "a column more": lambda text: text.replace("\r\n", ",\r\n"),
}


@pytest.mark.parametrize("resave", RESAVED.values(), ids=RESAVED)
def test_a_spreadsheet_may_have_saved_it(tmp_path: Path, resave: object) -> None:
    path = tmp_path / "me.csv"
    write_export(path, export_of())
    path.write_bytes(resave(path.read_bytes().decode()).encode())
    assert read_export(path) == export_of()


def json_with(**changes: object) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(export_of()), **changes})


FOREIGN = {
    "no.csv": (b"", "its first line is not that of an export"),
    "other.csv": (b"a,b\n1,2\n", "its first line is not that of an export"),
    "nul.csv": (b"a,b\x00\n1,2\n", "not an export of wslab, or damaged"),
    "latin.csv": ("na\u00efve".encode("latin-1"), "it is not UTF-8"),
    "empty.json": (b"", "not an export of wslab, or damaged"),
    "list.json": (b"[1, 2]", "not an export of wslab, or damaged"),
    "deep.json": (b"[" * 50_000, "not an export of wslab, or damaged"),
    "latin.json": (b'{"name": "\xef"}', "it is not UTF-8"),
    "other.json": (b'{"name": "Ada"}', "not an export of wslab, or damaged"),
    "format.json": (json_with(format="theirs"), "Invalid enum value 'theirs'"),
    "number.json": (json_with(name=7), "Expected `str`, got `int`"),
    "empty name.json": (json_with(name=""), "length >= 1"),
    "date.json": (json_with(date="yesterday"), "date"),
    "zone.json": (json_with(date="2026-03-15T09:26:53"), "timezone"),
    "negative.json": (json_with(results=[{**msgspec.to_builtins(RESULTS[0]), "attempts": -1}]), ">= 0"),
    "newer.json": (json_with(version=2), "version 2 of the format, written by a newer wslab"),
    "newer and other.json": (b'{"version": 3}', "version 3 of the format, written by a newer wslab"),
    "me.txt": (json_with(), "ends neither in .csv nor in .json"),
    "me": (json_with(), "ends neither in .csv nor in .json"),
}


@pytest.mark.parametrize(("file", "data", "reason"), [(file, *rest) for file, rest in FOREIGN.items()], ids=FOREIGN)
def test_what_is_no_export_is_told_with_the_reason(tmp_path: Path, file: str, data: bytes, reason: str) -> None:
    (tmp_path / file).write_bytes(data)
    with pytest.raises(ProgressError) as caught:
        read_export(tmp_path / file)
    assert reason in caught.value.happened
    assert str(tmp_path) not in str(caught.value)


SPOILT = {
    "cut row": (lambda text: text[: text.rindex("opcode")], "."),
    "two exports": (lambda text: text.replace("Ada Lovelace", "Bob", 1), "more than one export"),
    "newer": (lambda text: text.replace("progress,1,", "progress,2,"), "written by a newer wslab"),
    "huge version": (lambda text: text.replace("progress,1,", f"progress,{'9' * 5000},"), "not an export of wslab"),
    "done in words": (lambda text: text.replace(",yes,", ",mostly,"), "done"),
    "no version": (lambda text: text.replace("progress,1,", "progress,,"), "version"),
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILT.values(), ids=SPOILT)
def test_a_csv_that_was_spoilt_is_no_export(tmp_path: Path, spoil: object, reason: str) -> None:
    path = tmp_path / "me.csv"
    write_export(path, export_of())
    path.write_bytes(spoil(path.read_bytes().decode()).encode())
    with pytest.raises(ProgressError) as caught:
        read_export(path)
    assert reason in caught.value.happened


def test_no_file_is_read_beyond_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "me.json"
    write_export(path, export_of())
    monkeypatch.setattr(exports, "MAX_BYTES", path.stat().st_size)
    assert read_export(path) == export_of()
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ProgressError, match=f"larger than {exports.MAX_BYTES} bytes"):
        read_export(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_older_export_is_overwritten(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"me.{ending}"
    write_export(path, export_of("Old"))
    write_export(path, export_of("New"))
    assert read_export(path).name == "New"


@pytest.mark.parametrize("file", ["grades.csv", "grades.json"])
def test_nothing_else_is_overwritten(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.write_bytes(b"name,grade\nAda,1\n")
    with pytest.raises(ProgressError, match="exists and is not an export of wslab"):
        write_export(path, export_of())
    assert path.read_bytes() == b"name,grade\nAda,1\n"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProgressError, match="cannot be written: no such file"):
        write_export(tmp_path / "nowhere" / "me.csv", export_of())


@pytest.mark.parametrize("file", ["me.xlsx", "me", "csv"])
def test_another_ending_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(ProgressError, match=r"ends neither in \.csv nor in \.json"):
        write_export(tmp_path / file, export_of())
    assert list(tmp_path.iterdir()) == []


def test_a_capital_ending_is_one(tmp_path: Path) -> None:
    write_export(tmp_path / "ME.CSV", export_of())
    assert read_export(tmp_path / "ME.CSV") == export_of()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_teacher_may_read_an_export_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_export(tmp_path / "me.csv", export_of())
    finally:
        os.umask(before)
    assert (tmp_path / "me.csv").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "two\nlines", "\udc80", "nul\0", 7, None], ids=ascii)
def test_a_name_that_cannot_be_one_is_refused(name: object) -> None:
    with pytest.raises(ProgressError, match="the name is"):
        new_export(name, RESULTS)


def test_an_export_is_of_now_and_of_this_version() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    export = new_export(" Ada ", RESULTS)
    assert before <= export.date <= datetime.now(UTC)
    assert export.name == "Ada" and export.results == RESULTS
    assert export.wslab.count(".") == 2


def test_nothing_is_no_export() -> None:
    with pytest.raises(ProgressError, match="nothing to export"):
        new_export("Ada", ())
