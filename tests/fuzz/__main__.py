"""`make fuzz`: a demo site, three roles, every operation; figures into docs/fuzz.md. At most 30 minutes."""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from core.site import open_site
from tests.fuzz import Outcome, fuzz, overreach

ROLES = ("production.planner", "stock.keeper", "core.administrator")
SECONDS = 540
EXAMPLES = 100
PAGE = Path(__file__).parents[2] / "docs" / "fuzz.md"


def main() -> int:
    """Run it; 1 where anything was found."""
    reader = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    reader.add_argument("--seconds", type=int, default=SECONDS, help="the longest that each role may take")
    seconds = reader.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        yunkong = Path(sys.executable).with_name("yunkong")
        made = subprocess.run([yunkong, "demo", scratch / "site", "--no-serve", "--json"], capture_output=True, text=True, check=True)
        accounts = json.loads(made.stdout)["accounts"]
        port = free_port()
        server = subprocess.Popen([yunkong, "run", "--site", scratch / "site", "--port", str(port)])
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url)
            signed_in = [(role, *sign_in(role, accounts, url)) for role in ROLES]  # all first: a run ends with the address held back
            found = [(role, username, as_role(role, token, url, scratch, seconds)) for role, username, token in signed_in]
        finally:
            server.terminate()
            server.wait(30)
        site = open_site(scratch / "site")
        beyond = overreach(site, [username for _role, username, _outcome in found])
        site.close()
    write(found, beyond, seconds)
    return 1 if beyond or any(outcome.failures for _role, _username, outcome in found) else 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(url: str) -> None:
    """Until the site answers."""
    for _second in range(60):
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
            return
        except OSError:
            time.sleep(1)
    raise SystemExit("the site did not start")


def sign_in(role: str, accounts: list, url: str) -> tuple:
    """Somebody who holds the role, and a token of theirs."""
    account = next(one for one in accounts if any(held.partition("@")[0] == role for held in one["roles"]))
    body = json.dumps({"username": account["username"], "password": account["password"]}).encode()
    asked = urllib.request.Request(f"{url}/api/v1/tokens", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        return account["username"], json.load(answer)["token"]


def as_role(role: str, token: str, url: str, scratch: Path, seconds: int) -> Outcome:
    """One run with the token of somebody who holds the role."""
    print(f"as {role}", file=sys.stderr)
    outcome = fuzz(url, token, scratch, examples=EXAMPLES, seconds=seconds)
    print(outcome.log[-3000:], file=sys.stderr)
    return outcome


def write(found: list, beyond: list, seconds: int) -> None:
    """The figures as a page."""
    lines = [
        "# Random requests", "",
        "`make fuzz` sends what Schemathesis makes of the API's own document, as three roles over every operation, with all its checks,",
        f"for at most {seconds} seconds a role in the run below.",
        "409, 412, 422 and 428 count as proper refusals. Afterwards the trail is searched for anything that a role may not do.", "",
        "| role | requests | server errors, answers outside the document, wrong acceptances |", "|---|---|---|",
        *(f"| `{role}` | {outcome.cases} | {len(outcome.failures)} |" for role, _username, outcome in found), "",
        f"Done without a right, by the trail: {len(beyond)}.", "",
        *(f"- {role}: {failure}" for role, _username, outcome in found for failure in outcome.failures), *(f"- {one}" for one in beyond),
    ]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
