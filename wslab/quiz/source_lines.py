"""Own the line: where in a file of questions something stands, which tomllib does not tell."""

from __future__ import annotations

import re

__all__ = ["line_of", "syntax_error_line"]

# Comments and strings, the longer kinds first: what stands in them looks like TOML and is not.
_OPAQUE = re.compile(
    r"""\#[^\n]*
      | '''.*?'''{1,3}
      | \"\"\"(?:\\.|[^\\])*?\"\"\"{1,3}
      | '[^'\n]*'
      | "(?:\\.|[^"\\\n])*\"""",
    re.DOTALL | re.VERBOSE,
)
_PART = re.compile(r"(?P<name>\w+)(?:\[(?P<index>\d+)\])?(?:\.(?P<field>\w+))?")


def line_of(text: str, question: int | None, part: str = "") -> int:
    """Give the line, from 1, of a part of a question, or of the nearest that there is to it.

    Args:
        text: The whole file.
        question: Which question of the file, from 0; None looks for a key of the file itself.
        part: Such as "source", "option[1]" or "option[1].text", counted from 0; "" is the question.
    """
    lines = _OPAQUE.sub(lambda found: "\n" * found[0].count("\n"), text).splitlines()
    if question is None:
        return _find(lines, 0, len(lines), part) or 1
    start, end = _block(lines, "question", question, 0, len(lines))
    found = _PART.fullmatch(part)
    if found is None or not start:
        return start or 1
    if found["index"] is None:
        return _find(lines, start, end, found["name"]) or start
    index = int(found["index"])
    inner, inner_end = _block(lines, rf"question\.{found['name']}", index, start, end)
    if inner:
        return _find(lines, inner, inner_end, found["field"] or "") or inner
    return _of_item(lines, _find(lines, start, end, found["name"]), index) or start


def syntax_error_line(message: str, text: str) -> int:
    """Give the line that an error of tomllib names, or the last."""
    found = re.search(r"at line (\d+)", message)
    return int(found[1]) if found else max(1, len(text.splitlines()))


def _block(lines: list[str], name: str, index: int, start: int, end: int) -> tuple[int, int]:
    """Give the line of the index-th [[name]] and the last line before the next, or 0 and the end."""
    header = re.compile(rf"\s*\[\[\s*{name}\s*\]\]")
    found = [number for number, line in enumerate(lines[start:end], start + 1) if header.match(line)]
    if index >= len(found):
        return 0, end
    return found[index], (found[index + 1] - 1 if index + 1 < len(found) else end)


def _find(lines: list[str], start: int, end: int, key: str) -> int:
    """Give the line, after start and up to end, on which a key or a table of that name stands, or 0."""
    if not key:
        return 0
    wanted = re.compile(rf"\s*(?:\[*\s*(?:question\.)?)?[\"']?{re.escape(key)}[\"']?\s*[=\].]")
    inside = enumerate(lines[start:end], start + 1)
    return next((number for number, line in inside if wanted.match(line)), 0)


def _of_item(lines: list[str], start: int, index: int) -> int:
    """Give the line of one item of a list that begins on a line, if each has a line of its own."""
    return start + 1 + index if start and lines[start - 1].rstrip().endswith("[") else start
