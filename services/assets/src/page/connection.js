// Says when the device is offline, and stops saying so.

const line = document.querySelector("#offline");
const show = () => (line.textContent = navigator.onLine ? "" : line.dataset.text);
addEventListener("online", show);
addEventListener("offline", show);
show();
