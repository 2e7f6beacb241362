// A question that a visitor answers: before something is lost, or for a name.

import { make } from "./elements.js";

/** @typedef {{ title: string, text: string, yes: string, no: string }} Question the last two are on the buttons */

/**
 * Ask in a dialog, which takes the focus. Resolves with false if the visitor closes it without an answer.
 *
 * @param {Question} words
 * @returns {Promise<boolean>}
 */
export async function confirmed(words) {
  return (await answered(words)) === "yes";
}

/**
 * Ask for a text in a dialog. Resolves with null if the visitor does not want to give one.
 *
 * @param {Question} words `text` names the field
 * @param {string} value that the field has first
 * @returns {Promise<string | null>}
 */
export async function named(words, value) {
  const field = make("input");
  field.type = "text";
  field.value = value;
  field.maxLength = 255; // the server's own limit on names
  const answer = await answered(words, field);
  return answer === "yes" ? field.value.trim() || value : null;
}

/**
 * @param {Question} words
 * @param {HTMLInputElement} [field]
 * @returns {Promise<string>} the answer; empty if the visitor gives none
 */
function answered({ title, text, yes, no }, field) {
  const dialog = make("dialog", "sure");
  const heading = make("h3", "", title);
  heading.id = "question";
  dialog.setAttribute("aria-labelledby", heading.id);
  const form = make("form");
  form.method = "dialog";
  const buttons = make("div", "does");
  buttons.append(button(yes, "", "yes"), button(no, "quiet", "no"));
  form.append(field ? labelled(text, field) : make("p", "", text), buttons);
  dialog.append(heading, form);
  document.body.append(dialog);
  dialog.showModal();
  field?.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });

  /**
   * @param {string} words
   * @param {string} className
   * @param {string} answer
   */
  function button(words, className, answer) {
    const element = make("button", className, words);
    element.value = answer;
    element.autofocus = !field && answer === "no";
    return element;
  }
}

/**
 * @param {string} words
 * @param {HTMLInputElement} field
 */
function labelled(words, field) {
  const label = make("label", "", words);
  label.append(field);
  return label;
}
