"""The protocol is stored at its first use; what is changed later is an amendment with date, difference and reason."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.errors import StudyError
from pipelines.metrics import activity_metrics
from pipelines.protocol_log import (
    FILE,
    amended_outcomes,
    amendments_frame,
    flat_settings,
    note_protocol,
    used_protocols,
)
from pipelines.study import Study, load_study
from pipelines.study_files import FOLDER, files_hash, kept_files, study_files
from tests.tiny_study import PROTOCOL, write_tiny_study

MARCH, APRIL, MAY = (datetime(2010, month, 9, 12, tzinfo=UTC).replace(tzinfo=None) for month in (3, 4, 5))
WITH_RATIO = PROTOCOL + "comparison: {ratio: 3}\n"
SECONDARY = PROTOCOL.replace("priority: primary", "priority: secondary")


def used_with(folder: Path, protocol: str, *, now: datetime) -> Study:
    study = load_study(write_tiny_study(folder, protocol=protocol))
    note_protocol(study, now=now)
    return study


def amendments(study: Study) -> list[tuple]:
    frame = amendments_frame(
        used_protocols(study.output), reasons=study.protocol.amendments, kept=kept_files(study.output)
    )
    return frame.select("amendment_number", "setting", "amended_on", "value_before", "value_after", "reason").rows()


def test_the_protocol_is_stored_once_with_its_hash_and_the_moment_of_its_first_use(tmp_path):
    study = used_with(tmp_path, PROTOCOL, now=MARCH)
    used_with(tmp_path, "# a comment is no setting\n" + PROTOCOL, now=APRIL)
    (used,) = used_protocols(study.output)
    assert (used.protocol_hash, used.first_used_at) == (study.protocol_hash, MARCH)
    assert amendments(study) == []


def test_a_changed_setting_is_an_amendment_with_date_and_difference(tmp_path):
    before = used_with(tmp_path, PROTOCOL, now=MARCH)
    after = used_with(tmp_path, WITH_RATIO.replace("2010-12-31", "2011-01-31"), now=APRIL)
    assert amendments(after) == [
        (1, "comparison.ratio", date(2010, 4, 9), None, "3", None),
        (1, "periods.data_until", date(2010, 4, 9), "2010-12-31", "2011-01-31", None),
    ]
    frame = amendments_frame(used_protocols(after.output), reasons=())
    assert set(frame["previous_protocol_hash"]) == {before.protocol_hash}
    assert set(frame["protocol_hash"]) == {after.protocol_hash}


def test_going_back_to_an_earlier_protocol_is_an_amendment_too(tmp_path):
    used_with(tmp_path, PROTOCOL, now=MARCH)
    used_with(tmp_path, WITH_RATIO, now=APRIL)
    study = used_with(tmp_path, PROTOCOL, now=MAY)
    assert amendments(study) == [
        (1, "comparison.ratio", APRIL.date(), None, "3", None),
        (2, "comparison.ratio", MAY.date(), "3", None, None),
    ]


def reasons(*stated: tuple[str, str, str]) -> str:
    lines = [f"  - {{amended_on: {on}, setting: {setting}, reason: {reason}}}\n" for on, setting, reason in stated]
    return "amendments:\n" + "".join(lines)


@pytest.mark.parametrize("setting", ["comparison.ratio", "comparison"])
def test_a_reason_stated_for_the_setting_or_its_section_stands_beside_the_change(tmp_path, setting):
    used_with(tmp_path, PROTOCOL, now=MARCH)
    study = used_with(tmp_path, WITH_RATIO + reasons(("2010-04-01", setting, "few controls")), now=APRIL)
    assert [row[-1] for row in amendments(study)] == ["few controls"]


def test_a_reason_does_not_make_another_protocol_and_may_be_stated_afterwards(tmp_path):
    used_with(tmp_path, PROTOCOL, now=MARCH)
    used_with(tmp_path, WITH_RATIO, now=APRIL)
    study = used_with(tmp_path, WITH_RATIO + reasons(("2010-04-09", "comparison", "few controls")), now=MAY)
    assert len(used_protocols(study.output)) == 2
    assert [row[-1] for row in amendments(study)] == ["few controls"]


@pytest.mark.parametrize(
    "other",
    [
        ("2010-04-01", "periods", "of another section"),
        ("2010-04-01", "comparison.rat", "of another setting"),
        ("2010-03-08", "comparison", "of a day before the protocol that was changed"),
        ("2010-04-10", "comparison", "of a day after the change"),
    ],
)
def test_a_reason_for_something_else_is_not_taken(tmp_path, other):
    used_with(tmp_path, PROTOCOL, now=MARCH)
    study = used_with(tmp_path, WITH_RATIO + reasons(other), now=APRIL)
    assert [row[-1] for row in amendments(study)] == [None]


def test_a_reason_for_what_is_no_section_is_refused_with_the_nearest(tmp_path):
    protocol = PROTOCOL + reasons(("2010-04-01", "comparisons.ratio", "few controls"))
    with pytest.raises(StudyError, match="did you mean: comparison"):
        load_study(write_tiny_study(tmp_path, protocol=protocol))


def test_an_outcome_whose_priority_was_amended_says_so_and_no_other_does(tmp_path):
    used_with(tmp_path, PROTOCOL, now=MARCH)
    study = used_with(tmp_path, SECONDARY, now=APRIL)
    frame = amendments_frame(used_protocols(study.output), reasons=())
    assert frame.select("setting", "value_before", "value_after").rows() == [
        ("outcomes.emergency_admissions.priority", "primary", "secondary")
    ]
    metrics = {m.metric_id: m for m in activity_metrics(study, metric_cautions=amended_outcomes(frame))}
    amended = "What the protocol says of this outcome was amended on 2010-04-09, after the protocol's first use."
    assert amended in metrics["emergency_admissions"].notes
    assert [name for name, metric in metrics.items() if amended in metric.notes] == ["emergency_admissions"]


PROGRAMMES = "area,programme,start_date\nNorthshire,Virtual wards,2010-01-01\nEastshire,Virtual wards,2010-02-01\n"


def with_file(study: Study, name: str, content: str, *, now: datetime) -> Study:
    (study.root / name).write_text(content)
    changed = load_study(study.root)
    note_protocol(changed, now=now)
    return changed


def test_a_changed_file_beside_the_protocol_is_an_amendment_with_what_differs_and_no_value(tmp_path):
    first = used_with(tmp_path, PROTOCOL, now=MARCH)
    second = with_file(first, "other_programmes.csv", PROGRAMMES, now=APRIL)
    fewer = PROGRAMMES.replace("Eastshire,Virtual wards,2010-02-01", "Southshire,Virtual wards,2010-02-01")
    third = with_file(second, "other_programmes.csv", fewer, now=MAY)
    added, changed = amendments(third)
    assert added[:4] == (1, "other_programmes.csv", APRIL.date(), None)
    assert added[4].startswith("2 rows, 3 columns, SHA-256 ")
    assert changed[:3] == (2, "other_programmes.csv", MAY.date())
    assert changed[3] == added[4]
    assert changed[4].endswith("; 1 rows added, 1 rows taken out; columns that differ: area")
    assert "shire" not in str([added, changed])
    frame = amendments_frame(used_protocols(third.output), reasons=())
    assert set(frame["previous_protocol_hash"]) == set(frame["protocol_hash"]) == {first.protocol_hash}
    assert len({files_hash(study) for study in (first, second, third)}) == 3


def test_rows_in_another_order_are_no_amendment(tmp_path):
    study = with_file(used_with(tmp_path, PROTOCOL, now=MARCH), "other_programmes.csv", PROGRAMMES, now=APRIL)
    header, *rows = PROGRAMMES.splitlines()
    again = with_file(study, "other_programmes.csv", "\n".join([header, *reversed(rows)]) + "\n", now=MAY)
    assert len(amendments(again)) == 1


def test_another_price_and_a_changed_questionnaire_are_amendments(tmp_path):
    prices = "price_set,price_year,activity,unit_cost_gbp\n" + "".join(
        f"ref,2010,{activity},100\n" for activity in ("emergency_spell", "elective_spell", "elective_day_case")
    )
    item = "  - {id: heard, column: heard, label: Felt heard, valid: [1, 2], positive: [1], benefits: service_users}\n"
    asked = PROTOCOL.replace(
        "  enrolments: {contract: pilot_enrolment}\n",
        "  enrolments: {contract: pilot_enrolment}\n  views: {contract: survey, instrument: views}\n",
    )
    (tmp_path / "instruments").mkdir()
    (tmp_path / "extracts" / "views").mkdir(parents=True)
    views = f"instrument: views\nrespondents: patients\nitems:\n{item}waves: {{baseline: 1, follow_up: 2}}\n"
    (tmp_path / "instruments" / "views.yaml").write_text(views)
    (tmp_path / "prices.csv").write_text(prices)
    study = used_with(tmp_path, asked, now=MARCH)
    with_file(study, "prices.csv", prices.replace("elective_spell,100", "elective_spell,90", 1), now=APRIL)
    last = with_file(study, "instruments/views.yaml", views.replace("positive: [1]", "positive: [2]"), now=MAY)
    price, questionnaire = amendments(last)
    assert (price[1], questionnaire[1]) == ("prices.csv", "instruments/views.yaml")
    assert price[4].endswith("1 rows added, 1 rows taken out; columns that differ: unit_cost_gbp")
    assert questionnaire[4].endswith("settings that differ: items")


def test_a_reason_may_be_stated_for_a_file(tmp_path):
    study = used_with(tmp_path, PROTOCOL + reasons(("2010-04-01", "other_programmes.csv", "found out")), now=MARCH)
    changed = with_file(study, "other_programmes.csv", PROGRAMMES, now=APRIL)
    assert [row[-1] for row in amendments(changed)] == ["found out"]


def test_a_reason_for_what_is_no_file_is_refused_with_the_nearest(tmp_path):
    protocol = PROTOCOL + reasons(("2010-04-01", "other_programs.csv", "found out"))
    with pytest.raises(StudyError, match=r"did you mean: other_programmes\.csv"):
        load_study(write_tiny_study(tmp_path, protocol=protocol))


def test_a_log_of_before_files_were_kept_makes_no_amendment_of_them(tmp_path):
    study = used_with(tmp_path, PROTOCOL, now=MARCH)
    log = study.output / FILE
    log.write_text(used_protocols(study.output)[0].model_copy(update={"files": None}).model_dump_json() + "\n")
    later = with_file(study, "other_programmes.csv", PROGRAMMES, now=APRIL)
    assert amendments(later) == []
    assert [row[1] for row in amendments(used_with(tmp_path, WITH_RATIO, now=MAY))] == ["comparison.ratio"]
    assert amendments(load_study(tmp_path))[0][0] == 1


def test_a_kept_file_that_was_changed_by_hand_is_refused(tmp_path):
    study = with_file(used_with(tmp_path, PROTOCOL, now=MARCH), "other_programmes.csv", PROGRAMMES, now=APRIL)
    (kept,) = (study.output / FOLDER).glob("*.json")
    kept.write_text(study_files(study)["other_programmes.csv"].replace("Eastshire", "Westshire"))
    with pytest.raises(StudyError, match="not as it was when it was kept"):
        kept_files(study.output)


def test_settings_are_named_by_their_place_an_outcome_by_its_metric():
    settings = {
        "title": "A",
        "comparison": {"exact": ["sex", "pool"], "ratio": 5},
        "outcomes": [{"metric": "m", "x": 1}],
    }
    assert flat_settings(settings) == {
        "title": "A",
        "comparison.exact": '["sex", "pool"]',
        "comparison.ratio": "5",
        "outcomes.m.x": "1",
    }


def test_a_log_that_was_changed_by_hand_is_refused(tmp_path):
    study = used_with(tmp_path, WITH_RATIO, now=MARCH)
    log = study.output / FILE
    log.write_text(log.read_text().replace(r"\"ratio\": 3", r"\"ratio\": 4"))
    with pytest.raises(StudyError, match="protocol 1 do not have the hash") as refused:
        used_protocols(study.output)
    assert refused.value.exit_code == 2


def test_a_line_that_was_cut_short_is_written_again(tmp_path):
    study = used_with(tmp_path, PROTOCOL, now=MARCH)
    log = study.output / FILE
    log.write_bytes(log.read_bytes()[:-30])
    note_protocol(study, now=APRIL)
    assert [used.first_used_at for used in used_protocols(study.output)] == [APRIL]
