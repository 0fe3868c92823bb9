"""Dagster's web server and daemon for one study: started together, stopped together, nothing left behind.

`python -m pipelines.ui STUDY --port 3000`, or `make ui STUDY=...`; ends with Ctrl-C or SIGTERM. With `--only`, the
process becomes that one service, as a service manager wants it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from pipelines.dagster_home import prepare_home
from pipelines.errors import IcpError
from pipelines.fingerprint import CHECKOUT
from pipelines.locking import StudyHeldError
from pipelines.run_log import orphaned_runs
from pipelines.study import Study, load_study
from pipelines.study_run import held_study

LOOPBACK = "127.0.0.1"
STOPPING = "none: ending what was stopped"
WORKSPACE = CHECKOUT / "workspace.yaml"
# A run under way has so long to end in order; what is left then is killed, and its run marked as failed.
PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Service:
    """A process in a group of its own, so that everything it starts can be stopped with it."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def is_alive(self) -> bool:
        """Whether any process of the group still runs."""
        self.process.poll()
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the whole group; one that is gone does not mind."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


class _Stop:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.is_asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True


def commands(port: int) -> Mapping[str, Sequence[str]]:
    """The two services by name; the web server listens on loopback only."""
    python = (sys.executable, "-m")
    workspace = ("--workspace", str(WORKSPACE))
    return {
        "web-server": (*python, "dagster_webserver", "--host", LOOPBACK, "--port", str(port), *workspace),
        "daemon": (*python, "dagster._daemon", "run", *workspace),
    }


def environment_of(study_folder: Path) -> dict[str, str]:
    """What both services need to know: the study, and where Dagster keeps its records of it, as absolute paths."""
    study = load_study(study_folder)
    home = prepare_home(study.output)
    return {**os.environ, "ICP_STUDY": str(study.root), "DAGSTER_HOME": str(home)}


def serve(study_folder: Path, *, port: int) -> None:
    """Runs both services until somebody stops them; IcpError when one of them ends by itself."""
    environment = environment_of(study_folder)
    stop = _Stop()
    services: list[Service] = []
    try:
        for name, command in commands(port).items():
            process = subprocess.Popen(command, env=environment, cwd=CHECKOUT, start_new_session=True)
            services.append(Service(name, process))
        _watch(services, stop)
    finally:
        stop_all(services)
        _end_killed_runs(load_study(study_folder))


def become(service: str, study_folder: Path, *, port: int) -> NoReturn:
    """Replaces this process by one of the services, under the same process id."""
    command = commands(port)[service]
    os.chdir(CHECKOUT)
    os.execve(command[0], list(command), environment_of(study_folder))


def stop_all(services: Sequence[Service], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Ends every process of every service: asked first, killed when the time is up."""
    for number, seconds in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 5.0)):
        for service in services:
            service.send(number)
        give_up_at = time.monotonic() + seconds
        while any(service.is_alive for service in services) and time.monotonic() < give_up_at:
            time.sleep(LOOK_SECONDS)


def _end_killed_runs(study: Study) -> None:
    """Marks a run that was killed as failed and tells people; a run by hand that goes on is left alone."""
    if orphaned_runs(study.output):
        with suppress(StudyHeldError), held_study(study, run_id=STOPPING, say=click.echo):
            click.echo("a run was stopped in the middle; the published file stays")


def _watch(services: Sequence[Service], stop: _Stop) -> None:
    while not stop.is_asked:
        for service in services:
            if service.process.poll() is not None:
                raise IcpError(
                    f"the {service.name} ended by itself (exit code {service.process.returncode})",
                    "what it wrote above says why; is the port taken? make ui PORT=3001",
                )
        time.sleep(LOOK_SECONDS)


@click.command()
@click.argument("folder", metavar="STUDY", type=click.Path(file_okay=False, path_type=Path))
@click.option("--port", default=3000, show_default=True, help="Of the web server, on 127.0.0.1.")
@click.option("--only", type=click.Choice(list(commands(0))), help="One of the two, for a service manager.")
def main(folder: Path, port: int, only: str | None) -> None:
    """Show a study's runs in a browser and start runs on new deliveries, until stopped."""
    try:
        if only:
            become(only, folder, port=port)
        click.echo(f"http://{LOOPBACK}:{port} shows the runs of {folder}; Ctrl-C ends it")
        serve(folder, port=port)
    except IcpError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
