// Makes the upload form of a page one that sends files in parts. Without this script, or in a browser that is too old for
// it, the form stays as it is, and works.

import "@uppy/core/css/style.min.css";
import "@uppy/dashboard/css/style.min.css";
import "./upload.css";

import { Uppy } from "@uppy/core";

import { Api } from "./api.js";
import { stayAwake } from "./awake.js";
import { disguised, objection } from "./checks.js";
import { showDashboard } from "./dashboard.js";
import { make } from "./elements.js";
import { Final } from "./faults.js";
import { emptyFields, fieldsOf, settingsOf, takeOver } from "./form.js";
import { identityOf, isSame } from "./identity.js";
import { takeFromPage } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { Lanes } from "./lanes.js";
import { onceUnlisted } from "./listed.js";
import { Network } from "./network.js";
import { put } from "./put.js";
import { about, sentence } from "./sentences.js";
import { takeShared } from "./shared.js";
import { Status } from "./status.js";
import { claimTransfer, Store } from "./store.js";
import { Uploader } from "./uploader.js";
import { uppyLocale } from "./uppy-locale.js";
import { bytesIn, t, timeIn, tn } from "./words.js";

/** @import { Meta, UppyFile } from "@uppy/core" */
/** @import { Upload } from "./api.js" */
/** @import { Fault, Values } from "./sentences.js" */
/** @import { Body } from "./uploader.js" */

const form = document.querySelector("form[data-upload]");
if (form instanceof HTMLFormElement && "any" in AbortSignal && "withResolvers" in Promise) enhance(form);

/** @param {HTMLFormElement} form */
async function enhance(form) {
  const settings = settingsOf(form);
  const { kind, most, kept, types } = settings;
  const lang = document.documentElement.lang || "en";
  const sizeInWords = bytesIn(lang);
  const limit = sizeInWords(most);
  const say = (/** @type {Fault} */ fault, /** @type {Values} */ values = {}) => sentence(fault, { limit, ...values });

  const api = new Api(settings.api, settings.csrf);
  const store = new Store();
  const interrupted = new Interrupted({
    kind,
    api,
    store,
    present: () => uppy.getFiles().map(({ data }) => /** @type {File} */ (data)),
  });
  const status = new Status({ progress: () => uploader.progress, sizeInWords, timeInWords: timeIn(lang) });
  let chosen = 0;
  /** @type {Uppy<Meta, Body>} */
  const uppy = new Uppy({
    locale: uppyLocale(),
    restrictions: { allowedFileTypes: types.length ? types : null },
    onBeforeFileAdded(file) {
      const fault = objection(file, { most, types });
      if (fault) refuse(file.name, fault);
      // Uppy's own id is the same for different files of one name, size and time.
      return !fault && { ...file, id: `${file.id}-${++chosen}` };
    },
  });
  let pageShowsUploads = true;
  uppy.use(Uploader, {
    kind,
    takeFields() {
      const fields = fieldsOf(form);
      emptyFields(form);
      return fields;
    },
    services: { api, put, store, claimTransfer, identityOf, lanes: new Lanes(), network: new Network(settings.live) },
    changed(id, state) {
      status.change(id, state);
      stayAwake(uploader.busy);
    },
    inWords(error) {
      if (!(error instanceof Final)) return String(error); // our own mistake: better shown than hidden
      return error.fault ? say(error.fault, error.values) : error.message;
    },
    ready(upload) {
      const text = t("{name} is uploaded.", { name: upload.name });
      status.finish(text);
      onceUnlisted(upload.id, () => status.retract(text));
      if (!announce(upload)) pageShowsUploads = false;
    },
  });
  const uploader = /** @type {Uploader} */ (uppy.getPlugin("MayflyUploader"));

  const area = make("div", "upload-area");
  takeOver(form, limit);
  form.append(interrupted.element, area, status.element);
  showDashboard(uppy, area, kind);

  uppy.on("files-added", async (files) => {
    if (kind === "image") await Promise.all(files.map(refuseDisguised));
    for (const file of files) await refuseSecond(file);
    const waiting = uppy.getFiles().filter(({ progress }) => !progress.uploadStarted);
    if (kind === "image" && kept && waiting.length > kept) {
      status.finish(
        tn(
          "Only the newest image is kept; the others are deleted.",
          "Only the newest {n} images are kept; the others are deleted.",
          kept,
        ),
      );
    }
    // A visitor who was asked for a file again has decided already.
    if (waiting.length && waiting.every(({ data }) => interrupted.knows(/** @type {File} */ (data)))) start();
  });
  uppy.on("restriction-failed", (file, error) => {
    if ("isUserFacing" in error && error.isUserFacing) status.fault(file?.id ?? "all", error.message);
  });
  const forgiveFile = (/** @type {UppyFile<Meta, Body>} */ file) => status.forgive((id) => id === file.id);
  uppy.on("file-removed", forgiveFile);
  uppy.on("file-added", () => interrupted.show());
  uppy.on("file-removed", () => interrupted.show());
  uppy.on("upload-start", () => status.forgive((id) => !uppy.getFile(id)?.error));
  uppy.on("upload-error", (file, error) => {
    if (file) status.fault(file.id, about(file.name, error.message));
    setTimeout(finish);
  });
  uppy.on("upload-success", () => setTimeout(finish));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  document.addEventListener("visibilitychange", () => {
    stayAwake(uploader.busy);
    interrupted.look(); // another tab may have continued one of them
  });
  addEventListener("beforeunload", (event) => {
    if (uploader.busy) event.preventDefault();
  });
  takeFromPage(area, (files) => uppy.addFiles(files.map((data) => ({ data, name: data.name, type: data.type }))));
  await interrupted.look();
  await takeShared({
    add: (files) => uppy.addFiles(files.map((data) => ({ data, name: data.name, type: data.type }))),
    say: (words) => status.finish(words),
  });

  function start() {
    if (uppy.getFiles().length) uppy.upload().catch(() => {}); // shown already, as each file's error
  }

  /** @param {UppyFile<Meta, Body>} file */
  async function refuseDisguised(file) {
    const fault = await disguised(/** @type {File} */ (file.data)).catch(() => /** @type {const} */ ("unreadable"));
    if (!fault || !uppy.getFile(file.id)) return;
    uppy.removeFile(file.id);
    refuse(file.name, fault);
  }

  /**
   * Leave a file out that is on the page already, unless it was sent meanwhile.
   *
   * @param {UppyFile<Meta, Body>} file
   */
  async function refuseSecond(file) {
    const before = uppy.getFiles().slice(
      0,
      uppy.getFiles().findIndex(({ id }) => id === file.id),
    );
    for (const other of before.filter(({ meta }) => meta.relativePath === file.meta.relativePath)) {
      if (!(await isSame(/** @type {File} */ (file.data), /** @type {File} */ (other.data)))) continue;
      if (!uppy.getFile(other.id) || uppy.getFile(file.id)?.progress.uploadStarted !== null) continue;
      uppy.removeFile(file.id);
      refuse(file.name, "twice");
      return;
    }
  }

  /**
   * @param {string} name of a file that is not sent
   * @param {Fault} fault
   */
  function refuse(name, fault) {
    status.fault(`${fault} ${name}`, about(name, say(fault)));
  }

  function finish() {
    if (uploader.busy) return;
    interrupted.look();
    const files = uppy.getFiles();
    const complete = files.filter(({ progress }) => progress.uploadComplete).map(({ id }) => id);
    if (pageShowsUploads) uppy.removeFiles(complete);
    else if (complete.length && complete.length === files.length) location.reload();
  }
}

/**
 * Announce a ready upload to the page. Returns whether the page shows it; it says so by preventDefault.
 *
 * @param {Upload} upload
 */
function announce(upload) {
  return !document.dispatchEvent(new CustomEvent("mayfly:ready", { detail: upload, cancelable: true }));
}
