// “Insert…” beside each text of a template: variables, filters and conditions, which the server lists with what they give
// (notifications/admin/wording/live_preview.py). Without this script they stand below the preview, to be copied.
import { draw } from "./fragments.js";

const FIELD = /^(texts|customer_texts)-\d+-(title|body|short_body)$/;
let dialog = null;
let list = null;
let field = null;

const items = () => [...dialog.querySelectorAll("[data-text]")].filter((item) => !item.closest("[hidden]"));

/** Whether the place is inside “{{ … }}” or “{% … %}”, and so takes a name or filter without braces. */
function isInside(text) {
  return Math.max(text.lastIndexOf("{{"), text.lastIndexOf("{%")) > Math.max(text.lastIndexOf("}}"), text.lastIndexOf("%}"));
}

function insert(item) {
  const at = field.selectionStart ?? field.value.length, end = field.selectionEnd ?? at;
  const text = isInside(field.value.slice(0, at)) ? item.dataset.inner : item.dataset.text;
  dialog.close();
  if (!field.dispatchEvent(new CustomEvent("liquid:insert", { bubbles: true, cancelable: true, detail: item.dataset.text }))) return;  // by an editor in the field's place
  field.setRangeText(text, at, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function find(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of dialog.querySelectorAll("[data-text]")) {
    const text = item.textContent.toLowerCase();
    item.parentElement.hidden = !wanted.every((word) => text.includes(word));
  }
  for (const group of dialog.querySelectorAll("section")) group.hidden = !group.querySelector("li:not([hidden])");
  dialog.querySelector("[data-insert-none]").hidden = items().length > 0;
}

function move(event) {
  const there = items(), step = { ArrowDown: 1, ArrowUp: -1 }[event.key], search = dialog.querySelector("[data-insert-find]");
  if (event.key === "Enter" && event.target === search) {
    event.preventDefault();
    if (there.length) insert(there[0]);
  } else if (step) {
    event.preventDefault();
    const at = there.indexOf(document.activeElement) + step;
    (at < 0 ? search : there[Math.min(at, there.length - 1)])?.focus();
  }
}

function open(into) {
  field = into;
  dialog.append(list.querySelector("[data-insert-items]") ?? dialog.querySelector("[data-insert-items]"));
  const search = dialog.querySelector("[data-insert-find]");
  search.value = "";
  find("");
  dialog.showModal();
  search.focus();
}

function giveButtons(within) {
  for (const each of within.querySelectorAll("input, textarea")) {
    const label = FIELD.test(each.name) && each.labels?.[0];
    if (!label || label.parentElement.querySelector("[data-insert-open]")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "desk-insert-open";
    button.dataset.insertOpen = "";
    button.textContent = dialog.dataset.button;
    button.setAttribute("aria-label", `${dialog.dataset.into}: ${label.textContent.replace(/[*:\s]+/g, " ").trim()}`);
    button.setAttribute("aria-haspopup", "dialog");
    button.addEventListener("click", () => open(each));
    label.after(button);
  }
}

/** The items of another sample or language. */
export function showMenu({ key, html }) {
  list.dataset.key = key;
  const shown = list.querySelector("[data-insert-items]") ?? dialog.querySelector("[data-insert-items]");
  draw(shown, html);
}

export function startMenu(form) {
  dialog = document.querySelector("dialog[data-insert]");
  list = document.querySelector("[data-insert-list]");
  list.hidden = true;
  dialog.querySelector("[data-insert-find]").addEventListener("input", (event) => find(event.target.value));
  dialog.querySelector("[data-insert-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", move);
  dialog.addEventListener("click", (event) => {
    const item = event.target.closest("[data-text]");
    if (item) insert(item);
  });
  dialog.addEventListener("close", () => field?.focus());
  document.addEventListener("formset:added", (event) => { if (event.target instanceof Element) giveButtons(event.target); });
  giveButtons(form);
}
