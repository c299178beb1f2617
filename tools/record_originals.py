"""Record the conversation of lesson 06 with each original that is built: record_originals.py."""

from __future__ import annotations

import asyncio

from wslab import originals


async def main() -> None:
    """Write what each original says to where the package looks for it."""
    for name in originals.NAMES:
        if not originals.is_built(name):
            print(f"{name}: not built, its recording is left as it was")
            continue
        text = originals.recorded(await originals.live_tape(name))
        (originals.RECORDINGS / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: recorded")


if __name__ == "__main__":
    asyncio.run(main())
