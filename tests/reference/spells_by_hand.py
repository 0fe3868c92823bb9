"""Provider spells and continuous inpatient spells once more, slowly: loops over lists, written from the definitions.

Nothing here is shared with the SQL models or the code lists, so that agreement means something.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

FAR = date(9999, 12, 31)


@dataclass(frozen=True)
class Episode:
    """One consultant episode; dates may be None where the extract has none."""

    key: str
    person: str
    provider: str
    start: date
    end: date | None
    order: int | None
    transit: str | None
    admission: date | None
    discharge: date | None
    method: str | None
    source: str | None
    discharge_method: str | None
    destination: str | None
    classification: str | None

    @property
    def regular(self) -> bool:
        return self.classification in {"3", "4"}

    @property
    def sequence(self) -> tuple[date, date, int, str, str]:
        order = 99_999 if self.order is None else self.order
        return self.start, self.end or FAR, order, self.transit or "~", self.key

    @property
    def known_until(self) -> date | None:
        return max((day for day in (self.end, self.discharge) if day), default=None)


@dataclass
class Spell:
    """Episodes of one stay at one provider, in order; stays nested in it apart."""

    episodes: list[Episode]
    nested: list[Episode]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(episode.key for episode in [*self.episodes, *self.nested])

    @property
    def admission(self) -> date:
        first = self.episodes[0]
        recorded = [episode.admission for episode in self.episodes if episode.admission]
        return first.admission or min(recorded, default=first.start)

    @property
    def stated_end(self) -> date | None:
        last = self.episodes[-1]
        if last.discharge:
            return last.discharge
        return last.end if last.discharge_method in {"1", "2", "3", "4", "5"} else None

    @property
    def last_known_day(self) -> date | None:
        ends = [episode.end for episode in self.episodes if episode.end]
        return self.stated_end or max(ends, default=None)


def provider_spells(episodes: Iterable[Episode]) -> list[Spell]:
    """Every spell of every person and provider."""
    by_place: dict[tuple[str, str, bool], list[Episode]] = defaultdict(list)
    for episode in episodes:
        by_place[episode.person, episode.provider, episode.regular].append(episode)
    return [spell for place in by_place.values() for spell in _spells_of_place(_chains(place))]


def _chains(episodes: list[Episode]) -> list[list[Episode]]:
    chains: list[list[Episode]] = []
    for episode in sorted(episodes, key=lambda episode: episode.sequence):
        if chains and _continues(chains[-1][-1], episode):
            chains[-1].append(episode)
        else:
            chains.append([episode])
    return chains


def _continues(previous: Episode, episode: Episode) -> bool:
    if previous.admission and previous.admission == episode.admission:
        return True
    if previous.start == episode.start:
        return True
    return previous.discharge_method in {"8", "9"} and previous.end == episode.start


def _spells_of_place(chains: list[list[Episode]]) -> list[Spell]:
    spells: list[Spell] = []
    placed: list[tuple[list[Episode], Spell]] = []
    reached = date.min
    for chain in chains:
        end = _end_of(chain)
        start = chain[0].start
        if not chain[0].regular and end and start < reached and end <= reached:
            holder = [spell for outer, spell in placed if (_end_of(outer) or date.min) >= end][-1]
            holder.nested.extend(chain)
        elif placed and _continues(placed[-1][0][-1], chain[0]):
            placed[-1][1].episodes.extend(chain)
            placed.append((chain, placed[-1][1]))
        else:
            spells.append(Spell(list(chain), []))
            placed.append((chain, spells[-1]))
        reached = max(reached, end or date.min)
    return spells


def _end_of(chain: list[Episode]) -> date | None:
    return max((episode.known_until for episode in chain if episode.known_until), default=None)


def continuous_spells(spells: Iterable[Spell], *, rule: str) -> list[list[Spell]]:
    """The chains of spells under a rule set, each in order."""
    by_person: dict[str, list[Spell]] = defaultdict(list)
    for spell in spells:
        by_person[spell.episodes[0].person].append(spell)
    return [chain for of_person in by_person.values() for chain in _continuous_of_person(of_person, rule)]


def _continuous_of_person(spells: Sequence[Spell], rule: str) -> list[list[Spell]]:
    chains = [[spell] for spell in spells if spell.episodes[0].regular]
    others = sorted((spell for spell in spells if not spell.episodes[0].regular), key=_spell_sequence)
    for previous, spell in zip([None, *others], others, strict=False):
        if previous is not None and _transferred(previous, spell, rule):
            chains[-1].append(spell)
        else:
            chains.append([spell])
    return chains


def _spell_sequence(spell: Spell) -> tuple[date, date, str, bool, str, tuple[date, date, int, str, str]]:
    first = spell.episodes[0]
    arrived = first.method in {"2B", "67", "81"} or first.source in {"51", "52", "53"}
    return spell.admission, spell.last_known_day or FAR, first.transit or "~", arrived, first.provider, first.sequence


def _transferred(previous: Spell, spell: Spell, rule: str) -> bool:
    if previous.last_known_day is None:
        return False
    gap = (spell.admission - previous.last_known_day).days
    destination = previous.episodes[-1].destination
    method, source = spell.episodes[0].method, spell.episodes[0].source
    if rule == "nhs_digital_2014":
        if destination == "19" and source == "51" and method == "21":
            return False
        return gap <= 2 and (
            destination in {"49", "50", "51", "52", "53", "84"}
            or source in {"49", "50", "51", "52", "53", "87"}
            or method in {"2B", "81", "67"}
        )
    return gap <= 3 and (
        destination in {"51", "52", "53"} or source in {"51", "52", "53"} or method in {"2B", "81", "67"}
    )
