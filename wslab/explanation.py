"""Own the explanation: lines that say what each part of a thing means, with a text and an HTML twin."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .bitgrid import Row
from .grid_twins import grid_html, grid_text

__all__ = ["Explanation", "Line"]

_LEFT = "text-align:left;vertical-align:top;color:inherit;white-space:normal;overflow-wrap:anywhere"
_SUBJECT = f"{_LEFT};font-family:var(--jp-code-font-family,monospace);font-weight:normal;min-width:14ch;max-width:48ch"
_CAPTION = "text-align:left;padding:8px 0 4px;color:inherit;white-space:normal"
_ILLEGAL = "margin-top:2px;padding-left:6px;border-left:3px solid currentColor"


@dataclass(frozen=True, slots=True)
class Line:
    """What one part of a thing means.

    Attributes:
        subject: The part as it stands there, such as "FIN = 1".
        meaning: One sentence, its section in brackets.
        illegal: What is wrong with it, one sentence each.
    """

    subject: str
    meaning: str
    illegal: tuple[str, ...] = ()


class Explanation:
    """Words for a frame or a head; shown as HTML in a notebook and as text elsewhere.

    Attributes:
        title: What is explained, one line.
        lines: What each part means.
        rows: The bit grid of a frame, empty for anything else.
    """

    def __init__(
        self,
        title: str,
        lines: Sequence[Line],
        rows: Sequence[Row] = (),
        *,
        layout: Literal["inline", "below"] = "inline",
    ) -> None:
        self.title = title
        self.lines = tuple(lines)
        self.rows = tuple(rows)
        self._between = ": " if layout == "inline" else "\n    "

    @property
    def text(self) -> str:
        """The explanation as monospaced text."""
        drawn = ["", grid_text(self.rows)] if self.rows else []
        return "\n".join([self.title, *drawn, "", *(self._line_text(line) for line in self.lines)])

    def _line_text(self, line: Line) -> str:
        illegal = "".join(f"\n    Illegal: {words}" for words in line.illegal)
        return f"{line.subject}{self._between}{line.meaning}{illegal}"

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        drawn = grid_html(self.rows, self.title) if self.rows else ""
        caption = "Field by field; numbers in brackets are sections of RFC 6455" if drawn else self.title
        return f'<div style="overflow-x:auto">{drawn}{self._lines_html(caption)}</div>'

    def _lines_html(self, caption: str) -> str:
        heads = "".join(
            f'<th scope="col" style="{_LEFT}">{head}</th>' for head in ("what stands there", "what it means")
        )
        body = "".join(map(_line_html, self.lines))
        return (
            f'<table style="color:inherit;margin:0"><caption style="{_CAPTION}">{html.escape(caption)}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        )


def _line_html(line: Line) -> str:
    illegal = "".join(
        f'<div style="{_ILLEGAL}"><strong>Illegal:</strong> {html.escape(words)}</div>' for words in line.illegal
    )
    subject = f'<th scope="row" style="{_SUBJECT}">{html.escape(line.subject)}</th>'
    return f'<tr>{subject}<td style="{_LEFT}">{html.escape(line.meaning)}{illegal}</td></tr>'
