"""What goes wrong outside of an operation (no such address, too large, a fault) in the one shape."""

from __future__ import annotations

from flask import Response, current_app
from werkzeug.exceptions import HTTPException

from core.api.calls import Runner
from core.errors import Refusal


def answer(error: Exception) -> Response:
    """A refusal, what the server itself refuses, or a fault of ours, as a problem document."""
    runner: Runner = current_app.extensions["yunkong.api"]
    if isinstance(error, Refusal):
        return runner.problem(error)
    return runner.http_problem(error) if isinstance(error, HTTPException) else runner.fault()
