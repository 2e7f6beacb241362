// Uppy's own English is in its core; these take the place of some of it.
const uppy = {
  strings: {
    dashboardTitle: "Files to upload",
    dropPasteFiles: "%{browseFiles} or drop or paste them here",
    dropPasteImportFiles: "%{browseFiles}, drop or paste them here, or use",
    browseFiles: "Choose files",
  },
};

const own = {
  images: "JPEG, PNG, WebP, GIF or AVIF",
  sending: "Uploading",
  checking: "Checking what has arrived",
  paused: "Paused. What has arrived stays there.",
  waiting: {
    offline: "No connection. It goes on by itself when there is one.",
    connection: "Waiting for the connection",
    stalled: "The connection has stalled",
    server: "Mayfly does not answer",
    storage: "Storage does not answer",
  },
  again: (seconds) => `again in ${seconds} s`,
  speed: (speed) => `${speed}/s`,
  ready: (name) => `${name} is here.`,
  interrupted: (name, percent) => `${name} was interrupted at ${percent} %. Choose it again to go on.`,
  discard: "Discard",
  discardNamed: (name) => `Discard ${name}`,
  kept: (kept) =>
    kept === 1
      ? "Only the newest image stays."
      : `Only the newest ${kept} images stay: of these, the others go at once.`,
  about: (name, text) => `${name}: ${text}`,
  empty: () => "This file is empty.",
  notImage: () => "This is not an image we can show: JPEG, PNG, WebP, GIF and AVIF are. Send it as a file instead.",
  heic: () => "HEIC pictures cannot be shown here. Send it as a file instead.",
  tooLarge: ({ limit }) => `This is too large: at most ${limit} can be sent here.`,
  gone: () => "The server has given up this upload twice. What was sent is lost; try again later.",
  late: () =>
    "It was removed before it was complete, or its time is already over. Choose it again to send it once more.",
  lost: () => "Storage lost parts of it again and again. Try again later.",
  refused: () =>
    "Storage refuses the parts, though they were just signed (403). Whoever runs this site can put that right.",
  barred: ({ origin }) =>
    `Storage at ${origin} does not take uploads from this page. Its bucket has to allow this page's address (CORS); whoever runs this site can put that right.`,
  unreadable: () => "The file cannot be read any more: it was changed, moved or removed. Choose it again.",
  stale: () =>
    "This page has been open for too long, or cookies are blocked. Load it again, and choose the file again: what was sent stays.",
  status: ({ status }) => `Something between you and Mayfly refused this (${status}).`,
  gaveUp: ({ why }) =>
    `${own.waiting[why]}, for a quarter of an hour. What was sent stays; try again when the line is better.`,
};

export const en = { own, uppy };
