"""What a simulated study is made of: sites, periods, planted effects, questionnaire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from evaluation.simulation.calendar import FinancialYear, epoch_day, financial_years, shift_month

PLANTABLE_METRICS = (
    "emergency_admissions",
    "elective_admissions",
    "outpatient_attendances",
    "ae_attendances",
)
ENROLMENT_MONTHS = 15


@dataclass(frozen=True, kw_only=True)
class PilotSite:
    """One pilot site; people are enrolled from `go_live_date` on, for at most 15 months."""

    site_id: str
    area: str
    go_live_date: date


@dataclass(frozen=True, kw_only=True)
class SurveyItem:
    """One questionnaire item: the share answering positively before, and its planted change in points.

    `positive`, `negative` and `not_counted` are the answer codes; with `asked_after_discharge`, people who did
    not leave hospital in the period answer `not_counted`.
    """

    item_id: str
    column: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    not_counted: str | None
    baseline_share: float
    change_pp: float = 0.0
    asked_after_discharge: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.share("baseline") <= 1 or not 0 <= self.share("follow_up") <= 1:
            raise ValueError(f"{self.item_id}: the share with the planted change must stay between 0% and 100%")
        if self.asked_after_discharge and self.not_counted is None:
            raise ValueError(f"{self.item_id}: an item that is asked of some needs a not-counted answer")

    def share(self, period: str) -> float:
        """Expected share of positive answers among those who can answer, 0 to 1."""
        return self.baseline_share + (self.change_pp / 100 if period == "follow_up" else 0.0)


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """Everything a simulated study depends on besides the random numbers.

    `effects` are rate ratios on pilot people from their index date on, by metric; `unobserved_level_ratio`
    multiplies all their rates at all times; `survey_waves` are the survey's codes for the two periods; `prices` are
    pounds by activity, as in a study's prices file. Raises ValueError where a setting is out of range.
    """

    sites: tuple[PilotSite, ...]
    data_until: date
    people: int = 2000
    others_per_pilot_person: int = 20
    look_back_months: int = 24
    baseline_months: int = 6
    follow_up_months: int = 6
    comparison_seed: int = 20090401
    effects: Mapping[str, float] = field(default_factory=dict)
    unobserved_level_ratio: float = 1.0
    survey_items: tuple[SurveyItem, ...] = ()
    survey_waves: Mapping[str, str] = field(default_factory=lambda: {"baseline": "1", "follow_up": "2"})
    prices: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.effects) - set(PLANTABLE_METRICS))
        if unknown:
            raise ValueError(f"no effect can be planted on {', '.join(unknown)}")
        if any(not 0 <= ratio <= 5 for ratio in (*self.effects.values(), self.unobserved_level_ratio)):
            raise ValueError("rate ratios must lie between 0 and 5")
        if self.people < 1 or self.others_per_pilot_person < 1 or not self.sites:
            raise ValueError("at least one pilot person, one other person for each and one site are needed")
        if self.look_back_months < self.baseline_months:
            raise ValueError("look_back_months must not be shorter than baseline_months")
        late = [site.site_id for site in self.sites if epoch_day(site.go_live_date) > self.last_index_day]
        if late:
            raise ValueError(f"no whole follow-up is possible before data_until at {', '.join(late)}")

    @property
    def last_index_day(self) -> int:
        """Latest index date, as a day number, whose whole follow-up is within the data."""
        return shift_month(self.last_day + 1, -self.follow_up_months)

    @property
    def last_day(self) -> int:
        """Last day with data, as a day number."""
        return epoch_day(self.data_until)

    @property
    def years(self) -> tuple[FinancialYear, ...]:
        """Financial years that hold everything from the earliest look-back month to `data_until`."""
        earliest = min(epoch_day(site.go_live_date) for site in self.sites)
        return financial_years(shift_month(earliest, -self.look_back_months), self.last_day)

    @property
    def first_day(self) -> int:
        """First day with data, as a day number: a 1 April."""
        return self.years[0].first_day
