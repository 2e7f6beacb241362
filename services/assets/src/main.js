// Makes the upload form of a page one that can send in parts. Without this script, or in a browser that is too old for
// it, the form stays what it is, and works.

import "@uppy/core/css/style.min.css";
import "@uppy/dashboard/css/style.min.css";
import "./upload.css";

import Uppy from "@uppy/core";
import Dashboard from "@uppy/dashboard";

import { Api } from "./api.js";
import { stayAwake } from "./awake.js";
import { disguised, objection } from "./checks.js";
import { Final } from "./faults.js";
import { identityOf } from "./identity.js";
import { takeFromPage } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { Lanes } from "./lanes.js";
import { Network } from "./network.js";
import { put } from "./put.js";
import { make, Status } from "./status.js";
import { Store, hold } from "./store.js";
import { Uploader } from "./uploader.js";
import { bytesIn, wordsIn } from "./words.js";

const form = document.querySelector("form[data-upload]");
if (form && AbortSignal.any && Promise.withResolvers) enhance(form);

async function enhance(form) {
  const { kind, most, kept, api: address, live } = form.dataset;
  const field = form.querySelector("input[type=file]");
  const types = field.accept ? field.accept.split(",") : [];
  const lang = document.documentElement.lang || "en";
  const words = await wordsIn(lang);
  const inBytes = bytesIn(lang);
  const limits = { most: Number(most), types };
  const limit = inBytes(limits.most);
  const own = { ...words.own, speed: (speed) => words.own.speed(inBytes(speed)) };
  const say = (word, values) => own[word]({ limit, ...values });

  const api = new Api(address, form.querySelector("[name=csrfmiddlewaretoken]").value);
  const store = new Store();
  const interrupted = new Interrupted(own, {
    kind,
    api,
    store,
    present: () => uppy.getFiles().map(({ data }) => data),
  });
  const status = new Status(own, () => uploader.bytes);
  const uppy = new Uppy({
    locale: words.uppy,
    restrictions: { allowedFileTypes: types.length ? types : null },
    onBeforeFileAdded(file, files) {
      const word = objection(file, limits);
      if (word) status.fault(file.id, own.about(file.name, say(word)));
      return !word && !Object.hasOwn(files, file.id);
    },
  });
  let handled = true;
  uppy.use(Uploader, {
    kind,
    fields: () => fieldsOf(form),
    its: { api, put, lanes: new Lanes(), store, hold, identityOf, network: new Network(live) },
    tell(id, what) {
      status.tell(id, what);
      stayAwake(uploader.busy);
    },
    inWords: (error) => inWords(error, say),
    ready(upload) {
      // Whoever shows the upload says so by preventDefault; otherwise the page is loaded again once all are there.
      handled &&= !document.dispatchEvent(new CustomEvent("mayfly:ready", { detail: upload, cancelable: true }));
      status.say(own.ready(upload.name));
    },
  });
  const uploader = uppy.getPlugin("MayflyUploader");

  const area = make("div", "upload-area");
  form.classList.add("is-enhanced");
  field.disabled = true; // no longer required, and not sent
  hide(field.closest("p") ?? field);
  hide(form.querySelector("button:not([type=button])"));
  form.append(interrupted.element, area, status.element);
  uppy.use(Dashboard, {
    target: area,
    inline: true,
    theme: "auto",
    width: "100%",
    height: onPhone() ? 260 : 330,
    note: kind === "image" ? own.images : null,
    proudlyDisplayPoweredByUppy: false,
    disableInformer: true, // what it says is gone after five seconds; the status stays
    singleFileFullScreen: false,
    showNativePhotoCameraButton: onPhone(),
    showNativeVideoCameraButton: onPhone() && kind === "file",
    doneButtonHandler: null,
  });
  // Uppy makes a single file the item of a list, and no list around it.
  new MutationObserver(() =>
    area.querySelector(".uppy-Dashboard-files:not([role])")?.setAttribute("role", "list"),
  ).observe(area, { childList: true, subtree: true });
  for (const told of form.querySelectorAll("[data-most-with-script]")) told.textContent = limit;

  uppy.on("files-added", async (files) => {
    if (kind === "image") await Promise.all(files.map(refuseDisguised));
    const waiting = uppy.getFiles().filter(({ progress }) => !progress.uploadStarted);
    if (kind === "image" && Number(kept) && waiting.length > Number(kept)) status.say(own.kept(Number(kept)));
    // Somebody who was asked for a file again has decided already.
    if (waiting.length && waiting.every(({ data }) => interrupted.knows(data))) start();
  });
  uppy.on("restriction-failed", (file, error) => {
    if (error.isUserFacing) status.fault(file?.id ?? "all", error.message);
  });
  for (const changed of ["file-added", "file-removed"])
    uppy.on(changed, (file) => status.forgive((id) => id === file.id));
  uppy.on("upload-start", () => status.forgive((id) => !uppy.getFile(id)?.error));
  uppy.on("upload-error", (file, error) => status.fault(file.id, own.about(file.name, error.message)));
  for (const ended of ["upload-success", "upload-error"]) uppy.on(ended, () => setTimeout(finish));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  document.addEventListener("visibilitychange", () => stayAwake(uploader.busy));
  addEventListener("beforeunload", (event) => {
    if (uploader.busy) event.preventDefault();
  });
  takeFromPage(area, (files) => uppy.addFiles(files));
  await interrupted.look();

  function start() {
    if (uppy.getFiles().length) uppy.upload().catch(() => {}); // told by then
  }

  async function refuseDisguised(file) {
    const word = await disguised(file.data).catch(() => "unreadable");
    if (!word || !uppy.getFile(file.id)) return;
    uppy.removeFile(file.id);
    status.fault(file.id, own.about(file.name, say(word)));
  }

  function finish() {
    if (uploader.busy) return;
    interrupted.look();
    const files = uppy.getFiles();
    const complete = files.filter(({ progress }) => progress.uploadComplete).map(({ id }) => id);
    if (handled) uppy.removeFiles(complete);
    else if (complete.length && complete.length === files.length) location.reload();
  }
}

/** What else the form says about its files, as the API names it. */
function fieldsOf(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (name !== "csrfmiddlewaretoken" && typeof value === "string" && value) fields[name] = value;
  }
  return fields;
}

function inWords(error, say) {
  if (!(error instanceof Final)) return String(error); // a fault of ours: better shown than hidden
  return error.word ? say(error.word, error.values) : error.message;
}

function hide(element) {
  element.hidden = true;
}

function onPhone() {
  return matchMedia("(pointer: coarse)").matches;
}
