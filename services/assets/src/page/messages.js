// The messages above the page. They stay in sight, so each can be closed.

const notes = document.querySelector(".notes");
const broken = document.querySelector("#messages");

/**
 * Let every message below `root` be closed.
 *
 * @param {Node} root
 */
export function closable(root) {
  if (!(root instanceof Element)) return;
  const found = [...root.querySelectorAll("#messages > .message")];
  for (const each of root.matches("#messages > .message") ? [root, ...found] : found) addClose(each);
}

/**
 * A message to show, in the look of its kind.
 *
 * @param {string} text
 * @param {string} kind
 * @param {() => void} [closed]
 */
export function message(text, kind, closed) {
  const made = document.createElement("p");
  made.className = `message ${kind}`;
  made.append(Object.assign(document.createElement("span"), { textContent: text }));
  addClose(made, closed);
  return made;
}

/** Say that the last request changed nothing. */
export function sayBroken() {
  if (broken instanceof HTMLElement)
    document.querySelector("#messages")?.replaceChildren(message(broken.dataset.broken ?? "", "error"));
}

/**
 * @param {Element} shown
 * @param {() => void} [closed]
 */
function addClose(shown, closed) {
  if (shown.querySelector(".close")) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "close quiet", textContent: "×" });
  button.ariaLabel = notes instanceof HTMLElement ? (notes.dataset.close ?? "") : "";
  button.addEventListener("click", () => {
    shown.remove();
    closed?.();
  });
  shown.append(button);
}
