// Single keys for whoever works through many items. They can be turned off (WCAG 2.2, 2.1.4), and do nothing while somebody
// writes. Loaded only where there is a mouse, and so a keyboard.

import { visit } from "./reader.js";
import { announce } from "./words.js";

const KEPT = "wfpush-keys";
const sheet = document.getElementById("keys"), turned = sheet.querySelector("input");
const list = document.getElementById("list"), pane = document.getElementById("item");
const ANSWERS = { a: "approve", r: "reject", i: "request_info" };

const links = () => [...list.querySelectorAll('li[id] [data-slot="title"][href]')];
const idOf = (element) => element?.closest("[data-id]")?.dataset.id;

function writes(element) {
  return element.isContentEditable || element.matches("input:not([type=checkbox]), textarea, select");
}

/** The item that the keys are about: the one with the focus, else the one that is open. */
const current = () => document.activeElement.closest("[data-id]") ?? pane.querySelector("[data-item]");

function move(by) {
  const all = links(), id = idOf(current()), at = all.findIndex((link) => idOf(link) === id);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (!next) return;
  next.scrollIntoView({ block: "nearest" });
  if (pane.contains(document.activeElement)) visit(next.getAttribute("href"));
  else next.focus();
}

function answer(action) {
  const host = current();
  if (!host) return;
  const button = host.querySelector(`[data-slot="buttons"] [data-action="${action}"]`);
  const fills = host.querySelector(`[data-fills="${action}"]`);
  if (button && !button.closest("[hidden]")) button.click();
  else if (fills) fills.click();
  else if (action === "request_info" && host.dataset.state === "open") visit(`/n/${host.dataset.id}?answer=${action}`);
}

function tick() {
  const box = current()?.querySelector(".tick input");
  box?.click();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: tick,
  "/": () => document.getElementById("words")?.focus(),
  "?": () => sheet.showModal(),
  ...Object.fromEntries(Object.entries(ANSWERS).map(([key, action]) => [key, () => answer(action)])),
};

document.addEventListener("keydown", (event) => {
  const press = KEYS[event.key];
  if (!press || !turned.checked || sheet.open || event.repeat && event.key in ANSWERS) return;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
  event.preventDefault();
  press();
});

turned.checked = localStorage.getItem(KEPT) !== "off";
turned.addEventListener("change", () => {
  localStorage.setItem(KEPT, turned.checked ? "on" : "off");
  announce(turned.closest("label").textContent.trim());
});
const opener = document.getElementById("show-keys");
opener.hidden = false;
opener.addEventListener("click", () => sheet.showModal());
