"""Own the bar that shows how much of something is done, as text and as HTML."""

from __future__ import annotations

import html

from .results import Tally

__all__ = ["bar_html", "bar_text"]

_WIDTH = 10
# On the background both colours keep a contrast of 3 to 1 in both themes of JupyterLab; on a grey track they would not.
_TRACK = (
    "display:inline-block;vertical-align:middle;box-sizing:border-box;height:0.85em;width:{width};overflow:hidden;"
    "border:1px solid var(--jp-ui-font-color2, #6b6b6b);border-radius:2px"
)
_FILL = "display:block;height:100%;width:{percent}%;background:{colour}"
_PART = "var(--jp-brand-color1, #1976d2)"
_WHOLE = "var(--jp-success-color1, #388e3c)"


def bar_text(tally: Tally) -> str:
    """Draw a bar of ten characters: never empty when something is done, never full when something is missing."""
    filled = _share(tally, _WIDTH)
    return "#" * filled + "." * (_WIDTH - filled) if tally.total else ""


def bar_html(tally: Tally, label: str, width: str = "9em", *, praise: bool = True) -> str:
    """Draw the same bar in the theme's colours, with a label for screen readers; its figures belong beside it.

    Args:
        tally: How much is done.
        label: What is counted, such as "checks passed".
        width: How wide the bar is, in CSS.
        praise: Whether a full bar is green, as something good.
    """
    if not tally.total:
        return ""
    colour = _WHOLE if praise and tally.done == tally.total else _PART
    fill = _FILL.format(percent=_share(tally, 100), colour=colour)
    said = html.escape(f"{label}: {tally.done} of {tally.total}")
    track = _TRACK.format(width=width)
    return f'<span role="img" aria-label="{said}" style="{track}"><span style="{fill}"></span></span>'


def _share(tally: Tally, of: int) -> int:
    if tally.done in (0, tally.total) or not tally.total:
        return of if tally.done else 0
    return min(max(round(of * tally.done / tally.total), 1), of - 1)
