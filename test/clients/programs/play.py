"""Owns the far side of `../played.ts` in Python: plays the steps it is told on standard input, and answers a line for each."""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

# `Stage` of `../suite.ts`, as far as a program needs it.
_given = json.loads(os.environ["STAGE"])
stage = SimpleNamespace(**{**_given, "lines": SimpleNamespace(**_given["lines"])})
picture = f"data:image/png;base64,{stage.pixel}"
too_long = "word " * 40_000

Step = Callable[[], Awaitable[None]]
steps: dict[str, Step] = {}


def step(name: str) -> Callable[[Step], Step]:
    """The decorated function plays the step `name`."""

    def keep(function: Step) -> Step:
        steps[name] = function
        return function

    return keep


async def _play() -> None:
    loop = asyncio.get_running_loop()
    while name := (await loop.run_in_executor(None, sys.stdin.readline)).rstrip("\n"):
        problem = None
        try:
            await steps[name]()
        except Exception:
            problem = traceback.format_exc()
        print(json.dumps({"step": name, "problem": problem}, separators=(",", ":")), flush=True)


def play() -> None:
    """Ends with standard input."""
    asyncio.run(_play())
