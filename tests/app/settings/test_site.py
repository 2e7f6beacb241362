"""SITE_URL: one variable for the site's address, and everything that follows from it."""

import ast

import pytest

from ...support.configuration import PRODUCTION, complaint, show

SITE = {"SITE_URL": "https://drop.example.org"}
HERE = PRODUCTION | {"ALLOWED_HOSTS": ""} | SITE
S3 = {"USE_S3": "True", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_STORAGE_BUCKET_NAME": "c"}
COOKIES = ("COOKIE_PREFIX", "CSRF_COOKIE_NAME", "SESSION_COOKIE_NAME")
SECURE = ("CSRF_COOKIE_SECURE", "SESSION_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE")


def lists(*names: str, **variables: str) -> list[list[str]]:
    return [ast.literal_eval(value) for value in show(*names, **variables)]


@pytest.mark.parametrize("variables", [HERE, {"SECRET_KEY": "x"} | SITE], ids=["production", "development"])
def test_an_https_site_has_secure_cookies_for_its_host_and_hsts(variables):
    assert show(*COOKIES, **variables) == ["__Host-", "__Host-csrftoken", "__Host-sessionid"]
    assert show(*SECURE, "SECURE_HSTS_SECONDS", **variables) == ["True", "True", "True", "31536000"]
    [middleware] = lists("MIDDLEWARE", **variables)
    assert middleware[0] == "mayfly.visitors.cookies.OldNames"


def test_an_http_site_has_plain_cookies_and_its_own_links():
    site = {"SECRET_KEY": "x", "SITE_URL": "http://drop.home:8080"}
    assert show(*COOKIES, "SITE_URL", **site) == ["", "csrftoken", "sessionid", "http://drop.home:8080"]
    hosts, origins = lists("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", **site)
    assert "drop.home" in hosts
    assert origins == ["http://drop.home:8080"]


def test_the_sites_host_and_the_probes_are_allowed_in_production():
    assert lists("ALLOWED_HOSTS", **HERE) == [["drop.example.org", "127.0.0.1", "localhost"]]
    more = HERE | {"ALLOWED_HOSTS": "www.example.org"}
    assert lists("ALLOWED_HOSTS", **more) == [["www.example.org", "drop.example.org", "127.0.0.1", "localhost"]]


def test_without_site_url_the_other_variables_decide():
    names = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS")
    assert lists(*names, **PRODUCTION) == [["drop.example"], []]
    assert lists(*names, SECRET_KEY="x") == [[".localhost", "127.0.0.1", "[::1]"], []]


def test_the_bucket_takes_parts_from_pages_that_may_use_the_api():
    """Case 105."""
    for named, allowed in (("", []), ("*", ["*"]), ("http://localhost:8080", ["http://localhost:8080"])):
        variables = {"AWS_S3_CORS_ORIGINS": named, "API_ORIGINS": "https://a.example, https://b.example:444/"}
        [storages] = lists("STORAGES", **PRODUCTION | S3 | SITE | variables)
        found = storages["default"]["OPTIONS"]["cors_origins"]
        others = ["https://drop.example.org", "https://a.example", "https://b.example:444"]
        assert found == (["*"] if named == "*" else list(dict.fromkeys([*allowed, *others])))


@pytest.mark.parametrize("origins", ["*", "tools.example", "https://*.example", "https://a.example/x", "null"])
def test_only_whole_origins_may_use_the_api(origins):
    """Case 105."""
    assert complaint(SECRET_KEY="x", API_ORIGINS=origins).startswith("mayfly: API_ORIGINS ")


def test_cors_is_off_unless_origins_are_named():
    """Case 105."""
    cors = "corsheaders.middleware.CorsMiddleware"
    assert cors not in lists("MIDDLEWARE", SECRET_KEY="x")[0]
    assert cors in lists("MIDDLEWARE", SECRET_KEY="x", API_ORIGINS="https://tools.example")[0]


@pytest.mark.parametrize(
    ("named", "allowed"),
    [
        ("", ["https://drop.example.org"]),
        ("http://localhost:8080", ["http://localhost:8080", "https://drop.example.org"]),
        ("https://drop.example.org", ["https://drop.example.org"]),
        ("*", ["*"]),
    ],
)
def test_the_bucket_takes_parts_from_the_sites_pages(named, allowed):
    [storages] = lists("STORAGES", **HERE | S3 | {"AWS_S3_CORS_ORIGINS": named})
    assert storages["default"]["OPTIONS"]["cors_origins"] == allowed


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://drop.example.org/", "drop.example.org"),
        ("https://drop.example.org:8443", "drop.example.org"),
        ("http://192.168.1.7:8080", "192.168.1.7"),
        ("http://[fd00::1]:8080", "[fd00::1]"),
        ("http://[fd00::1]", "[fd00::1]"),
    ],
)
def test_the_host_of_the_address_is_allowed_without_its_port(address, host):
    url, hosts = show("SITE_URL", "ALLOWED_HOSTS", SECRET_KEY="x", SITE_URL=address)
    assert url == address.removesuffix("/")
    assert host in ast.literal_eval(hosts)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("drop.example.org", "has to begin with http:// or https://"),
        ("ftp://drop.example.org", "has to begin with http:// or https://"),
        ("https://", "has to be scheme and host"),
        ("https://drop.example.org/mayfly", "without a path"),
        ("https://drop.example.org?a", "has to be scheme and host"),
        ("https://me:hunter2@drop.example.org", "has to be scheme and host"),
        ("https://Drop.example.org", "in small letters"),
        ("https://a.example.org,https://b.example.org", "has to be scheme and host"),
        ("https://drop.example.org:port", "is no address"),
        ("https://drop.example.org:443", "names the port that its scheme has anyway"),
        ("http://drop.example.org", "has to begin with https:// in production"),
    ],
)
def test_a_malformed_address_ends_the_process_with_words(address, words):
    said = complaint(**HERE | {"SITE_URL": address})
    assert said.startswith("mayfly: SITE_URL ")
    assert words in said
    assert "hunter2" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("trust", "header"), [("True", "('HTTP_X_FORWARDED_PROTO', 'https')"), ("False", "None")])
def test_the_protocol_is_believed_where_a_router_of_ours_names_it(trust, header):
    assert show("SECURE_PROXY_SSL_HEADER", SECRET_KEY="x", TRUST_PROXY=trust) == [header]
