"""Random and wrong requests against the API, made by Schemathesis from the API's own document, and what came of them."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path(__file__).with_name("schemathesis.toml")


@dataclass(frozen=True)
class Outcome:
    """What one run found: how many cases were sent, and each failure in a line."""

    cases: int
    failures: tuple[str, ...]
    log: str


def fuzz(url: str, token: str, scratch: Path, *, paths: str = "", examples: int = 20, seconds: int = 0, seed: int | None = None) -> Outcome:
    """Send what Schemathesis makes of `/api/v1/openapi.json` at `url` as the owner of a token; `paths` is a pattern of addresses."""
    command = [
        str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run", f"{url}/api/v1/openapi.json", "-H", f"Authorization: Bearer {token}",
        "--max-examples", str(examples), "--no-color", "--warnings", "off", "--continue-on-failure", "--report-dir", str(scratch),
    ]
    command += ["--include-path-regex", paths] if paths else []
    command += ["--max-time", str(seconds)] if seconds else []
    command += ["--seed", str(seed)] if seed is not None else []
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    cases = re.search(r"Test cases:\s+(\d+) generated", log)
    failures = re.findall(r"^- (ST\d+ .+|.+ failure.*)$", log, re.MULTILINE)
    if done.returncode != 0 and not failures:
        failures = [log[-2000:]]
    return Outcome(int(cases[1]) if cases else 0, tuple(failures), log)


def token_of(client, username: str, password: str) -> str:
    """A token for a program, through the API itself."""
    answer = client.post("/api/v1/tokens", data=json.dumps({"username": username, "password": password}), content_type="application/json")
    assert answer.status_code == 201, answer.text
    return answer.get_json()["token"]


def overreach(site, usernames) -> list[str]:
    """What these users wrote although no role of theirs allows it: read from the trail, apart from the door that should have refused."""
    from core import audit

    found = []
    with site.work(reading=True) as work:
        for username in usernames:
            user = work.directory.by_username[username]
            access = type(work.access)(site.registry, work.directory, user.id)
            for event in audit.recent(work.connection, actor_id=user.id, limit=100_000):
                rt = site.registry.types.get(event.type)
                if rt is not None and event.version == 1 and not event.step and not access.may_create(rt):
                    found.append(f"{username} made a {rt.name}")
                if event.type.startswith("core.") and not access.is_administrator and event.action not in OWN:
                    found.append(f"{username} did {event.action}")
    return found


OWN = ("core.session.began", "core.session.ended", "core.user.signed_in", "core.user.signed_out", "core.token.made", "core.token.ended")
"""What everybody may do to their own sessions and tokens."""
