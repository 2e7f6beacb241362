"""Write docs/api.md from the API's OpenAPI document: `make docs`. A test fails if it was not run."""

import json
import os
import sys
import textwrap
from typing import Any

from .paths import APP, ROOT
from .processes import call

DOCUMENT = ROOT / "docs" / "api.md"
# A life of an upload in a shell; a test runs it.
LIFE = """\
SITE=http://localhost:8080
printf hello >report.txt

# Begin. The answer has the upload's id, the signed URLs of its first parts, and `box`, the token of the box that this
# call makes.
curl -s "$SITE/api/uploads" -H 'Content-Type: application/json' \\
  -d '{"kind": "file", "name": "report.txt", "size": 5}' >begun.json
field() { python3 -c "import json; print(json.load(open('$1'))$2)"; }
ID=$(field begun.json "['id']") BOX=$(field begun.json "['box']")

# Send part 1 to its URL. Storage needs no token.
curl -s -T report.txt "$(field begun.json "['transfer']['first'][0]['url']")"

# Complete. From here on the link works, until the upload expires.
curl -s -X POST "$SITE/api/uploads/$ID/complete" -H "Authorization: Bearer $BOX" >ready.json
curl -sL "$(field ready.json "['download']")"
"""
OPENING = """\
# The API

`make docs` writes this page from the OpenAPI document, and the tests run every example of it. The site itself shows the
same document at `/api/docs`, where requests can be tried, and has it as `/api/openapi.json`.

## From a shell

Scripts that only send a file need none of the rest: web takes files up to 100 MB and answers with a link a line. An
error is a line too, with its status.

```bash
curl -T report.txt http://localhost:8080/                      # a file
tar c folder | curl -T - http://localhost:8080/folder.tar      # a pipe, whose length is unknown
curl -F file=@a.txt -F file=@b.txt http://localhost:8080       # several
```

| header | meaning |
|---|---|
| `X-Title`, `X-Lifetime` | sent: a title, and a lifetime in seconds |
| `X-Downloads`, `X-Password` | sent: a number of downloads, and a password; a form may have fields for all four |
| `X-Box-Token` | sent: the box to put it into; answered: the token of the box that it is in |
| `Location` | answered: the link of the one file |
| `X-Delete` | answered: an address that deletes this upload by `curl -X DELETE`, and asks first in a browser |

A token that may only send gets no `X-Delete`. While a pipe arrives, it counts in the quotas with all that web would
take, and afterwards with its size. A pipe that says nothing for 30 s, or for 10 s at its beginning, gets 408.

"""
WEBHOOKS = """\
## Requests to an endpoint

A webhook gets each event as a POST of JSON. `ready` and `fetched` have the upload's name, title and type. `gone` has
none of them; it says why the upload ended, and when storage had nothing of it any more. `fetched` comes with the first
fetch by another person.

```
POST /mayfly HTTP/1.1
webhook-id: msg_8vQ2…
webhook-timestamp: 1795701600
webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=

{"event":"gone","upload":{"id":"4kQa…","kind":"file","size":5,"created_at":"…","completed_at":"…","expires_at":"…",
"link":"http://localhost:8080/u/4kQa…/","ended":"expired","removed_at":"…"}}
```

The signature is HMAC-SHA256 of `id.timestamp.body`, in base64. Its key is the secret behind `whsec_`, decoded from
base64. [Standard Webhooks](https://www.standardwebhooks.com) has libraries that verify it. Answer with 200 to 299
within 5 s; otherwise the event comes again for six hours, with the same id. 410 ends the webhook.

"""
ERRORS = """\
## Errors

Every error has the same form. `code` is for programs, `message` for people, in the language of `Accept-Language`. Some
name the `field` at fault, or the numbers of `missing` parts.

"""
Json = dict[str, Any]


def main() -> None:
    sys.path.insert(0, str(APP))
    os.environ["DJANGO_SETTINGS_MODULE"] = "mayfly.settings.development"
    os.environ.setdefault("SECRET_KEY", "only-to-read-the-document")
    import django

    django.setup()
    from mayfly.api.routes import api

    DOCUMENT.write_text(page(json.loads(json.dumps(api.get_openapi_schema(), default=str))))


def page(document: Json) -> str:
    """The whole page, of a document as JSON has it."""
    parts = [OPENING, _text(document["info"]["description"]), "\n\n## From begin to download\n\n", _code("bash", LIFE)]
    for group in document["tags"]:
        parts.append(f"\n## {group['name']}\n\n{group['description']}\n")
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if group["name"] in operation.get("tags", []):
                    parts.append(_operation(f"{method.upper()} {path}", operation, document))
    example = {"error": {"code": "empty", "message": "This file is empty.", "field": "size"}}
    return "".join([*parts, "\n", WEBHOOKS, ERRORS, _code("json", json.dumps(example))])


def _operation(name: str, operation: Json, document: Json) -> str:
    parts = [f"\n### {operation['summary']}\n\n`{name}`\n\n{_text(operation.get('description', ''))}\n"]
    fields = _fields(operation, document)
    if fields:
        parts.append("\n| field | type | meaning |\n|---|---|---|\n" + "".join(fields))
    parts.append("\n" + _code("bash", operation["x-codeSamples"][0]["source"] + "\n"))
    errors = []
    for status, answer in operation["responses"].items():
        examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
        if int(status) < 400:
            shown = "".join("\n\n" + _code("json", _json(found["value"])) for found in examples.values())
            parts.append(f"\nAnswer: {status}{shown or ', without a body.' + chr(10)}")
        for found in examples.values() if int(status) >= 400 else ():
            error = found["value"]["error"]
            errors.append(f"| {status} | `{error['code']}` | {found['summary']} | {error['message']} |\n")
    return "".join([*parts, "\n| status | code | when | message |\n|---|---|---|---|\n", *sorted(errors)])


def _fields(operation: Json, document: Json) -> list[str]:
    """The headers, the parameters of the query, and the fields of the body."""
    lines = [
        _field(parameter["name"], parameter["schema"] | parameter, parameter["required"])
        for parameter in operation.get("parameters", [])
        if parameter["in"] in ("query", "header")
    ]
    body = operation.get("requestBody")
    if body:
        whole = body["content"]["application/json"]["schema"]
        [reference] = whole.get("allOf", [whole])  # a body that may be left out is in a list
        name = reference["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
        required = schema.get("required", [])
        lines += [_field(field, found, field in required) for field, found in schema["properties"].items()]
    return lines


def _field(name: str, schema: Json, required: bool) -> str:
    kind = ["A header."] if schema.get("in") == "header" else []
    words = [*kind, *([] if required else ["Optional."]), schema.get("description", "")]
    return f"| `{name}` | {_type(schema)} | {' '.join(words).strip()} |\n"


def _type(schema: Json) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(found) for found in schema["anyOf"] if found.get("type") != "null")
    if "$ref" in schema:
        return "`image` or `file`" if schema["$ref"].endswith("/Kind") else schema["$ref"].rpartition("/")[2]
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema["type"])


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def _text(words: str) -> str:
    """Paragraphs of the document, in lines of the length that this page has."""
    return "\n\n".join(textwrap.fill(" ".join(paragraph.split()), 120) for paragraph in words.split("\n\n"))


if __name__ == "__main__":
    call(main)
