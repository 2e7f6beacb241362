// Buttons that need a script, and are hidden without one: copy a link, or hand it to the phone's own share sheet.

/** Show the buttons below `root` that this browser can do. */
export function offer(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  if (navigator.share && matchMedia("(pointer: coarse)").matches) {
    for (const button of root.querySelectorAll("[data-send]")) button.hidden = false;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-send]");
  if (!button) return;
  if (button.dataset.send) {
    navigator.share({ url: button.dataset.send }).catch(() => {}); // closed without a choice
    return;
  }
  await copy(button.dataset.copy);
  const { textContent, ariaLabel } = button;
  if (textContent === button.dataset.done) return;
  button.textContent = button.ariaLabel = button.dataset.done;
  setTimeout(() => Object.assign(button, { textContent, ariaLabel }), 2000);
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain HTTP on a network of one's own has no clipboard API.
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

// The whole link, for whoever clicks into the field to take it by hand.
document.addEventListener("focusin", (event) => event.target.matches("input.link") && event.target.select());
