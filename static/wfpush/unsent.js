// Comments that can no longer be sent stay on the page, to be copied: nothing that somebody has typed disappears by itself.

import { slot } from "./cards.js";
import { say } from "./words.js";

const DRAFTS = ".ask textarea, .remark textarea, .comment textarea, .write textarea";

export function start() {
  document.addEventListener("click", (event) => {
    const note = event.target.closest?.(".unsent");
    if (note && event.target.matches("[data-copy]")) copy(note, event.target);
    if (note && event.target.matches("[data-close]")) close(note);
  });
}

/** What is being written about an item, in its form, too, and whether a field has the focus. */
export function draftOf(host) {
  const boxes = [...host.querySelectorAll(DRAFTS)], filled = [...host.querySelectorAll('[data-slot="form"] [name]')];
  const words = [filled.filter(isChanged).map(lineOf).join("\n"), ...boxes.map((box) => box.value)];
  return { words: joined(words), busy: [...boxes, ...filled].includes(document.activeElement) };
}

/** What is being written about an item in boxes, and what was not sent of it. */
export const writtenIn = (host) => joined([...host.querySelectorAll(`${DRAFTS}, .unsent textarea`)].map((box) => box.value));

const ticks = ({ type }) => type === "radio" || type === "checkbox";

/** Whether somebody has filled in or changed a field. */
export function isChanged(field) {
  if (ticks(field)) return field.checked && !field.defaultChecked;
  return field.options ? !field.selectedOptions[0]?.defaultSelected : field.value !== field.defaultValue;
}

/** What a field of a form says, with what it is called. */
function lineOf(field) {
  const own = field.labels[0].textContent.trim(), text = field.selectedOptions?.[0]?.text ?? field.value;
  return ticks(field) ? `${field.closest("fieldset").querySelector("legend").textContent.trim()}: ${own}` : `${own}: ${text}`;
}

/** Show a comment that was not sent, and why not. `focus`: its field had the focus. */
export function keep(host, words, { why = "", focus = false } = {}) {
  if (!host || !words.trim()) return;
  const all = joined([take(host), words]);
  const note = document.getElementById("unsent-template").content.firstElementChild.cloneNode(true);
  const box = note.querySelector("textarea");
  note.querySelector("label").htmlFor = box.id = `unsent-${host.dataset.id}${host.matches(".row") ? "-row" : ""}`;
  slot(note, "why").textContent = why;
  slot(note, "why").hidden = !why || host.matches(".row");  // a row says so just above
  box.value = all;
  slot(host, "actions").before(note);
  for (const draft of host.querySelectorAll(DRAFTS)) draft.value = "";
  if (focus) box.focus({ preventScroll: true });
}

/** The comment of an answer that can be given again at once: where it was written, to go with it then. */
export function giveBack(host, { action, comment }) {
  const remark = host.querySelector(`[data-action="${CSS.escape(action)}"][data-comment="optional"]`) && host.querySelector(".remark");
  const box = remark?.querySelector("textarea");
  if (!comment || !box || box.value) return keep(host, comment);
  remark.open = true;
  box.value = comment;
}

/** The unsent comment of an item; it is then no longer shown. */
export function take(host) {
  const note = slot(host, "unsent"), words = note?.querySelector("textarea").value ?? "";
  note?.remove();
  return words;
}

/** Whether loading the page again would lose a comment. */
export const hasUnsent = () =>
  Boolean(document.querySelector('.ask:not(.standing), .unsent, [data-slot="attached"] li')) || [...document.querySelectorAll('[data-slot="form"] [name]')].some(isChanged) || [...document.querySelectorAll(DRAFTS)].some((box) => box.value.trim());

const joined = (words) => words.map((each) => each.trim()).filter(Boolean).join("\n\n");

/** On pages without https there is no clipboard to write to: the words are selected instead. */
async function copy(note, button) {
  const box = note.querySelector("textarea");
  box.select();
  try {
    await navigator.clipboard.writeText(box.value);
    button.textContent = say("copied");
  } catch {
    box.focus();
  }
}

function close(note) {
  const host = note.closest("[data-id]");
  note.remove();
  slot(host, "outcome").focus({ preventScroll: true });
}
