"""The door of the admin: Django's login with a limit on guesses."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from ..problems import problem
from ..visitors import guesses
from ..visitors.addresses import address_of
from .errors import answer


def login(request: HttpRequest) -> HttpResponse:
    """Show the login or try it. After too many guesses answer 429, without a look at the password."""
    if request.method != "POST":
        return admin.site.login(request)
    limits = guesses.for_operator(request.POST.get("username", ""), address_of(request))
    try:
        guesses.count(limits)
    except guesses.TooManyGuesses as error:
        seconds = max(int(error.left.total_seconds()), 1)
        headers = {"Retry-After": str(seconds)}
        return answer(request, problem("too_many_guesses", headers=headers, minutes=-(-seconds // 60)))
    response = admin.site.login(request)
    if response.status_code == 302:  # on to the page that was asked for; a wrong password shows the form again
        guesses.give_back(limits)
    return response
