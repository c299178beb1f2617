"""Own the ledger."""


def record_check(exercise: str, passed: bool) -> None:
    """Note a verdict."""
