"""Own the sequence diagram: a small deterministic SVG, with a plain-text twin and Mermaid source."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

MOST_ARROWS = 60
_LANE_PX, _ROW_PX, _TOP_PX, _EDGE_PX, _TITLE_PX = 430, 34, 64, 70, 28
# Lanes that together would not fit beside JupyterLab's file browser become narrower, as long as their headings fit.
_LANES_PX, _NARROWEST_LANE_PX = 700, 100
_LABEL_CHARACTERS, _CHARACTER_PX = 52, 8
_TEXT_WIDTH = 64
# Okabe and Ito's palette: told apart by readers who do not see all colours.
_COLORS = {"request": "#0072b2", "response": "#0072b2", "frame": "#222222", "data": "#00734f", "end": "#6b6b6b"}
_ILLEGAL = "#b8460e"


class Arrow(NamedTuple):
    """One thing that goes from one lifeline to another."""

    source: str
    target: str
    label: str
    kind: str = "frame"
    illegal: bool = False


class Diagram:
    """Arrows between lifelines, time running down.

    Args:
        arrows: In order of time. Only the first 60 are drawn, and the diagram says so.
        title: What it shows, one line above it, or "".
        footnote: What has to be said below, or "".
    """

    def __init__(self, arrows: Sequence[Arrow], title: str = "", footnote: str = "") -> None:
        self.arrows = tuple(arrows[:MOST_ARROWS])
        self.title = title
        left_out = len(arrows) - len(self.arrows)
        notes = [f"… and {left_out} more."] if left_out else []
        self.footnote = " ".join([*notes, footnote] if footnote else notes)
        names = {name for arrow in self.arrows for name in (arrow.source, arrow.target)} - {"server"}
        self.lifelines = [*sorted(names, key=lambda name: (len(name), name)), "server"]

    @property
    def svg(self) -> str:
        """The diagram as an SVG document with a title and a description."""
        width = 2 * _EDGE_PX + self._lane_px * self._lanes
        height = self._top_px + _ROW_PX * len(self.arrows) + (44 if self.footnote else 20)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">',
            f"<title>{html.escape(self.title or 'What crossed the wire')}</title>",
            f"<desc>{html.escape('; '.join(_sentence(arrow) for arrow in self.arrows))}</desc>",
            f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>',
            _text(width // 2, 23, self.title, "#222222", "middle") if self.title else "",
            *(self._lifeline(index, height) for index in range(len(self.lifelines))),
            *(self._arrow(row, arrow) for row, arrow in enumerate(self.arrows)),
            _text(_EDGE_PX, height - 14, self.footnote, "#444444", "start") if self.footnote else "",
            "</svg>",
        ]
        return "\n".join(part for part in parts if part)

    @property
    def _top_px(self) -> int:
        return _TOP_PX + (_TITLE_PX if self.title else 0)

    @property
    def _lanes(self) -> int:
        return max(len(self.lifelines) - 1, 1)

    @property
    def _lane_px(self) -> int:
        return max(min(_LANE_PX, _LANES_PX // self._lanes), _NARROWEST_LANE_PX)

    def _lifeline(self, index: int, height: int) -> str:
        x, name = _EDGE_PX + self._lane_px * index, html.escape(self.lifelines[index])
        top = self._top_px - _TOP_PX
        bottom = height - (34 if self.footnote else 10)
        return (
            f'<line x1="{x}" y1="{top + 38}" x2="{x}" y2="{bottom}" stroke="#999999" stroke-dasharray="3 3"/>'
            f'<rect x="{x - 48}" y="{top + 10}" width="96" height="28" rx="4" fill="#eef3f7" stroke="#7a8a99"/>'
            f'<text x="{x}" y="{top + 29}" text-anchor="middle" fill="#222222">{name}</text>'
        )

    def _arrow(self, row: int, arrow: Arrow) -> str:
        start = _EDGE_PX + self._lane_px * self.lifelines.index(arrow.source)
        tip = _EDGE_PX + self._lane_px * self.lifelines.index(arrow.target)
        y = self._top_px + _ROW_PX * row + 10
        step = 8 if tip > start else -8
        color = _ILLEGAL if arrow.illegal else _COLORS.get(arrow.kind, "#222222")
        characters = min(_LABEL_CHARACTERS, abs(tip - start) // _CHARACTER_PX)
        dashes = ' stroke-dasharray="5 3"' if arrow.kind == "end" else ""
        return (
            f'<line x1="{start}" y1="{y}" x2="{tip - step}" y2="{y}" stroke="{color}" stroke-width="1.5"{dashes}/>'
            f'<path d="M{tip} {y} l{-step} -4 v8 z" fill="{color}"/>'
            + _text((start + tip) // 2, y - 6, _cut(arrow.label, characters), color, "middle")
        )

    def mermaid(self) -> str:
        """Give the diagram as Mermaid source, for those who render it elsewhere."""
        ids = {name: name.replace(" ", "") for name in self.lifelines}
        lines = ["sequenceDiagram", *(f"    participant {ids[name]} as {name}" for name in self.lifelines)]
        lines += [f"    {ids[a.source]}->>{ids[a.target]}: {_mermaid_text(a.label)}" for a in self.arrows]
        return "\n".join([*lines, f"    %% {self.footnote}"] if self.footnote else lines)

    def __repr__(self) -> str:
        lines = [self.title] if self.title else []
        lines += [_text_header(self.lifelines)] if len(self.lifelines) <= 2 else []
        draw = _text_arrow if len(self.lifelines) <= 2 else _sentence
        lines += [draw(arrow) for arrow in self.arrows]
        return "\n".join([*lines, self.footnote] if self.footnote else lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}


def _cut(label: str, characters: int) -> str:
    return label if len(label) <= characters else label[: characters - 1] + "…"


def _sentence(arrow: Arrow) -> str:
    return f"{arrow.source} to {arrow.target}: {arrow.label}" + (" (illegal)" if arrow.illegal else "")


def _text(x: int, y: int, text: str, color: str, anchor: str) -> str:
    # The white edge keeps a label readable where it crosses the lifeline of somebody else.
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{color}" '
        f'stroke="#ffffff" stroke-width="4" paint-order="stroke">{html.escape(text)}</text>'
    )


def _text_header(lifelines: Sequence[str]) -> str:
    return lifelines[0].ljust(_TEXT_WIDTH - len(lifelines[-1]) + 2) + lifelines[-1]


def _text_arrow(arrow: Arrow) -> str:
    label = f" {_cut(arrow.label, _LABEL_CHARACTERS)} "
    if arrow.target == "server":
        return f"  |-{label.ljust(_TEXT_WIDTH - 7, '-')}->|"
    return f"  |<-{label.rjust(_TEXT_WIDTH - 7, '-')}-|"


def _mermaid_text(label: str) -> str:
    """Escape what Mermaid might read as syntax, as its #code; entities."""
    return "".join(c if c.isalnum() or c in " .,:'/()=-_" else f"#{ord(c)};" for c in label) or " "
