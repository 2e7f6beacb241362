"""The static files that the build of an image collects."""

import json


def test_every_collected_file_is_one_that_a_page_may_load(static_root):
    names = {str(file.relative_to(static_root)) for file in static_root.rglob("*") if file.is_file()}
    hashed = set(json.loads((static_root / "staticfiles.json").read_text())["paths"].values())
    assert hashed
    assert names == {"staticfiles.json"} | hashed | {name for name in names if name.removesuffix(".gz") in hashed}
    assert not [name for name in names if "redoc" in name or ".js." in name.removesuffix(".gz") and ".map" in name]


def test_the_page_of_the_api_has_its_script(static_root):
    hashed = json.loads((static_root / "staticfiles.json").read_text())["paths"]
    assert {"ninja/swagger-ui-bundle.js", "ninja/swagger-ui.css", "ninja/swagger-ui-init.js"} <= set(hashed)
