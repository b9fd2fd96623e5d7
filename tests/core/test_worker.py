"""The worker: seals, beats, clears, and lets nothing that fails stop the rest."""

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from core import audit, heartbeats
from core.config import write_site
from core.heartbeats import Heartbeat
from core.people import add_department
from core.site import open_site
from core.worker import Task, Worker


def unsealed(site) -> int:
    return audit.verify(site.database).unsealed


def test_one_pass_seals_what_was_written(site):
    """Nothing that is committed stays outside the chain."""
    with site.work() as work:
        add_department(work.connection, work.origin, code="NEW", name="New")
    assert unsealed(site) > 0
    Worker(site).step()
    assert unsealed(site) == 0


def test_a_worker_beats_while_it_lives_and_says_when_it_ends(site):
    """Readiness sees it, and sees it go."""
    stop = threading.Event()
    worker = Worker(site)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        for _try in range(100):
            with site.database.begin(reading=True) as connection:
                if heartbeats.is_alive(connection):
                    break
            stop.wait(0.05)
        else:
            pytest.fail("no beat")
    finally:
        stop.set()
        thread.join(10)
    with site.database.begin(reading=True) as connection:
        assert heartbeats.last(connection) is None


def test_a_beat_that_is_old_is_none(site):
    """A worker that was killed is missed after a minute."""
    with site.database.begin() as connection:
        heartbeats.beat(connection, "one", datetime.now(UTC))
        assert heartbeats.is_alive(connection)
        connection.execute(update(Heartbeat).values(beat_at=datetime.now(UTC) - timedelta(seconds=61)))
        assert not heartbeats.is_alive(connection)


def test_the_real_clock_beats(site, clock):
    """A site whose clock was set for a test has a living worker all the same."""
    clock.set("2020-01-01T00:00:00+08:00")
    with site.database.begin() as connection:
        heartbeats.beat(connection, "one", datetime.now(UTC))
        assert heartbeats.is_alive(connection)


def test_a_task_that_fails_is_logged_tried_later_and_stops_nothing(caplog):
    """The pause doubles; after it works again it is as short as before."""
    outcome = [RuntimeError("broken"), RuntimeError("broken"), None]

    def act() -> None:
        error = outcome.pop(0)
        if error:
            raise error

    task = Task("weigh", 10, act)
    with caplog.at_level(logging.ERROR):
        task.run()
        first = task.due
        task.run()
        assert task.due - first > 10
        assert "weigh failed" in caplog.text
        task.run()
    assert task.failures == 0


def test_the_last_seal_is_noted_outside_where_the_site_says_so(tmp_path, engine_url, clock):
    """The file of anchors grows, and the trail is proven against it."""
    config = write_site(tmp_path / "site", kind="test", database=engine_url if engine_url.startswith("postgresql") else "")
    with (config.path / "site.toml").open("a") as file:
        file.write('[audit]\nanchors = "outside/anchors.txt"\n')
    site = open_site(config.path)
    site.database.create()
    with site.work() as work:
        add_department(work.connection, work.origin, code="NEW", name="New")
    worker = Worker(site)
    worker.step()
    worker._anchor()
    anchors = audit.read_anchors(config.path / "outside" / "anchors.txt")
    assert len(anchors) == 1
    assert audit.verify(site.database, anchors).ok
    site.close()


def test_clearing_leaves_what_is_young(site):
    """It runs without harm on a fresh site."""
    Worker(site)._clear()
