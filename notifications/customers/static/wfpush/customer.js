// The page of customers: case and messages follow what happens, and what was shown counts as read. Without this file the page is
// as it was when it was loaded (templates/customers/_list.html).

import { csrfToken } from "./cards.js";

const CALM = 300;  // milliseconds to wait for further changes
const PARTS = ["case", "thread"];
let fetching = 0;

document.addEventListener("item-changed", () => {
  clearTimeout(fetching);
  fetching = setTimeout(refresh, CALM);
});
document.addEventListener("visibilitychange", markRead);
markRead();

/** The box for a message stays: somebody may be writing. */
async function refresh() {
  const address = new URL("/", location.href), asked = new URLSearchParams(location.search).get("case");
  if (asked) address.searchParams.set("case", asked);
  const response = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of PARTS) {
    const here = document.getElementById(id), there = fresh.getElementById(id);
    if (here && there && !here.isEqualNode(there)) here.replaceChildren(...there.childNodes);
  }
  markRead();
}

function markRead() {
  if (document.hidden || document.body.dataset.view !== "list") return;
  for (const line of document.querySelectorAll("#thread [data-unread]")) {
    line.removeAttribute("data-unread");
    const address = `/api/v1/notifications/${line.dataset.notification}/read`;
    fetch(address, { method: "POST", headers: { "X-CSRFToken": csrfToken() } }).catch(() => {});
  }
}
