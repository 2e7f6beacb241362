"""Build, check, push and release this checkout on Heroku: `make deploy APP=name`. Quick if little has changed.

DRY_RUN=1 shows every step and takes none. It needs Docker with Buildx, and Heroku's command line logged in (`heroku
login`, `heroku container:login`). REGISTRY names another registry than Heroku's; the tests have one of their own.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from . import env
from .paths import ENV_DESCRIBED, ROOT
from .processes import call, output

TARGETS = ("web", "worker", "release")
FROM_ADDONS = ("DATABASE_URL", "REDIS_URL")
# The one form that Heroku's registry takes: no OCI, no index, and so no provenance and no bill of materials.
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
PLAIN = ("--platform", "linux/amd64", "--provenance=false", "--sbom=false")
PATIENCE = 180  # seconds until a released app is ready; a dyno has 60 to boot
DRY = os.environ.get("DRY_RUN") not in (None, "", "0")


def main() -> None:
    app = os.environ.get("APP") or sys.exit("Which app? make deploy APP=name")
    images = {target: f"{os.environ.get('REGISTRY', 'registry.heroku.com')}/{app}/{target}" for target in TARGETS}
    for program in ("docker", "heroku"):
        if not DRY and not shutil.which(program):
            sys.exit(f"{program} is not installed; docs/heroku.md says what is needed.")

    say(f"look at the app {app}")
    described = read("heroku", "apps:info", "--app", app, "--json") or {"stack": {"name": "container"}}
    about = described.get("app", described)
    config = read("heroku", "config", "--app", app, "--json") or {}
    if about["stack"]["name"] != "container":
        sys.exit(f"{app} is on {about['stack']['name']}. Run `heroku stack:set container --app {app}` and try again.")
    look_for_variables(app, config)

    say("build")
    for target, image in images.items():
        run("docker", "buildx", "build", *PLAIN, "--target", target, "--load", "--tag", image, "services")

    say("check the settings and the bucket, with the app's own config vars")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(about.get("web_url", f"https://{app}.herokuapp.com/")))
    # The variables that Mayfly reads, and no PATH or DOCKER_HOST of the app's, which would mislead `docker` here.
    known = set(env.MENTIONED.findall(ENV_DESCRIBED.read_text()))
    ours = {name: value for name, value in sorted(config.items()) if name in known}
    names = [part for name in ours for part in ("--env", name)]
    check = ("python", "manage.py", "preflight", "--origin", origin)
    run("docker", "run", "--rm", *names, images["release"], *check, environment=ours)

    say("push")
    for target, image in images.items():
        pushed = f"type=image,name={image},push=true,oci-mediatypes=false"
        run("docker", "buildx", "build", *PLAIN, "--target", target, "--output", pushed, "services")
        manifest = read("docker", "buildx", "imagetools", "inspect", "--raw", image) or {"mediaType": MEDIA_TYPE}
        if manifest.get("mediaType") != MEDIA_TYPE:
            sys.exit(
                f"{image} was pushed as {manifest.get('mediaType')}, which Heroku does not run: it wants {MEDIA_TYPE}."
            )

    say("release, all in one")
    run("heroku", "container:release", *TARGETS, "--app", app)

    say("wait until it is ready")
    wait(app, f"{origin}/health/ready")
    print(f"\n  {app}   {origin}/")


def look_for_variables(app: str, config: Mapping[str, str]) -> None:
    """Name every variable that production needs and the app does not have."""
    asked = json.loads((ROOT / "app.json").read_text())["env"]
    needed = [name for name, entry in asked.items() if entry.get("required", True) and "value" not in entry]
    needed += ["PROD_SETTINGS", "ALLOWED_HOSTS", "USE_S3", *FROM_ADDONS]
    if config.get("STATIC_STORAGE") == "s3":
        needed.append("AWS_STATIC_BUCKET_NAME")
    missing = [name for name in needed if not config.get(name)]
    if missing and not DRY:
        for name in missing:
            why = asked.get(name, {}).get("description", "An add-on sets it; see docs/heroku.md.")
            print(f"  {name}: {why}", file=sys.stderr)
        sys.exit(f"{app} lacks {', '.join(missing)}. Set them: heroku config:set --app {app} NAME=VALUE ...")


def wait(app: str, url: str) -> None:
    """Ask until the app is ready, and show what it lacks if it does not become so."""
    print(f"+ GET {url}", flush=True)
    answer, deadline = "nothing", time.monotonic() + PATIENCE
    while not DRY:
        try:
            with urllib.request.urlopen(url, timeout=35):  # noqa: S310  (the app's own address)
                return
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")
        except OSError as error:
            answer = str(error)
        if time.monotonic() > deadline:
            sys.exit(
                f"{app} is released, but not ready after {PATIENCE} s. It answers: {answer}\n"
                f"Look at `heroku logs --app {app}`; where beat never ran, `heroku ps:scale worker=1 --app {app}`."
            )
        time.sleep(1)


def say(what: str) -> None:
    print(f"\n== {what}", flush=True)


def show(command: tuple[str, ...]) -> None:
    print(f"+ {shlex.join(command)}", flush=True)


def run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a command, and end if it fails."""
    show(command)
    if not DRY and subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}).returncode:
        sys.exit(f"`{command[0]}` failed; above is what it said. Nothing after it was done.")


def read(*command: str) -> dict[str, Any] | None:
    """A command's answer as a JSON object; None in a dry run."""
    show(command)
    if DRY:
        return None
    answer = output(*command)
    if answer.returncode:
        sys.exit(f"`{shlex.join(command)}` failed:\n{answer.stderr.strip()}")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


if __name__ == "__main__":
    call(main)
