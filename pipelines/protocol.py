"""The analysis plan of a study: `protocol.yaml`, checked setting by setting."""

import hashlib
import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from evaluation.matching import COVARIATES, EXACT, EXACT_NAMES, FORMS, PREDICTIVE_RISK, CaliperDefinition, Method
from pipelines.cron import checked_cron
from pipelines.strict_yaml import Strict, load_mapping, nearest, parse

EXTRACT_CONTRACTS = {
    "admissions": "hes_apc",
    "outpatients": "hes_op",
    "emergency_care": "hes_ae",
    "population": "population",
    "enrolments": "pilot_enrolment",
    "opt_outs": "opt_out",
}
STUDY_FILES = ("sites.csv", "prices.csv", "imd.csv", "provider_successions.csv", "other_programmes.csv")
INSTRUMENTS = "instruments/"
REQUIRED_EXTRACTS = ("admissions", "population", "enrolments")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Months = Annotated[int, Field(ge=1, le=120)]


EARLIER_COHORT_MONTHS = 18  # a placebo index date twelve months before, and half a year before that
USUAL_HORIZONS = (3, 6, 12, 24)  # months


class Extract(Strict):
    """One kind of delivery: the contract it is read by and, for surveys, the instrument."""

    contract: str
    instrument: str | None = None


class Periods(Strict):
    """The windows around each person's index date, in months, and the last day with complete data.

    Without `horizons_months` the usual horizons that the data reach are taken, see `horizons_of`.
    """

    look_back_months: Months = 24
    baseline_months: Months
    follow_up_months: Months
    horizons_months: tuple[Months, ...] | None = None
    data_until: date

    @model_validator(mode="after")
    def _baseline_lies_in_look_back(self) -> "Periods":
        if self.look_back_months < self.baseline_months:
            raise ValueError("look_back_months must be at least baseline_months")
        return self

    @property
    def longest_horizon_months(self) -> int:
        """The longest that may be looked at: without `horizons_months`, of the usual ones, reached yet or not."""
        named = USUAL_HORIZONS if self.horizons_months is None else self.horizons_months
        return max(*named, self.follow_up_months) if named else self.follow_up_months

    @model_validator(mode="after")
    def _horizons_stand_once(self) -> "Periods":
        named = self.horizons_months or ()
        if len(set(named)) < len(named):
            raise ValueError("horizons_months: a horizon stands twice")
        return self


class Spells(Strict):
    """Which published rule joins provider spells into continuous inpatient spells."""

    continuous_rule: Literal["nhs_digital_2014", "hf_che"] = "nhs_digital_2014"


def _check_columns(setting: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            hint = "".join(f"; {line}" for line in nearest(name, list(known)))
            raise ValueError(f"{setting}: {name} is not known (known: {', '.join(known)}){hint}")
    if len(set(names)) < len(names):
        raise ValueError(f"{setting}: a name stands twice")


class Comparison(Strict):
    """How comparison people are chosen: what pairs are equal in, what is made alike, how many, how near."""

    exact: tuple[str, ...] = EXACT
    covariates: tuple[str, ...] = COVARIATES
    method: Method = "nearest"
    with_replacement: bool = False
    ratio: Annotated[int, Field(ge=1, le=100)] = 5
    caliper: Annotated[float, Field(gt=0)] = 0.2
    caliper_definition: CaliperDefinition = "pooled"
    seed: Annotated[int, Field(ge=0)] = 1

    @model_validator(mode="after")
    def _columns_are_known(self) -> "Comparison":
        _check_columns("exact", self.exact, EXACT_NAMES)
        _check_columns("covariates", self.covariates, (*FORMS, PREDICTIVE_RISK))
        return self

    @model_validator(mode="after")
    def _optimal_pairs_use_nobody_twice(self) -> "Comparison":
        if self.method == "optimal" and self.with_replacement:
            raise ValueError(
                "with_replacement: optimal pairs use no comparison person twice; expected false, or method nearest, "
                "mahalanobis or prognostic"
            )
        return self


class ExcludedDonor(Strict):
    """An area that the synthetic control may not use, and why not."""

    area: Annotated[str, StringConstraints(min_length=1)]
    reason: Annotated[str, StringConstraints(min_length=1)]


class AreaDesigns(Strict):
    """What is known of areas beyond the data: donors that no mix of areas should hold."""

    excluded_donors: tuple[ExcludedDonor, ...] = ()

    @model_validator(mode="after")
    def _donors_stand_once(self) -> "AreaDesigns":
        areas = [one.area for one in self.excluded_donors]
        twice = sorted({area for area in areas if areas.count(area) > 1})
        if twice:
            raise ValueError(f"excluded_donors: {', '.join(twice)} stands more than once")
        return self


class Outcome(Strict):
    """One metric that the pilot intends to change; whatever else is computed is exploratory."""

    metric: str
    priority: Literal["primary", "secondary"]
    benefits: Literal["service_users", "staff", "organisation"]
    expected: Literal["increase", "decrease"]
    smallest_worthwhile_change_pct: float | None = None


class Prior(Strict):
    """What is held likely before the data: 95% of rises up to this many percent, or falls of the same ratio."""

    largest_likely_change_pct: Annotated[float, Field(ge=1, le=1000)] = 20


class Planning(Strict):
    """What a plan assumes: how far the effects of sites differ, a standard deviation in percent."""

    site_spread_pct: Annotated[float, Field(ge=0, le=100)] = 10


class Disclosure(Strict):
    """Counts up to the threshold are suppressed, others rounded, in whatever leaves the building."""

    suppress_up_to: Annotated[int, Field(ge=0)] = 7
    round_to: Annotated[int, Field(ge=1)] = 5


class Alerts(Strict):
    """Where data-quality alerts go (the name of an environment variable), and from what change on."""

    to_env: str = "ICP_ALERT_URLS"
    volume_change_pct: Annotated[float, Field(gt=0)] = 20
    late_after_days: Annotated[int, Field(ge=1)] = 40


class Amendment(Strict):
    """Why a setting, a section or a file beside the protocol was changed after its first use, by who changed it."""

    amended_on: date
    setting: Annotated[str, StringConstraints(min_length=1)]
    reason: Annotated[str, StringConstraints(min_length=1)]


class Protocol(Strict):
    """All settings of a study; every section but study, extracts, periods and outcomes has defaults."""

    study: Name
    title: str = ""
    registered_on: date | None = None
    synthetic: bool = False
    extracts: dict[Name, Extract]
    sites: str | None = None
    sites_as: Literal["fixed", "random"] = "fixed"
    periods: Periods
    spells: Spells = Spells()
    comparison: Comparison = Comparison()
    area_designs: AreaDesigns = AreaDesigns()
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    negative_controls: tuple[str, ...] = ()
    prior: Prior = Prior()
    planning: Planning = Planning()
    disclosure: Disclosure = Disclosure()
    prices: str | None = None
    alerts: Alerts = Alerts()
    schedule: Annotated[str, AfterValidator(checked_cron)] | None = None
    analysis_dates: tuple[date, ...] = ()
    amendments: tuple[Amendment, ...] = ()

    @model_validator(mode="after")
    def _extracts_have_their_contract(self) -> "Protocol":
        for name in REQUIRED_EXTRACTS:
            if name not in self.extracts:
                raise ValueError(f"extracts.{name} is missing (required: {', '.join(REQUIRED_EXTRACTS)})")
        for name, extract in self.extracts.items():
            _check_contract(name, extract)
        return self

    @model_validator(mode="after")
    def _look_back_holds_an_earlier_cohort(self) -> "Protocol":
        months = self.periods.look_back_months
        if self.comparison.method == "prognostic" and months < EARLIER_COHORT_MONTHS:
            raise ValueError(
                f"comparison.method: prognostic needs at least {EARLIER_COHORT_MONTHS} periods.look_back_months, there "
                f"are {months}: the score is fitted on people a year before their index date and on the half year "
                "before that; look further back, or choose another method, such as nearest"
            )
        return self

    @model_validator(mode="after")
    def _analysis_dates_increase(self) -> "Protocol":
        if any(later <= earlier for earlier, later in pairwise(self.analysis_dates)):
            raise ValueError("analysis_dates: expected days in order, each once, such as [2010-06-30, 2011-06-30]")
        return self

    @model_validator(mode="after")
    def _amendments_name_sections(self) -> "Protocol":
        known = [*(name for name in type(self).model_fields if name != "amendments"), *STUDY_FILES]
        for amendment in self.amendments:
            is_file = amendment.setting.endswith((".csv", ".yaml"))
            section = amendment.setting if is_file else amendment.setting.split(".")[0]
            if section.startswith(INSTRUMENTS):
                continue
            if section not in known:
                hint = "".join(f"; {line}" for line in nearest(section, known))
                raise ValueError(
                    f"amendments: {amendment.setting} is no setting (sections and files: {', '.join(known)}){hint}"
                )
        return self

    @model_validator(mode="after")
    def _outcomes_stand_once(self) -> "Protocol":
        metrics = [outcome.metric for outcome in self.outcomes]
        twice = sorted({metric for metric in metrics if metrics.count(metric) > 1})
        if twice:
            raise ValueError(f"outcomes: {', '.join(twice)} stands more than once")
        both = sorted(set(metrics) & set(self.negative_controls))
        if both:
            raise ValueError(f"negative_controls: {', '.join(both)} is an outcome, so the pilot is meant to change it")
        if len(set(self.negative_controls)) < len(self.negative_controls):
            raise ValueError("negative_controls: a metric stands twice")
        return self

    @property
    def surveys(self) -> dict[str, Extract]:
        """The extracts that are surveys, by name."""
        return {name: extract for name, extract in self.extracts.items() if extract.contract == "survey"}


def _check_contract(name: str, extract: Extract) -> None:
    expected = EXTRACT_CONTRACTS.get(name, "survey")
    if extract.contract != expected:
        known = ", ".join(EXTRACT_CONTRACTS)
        raise ValueError(
            f"extracts.{name}.contract: expected {expected} "
            f"(extracts with a name of their own are surveys; fixed names: {known})"
        )
    if expected == "survey" and extract.instrument is None:
        raise ValueError(f"extracts.{name}.instrument is missing: a survey needs the instrument it asked")


def load_protocol(path: Path) -> Protocol:
    """The protocol in a file; StudyError names each setting that is unknown, missing or wrong."""
    return parse(Protocol, load_mapping(path), file_name=path.name)


def settings_as_written(path: Path) -> str:
    """The settings as canonical JSON: the same whatever their order, spacing and comments.

    Reasons for amendments are no settings: stating one does not make another protocol.
    """
    settings = {name: value for name, value in load_mapping(path).items() if name != "amendments"}
    return json.dumps(settings, sort_keys=True, default=str, ensure_ascii=False)


def protocol_hash(path: Path) -> str:
    """SHA-256 of `settings_as_written`."""
    return hashlib.sha256(settings_as_written(path).encode()).hexdigest()
