// The list: changed items are updated at once; new ones wait behind "2 new" while the list is being used, so that nothing
// moves under a finger. A list that somebody asked for (a tab, words, filters) is never changed by itself: it offers to be
// loaded again.

import { build, morePressing, slot } from "./cards.js";
import { hasUnsent } from "./unsent.js";
import { announce, dueGroup, now, say, settings } from "./words.js";

const QUIET = 8_000;  // milliseconds without a touch after which a list counts as not being used
const SETTLING = 500;  // milliseconds in which nothing can be pressed after something moved

const list = document.getElementById("list");
const groups = Object.fromEntries([...list.querySelectorAll(".group[data-due]")].map((group) => [group.dataset.due, group]));
const updates = document.getElementById("updates");
const done = document.getElementById("done");
const showNew = document.getElementById("show-new");
const pending = new Map();  // id → item that is not in the list yet
let touchedAt = -Infinity;
let stale = false;

/** The address of the list on this page, which search changes. */
export const address = () => `/${settings.list}`;

/** Whether somebody asked for this list, so that it is never changed by itself. */
const isAsked = () => "found" in list.dataset;

for (const kind of ["pointerdown", "pointermove", "wheel", "scroll", "keydown", "touchmove"]) {
  list.addEventListener(kind, touched, { passive: true, capture: true });
}
window.addEventListener("scroll", touched, { passive: true });
showNew.addEventListener("click", () => (stale || isAsked() ? location.reload() : show({ pressed: true })));
document.addEventListener("visibilitychange", () => {
  if (document.hidden && !stale && !isAsked() && list.isConnected) show();  // nobody sees the page: update the list
});

function touched(event) {
  if (event.type === "pointerdown") closeOthers(event.target);
  if (!showNew.contains(event.target)) touchedAt = performance.now();
}

list.addEventListener("scroll", ({ target }) => target.matches?.("li.row") && fit(target), { passive: true, capture: true });

/** A swiped row shows its title in what its answers leave of it: two lines, or their beginning and the number. */
function fit(row) {
  const covered = row.querySelector(".row-actions").offsetWidth, title = row.querySelector(".row-title");
  row.style.setProperty("--covered", `${covered}px`);
  row.classList.remove("long");
  const isSwiped = row.classList.toggle("swiped", covered > 0 && Math.abs(row.scrollLeft) > covered / 2);
  row.classList.toggle("long", isSwiped && title.scrollHeight > title.clientHeight);
}

/** One row at a time stays swiped. */
function closeOthers(target) {
  for (const row of list.querySelectorAll(".row")) if (row.scrollLeft && !row.contains(target)) row.scrollLeft = 0;
}

function inUse() {
  if (document.hidden) return false;
  const focused = document.activeElement.closest("#list li, form.find");
  return Boolean(focused || list.querySelector(".ask") || performance.now() - touchedAt < QUIET);
}

const rowsOf = (group) => group.querySelector(".rows");
const waiting = () => [...list.querySelectorAll(".group[data-due] .row")];
const groupOf = (element) => groups["back" in element.dataset ? "back" : dueGroup(element.dataset.due, now())];
const isAhead = (at) => Boolean(at) && new Date(at) > now();

/** Whether its person has put it off: notifications/items/snoozing.py. */
export const isSnoozed = ({ snoozed_until, due_at, read_at }) => isAhead(snoozed_until) && (!due_at || isAhead(due_at) || new Date(due_at) <= new Date(read_at));

/** An item has changed. Elements that show it were updated before. */
export function receive(item) {
  const known = document.getElementById(`n-${item.id}`), snoozed = item.state === "open" && isSnoozed(item);
  const news = !snoozed && (item.state === "open" || item.state === "info");
  if (known && snoozed) known.dataset.state = "snoozed";  // it leaves with the next change that is shown
  const reopened = known?.closest("#updates, #done") && item.state === "open";
  if (known && !reopened) {
    pending.delete(item.id);
  } else if (news) {
    if (!pending.has(item.id)) announce(say("arrived", { title: item.title }));
    pending.set(item.id, item);
    if (isAsked()) becomeStale();
    else if (inUse()) offer();
    else show();
  } else {
    pending.delete(item.id);
    const group = groups[dueGroup(item.due_at, now())];
    if (isAsked() || Number(group.dataset.more)) becomeStale();  // it may have been one of those that are not shown
    else offer();
  }
  count();
}

/** The server asks to load the list again: at once, unless the page is being used. */
export function reset() {
  if (!inUse() && !hasUnsent()) location.reload();
  else becomeStale();
}

function becomeStale() {
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
  const rows = waiting(), moved = rows.length > 0;
  for (const row of rows) {
    if (row.dataset.state === "snoozed") row.remove();
    else if (row.dataset.state !== "open" && !slot(row, "unsent")) done.prepend(row);
  }
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

const isOpen = (row) => row.dataset.state === "open";
const morePressingOrSame = (one, other) => isOpen(one) && (!isOpen(other) || morePressing(one, other) <= 0);

/** A new row where it belongs; those that wait come into order by `sort`. */
export function place(item) {
  document.getElementById(`n-${item.id}`)?.remove();
  const element = build(item);
  if (isOpen(element)) rowsOf(groupOf(element)).append(element);
  else updates.prepend(element);
  return element;
}

/** Each row in the group of its due date: time goes on. */
export function sort() {
  for (const row of waiting().sort(morePressing)) {
    rowsOf(groupOf(row)).append(row);  // which ends a swipe, without an event
    if (row.matches(".swiped")) fit(row);
  }
}

function guard() {
  list.classList.add("settling");
  setTimeout(() => list.classList.remove("settling"), SETTLING);
}

/** Headings say how many wait, on this page and beyond it. */
export function count() {
  if (isAsked()) return;
  let all = 0;
  for (const group of Object.values(groups)) {
    const open = group.querySelectorAll('[data-state="open"]').length + Number(group.dataset.more);
    slot(group, "group-count").textContent = open;
    group.hidden = !open && !rowsOf(group).childElementCount;
    all += open;
  }
  const shown = slot(document, "waiting-count");
  if (shown) Object.assign(shown, { textContent: all, hidden: !all });  // not on the page without a connection
  for (const { id, childElementCount } of [updates, done]) hide(`${id}-part`, childElementCount === 0);
  hide("nothing-waiting", waiting().length);
}

const hide = (id, hidden) => document.getElementById(id).toggleAttribute("hidden", Boolean(hidden));

/** Unread items in the page's title, where a tab shows them, on the filter for them, and on the icon of the app. */
export function tellUnread(unread) {
  const badge = unread ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
  badge?.catch(() => {});
  document.title = (unread ? `(${unread}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  const everything = document.getElementById("read-all"), chip = document.getElementById("unread-chip");
  if (everything) everything.hidden = unread === 0;
  if (!chip) return;  // the page without a connection
  chip.hidden = unread === 0 && !chip.querySelector("[aria-current]");
  slot(chip, "unread-count").textContent = unread;
}

/** Mark the item that is open beside the list. */
export function choose(id) {
  for (const element of list.querySelectorAll("[data-chosen]")) element.removeAttribute("data-chosen");
  for (const chosen of list.querySelectorAll(`li[data-id="${id}"]`)) {
    chosen.setAttribute("data-chosen", "");
    chosen.scrollIntoView({ block: "nearest" });
  }
}
