// Notices what the page's list shows. page.js replaces the list with each answer.

/**
 * Call `then` once the list shows an upload or a bundle.
 *
 * @param {string} id
 * @param {() => void} then
 */
export function onceListed(id, then) {
  const end = new AbortController();
  const look = () => {
    if (!document.querySelector(cardOf(id))) return;
    end.abort();
    then();
  };
  document.addEventListener("htmx:afterSwap", look, { signal: end.signal });
  look();
}

/**
 * Call `then` once the list has shown an upload or a bundle and does not any more, because it was deleted or has expired.
 *
 * @param {string} id
 * @param {() => void} then
 */
export function onceUnlisted(id, then) {
  let listed = false;
  const end = new AbortController();
  const look = () => {
    const list = document.querySelector("#uploads");
    if (!(list instanceof HTMLElement)) return;
    if (list.querySelector(cardOf(id))) listed = true;
    else if (listed && list.dataset.here === list.dataset.first) {
      end.abort();
      then();
    }
  };
  document.addEventListener("htmx:afterSwap", look, { signal: end.signal });
}

/** @param {string} id */
function cardOf(id) {
  return `#upload-${id}, #bundle-${id}`;
}
