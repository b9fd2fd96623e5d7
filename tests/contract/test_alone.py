"""Every module can be imported first: none leans on what another happened to import before it."""

import os
import subprocess
import sys

import pytest

from tests.contract.source import ROOT, modules

NAMES = [module.name for module in (*modules("core"), *modules("plugins"))]

PRELOAD = "import sqlalchemy, sqlalchemy.orm, alembic, flask, marshmallow, pluggy, babel.messages.pofile, babel.dates, babel.numbers, click, argon2, openpyxl"
"""Third-party code, imported once before the forks: what is asked is about ours."""

SCRIPT = """
import importlib, os, sys, traceback
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            print("FAILED", name, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("half", [0, 1])
def test_every_module_can_be_imported_first(half):
    """Each in a process that has imported nothing else of ours."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELOAD + SCRIPT, *NAMES[half::2]], capture_output=True, text=True,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "FAILED" not in done.stderr, done.stderr

