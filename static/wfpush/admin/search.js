// The search of every page: Ctrl-K or a button opens it, and the server answers while somebody types.
import { draw } from "./fragments.js";

const CALM = 120;  // milliseconds without a key press before the server is asked
const dialog = document.getElementById("search");
const field = document.getElementById("search-words");
const status = document.getElementById("search-status");
const list = document.getElementById("search-hits");
let asking = null;
let timer = 0;
let wanted = null;  // Enter came before the answer: what to do with its first hit

function open() {
  if (!dialog.open) dialog.showModal();
  field.select();
  ask();
}

function soon() {
  clearTimeout(timer);
  wanted = null;
  asking?.abort();
  timer = setTimeout(ask, CALM);
}

async function ask() {
  clearTimeout(timer);
  timer = 0;
  asking?.abort();
  const mine = asking = new AbortController();
  try {
    const answer = await fetch(`${dialog.dataset.address}?${new URLSearchParams({q: field.value})}`, {signal: mine.signal, redirect: "error"});
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.text());
  } catch (fault) {
    if (mine.signal.aborted) return;  // a later question is on its way
    show("");
    status.textContent = dialog.dataset.failed;
  }
  if (asking === mine) asking = null;
  if (wanted) follow(wanted.apart);
}

function show(html) {
  if (!draw(list, html)) return mark(options()[0]);
  const words = list.querySelector("p");
  status.textContent = words?.textContent ?? "";
  words?.remove();
  const found = options().length > 0;
  list.hidden = !found;
  field.setAttribute("aria-expanded", String(found));
  mark(options()[0]);
}

const options = () => [...list.querySelectorAll("[role=option]")];
const marked = () => list.querySelector("[aria-selected=true]");

function mark(option) {
  marked()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({block: "nearest"});
}

function step(by) {
  const all = options();
  if (all.length) mark(all[(all.indexOf(marked()) + by + all.length) % all.length]);
}

function follow(apart) {
  wanted = null;
  const option = marked();
  if (!option) return;
  if (apart) window.open(option.href, "_blank", "noopener");
  else location.assign(option.href);
}

function pressed(event) {
  if (event.isComposing) return;
  const apart = event.ctrlKey || event.metaKey;
  if (event.key === "ArrowDown") step(1);
  else if (event.key === "ArrowUp") step(-1);
  else if (event.key !== "Enter") return;
  else if (timer || asking) {
    wanted = {apart};
    if (timer) ask();
  } else follow(apart);
  event.preventDefault();
}

field.addEventListener("input", soon);
field.addEventListener("keydown", pressed);
dialog.querySelector(".desk-search-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  wanted = null;
  asking?.abort();
});
for (const button of document.querySelectorAll("[data-search]")) button.addEventListener("click", open);
addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  event.preventDefault();
  open();
});

// Whoever has no time zone of their own reads times in that of the browser, from the next page on.
document.cookie = `timezone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/admin; SameSite=Lax; max-age=31536000`;
