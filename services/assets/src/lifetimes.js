// The choice of a lifetime: the form's own radio buttons, the same for an upload under way, and the visitor's last choice.

import { make } from "./elements.js";

const KEY = "mayfly.lifetime";

/** @typedef {{ seconds: number, words: string }} Lifetime */

/**
 * The lifetimes that a form offers.
 *
 * @param {HTMLFormElement} form
 * @returns {Lifetime[]}
 */
export function lifetimesOf(form) {
  return radios(form).map(({ value, labels }) => ({
    seconds: Number(value),
    words: labels?.[0]?.textContent?.trim() ?? value,
  }));
}

/**
 * Choose what the visitor chose last time, and remember what they choose now.
 *
 * @param {HTMLFormElement} form
 * @param {Pick<Storage, "getItem" | "setItem"> | undefined} storage
 */
export function rememberLifetime(form, storage = globalThis.localStorage) {
  const before = attempt(() => storage?.getItem(KEY));
  for (const radio of radios(form)) {
    if (radio.value === before) radio.checked = true;
    radio.addEventListener("change", () => attempt(() => storage?.setItem(KEY, radio.value)));
  }
}

/**
 * A group of radio buttons of its own. `changed` is called with the seconds that the visitor chooses.
 *
 * @param {object} given
 * @param {string} given.name that no other group on the page has
 * @param {string} given.legend
 * @param {Lifetime[]} given.lifetimes
 * @param {number | undefined} given.chosen in seconds
 * @param {(seconds: number) => void} given.changed
 */
export function lifetimeGroup({ name, legend, lifetimes, chosen, changed }) {
  const group = make("fieldset", "lifetimes");
  const chips = make("div", "chips");
  for (const { seconds, words } of lifetimes) {
    const label = make("label");
    const radio = make("input");
    radio.type = "radio";
    radio.name = name;
    radio.checked = seconds === chosen;
    radio.addEventListener("change", () => changed(seconds));
    label.append(radio, words);
    chips.append(label);
  }
  group.append(make("legend", "", legend), chips);
  return group;
}

/**
 * @param {HTMLFormElement} form
 * @returns {HTMLInputElement[]}
 */
function radios(form) {
  return [...form.querySelectorAll("input[name=lifetime]")].filter((field) => field instanceof HTMLInputElement);
}

/**
 * Try something that a browser may refuse, as a private window does; the result is null then.
 *
 * @template T
 * @param {() => T} act
 */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
