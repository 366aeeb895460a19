// Single keys for whoever works through many items. They can be turned off (WCAG 2.2, 2.1.4), and do nothing while somebody
// writes. Loaded only where there is a mouse, and so a keyboard.

import { isOneOpen } from "./disclosures.js";
import { isBeside, visit } from "./reader.js";
import { announce, say, settings } from "./words.js";

const KEPT = "wfpush-keys";
const sheet = document.getElementById("keys"), turned = sheet.querySelector("input");
const list = document.getElementById("list"), pane = document.getElementById("item");
const ANSWERS = { a: "approve", r: "reject", i: "request_info" };

let proposed = null;  // {key, button, line}: an answer that the next press of its key gives

const links = () => [...list.querySelectorAll('li[data-id] [data-slot="title"][href]')].filter((link) => link.checkVisibility());
const idOf = (element) => element?.closest("[data-id]")?.dataset.id;

function writes(element) {
  return element.isContentEditable || element.matches("input:not([type=checkbox]), textarea, select");
}

/** Whether something is open to write or choose in: then a letter may be meant for that, whatever has the focus. */
const isBusy = () => isOneOpen() || Boolean(document.querySelector("dialog[open], .ask:not(.standing)"));

/** Whether letters may be about more than one item: several are being chosen, or text is selected. */
const isSelecting = () => Boolean(document.getElementById("several")) || !getSelection().isCollapsed;

/** The item that the keys are about: the one with the focus, else the one that is open. While it is being loaded, its row is meant. */
function current() {
  const focused = document.activeElement.closest("[data-id]");
  if (!pane.inert) return focused ?? pane.querySelector("[data-item]");
  const chosen = [...list.querySelectorAll("[data-chosen]")].find((row) => row.checkVisibility());
  return focused && !pane.contains(focused) ? focused : chosen;
}

function move(by) {
  const all = links(), id = idOf(current()), at = all.findIndex((link) => idOf(link) === id);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (!next) return;
  next.scrollIntoView({ block: "nearest" });
  const isReading = pane.contains(document.activeElement);
  if (!isReading) next.focus();
  if (isReading || isBeside()) visit(next.getAttribute("href"), { focus: isReading });
}

function answer(key) {
  const action = ANSWERS[key];
  const host = current();
  if (!host) return;
  const button = host.querySelector(`[data-slot="buttons"] [data-action="${action}"]`);
  const fills = host.querySelector(`[data-fills="${action}"]`);
  if (button && !button.closest("[hidden]")) pressOrPropose(button, key);
  else if (fills) fills.click();
  else if (action === "request_info" && host.dataset.state === "open") visit(`/n/${host.dataset.id}?answer=${action}`);
}

/** What can be taken back, or asks for words first, takes one press of its key; everything else a second one. */
function pressOrPropose(button, key) {
  const { comment } = button.dataset, isSure = comment === "required" || (settings.undo && comment === "optional");
  if (isSure || button === proposed?.button) return button.click();
  const line = Object.assign(document.createElement("p"), { className: "hint", textContent: say("key_again", { key: key.toUpperCase() }) });
  proposed = { key, button, line };
  button.closest('[data-slot="actions"]').after(line);
  button.focus();
  button.addEventListener("blur", withdraw, { once: true });
  return announce(line.textContent);
}

function withdraw() {
  proposed?.line.remove();
  proposed = null;
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
  ...Object.fromEntries(Object.keys(ANSWERS).map((key) => [key, () => isSelecting() || answer(key)])),
};

document.addEventListener("keydown", (event) => {
  const press = KEYS[event.key];
  if (event.key !== proposed?.key) withdraw();
  if (!press || !turned.checked || isBusy() || event.repeat && event.key in ANSWERS) return;
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
