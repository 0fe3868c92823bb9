"""Whether what the population file tells of people was so on their index date, in words."""

from collections.abc import Collection, Sequence
from types import MappingProxyType

import polars as pl

AS_OF = MappingProxyType({"is_care_home_resident": "care_home_as_of_date", "imd_quintile": "deprivation_as_of_date"})
NAMES = MappingProxyType({"is_care_home_resident": "care home", "imd_quintile": "deprivation"})
FEWEST_SHOWN = 8
LATER = (
    "{what} of {whom} {are} as in a population file later than the index date: a change in between, which may be an "
    "effect of the pilot, is balanced away. Leave {it} out under comparison.covariates, or deliver a population file "
    "from before."
)
UNKNOWN = (
    "{what} of {whom} {are} as in a population file without a month in its name, which may be later than the index "
    "date: a change in between, which may be an effect of the pilot, is then balanced away. Name the month, or leave "
    "{it} out under comparison.covariates."
)


def register_caution(cases: pl.DataFrame, used: Collection[str]) -> str:
    """Whether a design with the covariates `used` takes them from population files later than the index dates.

    `cases`: `index_date` and, of care home and deprivation, the day as of which they are (`AS_OF`), null where it is
    not known; of cases without such a column nothing is said. A file is as of the end of the month in its name. Counts
    of 1 to 7 people, and of all but 1 to 7, are not given away.

    By hand: of 20 cases 10 have an index date before the end of the file's month: "50% of the pilot people".
    """
    later: dict[str, list[str]] = {}
    unknown: dict[str, list[str]] = {}
    for name, column in AS_OF.items():
        if name in used and column in cases.columns:
            is_later = pl.col(column) > pl.col("index_date")
            for found, condition in ((later, is_later), (unknown, pl.col(column).is_null())):
                concerned = cases.filter(condition).height
                if concerned:
                    found.setdefault(share_of_pilot_people(concerned, cases.height), []).append(NAMES[name])
    said = [(LATER, whom, what) for whom, what in later.items()]
    said += [(UNKNOWN, whom, what) for whom, what in unknown.items()]
    return " ".join(words.format(whom=whom, **_subject(what)) for words, whom, what in said)


def share_of_pilot_people(part: int, whole: int) -> str:
    """A part of the pilot people in words that give away no count of 1 to 7, nor what is left of the whole.

    >>> [share_of_pilot_people(part, 40) for part in (40, 38, 20, 3)]
    ['all pilot people', 'all but 1 to 7 pilot people', '50% of the pilot people', '1 to 7 pilot people']
    """
    if part == whole:
        return "all pilot people"
    if part < FEWEST_SHOWN:
        return "1 to 7 pilot people"
    if whole - part < FEWEST_SHOWN:
        return "all but 1 to 7 pilot people"
    return f"{100 * part / whole:.3g}% of the pilot people"


def _subject(names: Sequence[str]) -> dict[str, str]:
    """One or both of the two as the subject of a sentence, with the verb and the pronoun that agree with it."""
    are, it = ("is", "it") if len(names) == 1 else ("are", "them")
    return {"what": " and ".join(names).capitalize(), "are": are, "it": it}
