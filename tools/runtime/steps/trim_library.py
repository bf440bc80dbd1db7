"""Takes out of the standard library what no page can use: half of it, which nobody has to download.

Other processes, terminals, debuggers and test runners, mail, the network but through the browser, XML, other systems'
event loops, one-byte character sets, and what has a twin in C. All that micropip and segno need is there.
"""

from __future__ import annotations

from runtime import archives
from runtime.bytecompiled import compile_texts
from runtime.node import start
from runtime.step import NotApplicable, Remarks, Step, Tree

LEFT_OUT = """
    multiprocessing/* concurrent/futures/process.py concurrent/futures/interpreter.py concurrent/interpreters/*
    _pyrepl/* cmd.py code.py pyodide/console.py rlcompleter.py pty.py tty.py getpass.py webbrowser.py
    asyncio/base_events.py asyncio/base_subprocess.py asyncio/selector_events.py asyncio/sslproto.py
    asyncio/staggered.py asyncio/streams.py asyncio/subprocess.py asyncio/trsock.py asyncio/unix_events.py
    selectors.py socket.py ssl.py subprocess.py
    argparse.py getopt.py optparse.py gettext.py shlex.py fileinput.py filecmp.py zipapp.py
    pdb.py bdb.py pydoc.py doctest.py unittest/* profile.py cProfile.py pstats.py trace.py tracemalloc.py timeit.py
    pickle.py pickletools.py _compat_pickle.py shelve.py difflib.py pprint.py runpy.py sched.py
    modulefinder.py symtable.py pyclbr.py tabnanny.py compileall.py py_compile.py pkgutil.py importlib/resources/*
    mailbox.py imaplib.py poplib.py smtplib.py ftplib.py http/server.py http/cookie*.py socketserver.py
    netrc.py mimetypes.py urllib/robotparser.py email/mime/* xml/dom/* xml/etree/* xml/parsers/* xmlrpc/*
    wsgiref/* plistlib.py configparser.py tomllib/* ctypes/* sqlite3/* wave.py colorsys.py tarfile.py
    logging/config.py logging/handlers.py asyncio/windows_*.py asyncio/proactor_events.py asyncio/tools.py
    asyncio/__main__.py sysconfig/__main__.py
    bz2.py lzma.py compression/zstd/* _pyio.py _pydatetime.py zoneinfo/* statistics.py fractions.py
    numbers.py graphlib.py this.py antigravity.py nturl2path.py pathlib/types.py
    encodings/cp[!4]*.py encodings/mac_*.py encodings/iso*.py encodings/koi8*.py encodings/kz1048.py
    encodings/ptcp154.py encodings/tis_620.py encodings/palmos.py encodings/hp_roman8.py encodings/johab.py
    encodings/hz.py encodings/big5*.py encodings/euc_*.py encodings/gb*.py encodings/shift_*.py
"""
# Stand for what others import and no page can use: sockets, other processes, an event loop that waits for them (a
# page's is the browser's, `pyodide.webloop`), archives that no package of ours is.
STAND_INS = {
    "tarfile.py": "",
    "subprocess.py": "PIPE = -1\n",
    "socket.py": "AF_UNSPEC, AI_PASSIVE, _GLOBAL_DEFAULT_TIMEOUT = 0, 1, None\n",
    "asyncio/base_events.py": "__all__ = ()\n",
    "asyncio/streams.py": "__all__ = ()\n",
    "asyncio/subprocess.py": "__all__ = ()\n",
    "asyncio/unix_events.py": """__all__ = ()
from asyncio.events import _BaseDefaultEventLoopPolicy as _DefaultEventLoopPolicy
""",
}


def trimmed(library: dict[str, bytes], left_out: list[str]) -> tuple[dict[str, bytes], list[str]]:
    """The byte-compiled library without what these patterns of `.py` files match; patterns that match nothing."""
    compiled = {
        pattern: pattern.removesuffix(".py") + ".pyc" * pattern.endswith(".py") for pattern in left_out
    }
    idle = [
        pattern for pattern, one in compiled.items() if not any(archives.matches(n, [one]) for n in library)
    ]
    kept = {name: data for name, data in library.items() if not archives.matches(name, compiled.values())}
    return kept, idle


def apply(tree: Tree) -> Remarks:
    """Leave them out. Raises NotApplicable."""
    library = archives.read(tree.library)
    kept, idle = trimmed(library, LEFT_OUT.split())
    if len(idle) * 2 > len(LEFT_OUT.split()):
        raise NotApplicable("The library does not look as it did.")
    unknown = [name for name in STAND_INS if name + "c" not in library]
    stand_ins = compile_texts({name: text for name, text in STAND_INS.items() if name not in unknown})
    archives.write(tree.library, dict(sorted({**kept, **stand_ins}.items())))
    return [f"There is nothing that these leave out: {', '.join(idle)}."] * bool(idle) + [
        f"There is nothing for these to stand for: {', '.join(unknown)}."
    ] * bool(unknown)


STEP = Step("trim-library", "half of the standard library, 1 MB", apply, start)
