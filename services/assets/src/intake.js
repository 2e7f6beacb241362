// Files that are dropped or pasted beside Uppy's own field. A file dropped on a page would otherwise replace it, uploads
// and all.

/** Give `take` the files that reach the page outside of `area`, which looks after its own. */
export function takeFromPage(area, take) {
  const elsewhere = (event) => !event.defaultPrevented && !area.contains(event.target);
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
