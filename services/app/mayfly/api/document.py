"""The API's OpenAPI document, with groups, the examples, and a command line for every operation."""

import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema

from .example import Example, Operation
from .example_bundles import BUNDLES
from .example_sending import SENDING
from .example_tokens import TOKENS
from .example_uploads import UPLOADS
from .example_webhooks import WEBHOOKS
from .examples import ID

OPERATIONS = SENDING | UPLOADS | BUNDLES | TOKENS | WEBHOOKS

GROUPS = {
    "Send": "Begin an upload, send its parts to storage by signed URLs, and complete it.",
    "Look": "The uploads of your box that are live.",
    "Bundle": "Several uploads under one link: they are sent one by one, and expire and disappear together.",
    "Change": "Give an upload another title, or another time.",
    "Box": "Replace the tokens of your box, or get one that may only send.",
    "Delete": "Remove uploads before they expire.",
    "Webhooks": "Let an endpoint of yours hear of the box's uploads, if this site allows it.",
}


class Page(Swagger):
    """Swagger's page with its scripts from this site. Ninja's own takes them from elsewhere unless it is installed."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **path: Any) -> HttpResponse:
        its_settings = self.settings | {"url": self.get_openapi_url(api, path)}
        return render(request, self.template, {"api": api, "swagger_settings": json.dumps(its_settings)})


def with_examples(document: OpenAPISchema) -> OpenAPISchema:
    """Add its examples to each operation that has any, and leave out the errors that it cannot give."""
    for path, operations in document["paths"].items():
        for method, described in operations.items():
            examples = OPERATIONS.get(f"{method.upper()} {path}")
            if examples:
                _describe(described, examples)
                described["x-codeSamples"] = [
                    {"lang": "Shell", "source": command(method.upper(), path, examples.works)}
                ]
    return document


def command(method: str, path: str, example: Example) -> str:
    """The request as a line for a shell: SITE is the address, BOX the token, ID that of what it is about."""
    address = re.sub(r"{\w+_id}", "$ID", path) + (f"?{example.query}" if example.query else "")
    parts = ["curl", *([] if method == "GET" else ["-X", method]), f'"$SITE{address}"']
    parts += ["-H", '"Authorization: Bearer $BOX"']
    if example.body is not None:
        parts += ["-H", '"Content-Type: application/json"', "-d", f"'{json.dumps(example.body)}'"]
    return " ".join(parts)


def _describe(described: dict[str, Any], examples: Operation) -> None:
    if examples.works.body is not None:
        described["requestBody"]["content"]["application/json"]["example"] = examples.works.body
    queried = dict(pair.split("=", 1) for pair in examples.works.query.split("&") if pair)
    for parameter in described.get("parameters", []):
        if parameter["in"] == "path":
            parameter["example"] = ID
        elif parameter["name"] in queried:
            parameter["example"] = queried[parameter["name"]]
    by_status: dict[int, list[Example]] = {}
    for example in examples.all:
        by_status.setdefault(example.status, []).append(example)
    responses = described["responses"]
    for status in [status for status in responses if int(status) not in by_status]:
        del responses[status]
    for status, found in by_status.items():
        for media in responses[status].get("content", {}).values():
            media["examples"] = {
                example.case: {"summary": example.when or "It works.", "value": example.answer} for example in found
            }
