"""Own the exercises: where each is declared, and how the declarations are read."""

from .catalogue import Exercise, WrongAnswer, imports, load

__all__ = ["Exercise", "WrongAnswer", "imports", "load"]
