"""An operator in the admin: the list of uploads, and take-downs with their confirmation."""

import re

from django.test import Client

LIST = "/admin/uploads/upload/"


def form_of(response) -> dict[str, list[str]]:
    """The hidden fields of a confirmation, as a browser sends them."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', response.content.decode())
    return {name: [value for other, value in fields if other == name] for name, _ in fields}


def ask(operator: Client, *ids: str, everything: bool = False):
    """Choose the action in the list. The answer is the page that asks whether it shall be."""
    form = {"action": "take_down", "_selected_action": ids} | ({"select_across": "1"} if everything else {})
    return operator.post(LIST, form)


def take_down(operator: Client, *ids: str):
    """Choose the action and confirm it. Returns the answer, and its words as the next page shows them."""
    response = operator.post(LIST, form_of(ask(operator, *ids)))
    return response, operator.get(LIST).content.decode()
