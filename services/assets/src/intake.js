// Files that a visitor drops or pastes beside Uppy's own field. The browser would open a dropped file in place of the
// page, and end every upload.

/**
 * Give `take` the files that reach the page outside of `area`, which handles its own.
 *
 * @param {Element} area
 * @param {(files: File[]) => void} take
 */
export function takeFromPage(area, take) {
  const elsewhere = (/** @type {Event} */ event) =>
    !event.defaultPrevented && event.target instanceof Node && !area.contains(event.target);
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length || !elsewhere(event)) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length || !elsewhere(event) || area.contains(document.activeElement)) return;
    event.preventDefault();
    take([...event.clipboardData.files]);
  });
}
