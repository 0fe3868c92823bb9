"""Which change between two runs is worth a message, and to whom."""

from datetime import UTC, datetime, timedelta

from pipelines.alerts.events import Circumstances, after_run
from pipelines.alerts.problems import Problem
from pipelines.alerts.state import AlertState

NOON = datetime(2011, 7, 1, 12, 0, tzinfo=UTC)
LATE = Problem("quality:hes_op:extract_fresh:table", "late", "Outpatients are late", "How late: very", "warning")
BROKEN = Problem("run:failed", "run", "A run failed", "What: OSError", "error")


def over(_problem_id: str) -> str:
    return "It is over."


def unknown(_problem_id: str) -> None:
    return None


def after(state: AlertState, *problems: Problem, clearing=over, channels=("mail",), days: float = 0) -> AlertState:
    circumstances = Circumstances(study="tiny", title="A tiny study", run_id="run-1", now=NOON + timedelta(days=days))
    return after_run(state, problems, clearing=clearing, channel_ids=channels, circumstances=circumstances)


def events(state: AlertState, channel: str = "mail") -> list[tuple[str, str]]:
    return [(message.event, message.problem_id) for message in state.channels[channel].messages]


def test_a_new_problem_is_told_once_and_not_again_while_it_persists():
    state = after(after(AlertState(), LATE), LATE, days=1)
    assert events(state) == [("new", LATE.problem_id)]
    assert state.problems[LATE.problem_id].since == NOON


def test_a_message_names_study_since_when_run_where_to_look_and_a_reference():
    message = after(AlertState(), LATE).channels["mail"].messages[0]
    assert message.subject == "[tiny] New (warning): Outpatients are late"
    assert message.text.splitlines() == [
        "How late: very",
        "Study: A tiny study",
        "Since: 2011-07-01 12:00 UTC",
        "Run: run-1",
        "Where to look: quality/index.html in the study's output folder",
        f"Reference: {message.message_id}",
    ]


def test_a_problem_that_gets_worse_is_told_again_and_one_that_gets_milder_is_not():
    worse = Problem(LATE.problem_id, "late", LATE.title, LATE.body, "error")
    state = after(after(AlertState(), LATE), worse)
    assert events(state) == [("new", LATE.problem_id), ("worse", LATE.problem_id)]
    assert events(after(state, LATE)) == events(state)


def test_a_problem_that_is_over_is_told_once_and_when_it_comes_back_it_is_new():
    state = after(after(after(AlertState(), LATE)))
    assert events(state) == [("new", LATE.problem_id), ("cleared", LATE.problem_id)]
    assert state.problems == {}
    again = after(state, LATE, days=2)
    assert events(again)[2:] == [("new", LATE.problem_id)]
    assert again.problems[LATE.problem_id].since == NOON + timedelta(days=2)


def test_a_problem_that_was_not_looked_at_stays_open_and_says_nothing():
    state = after(after(AlertState(), LATE), clearing=unknown)
    assert events(state) == [("new", LATE.problem_id)]
    assert LATE.problem_id in state.problems


def test_a_channel_that_is_new_is_told_of_all_that_is_open():
    state = after(after(AlertState(), LATE, channels=()), LATE, BROKEN, channels=("mail", "chat"))
    assert sorted(events(state, "chat")) == sorted(events(state, "mail"))
    assert sorted(events(state)) == [("new", LATE.problem_id), ("new", BROKEN.problem_id)]


def test_a_run_without_channels_keeps_messages_for_the_run_that_names_them_again():
    state = after(after(AlertState()), BROKEN, channels=())
    assert events(state) == [("new", BROKEN.problem_id)]


def test_a_channel_that_nobody_has_named_for_a_month_is_forgotten():
    state = after(AlertState(), LATE)
    assert set(after(state, LATE, channels=("chat",), days=30).channels) == {"mail", "chat"}
    assert set(after(state, LATE, channels=("chat",), days=31).channels) == {"chat"}
