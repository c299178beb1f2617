"""Own the table: rows of text with an HTML and a plain-text twin."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

MOST_ROWS = 1000
_STYLE = "text-align:left;white-space:pre-wrap;font-variant-numeric:tabular-nums"


class Table:
    """Rows under headings, shown as HTML in a notebook and as aligned text elsewhere.

    Only the first 1000 rows are shown, and the table says so; `rows` holds all.

    Args:
        headings: One heading a column.
        rows: The cells; numbers are aligned to the right.
        caption: What the table shows, one line, or "".
        footnote: What the reader has to know about it, or "".

    Example:
        >>> Table(["frame", "bytes"], [["TEXT", 7]])
        frame  bytes
        -----  -----
        TEXT       7
    """

    def __init__(
        self, headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", footnote: str = ""
    ) -> None:
        self.headings = tuple(headings)
        self.rows = tuple(tuple(row) for row in rows)
        self.caption = caption
        self.footnote = footnote

    def __repr__(self) -> str:
        cells = [[str(cell) for cell in row] for row in self.rows[:MOST_ROWS]]
        widths = [max([len(h), *(len(row[i]) for row in cells)]) for i, h in enumerate(self.headings)]
        numeric = [self._is_numeric(i) for i in range(len(self.headings))]
        lines = [_line(self.headings, widths, numeric), _line(["-" * width for width in widths], widths, numeric)]
        lines += [_line(row, widths, numeric) for row in cells]
        above = [self.caption] if self.caption else []
        below = [note] if (note := self._note()) else []
        return "\n".join([*above, *lines, *below])

    def _repr_html_(self) -> str:
        head = "".join(_html_heading(h, self._is_numeric(i)) for i, h in enumerate(self.headings))
        body = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in self.rows[:MOST_ROWS])
        caption = f'<caption style="text-align:left">{html.escape(self.caption)}</caption>' if self.caption else ""
        footnote = f"<p>{html.escape(note)}</p>" if (note := self._note()) else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{footnote}"

    def _note(self) -> str:
        left_out = len(self.rows) - MOST_ROWS
        return " ".join([*([f"… and {left_out} more."] if left_out > 0 else []), self.footnote]).strip()

    def _is_numeric(self, column: int) -> bool:
        return all(isinstance(row[column], int | float) for row in self.rows)


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    aligned = [c.rjust(w) if right else c.ljust(w) for c, w, right in zip(cells, widths, numeric, strict=True)]
    return "  ".join(aligned).rstrip()


def _html_heading(heading: str, numeric: bool) -> str:
    return f'<th scope="col" style="{_style(numeric)}">{html.escape(heading)}</th>'


def _html_cell(cell: object) -> str:
    return f'<td style="{_style(isinstance(cell, int | float))}">{html.escape(str(cell))}</td>'


def _style(numeric: bool) -> str:
    return _STYLE.replace("left", "right", 1) if numeric else _STYLE
