// The item beside the list (on a phone: in its place). Its page is the server's; here it is fetched, put in and kept fresh.

import { csrfToken } from "./cards.js";
import { choose } from "./list.js";
import { say } from "./words.js";

const CALM = 300;  // milliseconds to wait for further changes before the page's other parts are fetched again
const PARTS = ["facts", "history", "aside"];
const pane = document.getElementById("item");
const page = document.body;
let refreshing = 0;

const article = () => pane.querySelector("[data-item]");
export const openId = () => article()?.dataset.id ?? "";

export function start() {
  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    const link = plain && event.target.closest?.('a[href^="/n/"], a.back');
    if (!link || event.defaultPrevented || link.dataset.action) return;
    event.preventDefault();
    if (link.matches(".back")) back();
    else visit(link.getAttribute("href"));
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-follow], .mark-read")) return;
    event.preventDefault();
    replaceParts(fetch(event.target.action, { method: "POST", body: new FormData(event.target) }));
  });
  window.addEventListener("popstate", () => (location.pathname === "/" ? showList() : load(location.pathname)));
  history.replaceState({ mine: true }, "");
  if (article()) opened();
}

async function visit(path) {
  if (await load(path)) history.pushState({ mine: true, fromList: true }, "", path);
}

/** Show an item. A fault leads to the address itself, where the browser says what is wrong. */
async function load(path) {
  pane.setAttribute("aria-busy", "true");
  try {
    const fresh = await fetchPane(fetch(path, { headers: { Accept: "text/html" } }));
    pane.replaceChildren(...fresh.pane.childNodes);
    document.title = fresh.title;
  } catch {
    if (navigator.onLine) location.assign(path);
    else document.getElementById("news").textContent = say("not_loaded");
    return false;
  } finally {
    pane.removeAttribute("aria-busy");
  }
  page.dataset.view = "item";
  opened();
  window.scrollTo(0, 0);
  pane.scrollTop = 0;
  document.getElementById("item-heading").focus({ preventScroll: true });
  return true;
}

async function fetchPane(request) {
  const response = await request;
  const other = new DOMParser().parseFromString(await response.text(), "text/html");
  const found = other.getElementById("item");
  if (!response.ok || !found?.querySelector("[data-item]")) throw new Error("not an item's page");
  for (const field of found.querySelectorAll("[name=csrfmiddlewaretoken]")) field.setAttribute("value", csrfToken());
  return { pane: document.importNode(found, true), title: other.title };
}

function opened() {
  choose(openId());
  if (article().hasAttribute("data-unread") && !document.hidden) markRead(openId());
}

function markRead(id) {
  fetch(`/api/v1/notifications/${id}/read`, { method: "POST", headers: { "X-CSRFToken": csrfToken() } }).catch(() => {});
}

function back() {
  if (history.state?.fromList) history.back();
  else {
    history.pushState({ mine: true }, "", "/");
    showList();
  }
}

function showList() {
  const id = openId();
  page.dataset.view = "list";
  document.title = document.title.replace(/^(\(\d+\) )?.*( · )/, (whole, unread = "", dot = "") =>
    `${unread}${document.getElementById("waiting-heading").textContent}${dot}`);
  choose("");
  const link = id && document.querySelector(`#n-${CSS.escape(id)} a`);
  (link || document.getElementById("waiting-heading")).focus();
}

/** The open item has changed: its history and what belongs to it too, perhaps. */
export function refresh(id) {
  if (id !== openId()) return;
  clearTimeout(refreshing);
  refreshing = setTimeout(() => replaceParts(fetch(`/n/${id}`, { headers: { Accept: "text/html" } })), CALM);
}

async function replaceParts(request) {
  let fresh;
  try {
    fresh = await fetchPane(request);
  } catch {
    return;  // the page stays as it was; the live connection says what is wrong
  }
  if (fresh.pane.querySelector("[data-item]").dataset.id !== openId()) return;
  for (const name of PARTS) {
    const here = pane.querySelector(`[data-slot="${name}"]`), there = fresh.pane.querySelector(`[data-slot="${name}"]`);
    for (const field of here.querySelectorAll("[name=csrfmiddlewaretoken]")) field.setAttribute("value", csrfToken());
    if (!here.isEqualNode(there)) swap(here, there);
  }
}

/** Put a part in the place of another; the focus stays on what stands where it was. */
function swap(here, there) {
  const pressable = "a, button, summary";
  const position = [...here.querySelectorAll(pressable)].indexOf(document.activeElement);
  here.replaceWith(there);
  if (position >= 0) [...there.querySelectorAll(pressable)][position]?.focus();
}
