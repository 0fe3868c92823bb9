"""A request to stop ends a run at the next step, even where a library has swallowed it."""

import contextlib
import importlib
import os
import signal
import threading

import duckdb
import pytest

from pipelines.faults import guarded
from pipelines.interrupts import no_stop_in_imports, noted_requests, stop_if_asked, undisturbed


@pytest.fixture(autouse=True)
def python_handler():
    """A handler of Python's own, as Dagster sets one for both signals."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def swallow(number: signal.Signals) -> None:
    """As a library does that catches everything around a query."""
    with contextlib.suppress(BaseException):
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_swallowed_request_stops_the_next_step_before_it_begins(number):
    begun = []

    @guarded
    def step() -> None:
        begun.append(1)

    with noted_requests():
        step()
        swallow(number)
        with pytest.raises(KeyboardInterrupt):
            step()
        with pytest.raises(KeyboardInterrupt):
            stop_if_asked()
    assert begun == [1]


def test_other_signals_and_requests_before_and_after_the_run_stop_nothing():
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    swallow(signal.SIGINT)
    with noted_requests():
        os.kill(os.getpid(), signal.SIGUSR1)
        stop_if_asked()
        swallow(signal.SIGINT)
    stop_if_asked()
    signal.signal(signal.SIGUSR1, before)


def test_a_request_within_an_import_waits_for_its_end(tmp_path, monkeypatch):
    module = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nis_whole = True\n"
    (tmp_path / "module_under_way.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    with noted_requests(), no_stop_in_imports():
        assert importlib.import_module("module_under_way").is_whole
        with pytest.raises(KeyboardInterrupt):
            stop_if_asked()


def test_a_request_outside_an_import_is_raised_at_once():
    with noted_requests(), no_stop_in_imports(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_request_within_a_query_is_no_fault_of_the_query():
    @guarded
    def step() -> None:
        # Ends by itself in seconds: DuckDB may work off what was begun before it closes.
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        with duckdb.connect() as connection:
            connection.execute("select count(*) from range(3000000000) as numbers where hash(numbers) = 1")

    with noted_requests(), pytest.raises(KeyboardInterrupt):
        step()


def test_what_is_written_at_the_end_is_not_cut_through_and_the_handlers_come_back():
    written = []
    with undisturbed():
        os.kill(os.getpid(), signal.SIGTERM)
        written.append("end of the run")
    assert written == ["end of the run"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_in_another_thread_nothing_is_noted_and_nothing_fails():
    reached = []

    def work() -> None:
        with noted_requests(), undisturbed():
            stop_if_asked()
            reached.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reached == [1]
