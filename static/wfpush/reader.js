// The item beside the list (on a phone: in its place). The server renders it; this module fetches, inserts and updates it.

import { overtake, retell, withAnswering } from "./answers.js";
import { csrfToken, holdFocus, slot } from "./cards.js";
import { mark } from "./documents.js";
import { address, choose } from "./list.js";
import { seen } from "./revised.js";
import { isChanged, keep, writtenIn } from "./unsent.js";
import { say } from "./words.js";

const CALM = 300;  // milliseconds to wait for further changes before the page's other parts are fetched again
const PATIENCE = 10_000;  // milliseconds after which the kept item is shown instead
const PARTS = ["colleagues", "facts", "menu", "panel", "history", "aside"];
const BESIDE = matchMedia("(min-width: 60rem)");  // the list and the item are seen at once
const pane = document.getElementById("item");
const page = document.body;
const written = new Map();  // id → what was being written about an item when another one was opened
let refreshing = 0, loading = null, rendered = {};  // part → its HTML as the server made it

const article = () => pane.querySelector("[data-item]");
const openId = () => article()?.dataset.id ?? "";

/** Resolves when the item of the address is shown; the page kept for offline use does not contain it. */
export async function start() {
  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    const link = plain && event.target.closest?.('a[href^="/n/"]:not([target]), a.back');
    if (!link || event.defaultPrevented || link.dataset.action) return;
    event.preventDefault();
    if (link.matches(".back")) back();
    else visit(link.getAttribute("href"));
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-follow]")) return;
    event.preventDefault();
    replaceParts(fetch(event.target.action, { method: "POST", body: new FormData(event.target) }));
  });
  document.addEventListener("item-revised", ({ detail }) => refresh(detail));
  window.addEventListener("popstate", () => (location.pathname === "/" ? showList() : load(location.pathname)));
  history.replaceState({ mine: true }, "", withoutWay(location.href));
  if (article()) {
    rendered = renderedIn(pane);
    opened();
  } else if (location.pathname.startsWith("/n/")) return load(location.pathname + location.search);
  else if (BESIDE.matches && !page.matches(".customer, [data-offline]")) showFirst();  // nothing waits for it
  return null;
}

/** Show the first item beside the list. It counts as read only when its reader turns to it. */
async function showFirst() {
  const first = document.querySelector('#list [data-slot="title"][href]');
  if (!first || !(await load(first.getAttribute("href"), { byItself: true }))) return;
  for (const turn of ["pointerdown", "focusin"]) pane.addEventListener(turn, read, { once: true });
}

/** `focus`: false leaves the focus in the list, for whoever goes from item to item. */
export async function visit(path, { focus = true } = {}) {
  if (path === address() || path === "/") return back();
  const fromList = page.dataset.view === "list";
  if (await load(path, { focus })) history.pushState({ mine: true, fromList }, "", withoutWay(path));
  return null;
}

export const isBeside = () => BESIDE.matches;

/** Show an item; without a connection the kept one. After a fault the browser goes to the address, which shows what is wrong. */
async function load(path, { focus = true, byItself = false } = {}) {
  if (!isShown(path) && !(await bring(path, byItself))) return false;
  opened({ isRead: !byItself });
  if (byItself) return true;
  page.dataset.view = "item";
  entitle(document.getElementById("item-heading").textContent);
  window.scrollTo(0, 0);
  pane.scrollTop = 0;
  if (focus) (pane.querySelector(".fields [autofocus], .ask textarea[autofocus]") ?? document.getElementById("item-heading")).focus({ preventScroll: true });
  return true;
}

/** Whether the item of the address stands in the pane already: live changes keep it up to date. */
function isShown(path) {
  const { searchParams } = new URL(path, location.href);
  return idIn(path) === openId() && !pane.inert && !("offline" in article().dataset) && !searchParams.has("answer");
}

/** Fetch an item into the pane. Returns false if another one was chosen meanwhile, or there is none. */
async function bring(path, byItself) {
  loading?.abort();
  const mine = loading = new AbortController(), timer = setTimeout(() => mine.abort(), PATIENCE);
  pane.setAttribute("aria-busy", "true");
  pane.inert = true;  // what is still shown is another item than the chosen one: nothing of it can be pressed
  choose(idIn(path));
  try {
    const fresh = await fetchPane(fetchParts(path, mine.signal));
    fill(...fresh.childNodes);
  } catch (fault) {
    if (loading !== mine) return false;  // another item was chosen meanwhile
    if (byItself) return choose(""), false;
    const isShown = !(fault instanceof NotAnItem) && (await loadOffline(path, mine));
    if (loading !== mine) return false;
    if (!isShown) return refused(path, fault);
  } finally {
    clearTimeout(timer);
    if (loading === mine) {
      pane.removeAttribute("aria-busy");
      pane.inert = false;
    }
  }
  return true;
}

/** Put an item into the pane. What was being written about the one before is kept until that is opened again. */
function fill(...nodes) {
  if (article()) written.set(openId(), writtenIn(article()));
  pane.replaceChildren(...nodes);
  rendered = renderedIn(pane);
  keep(article(), written.get(openId()) ?? "");
  written.delete(openId());
}

const idIn = (path) => new URL(path, location.href).pathname.split("/")[2];

/** The item of an address, without the list. */
function fetchParts(path, signal) {
  const { search } = new URL(path, location.href);
  return fetch(`/n/${idIn(path)}/parts${search}`, { headers: { Accept: "text/html" }, signal });
}

/** The kept item, with the comment field open if the address asks for it, unless another one was chosen meanwhile. */
async function loadOffline(path, mine) {
  const { searchParams } = new URL(path, location.href);
  const found = await import("./offline.js").then(({ offlineArticle }) => offlineArticle(idIn(path)), () => null);
  if (!found || loading !== mine) return false;
  found.article.dataset.offline = "";
  fill(withToken(found.article));
  if (searchParams.has("answer")) await withAnswering(({ openAsk }) => openAsk(found.article, searchParams.get("answer")));
  return true;
}

function refused(path, fault) {
  if (fault instanceof NotAnItem || navigator.onLine) location.assign(path);
  else {
    choose(openId());
    document.getElementById("news").textContent = say("not_loaded");
  }
  return false;
}

class NotAnItem extends Error {}

async function fetchPane(request) {
  const response = await request;
  const other = new DOMParser().parseFromString(await response.text(), "text/html");
  const found = other.getElementById("item");
  if (!response.ok || !found?.querySelector("[data-item]")) throw new NotAnItem(response.status);
  return document.importNode(withToken(found), true);
}

function entitle(words) {
  document.title = document.title.replace(/^(\(\d+\) )?.*( · )/, (whole, unread = "", dot = "") => unread + words + dot);
}

/** Put the CSRF token of this page into the forms of an element. */
function withToken(place) {
  for (const field of place.querySelectorAll("[name=csrfmiddlewaretoken]")) field.setAttribute("value", csrfToken());
  return place;
}

function opened({ isRead = true } = {}) {
  choose(openId());
  if (overtake(article().dataset)) refresh(openId());
  seen(openId());
  retell(openId());
  mark();
  if (pane.querySelector("[data-action], .ask")) withAnswering();
  if (pane.querySelector('[data-slot="form"]')) import("./forms.js").then(({ begin }) => begin(article()), () => {});
  if (isRead && !document.hidden) read();
}

const read = () => article()?.hasAttribute("data-unread") && markRead(article().dataset);

/** `by`: the channel whose message led here. */
function markRead({ id, by }) {
  fetch(`/api/v1/notifications/${id}/read`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify({ by }),
  }).catch(() => {});
}

/** An address that can be kept: how somebody came to it once is not part of it. */
function withoutWay(address) {
  const clean = new URL(address, location.href);
  clean.searchParams.delete("by");
  return clean.pathname + clean.search + clean.hash;
}

function back() {
  if (history.state?.fromList) history.back();
  else {
    history.pushState({ mine: true }, "", address());
    showList();
  }
}

function showList() {
  const id = openId();
  loading?.abort();
  loading = null;
  pane.inert = false;
  pane.removeAttribute("aria-busy");
  page.dataset.view = "list";
  entitle(document.getElementById("waiting-heading").textContent);
  choose("");
  const link = id && document.querySelector(`#n-${CSS.escape(id)} a`);
  (link || document.getElementById("waiting-heading")).focus();
}

/** The open item has changed: fetch its history and other parts, too. */
export function refresh(id) {
  if (id !== openId()) return;
  clearTimeout(refreshing);
  refreshing = setTimeout(() => replaceParts(fetchParts(`/n/${id}`)), CALM);
}

export async function replaceParts(request) {
  let fresh;
  try {
    fresh = await fetchPane(request);
  } catch {
    return;  // the page stays as it was; the live connection says what is wrong
  }
  const { id, seq } = fresh.querySelector("[data-item]").dataset;
  if (id !== openId() || Number(seq) < Number(article().dataset.seq)) return;  // answers may come in another order
  article().dataset.seq = seq;
  const next = renderedIn(fresh);
  for (const name of PARTS) if (next[name] !== rendered[name]) swap(partOf(pane, name), partOf(fresh, name));
  rendered = next;
  await followForm(fresh);
  mark();
}

/** A form of another content than the one that is shown takes its place. */
async function followForm(fresh) {
  const here = article().querySelector('[data-slot="form"]'), there = fresh.querySelector('[data-slot="form"]');
  if (here?.dataset.shows === there?.dataset.shows) return;
  if (!there) return here.remove();  // what was typed into it is kept
  if (!here) {
    slot(article(), "answer").before(withToken(there));
    return import("./forms.js").then(({ begin }) => begin(article()), () => {});
  }
  await import("./forms.js").then(({ follow }) => follow(article(), withToken(there)), () => {});
}

const partOf = (place, name) => place.querySelector(`[data-slot="${name}"]`);
const renderedIn = (place) => Object.fromEntries(PARTS.map((name) => [name, partOf(place, name)?.outerHTML]));

/** Replace a part. What the reader has opened and filled in stays so, and the focus where it is. */
function swap(here, there) {
  const fresh = there.querySelectorAll("details"), focusAgain = holdFocus(here);
  for (const [place, { open }] of here.querySelectorAll("details").entries()) fresh[place]?.toggleAttribute("open", open);
  for (const field of here.querySelectorAll(":is(input:not([type=hidden]), select, textarea)[id]")) {
    const next = isChanged(field) && there.querySelector(`#${CSS.escape(field.id)}`);
    if (next) Object.assign(next, { value: field.value, checked: field.checked });
  }
  here.replaceWith(there);
  focusAgain(there);
}
