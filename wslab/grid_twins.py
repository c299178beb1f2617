"""Own the twins of the bit grid: the same rows as monospaced text and as an HTML table."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable

from .bitgrid import ROW_BITS, Cell, Row

__all__ = ["grid_html", "grid_text"]

_LEGEND = "* illegal, see below"

# Tints of the Okabe-Ito palette, which colour-blind readers can tell apart; names say the same without colour.
_TINTS = {
    "flag": "rgba(0,114,178,0.16)",
    "opcode": "rgba(86,180,233,0.26)",
    "length": "rgba(230,159,0,0.24)",
    "key": "rgba(204,121,167,0.28)",
    "payload": "rgba(0,158,115,0.18)",
}
_COLUMN_CH = 2.6
_HEAD_CH = 9
_LINE = "1px solid var(--jp-border-color1, #8a8a8a)"
_TABLE = (
    "border-collapse:collapse;table-layout:fixed;font-family:var(--jp-code-font-family,monospace);"
    f"font-size:13px;line-height:1.35;width:{_HEAD_CH + ROW_BITS * _COLUMN_CH:g}ch;color:inherit;margin:0"
)
# JupyterLab stripes rows.
_TR = '<tr style="background:transparent">'
_BARE = "padding:2px 0;font-weight:normal;text-align:center;background:transparent;border:none;white-space:nowrap"
_CELL = f"padding:2px 0;text-align:center;vertical-align:middle;white-space:normal;border:{_LINE}"
_CAPTION = (
    "text-align:left;padding-bottom:6px;color:inherit;white-space:normal;"
    "font-family:var(--jp-ui-font-family,sans-serif)"
)
_LETTERS = "writing-mode:vertical-rl;text-orientation:upright;letter-spacing:-1px;line-height:1"


def grid_text(rows: Iterable[Row]) -> str:
    """Draw the rows in ASCII, two characters a bit, as RFC 6455 does."""
    rows = list(rows)
    lines = [_tens(), _ones(), _border((), rows[0])]
    for row, below in zip(rows, [*rows[1:], ()], strict=True):
        lines += [*_row_lines(row), _border(row, below)]
    if any(_starred(cell) for row in rows for cell in row):
        lines.append(_LEGEND)
    return "\n".join(lines)


def _tens() -> str:
    return "".join(f" {bit // 10 if bit % 10 == 0 else ' '}" for bit in range(ROW_BITS)).rstrip()


def _ones() -> str:
    return "".join(f" {bit % 10}" for bit in range(ROW_BITS))


def _border(above: Row, below: Row) -> str:
    edges = {edge for row in (above, below) for edge in _edges(row)}
    width = max(edges)
    return "".join(("+" if bit in edges else "-") + "-" * (bit < width) for bit in range(width + 1))


def _edges(row: Row) -> list[int]:
    edges = [0]
    for cell in row:
        edges.append(edges[-1] + cell.width)
    return edges


def _row_lines(row: Row) -> list[str]:
    labels = [_labels(cell) for cell in row]
    height = max(map(len, labels))
    columns = [[*label, *[""] * (height - len(label)), _spaced(cell)] for label, cell in zip(labels, row, strict=True)]
    widths = [2 * cell.width - 1 for cell in row]
    return [
        "|" + "|".join(text.center(width) for text, width in zip(line, widths, strict=True)) + "|"
        for line in zip(*columns, strict=True)
    ]


def _labels(cell: Cell) -> list[str]:
    if cell.width == 1:
        return [*cell.name, *(["*"] if cell.illegal else [])]
    lines = textwrap.wrap(cell.name, 2 * cell.width - 1)
    return [*lines, *([cell.value] if cell.value else []), *(["illegal"] if cell.illegal else [])]


def _spaced(cell: Cell) -> str:
    return " ".join(cell.bits) if cell.drawn else cell.bits


def _starred(cell: Cell) -> bool:
    return cell.illegal and cell.width == 1


def grid_html(rows: Iterable[Row], caption: str) -> str:
    """Draw the rows as an HTML table: above each row of bits the fields that they belong to.

    Everything is styled in place, as GitHub and nbconvert keep no stylesheet, and inherits the theme's colours.
    """
    rows = list(rows)
    numbers = "".join(f'<th scope="col" style="{_BARE}">{bit}</th>' for bit in range(ROW_BITS))
    columns = f'<col style="width:{_HEAD_CH}ch">' + f'<col style="width:{_COLUMN_CH}ch">' * ROW_BITS
    bodies = "".join(_row_html(number, row) for number, row in enumerate(rows))
    starred = any(_starred(cell) for row in rows for cell in row)
    legend = f'<div style="font-size:13px">{_LEGEND}</div>' if starred else ""
    return (
        f'<table style="{_TABLE}"><caption style="{_CAPTION}">'
        f"{html.escape(caption)}</caption><colgroup>{columns}</colgroup>"
        f'<thead style="border:none">{_TR}<th scope="col" style="{_BARE}">bit</th>{numbers}</tr></thead>'
        f"{bodies}</table>{legend}"
    )


def _row_html(number: int, row: Row) -> str:
    head = f'<th scope="rowgroup" rowspan="2" style="{_BARE}">byte {4 * number}</th>'
    names = "".join(_cell_html(cell, _name_html(cell), "border-bottom:none") for cell in row)
    bits = "".join(_cell_html(cell, _bits_html(cell), "border-top:none") for cell in row)
    return f"<tbody>{_TR}{head}{names}</tr>{_TR}{bits}</tr></tbody>"


def _cell_html(cell: Cell, content: str, border: str) -> str:
    edge = "border:2px dashed currentColor;" if cell.illegal else ""
    style = f"{_CELL};{edge}{border};background:{_TINTS[cell.part]}"
    return f'<td colspan="{cell.width}" style="{style}">{content}</td>'


def _name_html(cell: Cell) -> str:
    if cell.width == 1:
        star = "<strong>*</strong>" if cell.illegal else ""
        return f'<span style="{_LETTERS}">{cell.name}</span>{star}'
    value = f"<br><strong>{html.escape(cell.value)}</strong>" if cell.value else ""
    illegal = "<br><strong>illegal</strong>" if cell.illegal else ""
    return f"{html.escape(cell.name)}{value}{illegal}"


def _bits_html(cell: Cell) -> str:
    if not cell.drawn:
        return html.escape(cell.bits)
    gap = _COLUMN_CH - 1
    return f'<span style="letter-spacing:{gap:g}ch;margin-right:-{gap:g}ch;white-space:nowrap">{cell.bits}</span>'
