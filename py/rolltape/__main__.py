"""The command line: `rolltape serve`, `rolltape convert`."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from rolltape import __version__
from rolltape.convert import cli
from rolltape.fragment import Secrets, write_fragment
from rolltape.room_client import new_secret


def serve(options: argparse.Namespace) -> int:
    """Serve the page and its rooms; print the links; return the exit status."""
    host, port, root = options.host, options.port, options.root.resolve()
    try:
        import uvicorn

        from rolltape.server.app import create_app
        from rolltape.server.rooms import MAX_PACKET, Rooms
        from rolltape.server.tokens import load_secret
    except ModuleNotFoundError as missing:
        print(f"Serving needs {missing.name}: pip install 'rolltape[serve]'.", file=sys.stderr)
        return 1
    if not (root / "index.html").exists():
        print(f"There is no page in {root}: name its folder with --root.", file=sys.stderr)
        return 1
    if bool(options.cert) is not bool(options.key):
        print("HTTPS needs both --cert and --key.", file=sys.stderr)
        return 1
    rooms = Rooms(load_secret(options.secret_file))
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
    address = f"{'https' if options.cert else 'http'}://{shown}:{port}/"
    room, key = f"studio-{secrets.token_hex(3)}", new_secret()
    invite = rooms.open_room(room, key)
    print(f"Director: {address}?director={room}{write_fragment(Secrets(key=key))}", flush=True)
    print(f"Guest:    {address}?room={room}&record=6000{write_fragment(Secrets(invite=invite))}", flush=True)
    print(f"Home:     {address}", flush=True)
    uvicorn.run(
        create_app(root, rooms),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        ws_max_size=MAX_PACKET,
        ssl_certfile=options.cert,
        ssl_keyfile=options.key,
        timeout_graceful_shutdown=3,
    )
    return 0


def default_secret_file() -> Path:
    """Where the secret that signs tokens is kept (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "rolltape" / "secret"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="rolltape", description="Records remote guests on their own machines."
    )
    parser.add_argument("--version", action="version", version=f"rolltape {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve the page")
    serving.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    serving.add_argument(
        "--port", type=int, default=8000, help="the port to listen on (default: %(default)s)"
    )
    serving.add_argument("--root", type=Path, default=Path.cwd(), help="the folder with index.html")
    serving.add_argument(
        "--secret-file", type=Path, default=default_secret_file(), help="the secret that signs links"
    )
    serving.add_argument("--cert", help="a certificate, to serve over HTTPS")
    serving.add_argument("--key", help="the certificate's key")
    cli.add_arguments(
        commands.add_parser(
            "convert",
            help="take a recording's sound out, or make it seekable",
            description="Takes the sound of recordings out, or makes them seekable, without transcoding. "
            "Results are written beside their files; X_part1, X_part2 … are joined.",
        )
    )
    chosen = parser.parse_args(arguments)
    if chosen.command == "convert":
        return cli.convert(chosen)
    return serve(chosen)


if __name__ == "__main__":
    sys.exit(main())
