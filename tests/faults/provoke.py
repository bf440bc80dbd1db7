"""Faults that every browser has a way of its own to: Chromium's DevTools protocol, Firefox's own scripts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Error

from browsers import Preferences
from faults.scene import Scene
from processes import renderers
from waiting import wait_for

LITTLE_SPACE: Preferences = {"dom.quotaManager.temporaryStorage.fixedLimit": 50 * 1024}
"""Kilobytes for all that Firefox stores; a site gets a fifth. Chromium is told while it records."""

STORE = """async (bytes) => {
    const file = await (await navigator.storage.getDirectory()).getFileHandle("kept", { create: true });
    const stream = await file.createWritable();
    await stream.write(new Uint8Array(bytes));
    await stream.close();
}"""
SPACE_LEFT = {"Chromium": 300_000, "Firefox": 100_000}
STOP_WORKERS = """{
    const manager = Cc["@mozilla.org/serviceworkers/manager;1"].getService(Ci.nsIServiceWorkerManager);
    const all = manager.getAllRegistrations();
    for (let i = 0; i < all.length; i++)
        all.queryElementAt(i, Ci.nsIServiceWorkerRegistrationInfo).activeWorker.terminateWorker();
}"""
CANCEL_DOWNLOADS = """{
    const { Downloads } = ChromeUtils.importESModule("resource://gre/modules/Downloads.sys.mjs");
    Downloads.getList(Downloads.ALL).then(async (list) => {
        for (const download of await list.getAll()) if (!download.stopped) download.cancel();
    });
}"""
IN_EVERY_PAGE = """for (const { gBrowser } of Services.wm.getEnumerator("navigator:browser"))
    for (const { contentPrincipal, browsingContext: { currentWindowGlobal: page } } of gBrowser.browsers)
        if (contentPrincipal.schemeIs("http"))"""
STOP_SHARING = (
    IN_EVERY_PAGE
    + """page.getActor("WebRTC").sendAsyncMessage("webrtc:StopSharing", String(page.innerWindowId));"""
)
"""What the button of that name sends; there is no button for fake devices."""
MUTE = (
    IN_EVERY_PAGE.replace("{", "{{").replace("}", "}}")
    + """page.getActor("WebRTC").sendAsyncMessage("{}", String(page.innerWindowId));"""
)
"""What its sharing indicator sends."""
DENY = (
    """Services.prefs.setBoolPref("media.navigator.permission.disabled", false);"""
    + IN_EVERY_PAGE
    + """for (const name of ["camera", "microphone"])
            Services.perms.addFromPrincipal(contentPrincipal, name, Ci.nsIPermissionManager.DENY_ACTION);"""
)
KEEP_WORKERS = """window.workers = {}; window.Worker = class extends Worker {
    constructor(url, options) { super(url, options); window.workers[options?.name] = this; } };"""
KILL_THE_JOURNAL = """() => {
    const [journal] = Object.keys(window.workers).filter((name) => name.startsWith("rolltape-journal"));
    window.workers[journal].terminate();
}"""
CAMERA, MICROPHONE = "video_capture.mojom.VideoCaptureService", "audio.mojom.AudioService"
FILL = """async (left) => {
    const root = await navigator.storage.getDirectory();
    const { quota, usage } = await navigator.storage.estimate();
    const writer = await (await root.getFileHandle("ballast", { create: true })).createWritable();
    await writer.write(new Uint8Array(quota - usage - left));
    await writer.close();
}"""
EMPTY = """async () => (await navigator.storage.getDirectory()).removeEntry("ballast")"""


def crash(scene: Scene) -> None:
    """The tab's process goes, the browser stays."""
    if scene.browser == "Chromium":
        with pytest.raises(Error, match="crash"):
            scene.page.goto("chrome://crash", timeout=30_000)
        return
    found = renderers(scene.profile)
    assert found
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: not set(found) & set(scene.pids()), "the tab's process is gone")


def journal_killer(scene: Scene) -> Callable[[], object]:
    """Made before the page is opened: ends the worker that writes the journal, without a word."""
    scene.page.add_init_script(KEEP_WORKERS)
    return lambda: scene.page.evaluate(KILL_THE_JOURNAL)


def stop_service_worker(scene: Scene) -> None:
    """As a browser does that takes it for idle."""
    if scene.browser == "Firefox":
        scene.run_inside(STOP_WORKERS)
        return
    session = scene.guest.context.new_cdp_session(scene.page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")


def download_canceller(scene: Scene) -> Callable[[], object]:
    """Made before the download begins: cancels it as a person does in the browser's list."""
    if scene.browser == "Firefox":
        return lambda: scene.run_inside(CANCEL_DOWNLOADS)
    begun: list[str] = []
    session = scene.guest.context.new_cdp_session(scene.page)
    where = {"behavior": "allow", "downloadPath": str(scene.downloads), "eventsEnabled": True}
    session.send("Browser.setDownloadBehavior", where)
    session.on("Browser.downloadWillBegin", lambda event: begun.append(event["guid"]))
    return lambda: session.send("Browser.cancelDownload", {"guid": begun[-1]})


def mute_camera(scene: Scene) -> Callable[[], object]:
    """A camera that is there and gives nothing; what is returned has it give pictures again.

    Firefox: muted as by its sharing indicator. Chromium: the process that reads the camera is held up.
    """
    if scene.browser == "Firefox":
        scene.run_inside(MUTE.format("webrtc:MuteCamera"))
        return lambda: scene.run_inside(MUTE.format("webrtc:UnmuteCamera"))
    scene.signal_service(CAMERA, signal.SIGSTOP)
    return lambda: scene.signal_service(CAMERA, signal.SIGCONT)


def mute_both(scene: Scene) -> Callable[[], object]:
    """The same for camera and microphone."""
    for message in ("webrtc:MuteCamera", "webrtc:MuteMicrophone"):
        scene.run_inside(MUTE.format(message))

    def unmute() -> None:
        for message in ("webrtc:UnmuteCamera", "webrtc:UnmuteMicrophone"):
            scene.run_inside(MUTE.format(message))

    return unmute


def lose_devices(scene: Scene) -> None:
    """Camera and microphone end; there is nothing that forbids to use what comes back."""
    if scene.browser == "Firefox":
        scene.run_inside(STOP_SHARING)
        return
    for service in (CAMERA, MICROPHONE):
        scene.kill_service(service)


def permission(scene: Scene) -> Callable[[], object]:
    """Give the permission for camera and microphone; what is returned takes it back, as a person does."""
    if scene.browser == "Firefox":
        return lambda: scene.run_inside(DENY + STOP_SHARING)
    scene.guest.context.grant_permissions(["camera", "microphone"], origin=scene.guest.base_url)
    session = scene.guest.context.new_cdp_session(scene.page)

    # Both at once, all that is not named here being refused: one after the other, the page may have the second opened
    # anew before it is refused, and Chromium leaves that one running.
    refused = {"permissions": [], "origin": scene.guest.base_url}
    return lambda: session.send("Browser.grantPermissions", refused)


def store_for_another_site(scene: Scene) -> None:
    """Have the browser keep something of another site's, as every browser in use does.

    On a full disk Chromium deletes what sites keep, those first that were not used for longest; where there is no
    other, a page that records, too (browser quirk 25).
    """
    if scene.browser == "Chromium":
        scene.page.goto(scene.guest.base_url.replace("localhost", "127.0.0.1"))
        scene.page.evaluate(STORE, 64_000_000)


def use_up_quota(scene: Scene) -> Callable[[], object]:
    """Leave the page little to store; what is returned gives it room again."""
    left = SPACE_LEFT[scene.browser]
    if scene.browser == "Firefox":
        scene.page.evaluate(FILL, left)
        return lambda: scene.page.evaluate(EMPTY)
    origin = {"origin": scene.guest.base_url}
    session = scene.guest.context.new_cdp_session(scene.page)
    used = int(session.send("Storage.getUsageAndQuota", origin)["usage"])
    session.send("Storage.overrideQuotaForOrigin", {**origin, "quotaSize": used + left})
    return lambda: session.send("Storage.overrideQuotaForOrigin", origin)
