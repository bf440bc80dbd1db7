"""What axe-core finds on a page, in both colours; run in a world of its own, beyond the page's policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

AXE = Path(__file__).resolve().parent.parent / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
RUN = f"""(async () => {{
    const found = await axe.run(document, {{ runOnly: {json.dumps(TAGS)}, resultTypes: ["violations"] }});
    return found.violations.flatMap((rule) => rule.nodes.map((node) => ({{
        rule: rule.id, where: node.target.join(" "), why: node.failureSummary,
    }})));
}})()"""


def violations(page: Page) -> list[str]:
    """A line for each violation, in dark and in light; empty where there is none."""
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
    context = world["executionContextId"]
    _evaluate(session, context, AXE.read_text() + ";0")
    worn = page.locator("html").get_attribute("data-theme")
    found = []
    for theme in ("dark", "light"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        found += [
            f"{theme}: {one['rule']} at {one['where']}: {one['why']}"
            for one in _evaluate(session, context, RUN)
        ]
    page.evaluate("theme => document.documentElement.dataset.theme = theme", worn)
    session.detach()
    return found


def _evaluate(session: CDPSession, context: int, script: str) -> Any:
    answer = session.send(
        "Runtime.evaluate",
        {"expression": script, "contextId": context, "awaitPromise": True, "returnByValue": True},
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")
