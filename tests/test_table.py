"""The table and its twins."""

from wslab.table import Table


def test_text_twin_aligns_columns_and_puts_numbers_right() -> None:
    table = Table(["frame", "bytes"], [["TEXT", 7], ["CLOSE", 1000]], caption="Two frames", footnote="No more.")
    assert repr(table) == ("Two frames\nframe  bytes\n-----  -----\nTEXT       7\nCLOSE   1000\nNo more.")


def test_html_twin_escapes_every_text() -> None:
    shown = Table(["<h>"], [["<script>alert(1)</script>"]], "<c>", "<f>")._repr_html_()
    assert "<script>" not in shown and "<h>" not in shown and "<c>" not in shown and "<f>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_an_empty_table_still_has_its_headings() -> None:
    assert repr(Table(["a", "b"], [])).splitlines()[0] == "a  b"
