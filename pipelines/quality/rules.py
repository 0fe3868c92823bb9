"""The quality rules: ids that never change, what each asks of the data, and what to do when it is not so."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class QualityRule:
    """One rule in words: `dimension` as the Open Data Contract Standard names them, no value anywhere."""

    rule_id: str
    title: str
    dimension: str
    meaning: str
    advice: str


_ASK = "Ask the supplier"
_RULES = (
    QualityRule(
        "not_null",
        "Values are there",
        "completeness",
        "Of the accepted records, those without a value in the column. A column that the supplier may leave out and "
        "that is empty throughout is not evaluated.",
        f"{_ASK} why the column is empty and since when; compare the deliveries in `deliveries`.",
    ),
    QualityRule(
        "valid_codes",
        "Codes are known",
        "conformity",
        "Of the values that are there, those that are none of the contract's codes.",
        f"{_ASK} what the code means, then extend the contract or have the file corrected.",
    ),
    QualityRule(
        "valid_form",
        "Codes have their form",
        "conformity",
        "Of the values that are there, those that do not have the form that the contract gives them.",
        f"{_ASK} for codes in the form of the contract.",
    ),
    QualityRule(
        "unique_key",
        "Keys stand once",
        "uniqueness",
        "Of the accepted records, those whose key stands more than once in their delivery; one of them counts.",
        f"{_ASK} whether the file was joined from several; the duplicates are already left out of every count.",
    ),
    QualityRule(
        "plausible_range",
        "Numbers are plausible",
        "accuracy",
        "Of the values that are there, those outside the contract's bounds.",
        f"{_ASK} for the unit of the column and for corrected values.",
    ),
    QualityRule(
        "date_in_window",
        "Dates are in the window",
        "accuracy",
        "Of the dates that are there, those before 1850 or after both data_until and the last period delivered.",
        f"{_ASK} for corrected dates, or set periods.data_until in protocol.yaml to the last complete day.",
    ),
    QualityRule(
        "person_known",
        "People are in the population",
        "consistency",
        "Of the accepted records of people who did not opt out, those whose person is not in the population extract.",
        "Check that all extracts were made with the same pseudonym key, area and day; ask for a newer population.",
    ),
    QualityRule(
        "site_known",
        "Sites are registered",
        "consistency",
        "Of the accepted records with a site, those whose site is not in sites.csv.",
        "Add the site to sites.csv, or ask the supplier which site is meant.",
    ),
    QualityRule(
        "quarantine_rate",
        "Records can be placed",
        "accuracy",
        "In the delivery with the largest share, the records that were quarantined. Deliveries of fewer than 100 "
        "records are not evaluated.",
        "Look at `icp quarantine STUDY` for the rules that were broken, and ask the supplier for a corrected file.",
    ),
    QualityRule(
        "nulled_rate",
        "Values can be used",
        "conformity",
        "In the delivery with the largest share, the accepted records with a value that was not valid and set to "
        "null. Deliveries of fewer than 100 records are not evaluated.",
        f"{_ASK} what the values mean; see the column nulled_fields of the lake for which columns they are in.",
    ),
    QualityRule(
        "delivery_volume",
        "Deliveries have their usual size",
        "coverage",
        "Deliveries whose records a month differ from the median of up to twelve earlier ones of the extract by more "
        "than alerts.volume_change_pct of the protocol. With fewer than three earlier ones not evaluated.",
        f"{_ASK} whether the delivery is complete, or whether a provider joined or left; deliver it again if not.",
    ),
    QualityRule(
        "provider_month_complete",
        "Providers deliver every month",
        "coverage",
        "Months of a provider with fewer than half of its median records, from its first month on. Providers with a "
        "median below 50 records are not evaluated.",
        f"{_ASK} whether the provider's records of these months are still to come; enter a takeover in "
        "provider_successions.csv.",
    ),
    QualityRule(
        "provider_month_filled",
        "Providers fill key fields every month",
        "completeness",
        "Months of a provider and a key field in which more records have no value than the contract allows of the "
        "field, beyond chance. Months of fewer than 50 records and fields that nobody fills are not evaluated.",
        f"{_ASK} why the provider left the field empty, and for the months again; which one and when: "
        "`provider_month_completeness`.",
    ),
    QualityRule(
        "data_until_supported",
        "Data are complete to their end",
        "coverage",
        "Extracts of which the last month with every larger provider as expected, 60 days or more before the newest "
        "delivery came, lies before the last month needed. Not evaluated where no provider has twelve earlier months.",
        f"{_ASK} for the records of the last months, or set periods.data_until in protocol.yaml to the date in "
        "`end_of_data`.",
    ),
    QualityRule(
        "extract_fresh",
        "Deliveries come in time",
        "timeliness",
        "Extracts without a delivery for more than alerts.late_after_days of the protocol, while data up to "
        "periods.data_until are still to come. Not evaluated for made-up studies.",
        f"{_ASK} when the next delivery comes; until then the latest months are missing, not zero.",
    ),
    QualityRule(
        "control_total_agrees",
        "Counts agree with control totals",
        "consistency",
        "Totals of control_totals.csv that our count differs from by more than 5 and by more than 1 per cent.",
        "Compare what both count; a provider that is short in one month often lacks a file.",
    ),
    QualityRule(
        "continuous_spells_agree",
        "Both spell rules agree",
        "consistency",
        "Of the continuous inpatient spells under the study's rule set, those that another published rule set "
        "begins or ends with another provider spell: in the arm, or over all, with the largest share. Arms of fewer "
        "than 100 spells are not evaluated.",
        "Look at `continuous_spell_agreement` and `emergency_admissions_by_rule`; many differences point to missing "
        "transfer codes.",
    ),
    QualityRule(
        "coding_depth_by_arm",
        "Coding depth moves alike",
        "consistency",
        "Whether diagnoses recorded an episode changed from baseline to follow-up by more than 10 per cent more or "
        "less in the pilot than in the comparison.",
        "Read changes of metrics made from diagnoses with care: one arm's records may only be coded better.",
    ),
)
QUALITY_RULES: Mapping[str, QualityRule] = {rule.rule_id: rule for rule in _RULES}
