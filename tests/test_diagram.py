"""The sequence diagram, its text twin and its Mermaid source."""

import xml.etree.ElementTree as ElementTree

import pytest

from wslab.diagram import MOST_ARROWS, Arrow, Diagram

HELLO = Arrow("client", "server", "TEXT 'Hello'")
SVG = "{http://www.w3.org/2000/svg}"


def texts(diagram: Diagram) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(diagram.svg).iter(f"{SVG}text")]


def test_svg_is_well_formed_and_described_for_screen_readers() -> None:
    root = ElementTree.fromstring(Diagram([HELLO, Arrow("server", "client", "FIN", "end")], "A talk").svg)
    assert root.find(f"{SVG}title").text == "A talk"  # type: ignore[union-attr]
    assert root.find(f"{SVG}desc").text == "client to server: TEXT 'Hello'; server to client: FIN"  # type: ignore[union-attr]
    assert root.get("role") == "img"


@pytest.mark.parametrize("label", ["<script>alert(1)</script>", "</text></svg>", 'a & b "c"'])
def test_labels_are_shown_as_text(label: str) -> None:
    assert label in texts(Diagram([HELLO._replace(label=label)]))


def test_a_label_too_long_is_cut_where_drawn_and_whole_in_the_description() -> None:
    diagram = Diagram([HELLO._replace(label="x" * 200)])
    assert "x" * 51 + "…" in texts(diagram)
    assert "x" * 200 in diagram.svg


def test_text_twin_points_the_arrows() -> None:
    shown = repr(Diagram([HELLO, Arrow("server", "client", "TEXT 'Hi'")])).splitlines()
    assert shown[0].split() == ["client", "server"]
    assert shown[1].startswith("  |- TEXT 'Hello' -") and shown[1].endswith("->|")
    assert shown[2].startswith("  |<-") and shown[2].endswith(" TEXT 'Hi' -|")
    assert len({len(line) for line in shown[1:]}) == 1


def test_clients_have_a_lifeline_each_in_the_order_of_their_numbers() -> None:
    arrows = [Arrow(f"client {number}", "server", "x") for number in (10, 2, 1)]
    diagram = Diagram(arrows)
    assert diagram.lifelines == ["client 1", "client 2", "client 10", "server"]
    assert repr(diagram).splitlines()[0] == "client 10 to server: x"


@pytest.mark.parametrize("clients", [1, 2, 3, 7])
def test_a_few_clients_fit_the_width_of_a_notebook(clients: int) -> None:
    diagram = Diagram([Arrow(f"client {number}", "server", "x" * 200) for number in range(1, clients + 1)])
    assert int(ElementTree.fromstring(diagram.svg).get("width") or 0) <= 840
    longest = [len(text) for text in texts(diagram) if text.endswith("…")]
    assert longest == sorted(longest, reverse=True) and longest[0] == 52  # the last arrow is the shortest


def test_what_is_left_out_is_said() -> None:
    diagram = Diagram([HELLO] * (MOST_ARROWS + 5))
    assert len(diagram.arrows) == MOST_ARROWS
    assert "… and 5 more." in texts(diagram)
    assert repr(diagram).endswith("… and 5 more.")


def test_mermaid_escapes_what_it_would_read_as_syntax() -> None:
    source = Diagram([HELLO._replace(label="a;b#<i>")]).mermaid()
    assert source.splitlines() == [
        "sequenceDiagram",
        "    participant client as client",
        "    participant server as server",
        "    client->>server: a#59;b#35;#60;i#62;",
    ]


def test_the_same_arrows_give_the_same_bytes() -> None:
    assert Diagram([HELLO] * 3).svg == Diagram([HELLO] * 3).svg


def test_a_title_stands_above_the_diagram_and_its_text() -> None:
    diagram = Diagram([HELLO], "A talk")
    assert texts(diagram)[0] == "A talk"
    assert repr(diagram).splitlines()[0] == "A talk"
    assert "A talk" not in texts(Diagram([HELLO]))
