"""The command `icp`: every command reads a study folder and says in plain words what it did."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from pipelines.errors import IcpError
from pipelines.fingerprint import release

STUDY = click.argument("folder", metavar="STUDY", type=click.Path(file_okay=False, path_type=Path))
OUTPUT = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where output goes; STUDY/output unless given.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(release(), prog_name="icp")
def icp() -> None:
    """Evaluate an integrated care pilot: from extracts to a published evaluation."""


@icp.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def init_command(folder: Path) -> None:
    """Write a commented protocol and the folders for your own extracts into DIR (new or empty)."""
    from pipelines.scaffold import write_scaffold

    for line in write_scaffold(folder):
        click.echo(line)


@icp.command("demo")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--people", default=2000, show_default=True, help="Pilot people; 20 times as many others.")
@click.option("--seed", default=20090401, show_default=True, help="The same seed gives the same study.")
@click.option("--effect", "effects", multiple=True, metavar="METRIC=1.02|ITEM=-5pp", help="Planted effect; repeatable.")
@click.option(
    "--dirt/--no-dirt", default=True, show_default=True, help="Plant faults into the deliveries, as life does."
)
def demo_command(folder: Path, people: int, seed: int, effects: tuple[str, ...], dirt: bool) -> None:
    """Write a complete simulated study with known truth into DIR (new or empty)."""
    from pipelines.demo import write_demo

    write_demo(folder, people=people, seed=seed, effects=effects, dirt=dirt, progress=_sayer())
    click.echo(f"Demo study written to {folder}; now: icp run {folder}")


@icp.command("check")
@STUDY
@OUTPUT
def check_command(folder: Path, output: Path | None) -> None:
    """Hold a study's protocol and every delivery against contracts and their rules; compute and keep nothing."""
    from pipelines.checking import check_study
    from pipelines.study import load_study

    report = check_study(load_study(folder, output=output), say=_sayer())
    click.echo(report.text)
    sys.exit(report.exit_code)


@icp.command("plan")
@STUDY
@OUTPUT
@click.option("--rate", "rates", multiple=True, metavar="METRIC=0.6", help="Events per person-year; repeatable.")
@click.option("--people-per-site", type=click.FloatRange(min=1), help="Pilot people at a site.")
@click.option("--site-spread", type=click.FloatRange(min=0), help="How far sites' effects differ, in percent.")
def plan_command(
    folder: Path, output: Path | None, rates: tuple[str, ...], people_per_site: float | None, site_spread: float | None
) -> None:
    """Say how many people, months and sites the smallest worthwhile change takes, and whether it is evaluable yet."""
    from pipelines.plan import Assumptions, parse_rates, plan_report
    from pipelines.study import load_study

    study = load_study(folder, output=output)
    stated = Assumptions(rates=parse_rates(study, rates), people_per_site=people_per_site, site_spread_pct=site_spread)
    click.echo(plan_report(study, stated))


@icp.command("design")
@STUDY
@OUTPUT
def design_command(folder: Path, output: Path | None) -> None:
    """Choose comparison people, show balance and expected power; no outcome after any index date is read."""
    from pipelines.design import design_study
    from pipelines.study import load_study

    click.echo(design_study(load_study(folder, output=output), say=_sayer()))


@icp.command("freeze")
@STUDY
@OUTPUT
@click.option("--by", required=True, metavar="NAME", help="Who freezes the design; stands in every result.")
@click.option("--again", is_flag=True, help="Replace a frozen design; the former one is kept, results say so.")
def freeze_command(folder: Path, output: Path | None, by: str, again: bool) -> None:
    """Keep the design's pairs, weights and settings by hash: later runs estimate on them and do not match again."""
    from pipelines.design import freeze_study
    from pipelines.freezing import Freeze
    from pipelines.study import load_study

    frozen = freeze_study(load_study(folder, output=output), Freeze(by=by, again=again), say=_sayer())
    click.echo(f"{frozen.caution} SHA-256 {frozen.design_sha256}")


@icp.command("run")
@STUDY
@OUTPUT
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say which deliveries are new, known or refused, and which rules fail; write nothing.",
)
@click.option("--engine", type=click.Choice(["duckdb"]), default="duckdb", show_default=True)
def run_command(folder: Path, output: Path | None, dry_run: bool, engine: str) -> None:  # noqa: ARG001
    """Read everything new, compute, publish."""
    from pipelines.study import load_study

    study = load_study(folder, output=output)
    if dry_run:
        from pipelines.checking import check_study

        report = check_study(study, say=_sayer())
        click.echo(report.text)
        sys.exit(report.exit_code)
    from pipelines.run import run_study

    outcome = run_study(study, say=_sayer())
    if outcome.is_new:
        click.echo(f"Published {outcome.published} (run {outcome.run_id})")
    else:
        click.echo(f"Nothing new since run {outcome.run_id}; {outcome.published} stands")


@icp.command("results")
@STUDY
@OUTPUT
@click.option("--format", "output_format", type=click.Choice(["table", "csv", "json"]), default="table")
@click.option(
    "--population",
    default="all_sites",
    show_default=True,
    help="all_sites, case_management, site:<id> or all.",
)
def results_command(folder: Path, output: Path | None, output_format: str, population: str) -> None:
    """Show what changed in the published evaluation, with intervals, designs and cautions."""
    from pipelines.results import results
    from pipelines.study import load_study

    study = load_study(folder, output=output)
    click.echo(results(study.published / "evaluation.duckdb", output_format=output_format, population=population))


@icp.command("quarantine")
@STUDY
@OUTPUT
@click.option("--delivery", metavar="ID", help="Only the records of this delivery.")
def quarantine_command(folder: Path, output: Path | None, delivery: str | None) -> None:
    """Show refused records with their original text: sensitive, for the data manager."""
    from pipelines.quarantine import quarantine
    from pipelines.study import load_study

    click.echo(quarantine(load_study(folder, output=output), delivery=delivery))


def _sayer() -> Callable[[str], None]:
    """Progress on standard error when a person watches, else silence."""
    started = time.monotonic()

    def say(line: str) -> None:
        click.echo(f"{time.monotonic() - started:6.1f} s  {line}", err=True)

    return say if sys.stderr.isatty() else lambda _line: None


def main() -> None:
    """Entry point: an error that a user can act on is printed whole and gives its exit code."""
    try:
        icp(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except IcpError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as fault:  # noqa: BLE001 - the last one: what a library says of a fault may hold values
        click.echo(_unexpected(fault), err=True)
        sys.exit(1)


def _unexpected(fault: Exception) -> str:
    """Kind and place of a fault, without its message; with ICP_DEBUG set, everything."""
    if os.environ.get("ICP_DEBUG"):
        return "".join(traceback.format_exception(fault))
    from pipelines.faults import unexpected

    return str(unexpected(fault))


if __name__ == "__main__":
    main()
