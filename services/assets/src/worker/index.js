// The service worker: it shows a page of ours while there is no network, and takes what a phone shares with Mayfly. All
// else passes by it: downloads, previews, the API and storage. It caches no page that has anything of a visitor in it.

import { Handover } from "./handover.js";

/**
 * @typedef {object} Settings written before this script by pages/worker.py
 * @property {string} offline the address of the page without a network
 * @property {string[]} statics what that page loads: files whose names change with their content
 * @property {string} shared the address to which a phone posts what it shares
 * @property {string} images
 * @property {string} files
 * @property {string[]} types of images that can be shown
 * @property {number} kept how many images stay; 0 for all
 * @property {number} most the largest image, in bytes
 */

/** @typedef {ServiceWorkerGlobalScope & { MAYFLY: Settings }} Scope */

const scope = /** @type {Scope} */ (/** @type {unknown} */ (self));
const { offline, statics, shared, images, files, types, kept, most } = scope.MAYFLY;
const CACHE = "mayfly";
const PAGES = ["/", images, files];
const STATICS = statics.map(absolute);
const handover = new Handover();

scope.addEventListener("install", (event) => event.waitUntil(prepare()));
scope.addEventListener("activate", (event) => event.waitUntil(tidy()));
scope.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (STATICS.includes(url)) event.respondWith(cachedFirst(event.request));
  else if (origin !== location.origin || mode !== "navigate") return;
  else if (method === "POST" && pathname === shared) event.respondWith(take(event));
  else if (method === "GET" && PAGES.includes(pathname)) event.respondWith(pageOrOffline(event.request));
});
scope.addEventListener("message", ({ data, ports }) => {
  if (data === "shared") ports[0].postMessage(handover.give());
});

/** Fetch all that is shown without a network, then take over. A worker that still has files to give ends first. */
async function prepare() {
  const cache = await caches.open(CACHE);
  // Without cookies: a page for no one. The address of this script has the visitor's language.
  const headers = { "Accept-Language": location.search.slice(1) };
  const page = new Request(offline, { cache: "reload", credentials: "omit", headers });
  await cache.addAll([page, ...STATICS.map((url) => new Request(url, { mode: "cors", credentials: "omit" }))]);
  await scope.skipWaiting();
}

/** Remove what an older worker has cached. */
async function tidy() {
  const cache = await caches.open(CACHE);
  const wanted = [absolute(offline), ...STATICS];
  const old = (await cache.keys()).filter(({ url }) => !wanted.includes(url));
  await Promise.all(old.map((request) => cache.delete(request)));
}

/** @param {Request} request */
async function cachedFirst(request) {
  return (await cached(request.url)) ?? fetch(request);
}

/** @param {Request} request */
async function pageOrOffline(request) {
  try {
    return await fetch(request);
  } catch {
    return (await cached(offline)) ?? Response.error();
  }
}

/** @param {string} url */
function cached(url) {
  return caches.match(url, { cacheName: CACHE, ignoreVary: true });
}

/**
 * Keep what was shared for the page to which this leads.
 *
 * @param {FetchEvent} event
 */
async function take(event) {
  const form = await event.request.formData().catch(() => new FormData());
  const taken = form.getAll("file").filter((entry) => entry instanceof File);
  event.waitUntil(handover.keep(taken));
  const fit = !kept || taken.length <= kept;
  const page = fit && taken.every(({ type, size }) => types.includes(type) && size <= most) ? images : files;
  return Response.redirect(absolute(`${page}#shared`), 303);
}

/** @param {string} address */
function absolute(address) {
  return new URL(address, location.href).href;
}
