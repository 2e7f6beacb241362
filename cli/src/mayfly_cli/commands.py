"""The commands of `mayfly`.

Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 the server cannot be reached, so the same command may
work later; 4 the upload is gone, or there was never one; 5 a password is missing or wrong; 130 stopped by Ctrl-C.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import __version__
from .bundling import Bundle
from .errors import Failure, Refused, Stopped, Unreachable
from .files import files_of
from .getting import Visit
from .output import Output
from .passwords import Passwords, chosen_password
from .remembered import Remembered
from .sending import JOBS, Sender
from .server import PATIENCE, Patience, Server
from .values import Address, address_of, clock, seconds_of
from .waiting import wait_until_fetched


def main(arguments: list[str] | None = None) -> None:
    """Run one command, and exit with its status."""
    given = _parser().parse_args(arguments)
    output = Output(as_json=given.json, quiet=given.quiet)
    try:
        status = int(given.run(given, output) or 0)
    except KeyboardInterrupt:
        output.error("stopped. The same command goes on where this one ended.")
        status = Stopped.status
    except Failure as failure:
        output.error(str(failure))
        status = failure.status
    except BrokenPipeError:
        status = 1
    except OSError as error:
        output.error(f"{error.filename or 'a file'}: {error.strerror}")
        status = 1
    sys.exit(status)


def send(given: argparse.Namespace, output: Output) -> int:
    """Send files and folders; print the one link of several, or the link of each."""
    if given.name and len(given.paths) > 1:
        raise Failure("--name is for one file")
    if given.password_stdin and "-" in given.paths:
        raise Failure("standard input is a file or a password: use MAYFLY_PASSWORD and --password for the latter")
    with _session(given) as (server, remembered), files_of(given.paths) as files:
        if given.name and len(files) > 1:
            raise Failure("--name is for one file, and a folder has several")
        wishes = {
            "title": given.title,
            "lifetime": given.lifetime,
            "downloads": given.downloads,
            "password": chosen_password(wanted=given.password, from_stdin=given.password_stdin),
        }
        with Sender(server, remembered, jobs=given.jobs) as sender:
            if given.separate or len(files) == 1:
                status, sent = _send_each(sender, files, given, output, **wishes)
            else:
                bundle = Bundle(server, remembered, files, wishes)
                status, sent = _send_each(sender, files, given, output, bundle=bundle.id)
                ready = bundle.complete()
                sender.forget()
                sent = ready["uploads"]
                output.result(ready, ready["link"])
                output.remark(f"{len(sent)} files stay until {clock(ready['expires_at'])}")
        if given.wait_fetched:
            wait_until_fetched(server, sent, output)
        return status


def _send_each(
    sender: Sender, files: list[tuple[Path, str]], given: argparse.Namespace, output: Output, **fields: Any
) -> tuple[int, list[dict[str, Any]]]:
    """Send files, and say the link of each that goes into no bundle.

    Returns the exit status, and the uploads that are ready. If one of several files is refused, the others go on.
    """
    fields |= {"kind": given.kind, "metadata": given.metadata}
    status, sent = 0, []
    if given.name:
        files = [(path, given.name) for path, _ in files]
    what = files[0][1] if len(files) == 1 else f"{len(files)} files"
    with output.bar(what, sum(path.stat().st_size for path, _ in files)) as bar:
        for path, task in sender.send(files, progress=bar.advance, **fields):
            try:
                upload = task.result()
            except (Stopped, Unreachable):
                raise
            except Failure as failure:
                if len(files) == 1:
                    raise
                output.error(f"{path}: {failure}")
                status = failure.status
            else:
                sent.append(upload)
                if "bundle" not in fields:
                    output.result(upload, upload["link"])
                    output.remark(f"{upload['name']} stays until {clock(upload['expires_at'])}")
    return status, sent


def list_uploads(given: argparse.Namespace, output: Output) -> None:
    """List the box's live uploads, newest first."""
    with _session(given) as (server, _):
        bundles = server.bundles()
        if given.kind:
            bundles = [bundle for bundle in bundles if any(one["kind"] == given.kind for one in bundle["uploads"])]
        output.uploads(server.uploads(given.kind), bundles)


def get_link(given: argparse.Namespace, output: Output) -> None:
    """Download a link: a file, or all files of a bundle."""
    address = _address(given.link)
    with _session(given, server=address.server) as (server, _):
        target = Path(given.output) if given.output else None
        patience = Patience(server.patience, stop=server.stop)
        passwords = Passwords(from_stdin=given.password_stdin)
        with Visit(server.url, address, patience=patience, passwords=passwords) as visit:
            for file in visit.files(target, as_zip=given.zip):
                with output.bar(file.name or given.link, file.size) as bar:
                    path = visit.get(file, overwrite=given.force, progress=bar.show)
                output.result({"file": str(path), "size": path.stat().st_size}, str(path))


def remove(given: argparse.Namespace, output: Output) -> None:
    """Remove uploads and bundles of the box now."""
    addresses = [_address(link) for link in given.links]
    with _session(given) as (server, _):
        left = sum(_remove(server, address) for address in addresses)
        _tell_removed(len(addresses), left, output)


def _remove(server: Server, address: Address) -> int:
    if address.may_be_upload:
        try:
            return server.remove(address.id)
        except Refused as refused:
            if refused.http != 404 or not address.may_be_bundle:
                raise
    return server.remove_bundle(address.id)


def clear(given: argparse.Namespace, output: Output) -> None:
    """Remove all uploads of the box, or all of one kind."""
    with _session(given) as (server, _):
        if not given.yes:
            if not sys.stdin.isatty():
                raise Failure("clear asks first: use --yes in a script")
            uploads = server.uploads(given.kind)
            print(
                f"Remove {len(uploads)} uploads, and stop those under way? [y/N] ", end="", file=sys.stderr, flush=True
            )
            if sys.stdin.readline().strip().lower() not in ("y", "yes"):
                return
        _tell_removed(None, server.clear(given.kind), output)


def box(given: argparse.Namespace, output: Output) -> None:
    """Show where the box's token is, or use another one, or forget it."""
    remembered = Remembered()
    url = _server_url(given, remembered)
    if given.use:
        remembered.keep_token(url, given.use)
        remembered.keep_server(url)
    elif given.forget:
        remembered.forget_token(url)
        output.remark("The token is forgotten. The box's uploads stay until they expire.")
        return
    token = remembered.token(url)
    if given.show:
        if not token:
            raise Failure(f"there is no box at {url} yet: the first `mayfly send` makes one")
        output.result({"server": url, "token": token}, token)
        return
    words = f"{url}: the token is in {remembered.place_of(url)}" if token else f"{url}: no box yet"
    output.result({"server": url, "has_token": bool(token)}, words)


def completion(given: argparse.Namespace, output: Output) -> None:
    """Print a script by which the shell completes the commands."""
    import shtab  # takes a tenth of a second, which every other command would pay

    print(shtab.complete(_parser(of_files=shtab.FILE), shell=given.shell))


@contextmanager
def _session(given: argparse.Namespace, *, server: str = "") -> Iterator[tuple[Server, Remembered]]:
    """The server that was named, or the last one, with the box's token."""
    remembered = Remembered()
    url = server or _server_url(given, remembered)
    api = Server(
        url,
        token=remembered.token(url),
        keep=lambda token: remembered.keep_token(url, token),
        patience=given.patience,
    )
    if given.server:
        remembered.keep_server(url)
    try:
        yield api, remembered
    except KeyboardInterrupt:
        api.stop.set()
        raise
    finally:
        api.close()


def _server_url(given: argparse.Namespace, remembered: Remembered) -> str:
    url = str(given.server or remembered.server()).rstrip("/")
    if not url:
        raise Failure("no server is known yet: name it once, with --server https://drop.example.org or MAYFLY_SERVER")
    if "://" not in url:
        local = url.split(":")[0] in ("localhost", "127.0.0.1")
        url = f"{'http' if local else 'https'}://{url}"
    if not url.startswith(("http://", "https://")):
        raise Failure(f"{url} is no address of a web server")
    return url


def _tell_removed(count: int | None, left: int, output: Output) -> None:
    words = "Removed." if count is None or count == 1 else f"Removed {count} uploads."
    if left:
        words += f" Storage still removes the bytes of {left}; nothing offers them meanwhile."
    output.result({"removed": count, "being_deleted": left}, words)


def _address(text: str) -> Address:
    try:
        return address_of(text)
    except ValueError as error:
        raise Failure(str(error)) from error


def _seconds(text: str) -> int:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _patience(text: str) -> float:
    return 0.0 if text == "0" else float(_seconds(text))


def _jobs(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 16:
        return int(text)
    raise argparse.ArgumentTypeError("has to be from 1 to 16")


def _downloads(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 100:
        return int(text)
    raise argparse.ArgumentTypeError("has to be from 1 to 100")


def _add_passwords(command: argparse.ArgumentParser) -> Any:
    ways = command.add_mutually_exclusive_group()
    ways.add_argument("--password-stdin", action="store_true", help="read the password from standard input, a line")
    return ways


def _parser(*, of_files: Any = None) -> argparse.ArgumentParser:
    """The commands and their options. `of_files` is the way in which a shell completes the names of files."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--server", metavar="URL", default="", help="the Mayfly server; the last one is remembered")
    common.add_argument(
        "--patience",
        type=_patience,
        default=PATIENCE,
        metavar="TIME",
        help="give up if nothing succeeds for so long; 5m by default",
    )
    common.add_argument("--json", action="store_true", help="print JSON, a value a line")
    common.add_argument("-q", "--quiet", action="store_true", help="print results and errors only")
    parser = argparse.ArgumentParser(
        prog="mayfly", description="Hand files over through a Mayfly server, where they stay for a short while."
    )
    parser.add_argument("--version", action="version", version=f"mayfly {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=help, description=f"{help[0].upper()}{help[1:]}.")
        added.set_defaults(run=run)
        return added

    sending = command("send", send, "send files, and print their link")
    paths = sending.add_argument("paths", nargs="+", metavar="FILE", help="a file, a folder, or - for standard input")
    paths.complete = of_files  # type: ignore[attr-defined]
    sending.add_argument("--kind", choices=("file", "image"), default="file", help="image: show it on My Images")
    sending.add_argument("--name", default="", help="another name for the file")
    sending.add_argument("--title", help="a line about the file, above its name")
    sending.add_argument("--lifetime", type=_seconds, metavar="TIME", help="for example 90s, 15m or 12h")
    sending.add_argument("--downloads", type=_downloads, metavar="N", help="end after N downloads by others")
    _add_passwords(sending).add_argument(
        "--password", action="store_true", help="ask for a password that others need, or take MAYFLY_PASSWORD"
    )
    sending.add_argument("--metadata", choices=("clean", "keep"), help="keep: leave camera data and location in images")
    sending.add_argument("--separate", action="store_true", help="give each of several files a link of its own")
    sending.add_argument("--jobs", type=_jobs, default=JOBS, metavar="N", help=f"parts at the same time; {JOBS}")
    sending.add_argument("--wait-fetched", action="store_true", help="end when each upload was fetched")

    listing = command("list", list_uploads, "list your uploads")
    listing.add_argument("--kind", choices=("file", "image"), help="only of this kind")

    getting = command("get", get_link, "download a link")
    getting.add_argument("link", metavar="LINK", help="a link, or the id in it")
    _add_passwords(getting)
    getting.add_argument("--zip", action="store_true", help="download a bundle as one ZIP")
    getting.add_argument("-o", "--output", metavar="FILE", default="", help="the file or folder to write to")
    getting.add_argument("--force", action="store_true", help="overwrite a file")

    removing = command("rm", remove, "remove uploads of yours now")
    removing.add_argument("links", nargs="+", metavar="LINK", help="links or ids")

    clearing = command("clear", clear, "remove all your uploads now")
    clearing.add_argument("--kind", choices=("file", "image"), help="only of this kind")
    clearing.add_argument("-y", "--yes", action="store_true", help="do not ask")

    boxing = command("box", box, "show your box, use another one, or forget it")
    choice = boxing.add_mutually_exclusive_group()
    choice.add_argument("--show", action="store_true", help="print the token, which opens the box")
    choice.add_argument("--use", metavar="TOKEN", help="use the box of this token")
    choice.add_argument("--forget", action="store_true", help="forget the token")

    completing = command("completion", completion, "print the completions for a shell")
    completing.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return parser
