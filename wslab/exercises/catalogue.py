"""Own the declarations of the exercises: one TOML file a lesson, to which lessons, solutions and tests are held."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

__all__ = ["Exercise", "WrongAnswer", "load"]


class WrongAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A typical mistake, which the check has to tell from all others.

    Attributes:
        name: The mistake in a few words.
        code: What the reader would have written.
        says: A part of the report that this mistake brings.
    """

    name: str
    code: str
    says: str


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One exercise as its file declares it.

    Attributes:
        id: Its name, and that of its check.
        title: Its heading.
        task: What to do, in Markdown.
        starter: The stub, which fails.
        call: The cell that checks it, one line that ends in a parenthesis.
        hints: Three, each nearer to the solution.
        solution: What replaces the stub.
        why: Why the solution is written like this, in Markdown.
        wrong: At least three typical mistakes.
    """

    id: str
    title: str
    task: str
    starter: str
    call: str
    hints: tuple[str, str, str]
    solution: str
    why: str
    wrong: tuple[WrongAnswer, ...]

    def __post_init__(self) -> None:
        for name in ("task", "starter", "solution", "why"):  # what a multi-line text of TOML ends with
            msgspec.structs.force_setattr(self, name, getattr(self, name).strip())


class Exercise(Declaration, frozen=True):
    """An exercise of a lesson.

    Attributes:
        lesson: The lesson's file name without its ending, such as "03_echo".
    """

    lesson: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    imports: str
    exercise: tuple[Declaration, ...]


def load() -> tuple[Exercise, ...]:
    """Give all exercises, in the order of the lessons."""
    return tuple(
        Exercise(**msgspec.structs.asdict(declared), lesson=lesson)
        for lesson, file in _files().items()
        for declared in file.exercise
    )


def imports(lesson: str) -> str:
    """Give the imports that the exercises of a lesson need, and their solutions."""
    return _files()[lesson].imports.strip()


@functools.cache
def _files() -> dict[str, _File]:
    paths = [path for path in resources.files(__package__).iterdir() if path.name.endswith(".toml")]
    return {
        path.name.removesuffix(".toml"): msgspec.toml.decode(path.read_bytes(), type=_File)
        for path in sorted(paths, key=lambda path: path.name)
    }
