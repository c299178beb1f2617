"""The table and its twins."""

from wslab.table import MOST_ROWS, Table


def test_text_twin_aligns_columns_and_puts_numbers_right() -> None:
    table = Table(["frame", "bytes"], [["TEXT", 7], ["CLOSE", 1000]], caption="Two frames", footnote="No more.")
    assert repr(table) == ("Two frames\nframe  bytes\n-----  -----\nTEXT       7\nCLOSE   1000\nNo more.")


def test_html_twin_escapes_every_text() -> None:
    shown = Table(["<h>"], [["<script>alert(1)</script>"]], "<c>", "<f>")._repr_html_()
    assert "<script>" not in shown and "<h>" not in shown and "<c>" not in shown and "<f>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_an_empty_table_still_has_its_headings() -> None:
    assert repr(Table(["a", "b"], [])).splitlines()[0] == "a  b"


def test_a_long_table_shows_its_beginning_and_says_so() -> None:
    table = Table(["n"], [[f"row {n}"] for n in range(MOST_ROWS + 2)], footnote="Full.")
    for shown in (repr(table), table._repr_html_()):
        assert "row 999" in shown and "row 1000" not in shown
        assert "… and 2 more. Full." in shown
    assert len(table.rows) == MOST_ROWS + 2


def test_a_heading_stands_above_its_numbers() -> None:
    shown = Table(["way", "bytes"], [["HTTP", 352]])._repr_html_()
    assert [part.split(";")[0] for part in shown.split("text-align:")[1:]] == ["left", "right", "left", "right"]
