// The form of a task: says what is wrong before anything is sent, keeps what is typed as a draft on this device, shows what is
// asked under the circumstances only, and is made here where there is no connection. Loaded where a task has a form; without it
// the form works by itself (templates/inbox/_form.html).

import { filesIn, namesIn, setFiles } from "./attaching.js";
import { holdFocus, slot } from "./cards.js";
import { controlFor, labelled, made, optionsOf } from "./controls.js";
import { beginRows, cellOf, fillTable, placeIn, setRows, showSum, tableFor } from "./form_tables.js";
import { draftFilesName, draftName, dropDraft, store, stored } from "./store.js";
import { fieldOf, isAsked, sentenceOf, valuesOf } from "./values.js";
import { announce, settings } from "./words.js";

const CALM = 400;  // milliseconds without typing before a draft is stored
const known = new WeakMap();  // the element of a form → {form, words, id, saving}

const jsonIn = (place, id) => JSON.parse(place.querySelector(`#${id}`)?.textContent ?? "null");
const controls = (place) => [...place.querySelectorAll('[name^="value-"]:not([type=file])')];
const boxes = (place) => [...place.querySelectorAll("[data-attach]")];
const partOf = (place, name) => place.querySelector(`.field[data-name="${CSS.escape(name)}"]`);
const seen = "[name]:not([type=hidden])";
const ticks = ({ type }) => type === "radio" || type === "checkbox";

/** Take charge of the form of an item, if it has one, and bring back what was typed before. */
export async function begin(host, { restoring = true } = {}) {
  const place = slot(host, "form");
  if (!place || known.has(place)) return;
  const form = jsonIn(place, "form-fields");
  if (!form) return;
  known.set(place, { form, words: jsonIn(place, "form-words") ?? jsonIn(document, "form-words"), id: host.dataset.id, saving: 0 });
  for (const [part, field, words] of tables(place)) beginRows(part, field, form, words, () => changed(place));
  place.addEventListener("input", () => changed(place));
  place.addEventListener("change", ({ target }) => recheck(place, target));
  known.get(place).first = textsOf(place, initial);  // somebody may have begun to type before
  if (restoring && !place.querySelector(".fault-summary")) await restore(place);
  settleAll(place);
  const { words } = known.get(place), toSign = boxes(place).filter(({ dataset }) => "signature" in dataset);
  if (toSign.length) import("./signature.js").then((signature) => toSign.forEach((box) => signature.begin(box, words)), () => {});
  place.querySelector("[autofocus]")?.select?.();
}

/** The form as it is by now: what was typed stays, with what the field would say now beside it; everything else follows. */
export async function follow(host, fresh) {
  const before = slot(host, "form"), typed = textsOf(before), owner = controls(before)[0]?.getAttribute("form");
  const touched = Object.keys(touchedIn(before));
  const files = boxes(before).map(filesIn), focusAgain = holdFocus(before);
  before.replaceWith(fresh);
  for (const field of owner ? fresh.querySelectorAll("[name]") : []) field.setAttribute("form", owner);
  await begin(host, { restoring: false });
  const now = textsOf(fresh), { words } = known.get(fresh) ?? {};
  if (!words) return;
  write(fresh, Object.fromEntries(touched.map((name) => [name, typed[name]])));
  for (const [at, box] of boxes(fresh).entries()) if (files[at]?.length) setFiles(box, files[at]);
  for (const name of touched) if (now[name] && String(now[name]) !== String(typed[name])) tellNow(fresh, name, now[name], words);
  settleAll(fresh);
  focusAgain(fresh);
}

/** What somebody has typed, by name: of a table all of it. */
function touchedIn(place) {
  const texts = textsOf(place), { first = {} } = known.get(place) ?? {}, root = (name) => name.split(".")[0];
  const names = new Set([...Object.keys(texts), ...Object.keys(first)].filter((name) => String(texts[name] ?? "") !== String(first[name] ?? "")).map(root));
  return Object.fromEntries(Object.entries(texts).filter(([name]) => names.has(root(name))));
}

function tellNow(place, name, texts, words) {
  const part = partOf(place, name);
  if (!part || part.matches(".table")) return;
  const labels = texts.map((text) => [...part.querySelectorAll(seen)].find((field) => ticks(field) && field.value === text)?.parentElement.textContent.trim() ?? text);
  part.append(made("p", "hint changed-value", words.value_now.replace("{value}", labels.join(", "))));
}

/** Its tables: [the part of the page, field, words]. */
function tables(place) {
  const { form, words } = known.get(place);
  return form.fields.filter(({ columns }) => columns).map((field) => [partOf(place, field.name), field, words]);
}

// --- what stands in it -----------------------------------------------------------------------------------------------
function textsOf(place, read = current) {
  const texts = {};
  for (const field of controls(place)) {
    const name = field.name.slice("value-".length), text = read(field);
    texts[name] ??= [];
    if (text !== null) texts[name].push(text);
  }
  return texts;
}

const current = (field) => (ticks(field) && !field.checked ? null : field.value);

/** What stood in a field when the form came. */
function initial(field) {
  if (ticks(field)) return field.defaultChecked ? field.value : null;
  if (!field.options) return field.defaultValue;
  return ([...field.options].find(({ defaultSelected }) => defaultSelected) ?? field.options[0]).value;
}

function write(place, texts) {
  for (const [part, field, words] of tables(place)) if (texts[field.name]) setRows(part, field, known.get(place).form, words, texts);
  for (const field of controls(place)) {
    const written = texts[field.name.slice("value-".length)];
    if (!written || field.closest("[data-attach]")) continue;
    if (ticks(field)) field.checked = written.includes(field.value) || (field.value === "" && !written.some(Boolean));
    else field.value = written[0] ?? "";
  }
}

/** What follows from what stands in it: fields that are asked, and sums. */
function settleAll(place) {
  const { form } = known.get(place), { values } = valuesOf({ ...form, fields: form.fields.map((field) => ({ ...field, when: undefined })) }, textsOf(place));
  for (const field of form.fields) if (field.when) partOf(place, field.name).hidden = !isAsked(field, values);
  for (const [part, field, words] of tables(place)) showSum(part, field, form, words, textsOf(place));
}

// --- checking --------------------------------------------------------------------------------------------------------
/** {values, filled} of the item's form, or null where something is wrong, which is then said. `filled`: the same in words. */
export function take(host) {
  const place = slot(host, "form"), { form } = known.get(place), { values, faults } = valuesOf(form, textsOf(place));
  tell(place, faults);
  if (faults.length) return null;
  const filled = linesOf(place, values);
  for (const field of controls(place)) settle(field);
  clearTimeout(known.get(place).saving);
  keepDraft(place);  // now, and not when the answer has been taken
  return { values, filled, files: filesIn(place) };
}

/** Something else was answered, which needs no values: what was wrong with them is of no interest now. */
export function forgive(host) {
  const place = slot(host, "form");
  if (known.has(place)) tell(place, []);
}

/** From now on it counts as not changed. */
function settle(field) {
  if (ticks(field)) field.defaultChecked = field.checked;
  else if (field.options) for (const option of field.options) option.defaultSelected = option.selected;
  else field.defaultValue = field.value;
}

const linesOf = (place, values) => Object.keys(values).map((name) => {
  const part = partOf(place, name), label = (part.querySelector("legend") ?? part.querySelector("label")).firstElementChild.textContent;
  if (part.querySelector("[data-attach]")) return `${label}: ${namesIn(part).join(", ")}`;
  const chosen = [...part.querySelectorAll(seen)].filter((field) => (ticks(field) ? field.checked : !part.matches(".table") || field.value))
    .map((field) => (ticks(field) ? field.parentElement.textContent.trim() : field.selectedOptions?.[0].text ?? field.value));
  return `${label}: ${chosen.join(", ")}`;
}).join("\n");

/** The server has refused the values: say so as it does. */
export function refused(host, errors) {
  const place = slot(host, "form"), { form } = known.get(place) ?? {};
  if (!form) return;
  const { faults } = valuesOf(form, textsOf(place)), named = new Set(faults.map(keyOf));
  const refusals = errors.map(({ pointer, detail }) => {
    const [, , name, row, column] = pointer.split("/");
    return { name, text: detail, ...(column ? { row: Number(row), column } : {}) };
  });
  tell(place, [...faults, ...refusals.filter((fault) => fault.name && !named.has(keyOf(fault)) && spotOf(place, fault))]);
}

const keyOf = ({ name, row, column }) => [name, row, column].join("/");

/** Where a fault is shown: a field, or a cell of a table. */
function spotOf(place, fault) {
  const part = partOf(place, fault.name);
  return fault.column && part ? cellOf(part, known.get(place).form.fields.find(({ name }) => name === fault.name), fault) : part;
}

/** Show what is wrong: above the form, with the focus, and at each field. */
function tell(place, faults) {
  const { form, words } = known.get(place);
  place.querySelector(".fault-summary")?.remove();
  for (const spot of place.querySelectorAll(".field, .table tbody td:has([name])")) mark(spot, "");
  if (!faults.length) return;
  const links = faults.map((fault) => {
    const table = form.fields.find(({ name }) => name === fault.name), spot = spotOf(place, fault), text = fault.text ?? sentenceOf(fault, fieldOf(form, fault), form.language, words);
    const label = fault.column ? `${table.label}, ${placeIn(spot, table, fault)}` : table.label;
    const first = mark(spot, text), item = made("li"), link = made("a", "", `${label}: ${text}`);
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

/** Say at a field or a cell what is wrong with it, or that nothing is. Returns what gets the focus. */
function mark(spot, text) {
  const table = spot.matches(".table"), fields = table ? [] : [...spot.querySelectorAll("[name]")];
  const id = `${spot.matches("td") ? fields[0].id : `value-${spot.dataset.name}`}-fault`;
  spot.querySelector(":scope > .fault")?.remove();
  const described = spot.matches("fieldset") ? spot : fields[0];
  const others = (described.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  for (const field of fields) {
    field.setCustomValidity(text);
    field.toggleAttribute("aria-invalid", Boolean(text));
    if (text) field.setAttribute("aria-invalid", "true");
  }
  if (text) spot.append(Object.assign(made("p", "fault", text), { id }));
  described.setAttribute("aria-describedby", [...others, ...(text ? [id] : [])].join(" "));
  return fields.find(({ offsetParent }) => offsetParent) ?? fields[0] ?? spot.querySelector(`td ${seen}, .add-row`);
}

/** A field that was wrong is looked at again when it is left. */
function recheck(place, { name = "" }) {
  const { form, words } = known.get(place), field = form.fields.find((each) => `value-${each.name}` === name.split(".")[0]);
  const cell = field?.columns && place.querySelector(`[name="${CSS.escape(name)}"]`)?.closest("td"), spot = cell || (field && partOf(place, field.name));
  if (!spot?.querySelector(":scope > .fault")) return;
  const fault = valuesOf(form, textsOf(place)).faults.find((each) => each.name === field.name && (!cell || (each.column && spotOf(place, each) === cell)));
  mark(spot, fault ? sentenceOf(fault, fieldOf(form, fault), form.language, words) : "");
}

// --- drafts ----------------------------------------------------------------------------------------------------------
function changed(place) {
  const about = known.get(place);
  settleAll(place);
  clearTimeout(about.saving);
  about.saving = setTimeout(() => keepDraft(place), CALM);
}

async function keepDraft(place) {
  const about = known.get(place), { id } = about, files = boxes(place).map(filesIn), look = JSON.stringify(files);
  const rows = [{ name: draftName(id), ref: settings.ref, texts: touchedIn(place), at: Date.now() }];
  if (look !== about.filesLook) rows.push({ name: draftFilesName(id), files });
  await store("about", ...rows).then(() => (about.filesLook = look), () => {});
}

async function restore(place) {
  const { id, words } = known.get(place), before = textsOf(place), typed = touchedIn(place);
  const found = await stored("about", draftName(id)).catch(() => null);
  const same = found && Object.entries(found.texts).every(([name, texts]) => String(texts) === String(before[name] ?? ""));
  if (found?.ref !== settings.ref || same) return;
  write(place, { ...found.texts, ...typed });
  const draft = await stored("about", draftFilesName(id)).catch(() => null);
  for (const [at, box] of boxes(place).entries()) setFiles(box, draft?.files[at] ?? []);
  const note = made("p", "hint draft", `${words.draft} `), button = made("button", "plain", words.discard);
  button.type = "button";
  button.addEventListener("click", () => {
    write(place, before);
    for (const box of boxes(place)) setFiles(box, []);
    settleAll(place);
    dropDraft(id);
    note.remove();
    place.querySelector(seen).focus();
  });
  note.append(button);
  place.prepend(note);
  announce(words.draft);
}

// --- with no connection ----------------------------------------------------------------------------------------------
/** The form of a kept item, as templates/inbox/_form.html. `formId`: of the element that holds the buttons. */
export async function build(host, form, formId) {
  const words = jsonIn(document, "form-words"), place = made("div", "fields");
  if (!form || !words) return;
  Object.assign(place, { id: "form" }).dataset.slot = "form";
  place.dataset.shows = host.dataset.revision ?? "";
  place.append(...form.fields.map((field) => partFor(field, form, words, formId)), jsonBlock("form-fields", form));
  if (form.unshown) place.append(made("p", "", `${words.unshown} ${form.unshown.map(({ label, type }) => `${label} (${type})`).join(", ")}`));
  slot(host, "answer").before(place);
  await begin(host);
}

function jsonBlock(id, value) {
  const block = Object.assign(made("script", "", JSON.stringify(value)), { type: "application/json" });
  block.id = id;
  return block;
}

const FEW = 5;

function partFor(field, form, words, formId) {
  const { name, kind, help, columns } = field, id = `value-${name}`, options = optionsOf(field, words);
  const takesFiles = ["files", "photo", "signature"].includes(kind);
  const group = columns || takesFiles || kind === "yes_no" || kind === "choices" || (kind === "choice" && options.length <= FEW);
  const part = made(group ? "fieldset" : "div", "field"), label = labelled(made(group ? "legend" : "label"), field, words);
  part.dataset.name = name;
  part.append(label);
  if (columns) beTable(part, field, form, words, formId);
  else if (takesFiles) part.append(boxFor(field, words));
  else if (group) part.append(...choicesFor(field, options, words, formId));
  else part.append(Object.assign(controlFor(field, form.language, words), { id, name: id }));
  for (const control of part.querySelectorAll("[name]")) control.setAttribute("form", formId);
  if (!group) label.htmlFor = id;
  if (help) {
    const hint = Object.assign(made("p", "hint", help), { id: `${id}-help`, dir: "auto" });
    if (columns || takesFiles) label.after(hint);
    else part.append(hint);
    (group ? part : part.querySelector("[name]")).setAttribute("aria-describedby", `${id}-help`);
  }
  return part;
}

/** As templates/inbox/_attach.html. */
function boxFor({ name, kind, maxItems }, words) {
  const single = maxItems === 1 || kind === "signature", photo = kind === "photo";
  const box = document.getElementById("ask-template").content.querySelector("[data-attach]").cloneNode(true), ids = ["hint", "fault"].map((each) => `attach-${each}-value-${name}`);
  box.hidden = false;
  box.dataset.field = "";
  if (single) box.dataset.single = "";
  if (photo || single) box.querySelector("label span").textContent = photo ? words.choose_photo : words.attach_one;
  box.querySelector(".hint").textContent = photo ? words.photo_hint : kind === "files" ? words.file_hint : "";
  if (kind === "signature") box.dataset.signature = "";
  for (const [at, line] of [...box.querySelectorAll("p")].entries()) line.id = ids[at];
  for (const [at, input] of [...box.querySelectorAll("[type=file]")].entries()) {
    Object.assign(input, { name: `value-${name}`, multiple: !at && !single });
    if (!at) input.id = `value-${name}-file`;
    if (kind !== "files") input.accept = "image/*";
    input.setAttribute("aria-describedby", ids.join(" "));
  }
  return box;
}

function beTable(part, field, form, words, formId) {
  part.classList.add("table");
  part.classList.toggle("wide", field.columns.length > 5);
  part.append(...tableFor(field, form, words, formId));
  fillTable(part, field, form, words);
}

function choicesFor({ name, kind, required, value }, options, words, formId) {
  const chosen = [value].flat().map((each) => (each === true ? "yes" : each === false ? "no" : String(each)));
  const none = kind !== "choices" && !required ? [{ value: "", label: words.no_answer }] : [];
  return [...options, ...none].map((option, at) => {
    const label = made("label", "option"), control = made("input");
    Object.assign(control, { type: kind === "choices" ? "checkbox" : "radio", name: `value-${name}`, id: `value-${name}-${at}`, value: option.value });
    control.defaultChecked = option.value === "" ? value === null : chosen.includes(option.value);
    control.setAttribute("form", formId);
    label.append(control, Object.assign(made("span", "", option.label), { dir: "auto" }));
    return label;
  });
}

/** The id of the element that holds the buttons of an item, and is sent with the fields. */
export const formIdOf = (host) => (slot(host, "actions").id ||= "decide");
