"""Which predictive risks a protocol asks for, and the columns that they are among its covariates."""

from collections.abc import Iterator

from evaluation.matching import COVARIATES, PREDICTIVE_RISK, risk_of
from pipelines.contracts import contract_by_table
from pipelines.protocol import Protocol

NO_EVENTS = ("pounds", "bed days")


def count_outcomes(protocol: Protocol) -> dict[str, str]:
    """Priority of each outcome of the protocol that counts events, by metric: no money, nights, deaths or answers."""
    columns = [one for one in contract_by_table("person_periods").columns if "metric_domain" in one.options]
    counts = {
        column.name
        for column in columns
        if column.sql_type != "BOOLEAN" and not column.options["metric_unit"].startswith(NO_EVENTS)
    }
    return {outcome.metric: outcome.priority for outcome in protocol.outcomes if outcome.metric in counts}


def risk_outcomes(protocol: Protocol) -> tuple[str, ...]:
    """The outcomes of which everybody needs a predictive risk; none where nothing asks for one.

    As a covariate all that count events, primary ones first; for pairs alone the first primary one.
    """
    if PREDICTIVE_RISK in protocol.comparison.covariates:
        counts = count_outcomes(protocol)
        return tuple(sorted(counts, key=lambda metric: counts[metric] != "primary"))
    return primary_counts(protocol)[:1] if pairs_by_risk(protocol) else ()


def primary_counts(protocol: Protocol) -> tuple[str, ...]:
    """The primary ones among `count_outcomes`, in their order."""
    return tuple(metric for metric, priority in count_outcomes(protocol).items() if priority == "primary")


def asks_for_risk(protocol: Protocol) -> bool:
    """Whether the design rests on a predictive risk, as one of its covariates or as what pairs are the nearest in."""
    return PREDICTIVE_RISK in protocol.comparison.covariates or pairs_by_risk(protocol)


def pairs_by_risk(protocol: Protocol) -> bool:
    """Whether pairs are the nearest in a predictive risk."""
    return protocol.comparison.method == "prognostic"


def score_of_pairs(protocol: Protocol) -> str:
    """The column that pairs are the nearest in, where they are so in a predictive risk; else empty."""
    return risk_of(primary_counts(protocol)[0]) if pairs_by_risk(protocol) else ""


def design_covariates(protocol: Protocol) -> tuple[str, ...]:
    """The protocol's covariates in their order, `predictive_risk` as one column for each of `risk_outcomes`."""
    return tuple(_columns(protocol))


def history_covariates(protocol: Protocol) -> tuple[str, ...]:
    """What a prognostic score is made of: the protocol's covariates; with a predictive risk, which stands for all that
    is known, the default ones after them.
    """
    named = [name for name in protocol.comparison.covariates if name != PREDICTIVE_RISK]
    return tuple(dict.fromkeys((*named, *(COVARIATES if asks_for_risk(protocol) else ()))))


def _columns(protocol: Protocol) -> Iterator[str]:
    for name in protocol.comparison.covariates:
        if name == PREDICTIVE_RISK:
            yield from (risk_of(metric) for metric in risk_outcomes(protocol))
        else:
            yield name
