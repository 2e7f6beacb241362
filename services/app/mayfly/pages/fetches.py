"""Which requests for an upload's bytes are told to its sender: those by which somebody gets them."""

import re

from django.db import Error
from django.http import HttpRequest

from ..uploads import fetches
from ..visitors import boxes

# Chats, networks and mail programs ask for a link to show a picture of it beside a message; each names itself:
# https://developers.facebook.com/docs/sharing/webmasters/web-crawlers
# https://developer.x.com/en/docs/x-for-websites/cards/guides/getting-started
# https://api.slack.com/robots
# Signal calls itself WhatsApp, and iMessage facebookexternalhit.
PREVIEWERS = (
    "applebot",
    "bingbot",
    "discordbot",
    "embedly",
    "facebookexternalhit",
    "facebot",
    "googlebot",
    "iframely",
    "linkedinbot",
    "mastodon/",
    "microsoftpreview",
    "pinterestbot",
    "redditbot",
    "skypeuripreview",
    "slack-imgproxy",
    "slackbot",
    "telegrambot",
    "twitterbot",
    "viber",
    "vkshare",
    "whatsapp",
)
# A browser that loads a page before anybody asks for it says so in one of these.
PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
FROM_THE_START = re.compile(r"bytes=0+-")


def record(request: HttpRequest, upload_id: str) -> None:
    """Count this GET of an upload's bytes, if it is another person's first one. Never waits, and never raises."""
    if _is_for_a_person(request):
        fetches.record(upload_id, box=_box_of(request))


def _is_for_a_person(request: HttpRequest) -> bool:
    if request.method == "HEAD" or any(request.headers.get(name) for name in PURPOSES):
        return False
    wanted = request.headers.get("Range", "")
    if wanted and not FROM_THE_START.match(wanted):
        return False  # the rest of a download that has been counted
    agent = request.headers.get("User-Agent", "").lower()
    return not any(name in agent for name in PREVIEWERS)


def _box_of(request: HttpRequest) -> str | None:
    try:
        return boxes.from_headers(request) or boxes.from_cookie(request)
    except (boxes.BadToken, Error):
        return None
