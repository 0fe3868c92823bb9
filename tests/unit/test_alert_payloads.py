"""What Teams and Slack are sent, as Apprise builds it, against the formats that they publish."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from apprise.plugins.slack import NotifySlack

from tests.alert_channels import SEX_IS_MISSING, SEX_IS_THERE, Runs, Webhook, study_in, webhook

# Teams: "Create incoming webhooks with Workflows" (learn.microsoft.com) and the Adaptive Card schema 1.5
# (adaptivecards.io/schemas/adaptive-card.json), as far as the elements go that are used here; what is not used is
# refused. `style` of a text came with 1.5, older clients ignore it; `msteams` is Teams' own and not in that schema. The
# whole schema is no dependency: the one package with a copy of it wraps it in a library of its own.
TEAMS = {
    "type": "object",
    "required": ["type", "attachments"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["contentType", "content"],
                "additionalProperties": False,
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "contentUrl": {"type": "null"},
                    "content": {"$ref": "#/$defs/card"},
                },
            },
        },
    },
    "$defs": {
        "card": {
            "type": "object",
            "required": ["type", "version", "body"],
            "additionalProperties": False,
            "properties": {
                "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
                "type": {"const": "AdaptiveCard"},
                "version": {"enum": ["1.0", "1.1", "1.2", "1.3", "1.4"]},
                "body": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/text"}},
                "msteams": {
                    "type": "object",
                    "properties": {"width": {"const": "full"}},
                    "additionalProperties": False,
                },
            },
        },
        "text": {
            "type": "object",
            "required": ["type", "text"],
            "additionalProperties": False,
            "properties": {
                "type": {"const": "TextBlock"},
                "text": {"type": "string", "minLength": 1},
                "style": {"enum": ["default", "heading"]},
                "weight": {"enum": ["Default", "Lighter", "Bolder"]},
                "size": {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
                "wrap": {"type": "boolean"},
                "id": {"type": "string"},
            },
        },
    },
}
# Slack: "Sending messages using incoming webhooks" and "Secondary message attachments" (docs.slack.dev).
SLACK = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["text"]}, {"required": ["blocks"]}, {"required": ["attachments"]}],
    "properties": {
        "username": {"type": "string"},
        "channel": {"type": "string"},
        "text": {"type": "string"},
        "mrkdwn": {"type": "boolean"},
        "blocks": {"type": "array", "maxItems": 50},
        "attachments": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "title": {"type": "string"},
                    "text": {"type": "string"},
                    "fallback": {"type": "string"},
                    "color": {"type": "string", "pattern": "^(good|warning|danger|#[0-9A-Fa-f]{6})$"},
                    "footer": {"type": "string", "maxLength": 300},
                    "footer_icon": {"type": "string", "format": "uri"},
                    "ts": {"type": "number"},
                    "mrkdwn_in": {"type": "array", "items": {"enum": ["pretext", "text", "fields"]}},
                },
            },
        },
    },
}
CLEARED_TITLE = "[tiny] Cleared (error): hes_apc SEX: rule not met: Values are there"


@pytest.fixture
def teams(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """The cards of a problem that came and went; Teams' plugin speaks https only, so its scheme is changed here."""
    post = requests.post
    monkeypatch.setattr(requests, "post", lambda url, **rest: post(url.replace("https://", "http://", 1), **rest))
    with webhook(Webhook(answer=202)) as hook:
        monkeypatch.setenv("ICP_ALERT_URLS", f"workflows://127.0.0.1:{hook.port}/0123456789abcdef/signature-0123456789")
        return came_and_went(hook, tmp_path)


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    with webhook() as hook:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{hook.port}/services")
        tokens = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
        monkeypatch.setenv("ICP_ALERT_URLS", f"https://hooks.slack.com/services/{tokens}")
        return came_and_went(hook, tmp_path)


def came_and_went(hook: Webhook, tmp_path: Path) -> list[dict[str, Any]]:
    runs = Runs(study_in(tmp_path))
    runs.end(SEX_IS_MISSING)
    runs.end(SEX_IS_THERE)
    assert runs.said == []
    assert len(hook.received) == 2
    return hook.received


def objects_in(schema: Any) -> list[dict[str, Any]]:
    """Every part of a schema that describes an object."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    own = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
    return own + [found for part in parts for found in objects_in(part)]


@pytest.mark.parametrize("schema", [TEAMS, SLACK])
def test_the_schemas_refuse_every_property_that_they_do_not_know(schema: dict[str, Any]):
    assert len(objects_in(schema)) > 1
    assert all(part["additionalProperties"] is False for part in objects_in(schema))


def test_teams_gets_an_adaptive_card_by_its_schema(teams: list[dict[str, Any]]):
    for card in teams:
        jsonschema.Draft202012Validator(TEAMS).validate(card)


def test_a_teams_card_says_what_where_and_how_much_each_on_its_line(teams: list[dict[str, Any]]):
    title, body = (element["text"] for element in teams[0]["attachments"][0]["content"]["body"])
    assert title == "[tiny] New (error): hes_apc SEX: rule not met: Values are there"
    assert body.split("\n\n")[:3] == [
        "Rule: not_null (error)",
        "Where: hes_apc, table lake_admissions, column SEX",
        "How much: 120 of 1000 rows (12.0%); allowed: 5%",
    ]


def test_a_teams_card_holds_no_escapes_which_telephones_would_show(teams: list[dict[str, Any]]):
    assert not [card for card in teams if "\\" in json.dumps(card).replace("\\n", "")]


def test_slack_gets_a_message_by_its_schema(slack: list[dict[str, Any]]):
    for message in slack:
        jsonschema.Draft202012Validator(SLACK).validate(message)


def test_a_slack_message_has_the_colour_of_what_happened_and_no_markup(slack: list[dict[str, Any]]):
    new, cleared = (message["attachments"][0] for message in slack)
    assert cleared["title"] == CLEARED_TITLE
    assert "How much: 120 of 1000 rows (12.0%); allowed: 5%" in new["text"].splitlines()
    assert (new["color"], cleared["color"]) == ("#A32037", "#3AA337")
    assert not slack[0]["mrkdwn"]


def test_neither_card_nor_message_fetches_a_picture_when_it_is_opened(
    teams: list[dict[str, Any]], slack: list[dict[str, Any]]
):
    assert not re.findall(r"https?://(?!adaptivecards)[^\"' ]+", str([*teams, *slack]))
