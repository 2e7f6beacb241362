// Makes the upload form of a page one that sends files in parts. Without this script, or in a browser that is too old for
// it, the form stays as it is, and works.

import "./upload.css";

import { Api } from "./api.js";
import { stayAwake } from "./awake.js";
import { Bundle } from "./bundle.js";
import { Cards, namesOf } from "./cards.js";
import { ChoiceFields } from "./choices.js";
import { Choosing } from "./choosing.js";
import { button, make } from "./elements.js";
import { giveBack, settingsOf, takeFields, takeOver } from "./form.js";
import { identityOf } from "./identity.js";
import { takeFromPage } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { Lanes } from "./lanes.js";
import { lifetimesOf, rememberLifetime } from "./lifetimes.js";
import { onceListed, onceUnlisted } from "./listed.js";
import { Messages } from "./messages.js";
import { Network } from "./network.js";
import { picker } from "./picker.js";
import { put } from "./put.js";
import { inWords, sentence } from "./sentences.js";
import { takeShared } from "./shared.js";
import { Status } from "./status.js";
import { BundleStore, claimTransfer, Store } from "./store.js";
import { notify, Tab } from "./tab.js";
import { Uploader } from "./uploader.js";
import { formatsIn, t, tn } from "./words.js";

/** @import { Changes, Upload } from "./api.js" */
/** @import { Group, Wish } from "./choosing.js" */
/** @import { Item } from "./uploader.js" */

// In ms. A list that has not shown a complete upload by then is not read, or another tab has changed it.
const LATE = 10_000;

const form = document.querySelector("form[data-upload]");
if (form instanceof HTMLFormElement && "any" in AbortSignal && "withResolvers" in Promise) enhance(form);

/** @param {HTMLFormElement} form */
async function enhance(form) {
  const settings = settingsOf(form);
  const { kind, most } = settings;
  const formats = formatsIn(document.documentElement.lang || "en");
  const names = (/** @type {string[]} */ all) => namesOf(all, formats);
  const api = new Api(settings.api, settings.csrf);
  const bundleApi = new Api(settings.bundles, settings.csrf);
  const store = new Store();
  const bundleStore = new BundleStore();
  const network = new Network(settings.live);
  const choiceFields = new ChoiceFields(form);
  /** @type {Set<Bundle>} those under way */
  const bundles = new Set();
  const tab = new Tab(formats);
  const messages = new Messages(names);
  /** @type {Map<string, Promise<void>>} settled once all changes of an upload's fields are */
  const edits = new Map();
  let pageShowsUploads = true;
  let folded = false;

  const uploader = new Uploader(
    { api, put, store, claimTransfer, identityOf, lanes: new Lanes(), network },
    {
      changed(item) {
        const { is } = item;
        if (is.state === "failed") messages.fault({ id: item.id, name: item.name, text: (n) => inWords(is.error, n) });
        const underway = is.state !== "queued" && is.state !== "ready" && is.state !== "failed";
        status.change(item.id, underway ? is : null);
        cards.show(item);
        tab.change(item);
        item.bundle?.changed(item);
        stayAwake(isBusy());
      },
      ready(item, upload) {
        if (item.bundle)
          cards.remove(item); // the bundle's card says the rest
        else arrive(item, upload);
      },
      removed(item) {
        messages.forgive((id) => id === item.id || id === `${item.id} edit`);
        status.change(item.id, null);
        tab.remove(item);
        cards.remove(item);
        item.bundle?.leaveOut(item);
        interrupted.show();
        fold();
      },
      idle: rest,
    },
  );
  const status = new Status({
    progress: () => uploader.progress,
    sizeInWords: formats.size,
    timeInWords: formats.time,
  });
  const cards = new Cards({
    formats,
    lifetimes: lifetimesOf(form),
    titleLength: settings.titleLength,
    actions: {
      pause: (item) => each(item, (one) => uploader.pause(one)),
      resume: (item) => each(item, (one) => uploader.resume(one)),
      cancel(item) {
        if (item.whole) item.whole.cancel();
        else uploader.cancel(item);
      },
      retry(item) {
        messages.forgive((id) => id === item.id);
        each(item, ({ id }) => messages.forgive((other) => other === id));
        if (item.whole && !item.whole.failed.length) item.whole.retry();
        else each(item, (one) => uploader.retry(one));
      },
      finish: (item) => item.whole?.failed.map((one) => uploader.cancel(one)),
      edit,
    },
    cancelAll() {
      for (const bundle of bundles) bundle.cancel();
      for (const item of uploader.items) uploader.cancel(item);
    },
  });
  const interrupted = new Interrupted({
    kind,
    api,
    bundles: bundleApi,
    store,
    bundleStore,
    percent: formats.percent,
    present: () => uploader.items.map(({ file }) => file),
    complete: (resumed) => bundle({ files: [], resumed }, kind, { fields: {}, choices: {}, kept: {} }).changed(),
  });
  const choosing = new Choosing({
    settings,
    api,
    uploader,
    messages,
    names,
    say: (fault, kind, n) => sentence(fault, { n, limit: formats.size(most[kind]) }),
    again: (files) => choose(files, "file"),
    interrupted,
    bundle,
  });

  takeOver(form, formats.size(most[kind]));
  rememberLifetime(form);
  const area = picker({ words: settings.choose, kind, types: settings.types, chosen: (files) => choose(files) });
  form.prepend(area, interrupted.element, status.element);
  status.element.append(messages.element);
  form.after(cards.element);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    status.finish(t("Choose a file first."));
    chooseButton()?.focus();
  });
  document.addEventListener("visibilitychange", () => {
    stayAwake(isBusy());
    interrupted.look(); // another tab may have continued one of them
  });
  document.addEventListener("htmx:afterSwap", fold);
  addEventListener("beforeunload", (event) => {
    if (isBusy()) event.preventDefault();
  });
  takeFromPage({ take: (files) => choose(files), takeText: (file) => choose([file], "file") });
  await interrupted.look();
  await takeShared({ add: choose, say: (words) => status.finish(words) });

  /**
   * @param {File[]} files
   * @param {"image" | "file"} as
   */
  async function choose(files, as = kind) {
    if (!files.length) return;
    status.finish("");
    const fields = takeFields(form);
    const isAny = await choosing.take(files, as, { fields, ...choiceFields.read(as) });
    interrupted.show();
    fold();
    if (!isAny) giveBack(form, fields);
    else if (!messages.hasFaults) cards.element.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Item} item
   * @param {Changes} changes
   */
  function edit(item, changes) {
    const id = `${item.id} edit`;
    const text = () => t("The change was not saved. Try again.");
    const saved = (item.whole ? item.whole.edit(changes) : uploader.edit(item, changes)).then(
      () => messages.forgive((other) => other === id),
      () => messages.fault({ id, name: item.name, text }),
    );
    const before = edits.get(item.id);
    edits.set(
      item.id,
      saved.then(() => before),
    );
  }

  /**
   * @param {Item} item
   * @param {Upload} upload
   */
  async function arrive(item, upload) {
    await cards.typed(item);
    await edits.get(item.id);
    edits.delete(item.id);
    const text = item.whole
      ? tn("{n} file is uploaded.", "{n} files are uploaded, under one link.", item.whole.all)
      : t("{name} is uploaded.", { name: upload.name });
    status.finish(text);
    notify(text);
    if (item.kind === kind) {
      // Without a connection the list cannot show it, and its link must not be lost.
      const late = setTimeout(() => keep(item, upload), LATE);
      onceUnlisted(upload.id, () => status.retract(text));
      onceListed(upload.id, () => {
        clearTimeout(late);
        dismiss(item);
      });
      if (!announce(upload)) pageShowsUploads = false;
    } else {
      keep(item, upload);
    }
    if (!pageShowsUploads && !isBusy() && !uploader.items.length) location.reload();
  }

  /**
   * A bundle of these files, with a card.
   *
   * @param {Group} group
   * @param {"image" | "file"} as
   * @param {Omit<Wish, "together">} wish
   */
  function bundle({ files, resumed }, as, { fields, choices, kept }) {
    const made = new Bundle(
      { kind: as, files, fields, choices, kept, resumed },
      {
        api: bundleApi,
        store: bundleStore,
        claimTransfer,
        network,
        changed({ card, failed, isCompleting }) {
          const { is } = card;
          cards.show(card);
          if (is.state === "failed" && !failed.length) {
            messages.fault({ id: card.id, name: card.name, text: (n) => inWords(is.error, n) });
          }
          status.change(card.id, isCompleting && (is.state === "checking" || is.state === "waiting") ? is : null);
        },
        ready(one, answer) {
          bundles.delete(one);
          status.change(one.card.id, null);
          arrive(one.card, answer);
        },
        ended(one, error) {
          bundles.delete(one);
          status.change(one.card.id, null);
          cards.remove(one.card);
          for (const item of one.left) uploader.cancel(item);
          if (error) messages.fault({ id: one.card.id, name: one.card.name, text: (n) => inWords(error, n) });
          fold();
          setTimeout(() => interrupted.look()); // the claim on it ends by then
        },
      },
    );
    bundles.add(made);
    cards.show(made.card);
    return made;
  }

  /** Whether something would be lost with this page. */
  function isBusy() {
    return uploader.busy || [...bundles].some(({ isCompleting }) => isCompleting);
  }

  /**
   * @param {Item} item
   * @param {(item: Item) => void} act on it, or on all files of a bundle that have not arrived
   */
  function each(item, act) {
    for (const one of item.whole ? item.whole.left : [item]) act(one);
  }

  /**
   * Let the card of a complete upload stay, with its link, because no list shows it. page.js makes the first buttons work.
   *
   * @param {Item} item
   * @param {Upload} upload
   */
  function keep(item, { link }) {
    const { name } = item;
    const share = button(t("Share"), t("Share: {name}", { name }));
    share.dataset.send = link;
    const copy = button(t("Copy link"), t("Copy link: {name}", { name }));
    Object.assign(copy.dataset, { copy: link, done: t("Copied") });
    const list = make("a", "button quiet", t("My Files"));
    list.href = settings.files;
    list.hidden = item.kind === kind;
    const close = button(t("Close"));
    close.addEventListener("click", () => dismiss(item));
    const shares = "share" in navigator && matchMedia("(pointer: coarse)").matches;
    const all = shares ? [share, copy, list, close] : [copy, list, close];
    all[0].className = ""; // the one that is filled
    cards.keep(item, all);
    const { lifetime } = item.fields;
    if (lifetime) setTimeout(() => dismiss(item), lifetime * 1000); // it expires
  }

  /** @param {Item} item */
  function dismiss(item) {
    cards.remove(item);
    fold();
  }

  /** The page is whole again once nothing is under way. */
  function rest() {
    stayAwake(false);
    tab.finish();
    messages.notice("deleted", "");
    interrupted.look();
  }

  /** The form is one button as long as there is anything that the visitor would rather see. */
  function fold() {
    const list = document.querySelector("#uploads");
    folded = cards.size > 0 || (folded && Boolean(list?.querySelector("[id^=upload-], [id^=bundle-]")));
    form.classList.toggle("is-folded", folded);
  }

  function chooseButton() {
    return /** @type {HTMLElement | null} */ (area.querySelector(".upload-choose"));
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
