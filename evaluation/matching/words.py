"""What a reader must know of a comparison before any outcome is read, in sentences without counts."""

import math
from collections.abc import Collection, Sequence

import polars as pl

MOST_NAMED = 5
TWO_SIDED_95 = 1.96
TOO_FEW = "Too few pilot people to find comparison people like them by several characteristics."
MANY_UNMATCHED = "Over a tenth of the pilot people found nobody like them: the effect is about the others."
SUBGROUP = (
    "A part of the pilot people that the protocol does not name: exploratory, and one part among many, of which some "
    "differ by chance."
)
BY_WEIGHTS_ALONE = "This part is compared by weights alone: pairs were found without regard to it."
NO_PLANNED_CARE = "Pairs are not made alike in planned care"
NEAR_IN_PLANNED_CARE = (
    "Pairs are the nearest in a predictive risk that is made of planned care of a year: matched_did has less of a "
    "lasting difference in it to take away."
)
MONTHS_LEFT_OUT = 6  # before the index date, of the baseline of matched_did
NOBODY = "There is nobody to compare with."
POOLS = {
    "practice_unknown": (
        "Comparison people live outside the pilot's areas; whether they use one of its practices is not known."
    ),
    "unknown": "Whether comparison people live in an area or use a practice of the pilot is not known.",
    "local": (
        "Comparison people live in the pilot's own areas: they could have joined and did not, and what the pilot "
        "changed around them may have reached them."
    ),
}


def pool_caution(pools: Sequence[str]) -> str:
    """What is wrong with where the comparison people come from; nothing for people from outside."""
    return " ".join(POOLS[pool] for pool in sorted(pools) if pool in POOLS)


def missing_caution(names: Sequence[str]) -> str:
    """Covariates that are known of nobody."""
    return f"Not known of anybody, so not made alike: {_some(names)}." if names else ""


def left_out_caution(names: Sequence[str]) -> str:
    """Covariates that there are too few people, or too little overlap, to make alike."""
    return f"Too few people to make alike: {_some(names)}." if names else ""


def planned_care_caution(*, alike_in: Sequence[str], adjusted: Sequence[str], months_alike: int) -> str:
    """What pairs leave open of planned care, and which design with pairs deals with what of it.

    `alike_in`: the covariates of planned care that pairs are alike in, back to `months_alike` months before for every
    kind of it; `adjusted`: those that pairs are not alike in and the regression of `matched_cohort` holds.

    By hand: pairs alike in three months of it leave months 6 to 4 to neither pairs nor `matched_did`.
    """
    alike = f"Of planned care, pairs are alike in {', '.join(alike_in)} alone" if alike_in else NO_PLANNED_CARE
    first_open = months_alike + 1
    months = f"months {MONTHS_LEFT_OUT} to {first_open}" if first_open < MONTHS_LEFT_OUT else f"month {first_open}"
    apart = f", of {months} it does not" if first_open <= MONTHS_LEFT_OUT else ""
    regression = f"adjusts for {', '.join(adjusted)}" if adjusted else "does not adjust for it"
    return f"{alike}: matched_did takes away what differed 24 to 7 months before{apart}; matched_cohort {regression}."


def given_up_caution(names: Sequence[str]) -> str:
    """Exact matching that would have lost too many cases."""
    if not names:
        return ""
    return f"Too many pilot people have no equal, so they are not matched exactly on {', '.join(names)}."


def balance_caution(balance: pl.DataFrame, stage: str, *, apart_from: Collection[str] = ()) -> str:
    """Which plain covariates still differ at a stage, the most different first; `balance` of one population.

    Rows that are made of a name in `apart_from` are passed over.
    """
    found = balance.filter(pl.col("stage") == stage, pl.col("is_unbalanced"))
    for name in sorted(apart_from):
        found = found.filter(~pl.col("covariate").str.contains(name, literal=True))
    if found.is_empty():
        return ""
    worst = found.sort(pl.col("standardised_mean_difference").abs(), "covariate", descending=[True, False])
    return f"Still different after {stage.removeprefix('after_')}: {_some(worst['covariate'].to_list())}."


def bias_caution(bias: float, error: float, tolerated: float) -> str:
    """By how much the recorded history alone sets the groups' expected rates apart; all are log rate ratios.

    By hand: log(1.1) is 10% above, and 1.96 errors of 0.05 either way reach from -0.3% to 21.3%.
    """
    where = "above" if bias > 0 else "below"
    low, high = (100 * math.expm1(bias + side * TWO_SIDED_95 * error) for side in (-1, 1))
    size, limit = (100 * abs(math.expm1(value)) for value in (bias, tolerated))
    return (
        f"Groups not alike: by their recorded history alone the pilot people's rate would be {size:.1f}% {where} the "
        f"comparison people's without any pilot (95% interval {low:+.1f}% to {high:+.1f}%); up to {limit:.1f}%, a "
        "quarter of the smallest worthwhile change, is tolerated."
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" and others" if len(names) > MOST_NAMED else "")
