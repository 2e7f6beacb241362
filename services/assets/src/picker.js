// The part of the form where files are chosen: one button, and on a phone the camera beside it.

import { make } from "./elements.js";
import { t } from "./words.js";

/**
 * @param {object} given
 * @param {string} given.words on the button
 * @param {"image" | "file"} given.kind
 * @param {string[]} given.types that the page takes; none for any
 * @param {(files: File[]) => void} given.chosen
 */
export function picker({ words, kind, types, chosen }) {
  const onPhone = matchMedia("(pointer: coarse)").matches;
  const area = make("div", "upload-area");
  const buttons = make("div", "upload-buttons");
  buttons.append(...choice(words, "upload-choose", { accept: types.join(","), multiple: true }));
  if (onPhone) {
    buttons.append(...choice(t("Take picture"), "quiet upload-more", { accept: "image/*", capture: "environment" }));
    if (kind === "file") {
      buttons.append(...choice(t("Record video"), "quiet upload-more", { accept: "video/*", capture: "environment" }));
    }
  }
  const how = onPhone
    ? t("They are sent as soon as you choose them.")
    : t("Or drop or paste them anywhere on this page. They are sent immediately.");
  area.append(buttons, make("p", "hint upload-more", how));
  if (kind === "image") area.append(make("p", "hint upload-more", t("JPEG, PNG, WebP, GIF or AVIF")));
  return area;

  /**
   * A button, and the field that it opens.
   *
   * @param {string} text
   * @param {string} className
   * @param {{ accept: string, multiple?: boolean, capture?: string }} options
   */
  function choice(text, className, options) {
    const field = make("input");
    Object.assign(field, { type: "file", hidden: true, ...options });
    const button = make("button", className, text);
    button.type = "button";
    button.addEventListener("click", () => field.click());
    field.addEventListener("change", () => {
      chosen([...(field.files ?? [])]);
      field.value = ""; // else the same file chosen again changes nothing
    });
    return [button, field];
  }
}
