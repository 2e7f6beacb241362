// How the page's elements are made.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text] never markup: a file's name is anybody's text
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

/**
 * A quiet button that sends no form.
 *
 * @param {string} words
 * @param {string} [label] for screen readers, if the words alone do not say what it is about
 */
export function button(words, label) {
  const element = make("button", "quiet", words);
  element.type = "button";
  if (label) element.setAttribute("aria-label", label);
  return element;
}
