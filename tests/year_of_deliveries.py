"""A year of deliveries of a small study, and the one clean delivery that it should come to."""

import csv
import gzip
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

Record = dict[str, str]
Files = Mapping[str, bytes]

MONTHS = [f"{2009 + month // 13}-{(month - 1) % 12 + 1:02d}" for month in range(4, 16)]
FIRST_DAY, LAST_DAY = date(2009, 4, 1), date(2010, 3, 31)
PEOPLE = [f"P{number:02d}" for number in range(30)]


def as_csv(records: Sequence[Record], header: Sequence[str]) -> bytes:
    """Records as text with a header."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(header), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue().encode()


def day(random: Random, first: date = FIRST_DAY, last: date = LAST_DAY) -> date:
    return first + timedelta(days=random.randrange((last - first).days + 1))


# The year as it was: what the last version of every delivery says.


def admissions(random: Random) -> list[Record]:
    """Stays of one or two episodes; some go on in another hospital, some are not over at the end of the year."""
    episodes: list[Record] = []
    for stay in range(120):
        person, provider, start = random.choice(PEOPLE), random.choice(["RAA", "RBB"]), day(random)
        middle = start + timedelta(days=random.randrange(12))
        end = middle + timedelta(days=random.randrange(8))
        parts = [(start, end)] if random.random() < 0.6 else [(start, middle), (middle, end)]
        moves_on = random.random() < 0.15
        method = random.choice(["21", "22", "2A", "11", "12"])
        for order, (first, last) in enumerate(parts, start=1):
            is_last = order == len(parts)
            episodes.append(
                {
                    "EPIKEY": f"E{stay:03d}{order}",
                    "PSEUDO_HESID": person,
                    "EPISTART": f"{first}",
                    "EPIEND": f"{last}",
                    "EPIORDER": f"{order}",
                    "EPISTAT": "3",
                    "ADMIDATE": f"{start}",
                    "DISDATE": f"{end}" if is_last else "",
                    "ADMIMETH": method,
                    "ADMISORC": "19",
                    "DISMETH": "1" if is_last else "8",
                    "DISDEST": ("51" if moves_on else "19") if is_last else "98",
                    "CLASSPAT": "1",
                    "PROCODE3": provider,
                    "DIAG_01": random.choice(["I10X", "J440", "E119", "S720"]),
                    "MAINSPEF": random.choice(["300", "430", ""]),
                }
            )
        if moves_on:
            onward = {"EPISTART": f"{end}", "EPIEND": f"{end + timedelta(days=3)}", "ADMIDATE": f"{end}"}
            other = {"ADMISORC": "51", "ADMIMETH": "81", "DISDATE": onward["EPIEND"], "PROCODE3": "RCC"}
            last_one = {"DISMETH": "1", "DISDEST": "19", "EPIORDER": "1", "EPIKEY": f"E{stay:03d}9"}
            episodes.append({**episodes[-1], **onward, **other, **last_one})
    return [unfinished(e) if e["EPIEND"] > f"{LAST_DAY}" else e for e in episodes if e["EPISTART"] <= f"{LAST_DAY}"]


def unfinished(episode: Record) -> Record:
    return {**episode, "EPISTAT": "1", "EPIEND": "", "DISDATE": "", "DISMETH": "8", "DISDEST": "98"}


def appointments(random: Random) -> list[Record]:
    return [
        {
            "ATTENDKEY": f"A{number:03d}",
            "PSEUDO_HESID": random.choice(PEOPLE),
            "APPTDATE": f"{day(random)}",
            "ATTENDED": random.choice(["5", "5", "6", "3", "2"]),
            "FIRSTATT": random.choice(["1", "2", "3", "5"]),
            "PROCODE3": random.choice(["RAA", "RBB"]),
            "TRETSPEF": random.choice(["300", "430"]),
        }
        for number in range(150)
    ]


def attendances(random: Random) -> list[Record]:
    return [
        {
            "AEKEY": f"U{number:03d}",
            "PSEUDO_HESID": random.choice(PEOPLE),
            "ARRIVALDATE": f"{FIRST_DAY + timedelta(days=(7 * number) % 365)}",
            "AEATTENDCAT": random.choice(["1", "1", "2"]),
            "AEATTENDDISP": random.choice(["01", "03", "12"]),
            "PROCODE3": random.choice(["RAA", "RBB"]),
        }
        for number in range(200)
    ]


def people(random: Random) -> list[Record]:
    return [
        {
            "PSEUDO_HESID": person,
            "DOB": f"{day(random, date(1920, 1, 1), date(1970, 1, 1))}",
            "SEX": random.choice("12"),
            "IMD_QUINTILE": random.choice("12345"),
            "GPPRAC": random.choice(["A81001", "A81002"]),
            "DATE_OF_DEATH": f"{day(random, date(2010, 1, 1))}" if random.random() < 0.15 else "",
            "REG_END": f"{day(random, date(2010, 2, 1))}" if random.random() < 0.15 else "",
        }
        for person in PEOPLE
    ]


def enrolments(random: Random) -> list[Record]:
    first, last = date(2009, 9, 15), date(2009, 10, 20)
    return [
        {"PSEUDO_HESID": person, "SITE": random.choice(["S1", "S2"]), "INDEX_DATE": f"{day(random, first, last)}"}
        for person in PEOPLE[:12]
    ]


def answers(random: Random) -> list[Record]:
    return [
        {"PSEUDO_HESID": person, "WAVE": wave, "SITE": "S1", "INVOLVED_IN_DECISIONS": random.choice("128")}
        for person in PEOPLE[:12]
        for wave in "12"
    ]


# The year as it was delivered.


@dataclass(frozen=True)
class Year:
    """`clean` is one delivery an extract; `delivered` all that arrived over the year, corrections included."""

    clean: Files
    delivered: Files


def corrupted(records: Sequence[Record], random: Random, *, key: str) -> list[Record]:
    """An earlier look at the same records: some are missing, some other, some will turn out not to have been."""
    looked = [dict(record) for record in records if random.random() < 0.8]
    for record in looked:
        if random.random() < 0.4:
            record["PSEUDO_HESID"] = random.choice(PEOPLE)
            record["PROCODE3"] = random.choice(["RAA", "RBB", "RDD"])
    phantoms = [{**record, key: f"X{number}{record[key]}"} for number, record in enumerate(looked[:3])]
    return looked + [phantom | {"PSEUDO_HESID": random.choice(PEOPLE)} for phantom in phantoms]


def monthly(
    name: str, records: Mapping[str, Sequence[Record]], header: Sequence[str], random: Random, *, key: str
) -> dict[str, bytes]:
    """Each month flexible first and frozen last, in one to three versions."""
    files: dict[str, bytes] = {}
    for month, final in records.items():
        versions = random.choice([1, 2, 3])
        for version in range(1, versions + 1):
            shown = list(final) if version == versions else corrupted(final, random, key=key)
            suffix = f"_v{version}" if version > 1 else ""
            text = as_csv(shown, header)
            kind = random.choice(["csv", "csv", "csv.gz", "zip"])
            files[f"{name}/{name}_{month}{suffix}.{kind}"] = packed(text, kind, f"{name}_{month}{suffix}.csv")
    return files


def packed(text: bytes, kind: str, member: str) -> bytes:
    if kind == "csv.gz":
        return gzip.compress(text, mtime=0)
    if kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(member, text)
        return buffer.getvalue()
    return text


def with_copies(episodes: Sequence[Record], random: Random) -> dict[str, list[Record]]:
    """Episodes by the month they end in; those that cross a month's end stand unfinished in the month before too.

    Such a copy has the episode's own key, or another. Some episodes were taken out of an earlier month, and a
    stale copy stayed there: the later month has the word.
    """
    months: dict[str, list[Record]] = {month: [] for month in MONTHS}
    for episode in episodes:
        month = (episode["EPIEND"] or f"{LAST_DAY}")[:7]
        months[month].append(episode)
        before = MONTHS[max(0, MONTHS.index(month) - 1)]
        if before == month or episode["EPISTAT"] == "1":
            continue
        if episode["EPISTART"][:7] < month:
            months[before].append(unfinished(episode) | random.choice([{}, {"EPIKEY": f"C{episode['EPIKEY']}"}]))
        elif random.random() < 0.1:
            months[before].append(episode | {"PSEUDO_HESID": random.choice(PEOPLE), "ADMIMETH": "12"})
    return months


def in_parts(name: str, records: Sequence[Record], random: Random, *, key: str) -> dict[str, bytes]:
    """Deliveries 8 to 11 without a period; each record's last delivery has the word, part 10 comes after part 9."""
    parts: dict[int, list[Record]] = {number: [] for number in range(8, 12)}
    for record in records:
        last = random.choice(list(parts))
        parts[last].append(record)
        for earlier in range(8, last):
            if random.random() < 0.4:
                parts[earlier].append(record | {key: random.choice([other[key] for other in records])})
    return {f"{name}/{name}_{number}.csv": as_csv(rows, list(records[0])) for number, rows in parts.items()}


def snapshots(name: str, records: Sequence[Record], random: Random, **changes: Sequence[str]) -> dict[str, bytes]:
    """Four whole lists; the first three lack some people and say other things of the rest."""
    files = {f"{name}/{name}_2010-03_v2.csv": as_csv(records, list(records[0]))}
    for label in ("2009-06", "2009-11", "2010-03"):
        earlier = [dict(record) for record in records if random.random() < 0.8]
        for record in earlier:
            record.update({column: random.choice(values) for column, values in changes.items()})
        files[f"{name}/{name}_{label}.csv"] = as_csv(earlier, list(records[0]))
    return files


def year(seed: int) -> Year:
    random = Random(seed)
    stays, seen, urgent = admissions(random), appointments(random), attendances(random)
    population, enrolled, told = people(random), enrolments(random), answers(random)
    opted_out = [{"PSEUDO_HESID": person} for person in (PEOPLE[3], PEOPLE[20], PEOPLE[21])]
    span = f"{MONTHS[0]}_to_{MONTHS[-1]}"
    clean = {
        f"admissions/admissions_{span}.csv": stays,
        f"outpatients/outpatients_{span}.csv": seen,
        "emergency_care/all.csv": urgent,
        "population/population.csv": population,
        "enrolments/enrolments.csv": enrolled,
        "opt_outs/opt_outs.csv": opted_out,
        "patient_survey/all.csv": told,
    }
    by_month = {month: [record for record in seen if record["APPTDATE"][:7] == month] for month in MONTHS}
    delivered = {
        **monthly("admissions", with_copies(stays, random), list(stays[0]), random, key="EPIKEY"),
        **monthly("outpatients", by_month, list(seen[0]), random, key="ATTENDKEY"),
        **in_parts("emergency_care", urgent, random, key="PSEUDO_HESID"),
        **snapshots("population", population, random, SEX="12", DATE_OF_DEATH=["", "2009-07-01"]),
        **snapshots("enrolments", enrolled, random, SITE=["S1", "S3"], INDEX_DATE=["2009-09-02", "2009-11-30"]),
        **snapshots("opt_outs", opted_out, random, PSEUDO_HESID=PEOPLE),
        **in_parts("patient_survey", told, random, key="INVOLVED_IN_DECISIONS"),
    }
    again = random.sample(sorted(path for path in delivered if path.endswith(".csv") and "_20" in path), 4)
    copies = {path.replace("/", "/copy of "): delivered[path] for path in again}
    return Year({path: as_csv(rows, list(rows[0])) for path, rows in clean.items()}, {**delivered, **copies})
