"""The service worker in each engine: it takes charge, and files posted to it reach the page."""

ACTIVE = "const {active} = await navigator.serviceWorker.ready; return new URL(active.scriptURL).pathname;"
SHARE = """
const form = document.createElement("form"), field = document.createElement("input"), chosen = new DataTransfer();
Object.assign(form, {method: "post", enctype: "multipart/form-data", action: "/app/shared/"});
Object.assign(field, {type: "file", name: "file", multiple: true});
chosen.items.add(new File(["shared"], "notes.txt", {type: "text/plain"}));
field.files = chosen.files;
form.append(field);
document.body.append(form);
setTimeout(() => form.submit());
"""


def test_files_posted_to_the_worker_reach_the_page_that_asks_first(surfer):
    """Case 85."""
    surfer.open("/images/")
    assert surfer.engine.wait_for(ACTIVE) == "/app/worker.js"
    surfer.engine.run(SHARE)
    surfer.until(lambda: surfer.engine.has("dialog[open]", "notes.txt"))
    assert surfer.uploads("file") == []
    surfer.engine.click("dialog button", "Upload")
    surfer.see("notes.txt")
    assert [upload["name"] for upload in surfer.uploads("file")] == ["notes.txt"]
