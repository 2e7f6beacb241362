// Shows a line while the device is offline.

const line = document.querySelector("#offline");

function show() {
  if (line instanceof HTMLElement) line.textContent = navigator.onLine ? "" : (line.dataset.text ?? "");
}

addEventListener("online", show);
addEventListener("offline", show);
show();
