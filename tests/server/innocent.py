"""Two who only talk to each other, and say how long it takes: `python -m server.innocent ADDRESS PID`.

Each line that comes in ends a while; what goes out then is the milliseconds of each exchange since the line before.
While other programs of the machine kept the server's process (PID) or this one from running is left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from rolltape.room.messages import GuestState, Role
from server.visitors import Visitor

EVERY_S = 0.06
"""Below the limit of messages, which is twenty a second."""


def waited_ms(*processes: int) -> float:
    """For how long these were ready to run and did not, in all (Linux: schedstat)."""
    places = (Path(f"/proc/{one}/schedstat") for one in processes)
    return sum(int(place.read_text().split()[1]) for place in places) / 1e6


async def talk(address: str, server: int) -> None:
    director = await Visitor(address, Role.DIRECTOR, "quiet", key="q" * 22, sender="198.51.100.1").come()
    invite = str(director.reply["invite"])
    guest = await Visitor(address, Role.GUEST, "quiet", sender="198.51.100.1", invite=invite).come()
    took: list[float] = []

    async def keep_talking() -> None:
        number = 0
        while True:
            number += 1
            state = GuestState(bytes=number)
            began, waited = time.perf_counter(), waited_ms(server, os.getpid())
            if not await guest.say(state):
                await director.hears(state)
                took_ms = (time.perf_counter() - began) * 1000
                took.append(max(0.0, took_ms - (waited_ms(server, os.getpid()) - waited)))
                director.heard.clear()
            await asyncio.sleep(EVERY_S)

    talking = asyncio.create_task(keep_talking())
    loop = asyncio.get_running_loop()
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        if talking.done():
            talking.result()
        print(json.dumps(took), flush=True)
        took.clear()
    talking.cancel()
    await director.leave()
    await guest.leave()


if __name__ == "__main__":
    asyncio.run(talk(sys.argv[1], int(sys.argv[2])))
