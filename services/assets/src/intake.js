// Files that a visitor drops or pastes anywhere on the page, and text that becomes a file. The browser would open a
// dropped file in place of the page, and end every upload.

import { make } from "./elements.js";
import { named } from "./question.js";
import { t } from "./words.js";

// In ms. Browsers repeat `dragover` at least every 350 ms, and say in different ways that a drag has left the page.
const DRAGGED = 700;

/**
 * @param {object} handlers
 * @param {(files: File[]) => void} handlers.take
 * @param {(file: File) => void} handlers.takeText given a file of pasted text
 */
export function takeFromPage({ take, takeText }) {
  const target = make("div", "drop-target", t("Drop your files here"));
  target.hidden = true;
  document.body.append(target);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let left;
  const hide = () => {
    target.hidden = true;
  };
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    target.hidden = false;
    clearTimeout(left);
    left = setTimeout(hide, DRAGGED);
  });
  document.addEventListener("drop", async (event) => {
    hide();
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    take(await dropped(event.dataTransfer));
  });
  document.addEventListener("paste", async (event) => {
    const data = event.clipboardData;
    if (data?.files.length) {
      event.preventDefault();
      take([...data.files]);
      return;
    }
    const text = data?.getData("text/plain");
    if (!text?.trim() || isEditable(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    const name = await named(
      {
        title: t("Send this text as a file?"),
        text: t("Name of the file"),
        yes: t("Send"),
        no: t("Cancel"),
      },
      t("text.txt"),
    );
    if (name !== null) takeText(new File([text], name, { type: "text/plain" }));
  });
}

/** @param {EventTarget | null} target */
function isEditable(target) {
  return target instanceof Element && target.matches("input, textarea, [contenteditable]");
}

/**
 * The files of a drop, those in its folders too.
 *
 * @param {DataTransfer} data
 */
async function dropped(data) {
  // The list is empty as soon as the event has been handled, so all of it is taken before the first wait.
  const files = [...data.files];
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  const found = await Promise.all(entries.map((entry) => entry && within(entry)));
  return found.flatMap((some) => some ?? []);
}

/**
 * The files within a file or a folder of the system. Files and folders that cannot be read are left out.
 *
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function within(entry) {
  if (entry instanceof FileSystemFileEntry) {
    return new Promise((resolve) =>
      entry.file(
        (file) => resolve([file]),
        () => resolve([]),
      ),
    );
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {File[]} */
  const files = [];
  for (;;) {
    // A reader gives some entries at a time, and none at its end.
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return files;
    files.push(...(await Promise.all(some.map(within))).flat());
  }
}
