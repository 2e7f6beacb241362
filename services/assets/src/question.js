// A question that a visitor answers before something is lost.

import { make } from "./elements.js";

/**
 * Ask in a dialog, which takes the focus. Resolves with false if the visitor closes it without an answer.
 *
 * @param {{ title: string, text: string, yes: string, no: string }} words the last two are on the buttons
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, yes, no }) {
  const dialog = make("dialog", "sure");
  const heading = make("h3", "", title);
  heading.id = "question";
  dialog.setAttribute("aria-labelledby", heading.id);
  const buttons = make("div", "does");
  buttons.append(button(yes, "", "yes"), button(no, "quiet", "no"));
  dialog.append(heading, make("p", "", text), buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });

  /**
   * @param {string} words
   * @param {string} className
   * @param {string} answer
   */
  function button(words, className, answer) {
    const element = make("button", className, words);
    element.type = "button";
    element.autofocus = answer === "no";
    element.addEventListener("click", () => dialog.close(answer));
    return element;
  }
}
