// Comments to colleagues: sent without leaving the page, and @ picks a colleague. Loaded when the form is first opened; without
// it the form works by itself.

import { allSent, cleared, filesOf } from "./attaching.js";
import { csrfToken, slot } from "./cards.js";
import { newId } from "./ids.js";
import { replaceParts } from "./reader.js";
import { announce, say } from "./words.js";

const TYPED = /(^|\s)@([^\s@]*)$/u;  // what stands before the caret while a name is being typed
const MOST = 6;  // names shown at once

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-comment-form]")) return;
  event.preventDefault();
  send(event.target);
});

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("[data-comment-form]");
  if (form && event.target.matches("textarea")) suggest(form);
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("[data-comment-form]");
  if (!form || slot(form, "suggestions").hidden) return;
  const moves = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in moves) move(form, moves[event.key]);
  else if (event.key === "Enter" || event.key === "Tab") pick(form, chosen(form));
  else if (event.key === "Escape") hide(form);
  else return;
  event.preventDefault();
  event.stopPropagation();
});

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.('[data-slot="suggestions"] [role="option"]');
  if (!option) return;
  event.preventDefault();  // the field keeps the focus
  pick(option.closest("form"), option);
});

// --- sending ---------------------------------------------------------------------------------------------------------
async function send(form) {
  const box = form.querySelector("textarea"), button = form.querySelector("button"), words = box.value;
  if (!words.trim() && !filesOf(form).attachments.length) return fault(form, say("message_required"));
  form.dataset.key ??= newId();
  button.disabled = true;
  try {
    if (!(await allSent(form))) return fault(form, say("message_not_sent"));
    const body = new FormData(form);
    body.set("csrfmiddlewaretoken", csrfToken());
    body.set("key", form.dataset.key);  // pressed twice, or sent again, it counts once
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    if (!response.ok) return fault(form, (await faultIn(response)) || say("message_not_sent"));
    delete form.dataset.key;
    box.value = "";
    cleared(form);
    for (const each of form.querySelectorAll("input[type=checkbox]")) each.checked = false;
    fault(form, "");
    await replaceParts(Promise.resolve(response));
    announce(say("message_sent"));
    box.focus();
  } catch {
    fault(form, say("message_not_sent"));
  } finally {
    button.disabled = false;
  }
  return null;
}

async function faultIn(response) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector('[data-slot="message-fault"]')?.textContent ?? "";
}

function fault(form, text) {
  const line = slot(form, "message-fault"), box = form.querySelector("textarea");
  line.textContent = text;
  line.hidden = !text;
  box.toggleAttribute("aria-invalid", Boolean(text));
  if (text) box.focus();
}

// --- mentions --------------------------------------------------------------------------------------------------------
function typed(box) {
  const found = TYPED.exec(box.value.slice(0, box.selectionStart));
  return found && { word: found[2].toLocaleLowerCase(), from: found.index + found[1].length };
}

function suggest(form) {
  const box = form.querySelector("textarea"), at = typed(box);
  const names = [...form.querySelectorAll("[data-name]")].map((each) => each.dataset.name);
  const fits = at ? names.filter((name) => name.toLocaleLowerCase().split(/\s+/).some((part) => part.startsWith(at.word))) : [];
  const list = slot(form, "suggestions");
  list.replaceChildren(...fits.slice(0, MOST).map((name, number) => optionOf(form, name, number)));
  list.hidden = !fits.length;
  box.setAttribute("aria-controls", (list.id ||= `${box.id}-names`));
  mark(form, list.firstElementChild);
}

function optionOf(form, name, number) {
  const option = document.createElement("li");
  Object.assign(option, { id: `${form.querySelector("textarea").id}-name-${number}`, textContent: name, dir: "auto" });
  option.setAttribute("role", "option");
  return option;
}

const chosen = (form) => slot(form, "suggestions").querySelector('[aria-selected="true"]');

function mark(form, option) {
  for (const each of slot(form, "suggestions").children) each.setAttribute("aria-selected", String(each === option));
  const box = form.querySelector("textarea");
  if (option) box.setAttribute("aria-activedescendant", option.id);
  else box.removeAttribute("aria-activedescendant");
}

function move(form, by) {
  const all = [...slot(form, "suggestions").children], at = all.indexOf(chosen(form));
  mark(form, all[(at + by + all.length) % all.length]);
}

function pick(form, option) {
  const box = form.querySelector("textarea"), at = typed(box), name = option?.textContent;
  if (name && at) {
    box.setRangeText(`@${name} `, at.from, box.selectionStart, "end");
    const tick = [...form.querySelectorAll("[data-name]")].find((each) => each.dataset.name === name);
    if (tick) tick.checked = true;
  }
  hide(form);
}

function hide(form) {
  slot(form, "suggestions").hidden = true;
  mark(form, null);
}
