// The operator's pages give times in UTC, which the server knows. Show them in the zone of this browser.

const zoned = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
});

for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time.local"))) {
  time.title = time.textContent ?? "";
  time.textContent = zoned.format(new Date(time.dateTime));
}
