"""What was amended after the protocol's first use, as cautions on the results that rest on it."""

from collections.abc import Mapping

import polars as pl

from evaluation.estimation.cautions import join
from pipelines.freezing import FROZEN_SECTIONS, MAY_CHANGE, design_state, frozen_design
from pipelines.protocol import INSTRUMENTS, STUDY_FILES, Protocol
from pipelines.study import Study
from pipelines.warehouse import Warehouse

AMENDED = "Amended after the protocol's first use, last on {day}: {settings} (see protocol_amendments)."
LOOK = ("analysis_dates", "periods.data_until")
COUNTS = ("periods", "spells", "extracts")
AREAS = (*COUNTS, "sites", "sites.csv")
DESIGN = (*FROZEN_SECTIONS, *(name for name in STUDY_FILES if name != "prices.csv"), "sites", "extracts")
COSTS = ("prices", "prices.csv")
HORIZONS = ("periods.horizons_months",)
HEADLINE = ("sites_as",)
PRIOR = ("prior",)
NEGATIVE_CONTROLS = ("negative_controls",)


def amended(amendments: pl.DataFrame, *names: str, but: tuple[str, ...] = ()) -> str:
    """A sentence on the settings, sections or files `names` that were amended, `but` for some; empty if none was.

    By hand: `comparison.ratio` amended on 9 April, asked of `comparison`: "Amended after the protocol's first use, last
    on 2010-04-09: comparison.ratio (see protocol_amendments)."
    """
    dotted = pl.col("setting") + "."
    meant = pl.any_horizontal(dotted.str.starts_with(f"{name}.") for name in names)
    found = amendments.filter(meant & ~pl.col("setting").is_in(but))
    if found.is_empty():
        return ""
    settings = ", ".join(found["setting"].unique().sort())
    return AMENDED.format(day=found["amended_on"].max(), settings=settings)


def amended_look(amendments: pl.DataFrame, protocol: Protocol) -> str:
    """Of the days of analyses and the end of the data; moving on to a day that was planned from the start is none."""
    was_planned = protocol.periods.data_until in protocol.analysis_dates and not amended(amendments, "analysis_dates")
    return "" if was_planned else amended(amendments, *LOOK)


def state_of_design(warehouse: Warehouse, study: Study) -> str:
    """What results say of the design: by whom it was frozen and when; that it was not, and what was amended of it.

    A freeze refuses another choice of what the design rests on, so amendments before it are settled by it: it says
    itself whether outcomes had been read by then. What a freeze does not settle is said in any case.
    """
    amendments = warehouse.read("protocol_amendments")
    settled = frozen_design(study) is not None
    names = ("extracts",) if settled else DESIGN
    return join(design_state(study), amended(amendments, *names, but=MAY_CHANGE))


def amended_metrics(amendments: pl.DataFrame, protocol: Protocol) -> Mapping[str, tuple[str, ...]]:
    """Sentences by metric of use and cost: costs by their prices, negative controls by their choice."""
    costs, controls = amended(amendments, *COSTS), amended(amendments, *NEGATIVE_CONTROLS)
    found = dict.fromkeys(protocol.negative_controls, (controls,)) if controls else {}
    return found | ({"cost_gbp": (*found.get("cost_gbp", ()), costs)} if costs else {})


def amended_instruments(amendments: pl.DataFrame, study: Study) -> Mapping[str, str]:
    """A sentence by questionnaire whose file was amended."""
    names = [instrument.instrument for instrument in study.instruments.values()]
    said = {name: amended(amendments, f"{INSTRUMENTS}{name}.yaml") for name in names}
    return {name: sentence for name, sentence in said.items() if sentence}
