"""Two who only talk to each other, and say how long it takes: `python -m server.innocent ADDRESS`.

Each line that comes in ends a while; what goes out then is the milliseconds of each exchange since the line before.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from rolltape.room.messages import GuestState, Role
from server.visitors import Visitor

EVERY_S = 0.06
"""Below the limit of messages, which is twenty a second."""


async def talk(address: str) -> None:
    director = await Visitor(address, Role.DIRECTOR, "quiet", key="q" * 22, sender="198.51.100.1").come()
    invite = str(director.reply["invite"])
    guest = await Visitor(address, Role.GUEST, "quiet", sender="198.51.100.1", invite=invite).come()
    took: list[float] = []

    async def keep_talking() -> None:
        number = 0
        while True:
            number += 1
            state = GuestState(bytes=number)
            began = time.perf_counter()
            if not await guest.say(state):
                await director.hears(state)
                took.append((time.perf_counter() - began) * 1000)
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
    asyncio.run(talk(sys.argv[1]))
