// Registers the service worker on the pages of those who upload. A stranger who opens a link gets no program that stays.

const list = document.querySelector("[data-worker]");

// After all that the page itself needs. Its address has the language, so that a change of that makes a new worker.
if (list instanceof HTMLElement && "serviceWorker" in navigator) {
  const address = `${list.dataset.worker}?${document.documentElement.lang}`;
  addEventListener("load", () => {
    navigator.serviceWorker.register(address, { scope: "/", updateViaCache: "none" }).catch(() => {}); // not allowed here
  });
}
