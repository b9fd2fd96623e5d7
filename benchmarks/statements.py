"""How many SQL statements an operation of the API takes, sign-in included; counted, so free of noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from benchmarks.company import Company, document
from core.app import create_app

MOST: Mapping[str, int] = {"create": 14, "transition": 14, "read": 6, "list": 6}
AIM: Mapping[str, int] = {"create": 10, "transition": 8, "read": 4, "list": 3}


@contextmanager
def counted(engine: Any) -> Iterator[list[str]]:
    """The statements that run inside the block; BEGIN and COMMIT are none."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def count(company: Company) -> dict[str, int]:
    """Statements of each operation, once everything is warm."""
    site = company.site
    client = create_app(site).test_client()
    headers = {"Authorization": f"Bearer {company.token}"}
    base = "/api/v1/records/bench.document"
    found: dict[str, int] = {}

    def run(name: str, method: str, path: str, body: Any = None) -> Any:
        with counted(site.database.engine) as statements:
            answer = client.open(path, method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        found[name] = len(statements)
        return answer.json

    for _round in range(2):
        id = run("create", "POST", base, document(company))["id"]
        run("transition", "POST", f"{base}/{id}/transitions/submit", {})
        run("read", "GET", f"{base}/{id}")
        run("list", "GET", f"{base}?state=submitted&limit=50")
    site.close()
    return found
