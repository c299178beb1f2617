"""Own exports: the files, CSV or JSON, in which a learner hands progress to a teacher."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from .errors import ProgressError
from .results import Result
from .whole_file import FOR_EVERYBODY, file_error_words, read_whole, write_whole

__all__ = ["MAX_BYTES", "Export", "new_export", "read_export", "write_export"]

MAX_BYTES = 2**20
VERSION = 1
_FORMAT: Literal["wslab progress"] = "wslab progress"
_LONGEST_NAME = 100
_HEAD = ("format", "version", "wslab", "name", "date")
_COLUMNS = (*_HEAD, *Result.__struct_fields__)
# What a spreadsheet would run as a formula; the apostrophe before it is what says "text" there.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_YES_NO = {"yes": True, "no": False}


class Export(msgspec.Struct, frozen=True):
    """What one export holds.

    Attributes:
        name: The learner's name.
        date: When it was exported.
        results: What became of each exercise and question.
        wslab: The version of wslab that wrote it.
        version: The version of the format.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_NAME)]
    date: Annotated[datetime, msgspec.Meta(tz=True)]
    results: tuple[Result, ...]
    wslab: str
    version: int = VERSION
    format: Literal["wslab progress"] = _FORMAT


def new_export(name: str, results: tuple[Result, ...]) -> Export:
    """Make an export of now.

    Raises:
        ProgressError: The name cannot be one, or there are no results.
    """
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME or _breaks(name):
        raise ProgressError(
            f"the name is {name!r}", f"1 to {_LONGEST_NAME} characters without line breaks", 'pass name="Ada"'
        )
    if not results:
        raise ProgressError("there is nothing to export", "exercises or questions that could have been done")
    return Export(name.strip(), datetime.now(UTC).replace(microsecond=0), results, _own_version())


def write_export(path: Path, export: Export) -> None:
    """Write a file as its name says, .csv or .json; only an older export is overwritten.

    Raises:
        ProgressError: The ending is another one, something else is there, or the file cannot be written.
    """
    ending = _ending(path)
    try:
        _keep_what_is_no_export(path)
        write_whole(path, _ENCODERS[ending](export), FOR_EVERYBODY)
    except OSError as error:
        raise ProgressError(f"{path} cannot be written: {file_error_words(error)}", "a folder to write to") from error


def read_export(path: Path) -> Export:
    """Read an export.

    Raises:
        ProgressError: It is none; `happened` says why.
    """
    ending = _ending(path)
    try:
        data = read_whole(path, MAX_BYTES)
    except OSError as error:
        raise ProgressError(f"it cannot be read: {file_error_words(error)}") from error
    if data is None:
        raise ProgressError(f"it is larger than {MAX_BYTES} bytes")
    try:
        return _DECODERS[ending](data)
    except UnicodeDecodeError as error:
        raise ProgressError("it is not UTF-8") from error
    except (msgspec.DecodeError, csv.Error, RecursionError) as error:
        raise ProgressError(f"it is not an export of wslab, or damaged: {error}") from error


def _breaks(name: str) -> bool:
    """Whether it holds characters that break a line or are none; joiners, as Persian names have them, do not."""
    return any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in _ENCODERS:
        raise ProgressError("the name ends neither in .csv nor in .json", "one of these", 'choose a name like "me.csv"')
    return ending


def _keep_what_is_no_export(path: Path) -> None:
    if not path.exists() and not path.is_symlink():
        return
    try:
        read_export(path)
    except ProgressError as error:
        raise ProgressError(
            f"{path} exists and is not an export of wslab", "a new name, or an older export", "choose another name"
        ) from error


def _json(export: Export) -> bytes:
    return msgspec.json.format(msgspec.json.encode(export), indent=1)


def _csv(export: Export) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    head = [export.format, export.version, export.wslab, export.name, export.date.strftime("%Y-%m-%dT%H:%M:%SZ")]
    for result in export.results:
        rows.writerow([_cell(value) for value in (*head, *msgspec.structs.astuple(result))])
    return text.getvalue().encode("utf-8-sig")  # without the mark, spreadsheets take it for another encoding


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _from_json(data: bytes) -> Export:
    _refuse_newer(msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get("version"))
    return msgspec.json.decode(data, type=Export)


def _from_csv(data: bytes) -> Export:
    """Read what `_csv` wrote, also after a spreadsheet has saved it with other separators."""
    text = data.decode("utf-8-sig")
    heading = text.partition("\n")[0]
    separator = max(",;\t", key=heading.count)
    rows = [row for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=separator) if any(row.values())]
    if not rows or not set(_COLUMNS) <= set(rows[0]):
        raise msgspec.DecodeError("its first line is not that of an export, or nothing follows it")
    _refuse_newer((rows[0]["version"] or "").encode())
    if len({tuple(row[column] for column in _HEAD) for row in rows}) > 1:
        raise msgspec.DecodeError("its rows belong to more than one export")
    return _converted(rows)


def _converted(rows: list[dict[str, str]]) -> Export:
    head, *_ = cells = [{column: _value(column, row[column]) for column in _COLUMNS} for row in rows]
    return msgspec.convert({**head, "results": cells}, Export, strict=False)


def _value(column: str, cell: str | None) -> object:
    """Give what a cell holds: without the apostrophe that `_cell` put before a formula, and None for nothing."""
    if not cell:
        return None
    if column == "done":
        return _YES_NO.get(cell.lower(), cell)
    return cell[1:] if cell[0] == "'" and _FORMULA.match(cell) else cell


def _refuse_newer(found: bytes | msgspec.Raw | None) -> None:
    number = bytes(found or b"")
    if number.isdigit() and len(number) < 10 and int(number) > VERSION:
        raise ProgressError(f"it has version {int(number)} of the format, written by a newer wslab; update this one")


def _own_version() -> str:
    try:
        return version("wslab")
    except PackageNotFoundError:
        return "unknown"


_ENCODERS: dict[str, Callable[[Export], bytes]] = {".csv": _csv, ".json": _json}
_DECODERS: dict[str, Callable[[bytes], Export]] = {".csv": _from_csv, ".json": _from_json}
