// Uppy's Dashboard, as our pages show it.

import Dashboard from "@uppy/dashboard";

import { t } from "./words.js";

/** @import { Meta, Uppy } from "@uppy/core" */
/** @import { Body } from "./uploader.js" */

/**
 * @param {Uppy<Meta, Body>} uppy
 * @param {Element} area
 * @param {"image" | "file"} kind
 */
export function showDashboard(uppy, area, kind) {
  const onPhone = matchMedia("(pointer: coarse)").matches;
  uppy.use(Dashboard, {
    target: area,
    inline: true,
    theme: "auto",
    width: "100%",
    height: onPhone ? 260 : 330,
    note: kind === "image" ? t("JPEG, PNG, WebP, GIF or AVIF") : null,
    proudlyDisplayPoweredByUppy: false,
    disableInformer: true, // its messages vanish after five seconds; our status stays
    hideProgressDetails: true, // its time left counts what storage had already; our status has its own
    singleFileFullScreen: false,
    showNativePhotoCameraButton: onPhone,
    showNativeVideoCameraButton: onPhone && kind === "file",
    doneButtonHandler: null,
  });
  giveListsTheirRole(area);
}

/**
 * Uppy makes a single file the item of a list, and no list around it.
 *
 * @param {Element} area
 */
function giveListsTheirRole(area) {
  const observer = new MutationObserver(() => {
    area.querySelector(".uppy-Dashboard-files:not([role])")?.setAttribute("role", "list");
  });
  observer.observe(area, { childList: true, subtree: true });
}
