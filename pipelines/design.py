"""The design stage of a study: who is compared with whom, settled and shown before any outcome is read."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipelines.dagster_home import dagster_instance
from pipelines.definitions import DESIGN_JOB
from pipelines.design_report import design_report
from pipelines.freezing import Freeze, FrozenDesign, check_freeze, freeze_design
from pipelines.interrupts import no_stop_in_imports
from pipelines.metrics import check_outcomes
from pipelines.run import execute
from pipelines.run_log import utc_now
from pipelines.study import Study
from pipelines.study_run import held_study, recorded_run
from pipelines.warehouse import Warehouse

Say = Callable[[str], None]


def design_study(study: Study, *, say: Say) -> str:
    """Reads what is new, chooses comparison people, and says in plain words what came of it; nothing is published.

    No outcome after any index date is read. Raises as `run_study` does: StudyError (exit 2), DataQualityError
    (exit 3), IcpError (exit 1) when another run holds the study.
    """
    with designed(study, say=say) as warehouse:
        return design_report(study, warehouse)


def freeze_study(study: Study, freeze: Freeze, *, say: Say) -> FrozenDesign:
    """Runs the design stage and keeps what it found: later runs estimate on these pairs and weights.

    Raises as `design_study` does, and StudyError where a design is frozen already and nobody said that it may go.
    """
    check_freeze(study, freeze)
    with designed(study, say=say) as warehouse:
        return freeze_design(study, warehouse, freeze, now=utc_now())


@contextmanager
def designed(study: Study, *, say: Say) -> Iterator[Warehouse]:
    """The working file with the tables of the design stage, while the study is held."""
    check_outcomes(study)
    run_id = str(uuid.uuid4())
    with (
        held_study(study, run_id=run_id, say=say),
        dagster_instance(study.output) as instance,
        no_stop_in_imports(),
        recorded_run(study, run_id=run_id, inputs="", instance=instance, say=say) as warehouse,
    ):
        execute(study, warehouse, run_id=run_id, instance=instance, say=say, job_name=DESIGN_JOB)
        yield warehouse
