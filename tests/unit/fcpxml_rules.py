"""What FCPXML 1.10 allows (Apple, Document Type Definition 1.10) of the elements that a project of ours has.

Final Cut Pro refuses a project that does not keep to it as a whole.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

__all__ = ["breaches"]

CLIPS = "asset-clip|audio|video|clip|title|mc-clip|ref-clip|sync-clip|audition"
MARKERS = "marker|chapter-marker|rating|keyword|analysis-marker"
CHILDREN = {
    "fcpxml": "(import-options )?(resources )?(library )?",
    "resources": "((asset|effect|format|media|locator) )*",
    "format": "",
    "asset": "(media-rep )+(metadata )?",
    "media-rep": "(bookmark )?",
    "library": "((event|smart-collection) )*",
    "event": "((clip|asset-clip|project) )*",
    "project": "sequence ",
    "sequence": "(note )?spine (metadata )?",
    "spine": f"(({CLIPS}|gap|transition) )*",
    "gap": f"(note )?(({CLIPS}|caption|spine) )*(({MARKERS}) )*(metadata )?",
    "asset-clip": f"(note )?(({CLIPS}|caption|spine) )*(({MARKERS}) )*(metadata )?",
    "marker": "",
}
"""Of each element its children in their order, as a regular expression over their names, a space behind each."""
TIME = r"-?\d+(/\d+)?s"
ANY, COUNT, REFERENCE, SWITCH = r".*", r"\d+", r"r\d+", "[01]"
ATTRIBUTES = {
    "fcpxml": {"version!": r"1\.10"},
    "resources": {},
    "format": {"id!": REFERENCE, "name": ANY, "frameDuration": TIME, "width": COUNT, "height": COUNT},
    "asset": {"id!": REFERENCE, "name": ANY, "uid": ANY, "start": TIME, "duration": TIME, "format": REFERENCE}
    | {"hasVideo": SWITCH, "hasAudio": SWITCH, "videoSources": COUNT, "audioSources": COUNT}
    | {"audioChannels": COUNT, "audioRate": COUNT},
    "media-rep": {"kind": "original-media|proxy-media", "sig": ANY, "src!": ".+", "suggestedFilename": ANY},
    "library": {"location": ANY, "colorProcessing": "standard|wide|wide-hdr"},
    "event": {"name": ANY, "uid": ANY},
    "project": {"name": ANY, "uid": ANY, "id": REFERENCE, "modDate": ANY},
    "sequence": {"format!": REFERENCE, "duration": TIME, "tcStart": TIME, "tcFormat": "DF|NDF"}
    | {"audioLayout": "mono|stereo|surround", "audioRate": r"32k|44\.1k|48k|88\.2k|96k|176\.4k|192k"},
    "spine": {"lane": r"-?\d+", "offset": TIME, "name": ANY, "format": REFERENCE},
    "gap": {"name": ANY, "offset": TIME, "start": TIME, "duration!": TIME, "enabled": SWITCH},
    "asset-clip": {"ref!": REFERENCE, "lane": r"-?\d+", "offset": TIME, "name": ANY, "start": TIME}
    | {"duration": TIME, "enabled": SWITCH, "srcEnable": "all|audio|video", "format": REFERENCE}
    | {"tcStart": TIME, "tcFormat": "DF|NDF", "audioRole": ANY, "videoRole": ANY},
    "marker": {"start!": TIME, "duration": TIME, "value!": ANY, "completed": ANY, "note": ANY},
}
"""Of each element its attributes and what they may be; those with `!` have to be there."""


def breaches(project: Element) -> list[str]:
    """What in the project, an `fcpxml` element, the document type does not allow; nothing where all is right."""
    found = [] if project.tag == "fcpxml" else [f"{project.tag} is no project"]
    ids = [one.get("id") for one in project.iter() if one.get("id") is not None]
    found += [f"{one} is the id of two" for one in set(ids) if ids.count(one) > 1]
    for one in project.iter():
        if one.tag not in CHILDREN:
            found.append(f"{one.tag} is not known")
            continue
        found += [f"{one.tag}: {breach}" for breach in _breaches_of(one, set(ids))]
    return found


def _breaches_of(one: Element, ids: set[str | None]) -> list[str]:
    children = "".join(f"{child.tag} " for child in one)
    found = [] if re.fullmatch(CHILDREN[one.tag], children) else [f"has {children or 'nothing in it'}"]
    allowed = {name.rstrip("!"): value for name, value in ATTRIBUTES[one.tag].items()}
    found += [
        f"lacks {name[:-1]}"
        for name in ATTRIBUTES[one.tag]
        if name[-1] == "!" and name[:-1] not in one.attrib
    ]
    for name, value in one.attrib.items():
        if name not in allowed:
            found.append(f"has no {name}")
        elif not re.fullmatch(allowed[name], value, re.DOTALL):
            found.append(f"{name} is {value!r}")
        elif allowed[name] is REFERENCE and value not in ids:
            found.append(f"{name} is {value!r}, which is nothing's id")
    return found
