"""Requests by which nobody gets an upload: of robots, prefetches and the rest of a download; and a plain one."""

ROBOTS = [
    {},
    {"Range": "bytes=0-1"},
    {"Range": "bytes=99-"},
    {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"},
    {"User-Agent": "facebookexternalhit/1.1"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    {"If-None-Match": "*", "If-Modified-Since": "Thu, 01 Jan 2037 00:00:00 GMT"},
]
