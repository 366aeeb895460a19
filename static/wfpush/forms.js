// The form of a task: says what is wrong before anything is sent, keeps what is typed as a draft on this device, shows what is
// asked under the circumstances only, and is made here where there is no connection. Loaded where a task has a form; without it
// the form works by itself (templates/inbox/_form.html).

import { slot } from "./cards.js";
import { store, stored, unstore } from "./store.js";
import { isAsked, sentenceOf, valuesOf, writeNumber } from "./values.js";
import { announce, settings } from "./words.js";

const CALM = 400;  // milliseconds without typing before a draft is stored
const known = new WeakMap();  // the element of a form → {form, words, id, saving}

const jsonIn = (place, id) => JSON.parse(place.querySelector(`#${id}`)?.textContent ?? "null");
const controls = (place) => [...place.querySelectorAll('[name^="value-"]')];
const partOf = (place, name) => place.querySelector(`.field[data-name="${CSS.escape(name)}"]`);
const ticks = ({ type }) => type === "radio" || type === "checkbox";

/** Take charge of the form of an item, if it has one, and bring back what was typed before. */
export async function begin(host) {
  const place = slot(host, "form");
  if (!place || known.has(place)) return;
  const form = jsonIn(place, "form-fields");
  if (!form) return;
  known.set(place, { form, words: jsonIn(place, "form-words") ?? jsonIn(document, "form-words"), id: host.dataset.id, saving: 0 });
  place.addEventListener("input", () => changed(place));
  place.addEventListener("change", ({ target }) => recheck(place, target));
  if (!place.querySelector(".fault-summary")) await restore(place);
  conditions(place);
  place.querySelector("[autofocus]")?.select?.();
}

// --- what stands in it -----------------------------------------------------------------------------------------------
function textsOf(place) {
  const texts = {};
  for (const field of controls(place)) {
    const name = field.name.slice("value-".length);
    texts[name] ??= [];
    if (!ticks(field) || field.checked) texts[name].push(field.value);
  }
  return texts;
}

function write(place, texts) {
  for (const field of controls(place)) {
    const said = texts[field.name.slice("value-".length)];
    if (!said) continue;
    if (ticks(field)) field.checked = said.includes(field.value) || (field.value === "" && !said.some(Boolean));
    else field.value = said[0] ?? "";
  }
}

function conditions(place) {
  const { form } = known.get(place), { values } = valuesOf({ ...form, fields: form.fields.map((field) => ({ ...field, when: undefined })) }, textsOf(place));
  for (const field of form.fields) if (field.when) partOf(place, field.name).hidden = !isAsked(field, values);
}

// --- checking --------------------------------------------------------------------------------------------------------
/** {values, filled} of the item's form, or null where something is wrong, which is then said. `filled`: the same in words. */
export function take(host) {
  const place = slot(host, "form"), { form } = known.get(place), { values, faults } = valuesOf(form, textsOf(place));
  tell(place, faults);
  if (faults.length) return null;
  const filled = linesOf(place, values);
  for (const field of controls(place)) settle(field);
  return { values, filled };
}

/** From now on it counts as not changed. */
function settle(field) {
  if (ticks(field)) field.defaultChecked = field.checked;
  else if (field.options) for (const option of field.options) option.defaultSelected = option.selected;
  else field.defaultValue = field.value;
}

const linesOf = (place, values) => Object.keys(values).map((name) => {
  const part = partOf(place, name), label = (part.querySelector("legend") ?? part.querySelector("label")).firstElementChild.textContent;
  const said = [...part.querySelectorAll("[name]")].filter((field) => !ticks(field) || field.checked)
    .map((field) => (ticks(field) ? field.parentElement.textContent.trim() : field.selectedOptions?.[0].text ?? field.value));
  return `${label}: ${said.join(", ")}`;
}).join("\n");

/** The server has refused the values: say so as it does. */
export function refused(host, errors) {
  const place = slot(host, "form"), { form } = known.get(place) ?? {};
  if (!form) return;
  const { faults } = valuesOf(form, textsOf(place)), named = new Set(faults.map(({ name }) => name));
  const others = errors.map(({ pointer, detail }) => ({ name: pointer.split("/")[2], text: detail })).filter(({ name }) => name && !named.has(name) && partOf(place, name));
  tell(place, [...faults, ...others]);
}

/** Show what is wrong: above the form, with the focus, and at each field. */
function tell(place, faults) {
  const { form, words } = known.get(place);
  place.querySelector(".fault-summary")?.remove();
  for (const { name } of form.fields) mark(place, name, "");
  if (!faults.length) return;
  const links = faults.map((fault) => {
    const field = form.fields.find(({ name }) => name === fault.name), text = fault.text ?? sentenceOf(fault, field, form.language, words);
    const first = mark(place, fault.name, text), item = made("li"), link = made("a", "", `${field.label}: ${text}`);
    link.href = `#${first.id}`;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      first.focus();
    });
    item.append(link);
    return item;
  });
  const summary = made("div", "fault-summary"), list = made("ul");
  Object.assign(summary, { tabIndex: -1, role: "alert" });
  list.append(...links);
  summary.append(made("p", "", faults.length === 1 ? words.summary_one : words.summary.replace("{all}", faults.length)), list);
  place.prepend(summary);
  summary.focus();
}

/** Say at a field what is wrong with it, or that nothing is. Returns what gets the focus. */
function mark(place, name, text) {
  const part = partOf(place, name), id = `value-${name}-fault`, fields = [...part.querySelectorAll("[name]")];
  part.querySelector(`#${CSS.escape(id)}`)?.remove();
  const described = part.matches("fieldset") ? part : fields[0];
  const others = (described.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  for (const field of fields) {
    field.setCustomValidity(text);
    field.toggleAttribute("aria-invalid", Boolean(text));
    if (text) field.setAttribute("aria-invalid", "true");
  }
  if (text) part.append(Object.assign(made("p", "fault", text), { id }));
  described.setAttribute("aria-describedby", [...others, ...(text ? [id] : [])].join(" "));
  return fields[0];
}

/** A field that was wrong is looked at again when it is left. */
function recheck(place, { name = "" }) {
  const { form, words } = known.get(place), field = form.fields.find((each) => `value-${each.name}` === name);
  if (!field || !partOf(place, field.name).querySelector(".fault")) return;
  const fault = valuesOf(form, textsOf(place)).faults.find((each) => each.name === field.name);
  mark(place, field.name, fault ? sentenceOf(fault, field, form.language, words) : "");
}

// --- drafts ----------------------------------------------------------------------------------------------------------
const draft = (id) => `draft ${id}`;

function changed(place) {
  const about = known.get(place);
  conditions(place);
  clearTimeout(about.saving);
  about.saving = setTimeout(() => keepDraft(place), CALM);
}

async function keepDraft(place) {
  const { id } = known.get(place);
  await store("about", { name: draft(id), ref: settings.ref, texts: textsOf(place), at: Date.now() }).catch(() => {});
}

/** It has been sent, or is not wanted any more. */
export const dropDraft = (id) => unstore("about", draft(id)).catch(() => {});

async function restore(place) {
  const { id, words } = known.get(place), before = textsOf(place), found = await stored("about", draft(id)).catch(() => null);
  if (found?.ref !== settings.ref || JSON.stringify(found.texts) === JSON.stringify(before)) return;
  write(place, found.texts);
  const note = made("p", "hint draft", `${words.draft} `), button = made("button", "plain", words.discard);
  button.type = "button";
  button.addEventListener("click", () => {
    write(place, before);
    conditions(place);
    dropDraft(id);
    note.remove();
    place.querySelector("[name]").focus();
  });
  note.append(button);
  place.prepend(note);
  announce(words.draft);
}

// --- with no connection ----------------------------------------------------------------------------------------------
const made = (tag, className = "", textContent = "") => Object.assign(document.createElement(tag), { className, textContent });

/** The form of a kept item, as templates/inbox/_form.html. `formId`: of the element that holds the buttons. */
export async function build(host, form, formId) {
  const words = jsonIn(document, "form-words"), place = made("div", "fields");
  if (!form || !words) return;
  Object.assign(place, { id: "form" }).dataset.slot = "form";
  place.append(...form.fields.map((field) => partFor(field, form.language, words, formId)), jsonBlock("form-fields", form));
  if (form.unshown) place.append(made("p", "", `${words.unshown} ${form.unshown.map(({ label, type }) => `${label} (${type})`).join(", ")}`));
  slot(host, "answer").before(place);
  await begin(host);
}

function jsonBlock(id, value) {
  const block = Object.assign(made("script", "", JSON.stringify(value)), { type: "application/json" });
  block.id = id;
  return block;
}

const OPTIONS = { yes_no: () => [{ value: "yes" }, { value: "no" }] };
const FEW = 5;

function partFor(field, language, words, formId) {
  const { name, kind, required, help } = field, id = `value-${name}`;
  const options = (OPTIONS[kind]?.() ?? field.choices ?? []).map(({ value, label }) => ({ value: String(value), label: label ?? words[value] }));
  const group = kind === "yes_no" || kind === "choices" || (kind === "choice" && options.length <= FEW);
  const part = made(group ? "fieldset" : "div", "field"), label = made(group ? "legend" : "label");
  part.dataset.name = name;
  label.append(Object.assign(made("span", "", field.label), { dir: "auto" }));
  for (const unit of [field.currency, required ? "" : `(${words.optional})`]) if (unit) label.append(" ", made("span", "unit", unit));
  part.append(label);
  if (group) part.append(...choicesFor(field, options, words, formId));
  else part.append(Object.assign(controlFor(field, options, language, words), { id, name: id }));
  for (const control of part.querySelectorAll("[name]")) control.setAttribute("form", formId);
  if (!group) label.htmlFor = id;
  if (help) {
    part.append(Object.assign(made("p", "hint", help), { id: `${id}-help`, dir: "auto" }));
    (group ? part : part.querySelector("[name]")).setAttribute("aria-describedby", `${id}-help`);
  }
  return part;
}

function choicesFor({ name, kind, required, value }, options, words, formId) {
  const chosen = [value].flat().map((each) => (each === true ? "yes" : each === false ? "no" : String(each)));
  const none = kind !== "choices" && !required ? [{ value: "", label: words.no_answer }] : [];
  return [...options, ...none].map((option, at) => {
    const label = made("label", "option"), control = made("input");
    Object.assign(control, { type: kind === "choices" ? "checkbox" : "radio", name: `value-${name}`, id: `value-${name}-${at}`, value: option.value });
    control.checked = option.value === "" ? value === null : chosen.includes(option.value);
    control.setAttribute("form", formId);
    label.append(control, Object.assign(made("span", "", option.label), { dir: "auto" }));
    return label;
  });
}

function controlFor({ kind, value, whole, required, maxLength = 4_000, formatMinimum = "", formatMaximum = "" }, options, language, words) {
  if (kind === "choice") {
    const list = made("select");
    list.append(new Option(required ? words.choose : words.no_answer, ""), ...options.map(({ value: each, label }) => new Option(label, each)));
    list.value = value === null ? "" : String(value);
    return list;
  }
  if (kind === "long_text") return Object.assign(made("textarea"), { rows: 4, dir: "auto", maxLength, defaultValue: value ?? "" });
  const control = made("input", kind === "number" || kind === "money" ? "number" : "");
  if (kind === "date") return Object.assign(control, { type: "date", min: formatMinimum, max: formatMaximum, defaultValue: value ?? "" });
  if (kind === "text") return Object.assign(control, { type: "text", dir: "auto", maxLength, defaultValue: value ?? "" });
  const text = typeof value === "number" ? writeNumber(value, language, kind === "money" ? 2 : 0) : "";
  return Object.assign(control, { type: "text", inputMode: whole ? "numeric" : "decimal", autocomplete: "off", maxLength: 40, defaultValue: text });
}

/** The id of the element that holds the buttons of an item, and is sent with the fields. */
export const formIdOf = (host) => (slot(host, "actions").id ||= "decide");
