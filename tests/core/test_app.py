"""Facts about the application: headers, errors in words, health, and routes that say who may open them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Blueprint, request

from core import app as application
from core.errors import Faults
from core.web.routing import Routes, Runner


@pytest.fixture
def plugins():
    return ("master_data",)


def test_every_answer_carries_the_content_policy(client) -> None:
    """Nothing inline, nothing from elsewhere, framed by nobody."""
    for path in ("/sign-in", "/nowhere", "/static/app/app.css", "/api/v1/me", "/healthz"):
        with client.get(path) as answer:
            headers = answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"] and "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Request-Id"]


def test_pages_are_kept_by_no_cache_and_assets_for_ever(client) -> None:
    """The address of an asset changes with its content."""
    assert client.get("/sign-in").headers["Cache-Control"] == "no-store"
    with client.get("/static/app/app.css?v=1") as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_request_id_is_taken_where_it_is_harmless(client) -> None:
    """Anything else gets one of ours."""
    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    assert client.get("/healthz", headers={"X-Request-Id": "a b<"}).headers["X-Request-Id"] != "a b<"


def test_a_missing_page_and_a_wrong_method_are_said_in_words(client) -> None:
    """With the status, and without a stack of ours."""
    missing, wrong = client.get("/nowhere/at/all/here"), client.delete("/sign-in")
    assert missing.status_code == 404 and "<h1" in missing.get_data(as_text=True)
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"]


def test_the_api_answers_errors_in_its_own_shape(client) -> None:
    """RFC 9457, also for an address that is not there."""
    answer = client.get("/api/v1/nowhere")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json" and answer.json["status"] == 404


def test_a_fault_has_a_number_and_shows_nothing_of_its_inside(app, monkeypatch) -> None:
    """On a page and in the API."""
    app.testing = False

    def broken(*_arguments, **_options):
        raise RuntimeError("inside story")

    monkeypatch.setattr(Runner, "view", broken)
    monkeypatch.setattr("core.api.calls.Runner._try", broken)
    page, call = app.test_client().get("/sign-in"), app.test_client().get("/api/v1/me")
    assert page.status_code == call.status_code == 500
    assert page.headers["X-Request-Id"] in page.get_data(as_text=True) and "inside story" not in page.get_data(as_text=True)
    assert call.json["request_id"] == call.headers["X-Request-Id"] and "inside story" not in call.get_data(as_text=True)


def test_a_page_without_a_declared_permission_does_not_start(site) -> None:
    """The fault names the address."""
    routes = Routes()
    routes.get("/open-door")(lambda view: None)
    with pytest.raises(Faults, match="no-permission GET /open-door"):
        Runner(site).mount(Blueprint("test", __name__), routes.found)


def test_no_route_at_all_is_without_permission(app) -> None:
    """Pages, API, health and static files alike."""
    application.check_permissions(app)
    app.add_url_rule("/loose", "loose", lambda: "")
    with pytest.raises(Faults, match="/loose"):
        application.check_permissions(app)


def test_health_and_readiness(client, site) -> None:
    """A site without a living worker is alive and not ready."""
    from datetime import UTC, datetime

    from core import heartbeats

    assert client.get("/healthz").json == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json["database"] and answer.json["migrations"] and not answer.json["worker"]
    with site.database.begin() as connection:
        heartbeats.beat(connection, "test", datetime.now(UTC))
    assert client.get("/readyz").status_code == 200


def test_two_sites_live_in_one_process(app, site_folder, tmp_path) -> None:
    """Each with its own menus."""
    from core.config import write_site
    from core.site import open_site

    other = open_site(write_site(tmp_path / "other", name="Other", kind="test").path)
    other.database.create()
    assert "Other" in application.create_app(other).test_client().get("/sign-in").get_data(as_text=True)
    assert "Other" not in app.test_client().get("/sign-in").get_data(as_text=True)
    other.close()


@pytest.mark.parametrize(("public", "wanted"), [("https://yunkong.example.com", True), ("http://127.0.0.1:8000", False), ("http://plant:8000", False)])
def test_a_proxy_is_there_when_the_public_address_is_at_another_port(site, public, wanted) -> None:
    """Without one, nobody is believed about where they come from."""
    assert application.is_behind_proxy(replace(site.config, public_url=public, port=8000)) is wanted


def test_behind_a_proxy_the_last_address_forwarded_is_who_asks(site) -> None:
    """Else one visitor's wrong passwords would make everybody wait."""
    for public, seen in (("https://yunkong.example.com", "203.0.113.9"), ("http://127.0.0.1:8000", "127.0.0.1")):
        site.config = replace(site.config, public_url=public, port=8000)
        app = application.create_app(site)
        app.add_url_rule("/whence", view_func=application.open_to_all(lambda: request.remote_addr))
        assert app.test_client().get("/whence", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}).text == seen
