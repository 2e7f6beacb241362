// Buttons that need a script, and are hidden without one: copy a link, or pass it to the phone's own share sheet.

/**
 * Show the buttons below `root` that work in this browser.
 *
 * @param {Node} root
 */
export function offer(root) {
  if (!(root instanceof Element)) return;
  reveal(root, "[data-copy]");
  if ("share" in navigator && matchMedia("(pointer: coarse)").matches) reveal(root, "[data-send]");
}

/**
 * @param {Element} root
 * @param {string} buttons
 */
function reveal(root, buttons) {
  for (const button of root.querySelectorAll(buttons)) {
    if (button instanceof HTMLElement) button.hidden = false;
  }
}

document.addEventListener("click", async ({ target }) => {
  const button = target instanceof Element && target.closest("[data-copy], [data-send]");
  if (!(button instanceof HTMLElement)) return;
  const { send, copy, done = "" } = button.dataset;
  if (send) {
    navigator.share({ url: send }).catch(() => {}); // the visitor closed it without a choice
    return;
  }
  await copyText(copy === "all" ? allLinks() : (copy ?? ""));
  const { textContent, ariaLabel } = button;
  if (textContent === done) return;
  button.textContent = done;
  button.ariaLabel = done;
  setTimeout(() => Object.assign(button, { textContent, ariaLabel }), 2000);
});

function allLinks() {
  const links = [...document.querySelectorAll(":is([id^=upload-], [id^=bundle-]) [data-copy]")];
  return links.map((button) => button.getAttribute("data-copy")).join("\n");
}

/** @param {string} text */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain HTTP within a local network has no clipboard API.
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

// On paper, a code that is folded would be lost.
addEventListener("beforeprint", () => {
  for (const code of document.querySelectorAll("details.qr:not([open])")) code.setAttribute("open", "");
});

// A click into the field selects the whole link, to be copied by hand.
document.addEventListener("focusin", ({ target }) => {
  if (target instanceof HTMLInputElement && target.matches("input.link")) target.select();
});
