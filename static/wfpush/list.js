// The list: changed items are updated at once; new ones wait behind "2 new" while the list is being used, so that nothing
// moves under a finger.

import { build, morePressing, slot } from "./cards.js";
import { unsent } from "./kept.js";
import { announce, say } from "./words.js";

const QUIET = 8_000;  // milliseconds without a touch after which a list counts as not being used
const SETTLING = 500;  // milliseconds in which nothing can be pressed after something moved

const list = document.getElementById("list");
const waiting = document.getElementById("waiting");
const escalated = document.getElementById("escalated");
const updates = document.getElementById("updates");
const done = document.getElementById("done");
const showNew = document.getElementById("show-new");
const pending = new Map();  // id → item that is not in the list yet
let touchedAt = -Infinity;
let stale = false;

for (const kind of ["pointerdown", "pointermove", "wheel", "scroll", "keydown", "touchmove"]) {
  list.addEventListener(kind, touched, { passive: true, capture: true });
}
window.addEventListener("scroll", touched, { passive: true });
showNew.addEventListener("click", () => (stale ? location.reload() : show({ pressed: true })));
document.addEventListener("visibilitychange", () => {
  if (document.hidden && !stale) show();  // nobody sees the page: update the list
});

function touched(event) {
  if (!showNew.contains(event.target)) touchedAt = performance.now();
}

function inUse() {
  if (document.hidden) return false;
  const focused = list.contains(document.activeElement) && document.activeElement.closest("li");
  return Boolean(focused || list.querySelector(".ask") || performance.now() - touchedAt < QUIET);
}

/** An item has changed. Elements that show it were updated before. */
export function receive(item) {
  const known = document.getElementById(`n-${item.id}`);
  const reopened = known?.matches(".row") && item.state === "open";
  if (known && !reopened) {
    pending.delete(item.id);
  } else if (item.state === "open" || item.state === "info") {
    if (!pending.has(item.id)) announce(say("arrived", { title: item.title }));
    pending.set(item.id, item);
    if (inUse()) offer();
    else show();
  } else {
    pending.delete(item.id);
    offer();
  }
  count();
}

/** The server asks to load the list again: at once, unless the page is being used. */
export function reset() {
  if (!inUse() && !unsent()) {
    location.reload();
    return;
  }
  stale = true;
  offer();
}

function offer() {
  showNew.hidden = !stale && pending.size === 0;
  showNew.textContent = stale ? say("list_changed") : say("new", { n: pending.size });
}

/** Insert new items, move answered ones (except those with an unsent comment), and sort the rest. */
function show({ pressed = false } = {}) {
  const focused = document.activeElement;
  const cards = [...waiting.children, ...escalated.children], moved = cards.length > 0;
  for (const card of cards) if (card.dataset.state !== "open" && !slot(card, "kept")) settle(card);
  let first = null;
  for (const item of pending.values()) {
    const element = place(item);
    first = first && morePressingOrSame(first, element) ? first : element;
  }
  pending.clear();
  sort();
  offer();
  count();
  if (pressed) first?.querySelector("a").focus();
  else if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  if (moved && !document.hidden) guard();
}

const morePressingOrSame = (one, other) =>
  one.matches(".card") && (!other.matches(".card") || morePressing(one, other) <= 0);

/** A new card or row where it belongs; cards come into order by `sort`. */
export function place(item) {
  document.getElementById(`n-${item.id}`)?.remove();
  const element = build(item.state === "open" ? "card" : "row", item);
  if (item.state === "open") (item.escalated ? escalated : waiting).append(element);
  else updates.prepend(element);
  return element;
}

export function sort() {
  for (const group of [waiting, escalated]) group.append(...[...group.children].sort(morePressing));
}

/** An answered card becomes a line under "Done". */
function settle(card) {
  const row = document.getElementById("row-template").content.firstElementChild.cloneNode(true);
  for (const name of ["title", "lines", "outcome", "unread"]) slot(row, name).replaceWith(slot(card, name));
  const at = slot(row, "stamp");
  at.dateTime = card.dataset.created;
  row.id = card.id;
  Object.assign(row.dataset, { id: card.dataset.id, state: card.dataset.state, created: card.dataset.created });
  row.toggleAttribute("data-unread", card.hasAttribute("data-unread"));
  card.remove();
  done.prepend(row);
}

function guard() {
  list.classList.add("settling");
  setTimeout(() => list.classList.remove("settling"), SETTLING);
}

export function count() {
  for (const group of [waiting, escalated]) {
    const shown = slot(list, `${group.id}-count`);
    shown.textContent = group.querySelectorAll('[data-state="open"]').length + Number(group.dataset.more);
    shown.hidden = shown.textContent === "0";
  }
  for (const { id, childElementCount } of [escalated, updates, done]) hide(`${id}-part`, childElementCount === 0);
  const own = waiting.childElementCount > 0, others = escalated.childElementCount > 0;
  hide("nothing-waiting", own || others);
  hide("nothing-own", own || !others);
}

const hide = (id, hidden) => document.getElementById(id).toggleAttribute("hidden", hidden);

/** Unread items in the page's title, where a tab shows them, and on the icon of the app. */
export function tellUnread(unread) {
  const told = unread ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
  told?.catch(() => {});
  document.title = (unread ? `(${unread}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  const everything = document.getElementById("read-all");
  if (everything) everything.hidden = unread === 0;
}

/** Mark the item that is open beside the list. */
export function choose(id) {
  for (const element of list.querySelectorAll("[data-chosen]")) element.removeAttribute("data-chosen");
  const chosen = id && document.getElementById(`n-${id}`);
  if (chosen) chosen.setAttribute("data-chosen", "");
}
