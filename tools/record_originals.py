"""Record the conversation of lesson 06 with each original that is built: record_originals.py."""

from __future__ import annotations

import asyncio

from wslab import originals


async def main() -> None:
    """Write what each original says to where the package looks for it."""
    originals.RECORDINGS.mkdir(exist_ok=True)
    for name in filter(originals.is_built, originals.NAMES):
        path = originals.RECORDINGS / f"{name}.json"
        path.write_text(originals.recorded(await originals.live_tape(name)), encoding="utf-8")
        print(f"{path.name}: written")


if __name__ == "__main__":
    asyncio.run(main())
