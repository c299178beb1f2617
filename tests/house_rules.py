"""The house rules of a lesson: each takes a notebook, as its JSON stands, and gives its complaints."""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import re
import statistics
import tokenize
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise, takewhile
from typing import Any

Notebook = dict[str, Any]
Cell = dict[str, Any]
Rule = Callable[[Notebook], list[str]]

CELLS = range(30, 61)
MOST_LINES = 15
MEDIAN_LINES = 4
MOST_CODE_IN_A_ROW = 2
UNCOMPARED = {"nbval-ignore-output", "nbval-skip"}
COMMENT_MARKERS = re.compile(r"#\s*(NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)")
CELL_METADATA = {"jupyter", "tags"}
HOSTS = {"", "0.0.0.0", "127.0.0.1", "::1", "localhost"}
HOST_WITH_PORT = re.compile(r"(?:://[\w.-]+|\b127\.0\.0\.1|\blocalhost|\[::1\]):([1-9]\d*)")
SERVERS = {"serve", "start_server"}
TWEAKS = ("sys.path", "get_ipython", "rcParams", "filterwarnings", "simplefilter", "nest_asyncio")
MAGIC = re.compile(r"^\s*[%!?]|^[\w.]+\?+$", re.MULTILINE)
EMOJI = re.compile("[\u2600-\u27bf\ufe0f\U0001f000-\U0001ffff]")
TITLE = re.compile(r"^# .*", re.MULTILINE)
CODE_IN_PROSE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`|<!--.*?-->", re.MULTILINE | re.DOTALL)
# Both prove what the server is: a key as a client sends it, and what a server makes of it (RFC 6455, 4.2.2).
KEY = re.compile(r"(?<![\w+/])(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{27}=)(?![\w+/=])")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PASSING = {
    "the address of an object": re.compile(r"\bat 0x[0-9a-f]{6,}|\b0x7f[0-9a-f]{8,}", re.IGNORECASE),
    "a port": re.compile(
        r"(?:\b127\.0\.0\.1|\blocalhost|\[::1\]):[1-9]\d*|\('(?:127\.0\.0\.1|::1)', \d+|\bport\W{1,3}\d{4,5}\b"
    ),
    "a path of this machine": re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|work)/|~/|site-packages|[A-Z]:\\"),
    "a time of day": re.compile(r"\b\d\d:\d\d:\d\d GMT\b"),
    "an id": re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    "a token": re.compile(r"\btoken=[0-9a-f]{16,}"),
}


def text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def source(cell: Cell) -> str:
    return text(cell["source"])


def prose_cells(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


def code_cells(notebook: Notebook) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def prose(cell: Cell) -> str:
    return CODE_IN_PROSE.sub("", source(cell))


def tags(cell: Cell) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def named(cell: Cell) -> str:
    first_line = source(cell).strip().partition("\n")[0]
    return f"the cell {first_line!r}"


def tree(cell: Cell) -> ast.Module:
    """Parse a code cell; what is no Python has no syntax to judge, and another rule names it."""
    try:
        return ast.parse(source(cell))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def walk(notebook: Notebook) -> Iterator[tuple[Cell, ast.AST]]:
    return ((cell, node) for cell in code_cells(notebook) for node in ast.walk(tree(cell)))


def shown(cell: Cell) -> Iterator[str]:
    """Give every text that the outputs of a cell show; pictures in bytes are not text."""
    for output in cell.get("outputs", []):
        yield text(output.get("text", ""))
        yield output.get("evalue", "")
        yield "\n".join(output.get("traceback", []))
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/") or kind == "image/svg+xml":
                yield text(value)


def executed_in_order(notebook: Notebook) -> list[str]:
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [f"not executed in order from a fresh kernel: {counts}"]


def as_many_cells_as_a_lesson_has(notebook: Notebook) -> list[str]:
    """Count up to the exercises: they, the quiz and what is there to look things up come on top of what is told."""
    told = takewhile(lambda cell: "## Exercises" not in source(cell).splitlines(), notebook["cells"])
    count = len(list(told))
    return [] if count in CELLS else [f"{count} cells, not {CELLS.start} to {CELLS.stop - 1}"]


def no_empty_cell(notebook: Notebook) -> list[str]:
    return [f"cell {number} is empty" for number, cell in enumerate(notebook["cells"]) if not source(cell).strip()]


def one_title_on_top(notebook: Notebook) -> list[str]:
    titles = [title for cell in prose_cells(notebook) for title in TITLE.findall(prose(cell))]
    if len(titles) != 1:
        return [f"not one H1: {titles}"]
    return [] if TITLE.match(source(notebook["cells"][0])) else ["the H1 is not on top"]


def imports_first_and_only_there(notebook: Notebook) -> list[str]:
    first, *others = code_cells(notebook)
    imports = (ast.Import, ast.ImportFrom)
    found = [] if all(isinstance(node, imports) for node in tree(first).body) else ["the first code cell does more"]
    late = [cell for cell in others if any(isinstance(node, imports) for node in ast.walk(tree(cell)))]
    return found + [f"{named(cell)} imports" for cell in late]


def short_code_cells(notebook: Notebook) -> list[str]:
    return [f"{named(cell)} has over {MOST_LINES} lines" for cell in code_cells(notebook) if lines(cell) > MOST_LINES]


def lines(cell: Cell) -> int:
    return len(source(cell).splitlines())


def mostly_very_short_code_cells(notebook: Notebook) -> list[str]:
    median = statistics.median(map(lines, code_cells(notebook)))
    return [] if median <= MEDIAN_LINES else [f"the median code cell has {median} lines, over {MEDIAN_LINES}"]


def prose_between_code(notebook: Notebook) -> list[str]:
    runs = [(kind, list(cells)) for kind, cells in groupby(notebook["cells"], lambda cell: cell["cell_type"])]
    too_long = [cells for kind, cells in runs if kind == "code" and len(cells) > MOST_CODE_IN_A_ROW]
    return [f"{len(cells)} code cells in a row from {named(cells[0])}" for cells in too_long]


def only_python(notebook: Notebook) -> list[str]:
    """Want no magic, no pip and no tweak of the session that a script would not have."""
    found = [(cell, word) for cell in code_cells(notebook) for word in TWEAKS if word in source(cell)]
    magic = [cell for cell in code_cells(notebook) if MAGIC.search(source(cell))]
    return [f"{named(cell)} uses {word}" for cell, word in found] + [f"{named(cell)} has a magic" for cell in magic]


def no_fixed_port(notebook: Notebook) -> list[str]:
    return [f"{named(cell)} fixes a port" for cell, node in walk(notebook) if fixes_a_port(node)]


def fixes_a_port(node: ast.AST) -> bool:
    match node:
        case ast.keyword(arg="port", value=ast.Constant(value=int(port))):
            return port != 0
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int(port))):
            return "port" in name.lower() and port != 0
        case ast.Call(args=values) | ast.Tuple(elts=values):
            return any(is_host(host) and is_port(port) for host, port in pairwise(values))
        case ast.Constant(value=str(words)):
            return HOST_WITH_PORT.search(words) is not None
    return False


def is_host(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in HOSTS


def is_port(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value != 0


def no_print_in_a_handler(notebook: Notebook) -> list[str]:
    served = {name for _, node in walk(notebook) for name in handlers_named_by(node)}
    handlers = [
        (cell, node)
        for cell, node in walk(notebook)
        if isinstance(node, ast.AsyncFunctionDef) and (node.name in served or takes_a_connection(node))
    ]
    return [f"{named(cell)} prints in {handler.name}" for cell, handler in handlers if prints(handler)]


def handlers_named_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Name(id=handler), *_]):
            return [handler] if name in SERVERS else []
    return []


def takes_a_connection(function: ast.AsyncFunctionDef) -> bool:
    return [argument.arg for argument in function.args.args][:1] == ["websocket"]


def prints(function: ast.AsyncFunctionDef) -> bool:
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "print" for called in calls)


def what_is_not_compared_is_asserted(notebook: Notebook) -> list[str]:
    uncompared = [cell for cell in code_cells(notebook) if tags(cell) & UNCOMPARED]
    bare = [cell for cell in uncompared if not any(isinstance(node, ast.Assert) for node in ast.walk(tree(cell)))]
    silent = [cell for cell in uncompared if not has_comment(cell)]
    return [f"{named(cell)} is not compared and asserts nothing" for cell in bare] + [
        f"{named(cell)} does not say why it is not compared" for cell in silent
    ]


def has_comment(cell: Cell) -> bool:
    tokens = tokenize.generate_tokens(io.StringIO(source(cell)).readline)
    return any(token.type == tokenize.COMMENT for token in tokens)


def tags_and_no_comment_markers(notebook: Notebook) -> list[str]:
    marked = [cell for cell in code_cells(notebook) if COMMENT_MARKERS.search(source(cell))]
    return [f"{named(cell)} tells nbval by a comment, not by a tag" for cell in marked]


def errors_where_they_are_expected(notebook: Notebook) -> list[str]:
    return [
        f"{named(cell)} {'fails untagged' if fails(cell) else 'is tagged raises-exception and does not fail'}"
        for cell in code_cells(notebook)
        if fails(cell) != ("raises-exception" in tags(cell))
    ]


def fails(cell: Cell) -> bool:
    return any(output["output_type"] == "error" for output in cell["outputs"])


def outputs_that_hold_for_every_run(notebook: Notebook) -> list[str]:
    return [
        f"{named(cell)} shows {what}: {found[0]}"
        for cell in code_cells(notebook)
        for words in shown(cell)
        for what, pattern in PASSING.items()
        if (found := pattern.search(words))
    ]


def no_random_key_shown(notebook: Notebook) -> list[str]:
    sources = "".join(map(source, notebook["cells"]))
    known = {SAMPLE_KEY, *KEY.findall(sources)}
    known |= {base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode() for key in known}
    found = [(cell, key) for cell in code_cells(notebook) for words in shown(cell) for key in KEY.findall(words)]
    return [f"{named(cell)} shows a random key: {key}" for cell, key in found if key not in known]


def no_emoji(notebook: Notebook) -> list[str]:
    texts = [(cell, words) for cell in notebook["cells"] for words in (source(cell), *shown(cell))]
    return [f"{named(cell)} has an emoji" for cell, words in texts if EMOJI.search(words)]


def no_exclamation(notebook: Notebook) -> list[str]:
    return [f"{named(cell)} exclaims" for cell in prose_cells(notebook) if re.search(r"!(?!\[)", prose(cell))]


def metadata_without_this_run(notebook: Notebook) -> list[str]:
    metadata = notebook["metadata"]
    extra = {key for cell in notebook["cells"] for key in cell["metadata"]} - CELL_METADATA
    return [
        *(["the kernel is not python3"] if metadata.get("kernelspec", {}).get("name") != "python3" else []),
        *(["the version of Python is stored"] if "version" in metadata.get("language_info", {}) else []),
        *(f"the notebook stores {key}" for key in sorted(set(metadata) - {"kernelspec", "language_info"})),
        *(f"a cell stores {key}" for key in sorted(extra)),
        *(["cells have no ids"] if not all("id" in cell for cell in notebook["cells"]) else []),
    ]


RULES: list[Rule] = [
    executed_in_order,
    as_many_cells_as_a_lesson_has,
    no_empty_cell,
    one_title_on_top,
    imports_first_and_only_there,
    short_code_cells,
    mostly_very_short_code_cells,
    prose_between_code,
    only_python,
    no_fixed_port,
    no_print_in_a_handler,
    what_is_not_compared_is_asserted,
    tags_and_no_comment_markers,
    errors_where_they_are_expected,
    outputs_that_hold_for_every_run,
    no_random_key_shown,
    no_emoji,
    no_exclamation,
    metadata_without_this_run,
]
