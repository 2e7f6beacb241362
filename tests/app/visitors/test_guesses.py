"""Guesses at an operator's password: counted before the password is looked at, by name and by address."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from mayfly.visitors import guesses
from mayfly.visitors.guesses import MOST_FOR_NAME, MOST_FROM_ADDRESS, TooManyGuesses
from mayfly.visitors.models import Guesses

from ...support.configuration import run, show

pytestmark = pytest.mark.django_db
PASSWORD, WRONG = "a long and lonely password", "a wrong one"


@pytest.fixture(autouse=True)
def operator() -> User:
    return User.objects.create_superuser("operator", password=PASSWORD)


def guess(name: str = "operator", password: str = WRONG, address: str = "203.0.113.7"):
    form = {"username": name, "password": password, "next": "/admin/"}
    return Client(REMOTE_ADDR=address).post("/admin/login/", form, headers={"X-Forwarded-For": address})


def test_an_operator_logs_in():
    response = guess(password=PASSWORD)
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert Client().get("/admin/login/").status_code == 200


def test_guesses_at_one_name_end_from_every_address(monkeypatch):
    """Case 69: no further password is hashed, not even the right one."""
    for number in range(MOST_FOR_NAME):
        assert guess(address=f"198.51.100.{number}").status_code == 200
    monkeypatch.setattr(hashers, "check_password", None)
    monkeypatch.setattr(User, "check_password", None)
    for name in ("operator", " OPERATOR", "\uff4fperator"):
        response = guess(name, PASSWORD, address="192.0.2.1")
        assert response.status_code == 429
        assert 0 < int(response["Retry-After"]) <= 15 * 60
        assert "Too many wrong passwords" in response.content.decode()
        assert "Wait 15 minutes, then try again." in response.content.decode()


def test_guesses_from_one_address_end_for_every_name():
    """Case 69: names that do not exist cost as much."""
    for number in range(MOST_FROM_ADDRESS):
        assert guess(f"name{number}").status_code == 200
    assert guess(password=PASSWORD).status_code == 429
    assert guess(password=PASSWORD, address="192.0.2.1").status_code == 302


def test_an_address_that_cannot_be_read_is_counted_too():
    """Case 69."""
    for number in range(MOST_FROM_ADDRESS):
        guesses.count(guesses.for_operator(f"name{number}", ""))
    with pytest.raises(TooManyGuesses):
        guesses.count(guesses.for_operator("another", ""))


def test_a_right_password_gives_its_guess_back():
    for _ in range(3 * MOST_FROM_ADDRESS):
        assert guess(password=PASSWORD).status_code == 302
    for _ in range(MOST_FOR_NAME - 1):
        assert guess().status_code == 200
    assert guess(password=PASSWORD).status_code == 302
    assert guess().status_code == 200


def test_an_account_of_ones_own_gives_no_guesses_at_others():
    """Case 69."""
    User.objects.create_superuser("insider", password=PASSWORD)
    for _ in range(MOST_FOR_NAME):
        guess()
        guess("insider", PASSWORD)
    assert guess().status_code == 429


def test_a_refused_guess_prolongs_nothing_and_a_count_ends():
    for _ in range(MOST_FOR_NAME):
        guess()
    before = list(Guesses.objects.order_by("key").values())
    assert guess().status_code == 429
    assert list(Guesses.objects.order_by("key").values()) == before
    Guesses.objects.update(ends_at=Now() - timedelta(seconds=1))
    assert guess(password=PASSWORD).status_code == 302


def test_old_counts_are_deleted():
    ends = Now() - timedelta(seconds=1)
    Guesses.objects.bulk_create(Guesses(key=f"old{number}", count=9, ends_at=ends) for number in range(150))
    for _ in range(2):
        guess()
    assert Guesses.objects.count() == 2


def test_the_table_names_neither_names_nor_addresses():
    guess("hunter2", address="203.0.113.7")
    for row in Guesses.objects.values_list("key", flat=True):
        assert len(row) == 22
        assert "hunter2" not in row


def test_a_forged_login_form_counts_no_guess():
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/admin/login/", {"username": "operator", "password": "x"}).status_code == 403
    assert not Guesses.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_do_not_pass_the_limit():
    """Case 69: many processes of web count as one."""

    def one(number: int) -> bool:
        try:
            guesses.count(guesses.for_operator("operator", f"address {number}"))
        except TooManyGuesses:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(4 * MOST_FOR_NAME))) == MOST_FOR_NAME


@pytest.mark.parametrize("password", ["password", "12345678", "elevenchars", "123456789012345", "the-operator"])
def test_a_weak_password_is_refused(operator, password):
    """Case 69."""
    with pytest.raises(ValidationError):
        validate_password(password, operator)
    validate_password(PASSWORD, operator)


def test_a_session_of_the_admin_ends_within_a_day():
    assert show("SESSION_COOKIE_AGE", "SESSION_SAVE_EVERY_REQUEST", SECRET_KEY="x") == ["28800", "False"]


@pytest.mark.parametrize("admin", [{}, {"ADMIN": "False"}])
def test_there_is_no_admin_unless_a_variable_says_so(admin):
    """Case 69."""
    code = (
        "from mayfly import settings; settings.choose(); import django; django.setup();"
        "from django.test import RequestFactory; from django.urls import get_resolver, resolve, Resolver404\n"
        "print([p for p in get_resolver().reverse_dict if isinstance(p, str) and 'admin' in p],"
        " 'admin' in get_resolver().namespace_dict)\n"
        "for path in ('/admin/', '/admin/login/', '/admin/uploads/upload/'):\n"
        "    try: resolve(path)\n"
        "    except Resolver404: print('404')"
    )
    assert run(code, SECRET_KEY="x", **admin).stdout.split("\n")[:4] == ["[] False", "404", "404", "404"]
    assert run(code, SECRET_KEY="x", ADMIN="True").stdout.startswith("[] True\n")
