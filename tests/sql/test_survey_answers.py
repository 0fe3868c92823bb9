"""Questionnaires: which count, and how an answer is read."""

from typing import Any

from tests.sql.small_study import SmallStudy, enrolment, person

INSTRUMENT: dict[str, Any] = {
    "instrument_items": [
        {"instrument_id": "patients", "item_id": "involved", "item_column": "involved"},
        {"instrument_id": "patients", "item_id": "contact", "item_column": "knew_contact"},
    ],
    "instrument_answers": [
        {"instrument_id": "patients", "item_id": item, "answer": answer, "is_valid": answer != "8",
         "is_positive": answer == "1", "is_not_counted": answer == "8"}
        for item in ("involved", "contact")
        for answer in ("1", "2", "8")
    ],
    "instrument_waves": [
        {"instrument_id": "patients", "wave": "1", "period": "baseline"},
        {"instrument_id": "patients", "wave": "2", "period": "follow_up"},
    ],
}  # fmt: skip


def reply(**fields: Any) -> dict[str, Any]:
    return {
        "extract": "patient_survey", "instrument": "patients", "person_id": "p1", "wave": "1", "site": "s1", **fields
    }  # fmt: skip


def test_every_item_has_a_row_blank_ones_included() -> None:
    study = SmallStudy(surveys=[reply(involved="1")], enrolments=[enrolment("2010-07-01")], **INSTRUMENT)
    assert study.query(
        """select extract, respondent_id, wave, item_id, period, person_id, site_id, answer, is_valid, is_positive,
            is_not_counted from survey_answers order by item_id"""
    ) == [
        ("patient_survey", "p1", "1", "contact", "baseline", "p1", "s1", None, False, False, False),
        ("patient_survey", "p1", "1", "involved", "baseline", "p1", "s1", "1", True, True, False),
    ]


def test_an_answer_counts_as_the_instrument_says() -> None:
    replies = [reply(person_id=f"p{answer}", involved=answer) for answer in ("1", "2", "8", "7")]
    study = SmallStudy(surveys=replies, **INSTRUMENT)
    assert study.query(
        """select answer, is_valid, is_positive, is_not_counted from survey_answers
        where item_id = 'involved' order by answer"""
    ) == [
        ("1", True, True, False),
        ("2", True, False, False),
        ("7", False, False, False),  # not an answer of this item
        ("8", False, False, True),  # does not apply
    ]


def test_a_wave_that_the_instrument_does_not_name_belongs_to_no_period() -> None:
    study = SmallStudy(surveys=[reply(wave="2"), reply(wave="3")], **INSTRUMENT)
    assert study.query("select distinct wave, period from survey_answers order by wave") == [
        ("2", "follow_up"),
        ("3", None),
    ]


def test_the_later_delivery_of_a_reply_supersedes_the_earlier_and_the_fuller_row_of_one_stays() -> None:
    study = SmallStudy(
        surveys=[
            reply(involved="2", knew_contact="1", delivery_id="d1"),
            reply(involved="1", delivery_id="d2"),
            reply(involved="1", knew_contact="2", delivery_id="d2"),
            reply(involved="1", wave="2", delivery_id="d1"),  # another wave
            reply(involved="1", extract="other_survey", delivery_id="d1"),  # another survey
        ],
        **INSTRUMENT,
    )
    assert study.query("select fate from survey_records order by delivery_id, extract desc, record") == [
        ("superseded",),
        ("accepted",),
        ("accepted",),
        ("duplicate",),
        ("accepted",),
    ]


def test_staff_answer_under_their_own_identifier() -> None:
    study = SmallStudy(
        surveys=[reply(person_id=None, staff_id="n7", role="nurse", group="health", design_weight=1.5, age_band="40s")],
        **INSTRUMENT,
    )
    assert study.query(
        """select distinct respondent_id, person_id, role, respondent_group, age_band, design_weight
        from survey_answers"""
    ) == [("n7", None, "nurse", "health", "40s", 1.5)]
    assert study.query("select fate, is_unlinked from survey_records") == [("accepted", False)]


def test_replies_of_people_who_opted_out_are_left_out_and_those_of_strangers_kept() -> None:
    study = SmallStudy(
        surveys=[reply(), reply(person_id="p2"), reply(person_id="stranger")],
        population=[person("p1"), person("p2")],
        enrolments=[enrolment("2010-07-01")],
        opt_outs=[{"person_id": "p2"}],
        **INSTRUMENT,
    )
    assert study.query("select person_id, is_unlinked, is_opted_out from survey_records order by 1") == [
        ("p1", False, False),
        ("p2", False, True),
        ("stranger", True, False),
    ]
    assert study.query("select distinct respondent_id, person_id from survey_answers order by 1") == [
        ("p1", "p1"),
        ("stranger", None),
    ]
