"""The look at the data that a run takes: planned or not, what was looked at before, and whether its day was amended."""

from dataclasses import replace

from evaluation.estimation import Look, look_at
from evaluation.estimation.cautions import join
from pipelines.amended import amended_look
from pipelines.run_log import published_looks
from pipelines.study import Study
from pipelines.warehouse import Warehouse


def look_at_data(warehouse: Warehouse, study: Study) -> Look:
    """Whether this is an analysis that the protocol plans, and what may count as a finding.

    Looks before it are those of the study's log of runs, see `look_at`. A day that became a planned one, or the end of
    the data, after the protocol's first use is said to have been amended.
    """
    periods = study.protocol.periods
    look = look_at(
        warehouse.read("people").filter("is_pilot")["index_date"],
        analysis_dates=study.protocol.analysis_dates,
        data_until=periods.data_until,
        follow_up_months=periods.follow_up_months,
        earlier_looks=published_looks(study.output),
    )
    amended = amended_look(warehouse.read("protocol_amendments"), study.protocol)
    return replace(look, caution=join(look.caution, amended), amended=amended)
