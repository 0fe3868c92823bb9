"""People of an estimate that differs from the planned one in one respect, and shifts of the estimate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from evaluation.estimation.compared import ComparedPeople
from evaluation.estimation.rate_ratios import RateRatio

AS_PLANNED = "as_planned"
PLAN_IN_SAMPLE = "plan_in_sample"
HIDDEN_GROUP = "hidden_group"
SITE_LEFT_OUT = "site_left_out"
DOUBTFUL_DEATHS_LEFT_OUT = "doubtful_deaths_left_out"
OTHER_SPELL_RULE = "other_spell_rule"
LOCAL_POOL = "local_pool"
LATER_ENROLLED_UNCENSORED = "later_enrolled_uncensored"
LATER_ENROLLED_REWEIGHTED = "later_enrolled_reweighted"
PROVIDER_LEFT_OUT = "provider_left_out"
PLACEBO_INDEX_DATE = "placebo_index_date"
OVERLAP_WEIGHTS = "overlap_weights"
NEGATIVE_CONTROL = "negative_control"
LOCAL = "local"  # the variant of those compared with people of the pilot's own areas


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Weighted people of one analysis; None with the `reason` where no weights were found.

    `analysis` says in which respect it differs from the plan, `variant` how. `counts`, if given, stands in place of
    the follow-up's counts: `person_id`, `person_days` and the metrics that it changes. `caution` is what a reader must
    know of this analysis alone. With `is_of_sample` people are a sample of the plan's, whose own estimate as planned is
    the variant `plan_in_sample`: only the shift between the two counts.
    """

    analysis: str
    variant: str = ""
    people: ComparedPeople | None = None
    reason: str = ""
    counts: pl.DataFrame | None = None
    caution: str = ""
    is_of_sample: bool = False


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How far the log rate ratio moves when a group of covariates is hidden."""

    group: str
    log_shift: float

    @property
    def pct(self) -> float:
        """The same as a percentage of the rate ratio; by hand: 0.0198 is 2%."""
        return 100 * math.expm1(self.log_shift)


def largest_shift(planned: RateRatio, hidden: Mapping[str, RateRatio]) -> Shift | None:
    """The group whose hiding moves the log rate ratio most, either way; None where no group could be hidden.

    `hidden`: the effect without each group. Of equal shifts the first stands.

    By hand: -0.10 as planned, -0.08 without one group and -0.15 without the other: the other, -0.05.
    """
    shifts = [
        Shift(group=group, log_shift=effect.log_rate_ratio - planned.log_rate_ratio) for group, effect in hidden.items()
    ]
    return max(shifts, key=lambda shift: abs(shift.log_shift), default=None)


def moved(planned: RateRatio, *, by: RateRatio, from_plan: RateRatio) -> RateRatio:
    """The plan's effect, moved by the shift between two estimates of a sample; its standard error stays.

    The rate without the pilot and the change per person-year follow the ratio.

    By hand: -0.10 as planned; -0.12 and -0.07 in the sample: -0.10 + 0.05 = -0.05.
    """
    log_rate_ratio = planned.log_rate_ratio + by.log_rate_ratio - from_plan.log_rate_ratio
    without = planned.rate / math.exp(log_rate_ratio)
    return replace(planned, log_rate_ratio=log_rate_ratio, rate_without=without, change=planned.rate - without)
