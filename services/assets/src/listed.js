// Notices what the page's list shows. page.js replaces the list with each answer.

// In ms. A list that has not shown a ready upload by then does not show it: another tab has deleted it, or changed the list.
const LONGEST = 10_000;

/**
 * Call `then` once the list shows an upload, or is not going to.
 *
 * @param {string} id the upload's
 * @param {() => void} then
 */
export function onceListed(id, then) {
  const end = new AbortController();
  const finish = () => {
    clearTimeout(late);
    end.abort();
    then();
  };
  const late = setTimeout(finish, LONGEST);
  const look = () => {
    if (document.querySelector(`#upload-${id}`)) finish();
  };
  document.addEventListener("htmx:afterSwap", look, { signal: end.signal });
  look();
}

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
