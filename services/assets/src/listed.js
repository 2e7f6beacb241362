// Notices that the page's list does not show an upload any more. page.js replaces the list with each answer.

/**
 * Call `then` once the list has shown an upload and does not any more, because it was deleted or has expired.
 *
 * @param {string} id the upload's
 * @param {() => void} then
 */
export function onceUnlisted(id, then) {
  let listed = false;
  const end = new AbortController();
  const look = () => {
    const list = document.querySelector("#uploads");
    if (!(list instanceof HTMLElement)) return;
    if (list.querySelector(`#upload-${id}`)) listed = true;
    else if (listed && list.dataset.here === list.dataset.first) {
      end.abort();
      then();
    }
  };
  document.addEventListener("htmx:afterSwap", look, { signal: end.signal });
}
