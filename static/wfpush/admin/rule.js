// The page of a rule: rewords its chips at once, adds and removes rows, and asks the server what the rule would do while it
// is filled in (escalations/admin/rules/page.py).
import { draw, rowOf } from "./fragments.js";
import { showMenu } from "./insert_menu.js";
import { before, followChips, showChips, unsigned } from "./rule_chips.js";
import { startWords } from "./rule_words.js";

const CALM = 400;  // milliseconds without a change before the server is asked
const form = document.querySelector("[data-rule]");
const failed = form.querySelector("[data-rule-failed]");
let asking = null;
let timer = 0;
let isEventChosen = false;

const field = (row, name) => row.querySelector(`.field-${name}`);
const control = (row, name) => field(row, name)?.querySelector("select, input");
const value = (row, name) => control(row, name)?.value;
const hide = (row, name, hidden) => field(row, name)?.classList.toggle("desk-gone", hidden);
const rowsOf = (prefix) => [...form.querySelectorAll(`[data-rows="${prefix}"] > [data-row]:not([hidden])`)];

// --- what a row needs
function showRow(row) {
  const kind = row.querySelector("[name$=-kind]");
  if (kind?.dataset.steps) showStep(row, kind);
  else if (kind) showTarget(row, kind);
  const operator = row.querySelector("[name$=-operator]");
  if (operator) hide(row, "value", ["exists", "missing"].includes(operator.value));
  const remove = row.querySelector("[name$=-DELETE]");
  if (remove) row.hidden = remove.checked;
}

function showTarget(row, select) {
  const named = JSON.parse(select.dataset.targets);
  for (const name of new Set(Object.values(named).flat())) hide(row, name, !(named[select.value] || []).includes(name));
  offerPeople(row, select, named);
}

function showStep(row, select) {
  const { kinds, targets, fields } = JSON.parse(select.dataset.steps);
  const kind = kinds[select.value];
  const named = Object.values(targets).flat();
  const needed = targets[value(row, "target")] || [];
  const used = kind.fields.filter((name) => !named.includes(name) || needed.includes(name));
  for (const name of fields) hide(row, name, !used.includes(name));
  const target = control(row, "target");
  for (const option of target.options) option.disabled = option.hidden = option.value !== "" && !kind.targets.includes(option.value);
  hide(row, "repeats", !value(row, "repeat_every"));
  offerPeople(row, target, targets);
}

// --- one list of all people who can be chosen, in place of the list of kinds and that of each kind
function offerPeople(row, kind, named) {
  const place = kind.closest(".desk-rule-field");
  let list = place.querySelector("[data-people-list]");
  if (!list) {
    list = document.createElement("select");
    list.dataset.peopleList = "";
    list.className = "desk-select";
    list.id = `${kind.id}-people`;
    place.querySelector("label").htmlFor = list.id;
    list.addEventListener("change", () => choosePeople(row, kind, list.value));
    kind.hidden = true;
    kind.after(list);
  }
  const wanted = [...kind.options].filter((option) => option.value && !option.disabled).map((option) => option.value).join();
  if (list.dataset.shown !== wanted) list.replaceChildren(...choicesOf(row, kind, named));
  list.dataset.shown = wanted;
  list.size = Math.min(9, list.querySelectorAll("option, optgroup").length);
  const chosen = nameOf(kind.value, named);
  list.value = JSON.stringify([kind.value, chosen ? value(row, chosen) ?? "" : ""]);
  for (const name of ["team", "ref"]) field(row, name)?.classList.toggle("desk-covered", name === chosen && list.selectedIndex >= 0);
}

/** The field whose rows the list has: for a team, or a row of a feature. */
const nameOf = (kind, named) => (kind === "team" ? "team" : (named[kind] || []).includes("ref") ? "ref" : "");

function choicesOf(row, kind, named) {
  const groups = [], single = [];
  for (const option of kind.options) {
    if (!option.value || option.disabled) continue;
    const name = nameOf(option.value, named);
    if (!name) single.push(new Option(option.text, JSON.stringify([option.value, ""])));
    else groups.push(groupOf(option, rowsIn(control(row, name), option)));
  }
  return [...groups.filter((group) => group.children.length), ...single];
}

function rowsIn(select, kind) {
  const groups = [...select.querySelectorAll("optgroup")];
  const own = groups.find((group) => group.label === kind.text) ?? select;
  return [...own.querySelectorAll("option")].filter((option) => option.value);
}

function groupOf(kind, rows) {
  const group = document.createElement("optgroup");
  group.label = kind.text[0].toUpperCase() + kind.text.slice(1);
  group.append(...rows.map((option) => new Option(option.text, JSON.stringify([kind.value, option.value]))));
  return group;
}

function choosePeople(row, kind, chosen) {
  const [value, ref] = JSON.parse(chosen);
  kind.value = value;
  const name = value === "team" ? "team" : "ref";
  if (ref) control(row, name).value = ref;
  kind.dispatchEvent(new Event("change", { bubbles: true }));
}

function showParts() {
  const hasSteps = rowsOf("steps").length > 0;
  form.querySelector("[data-late]")?.toggleAttribute("hidden", !hasSteps);
  const counted = form.elements.namedItem("late-counted");
  if (counted && !hasSteps) counted.value = "";
  if (counted) counted.options[0].hidden = hasSteps;  // “nothing happens”
  hide(form, "minutes", counted?.value !== "duration");
  hide(form, "calendar", form.elements.namedItem("late-time")?.value === "wall");
  const own = form.elements.namedItem("words-own");
  form.querySelector("[data-texts]")?.toggleAttribute("hidden", !own.checked);
  showChips(form);
}

// --- rows
function add(prefix, values = {}) {
  const total = form.elements.namedItem(`${prefix}-TOTAL_FORMS`);
  const row = rowOf(form.querySelector(`[data-pattern="${prefix}"]`), total.value);
  form.querySelector(`[data-rows="${prefix}"]`).append(row);
  total.value = Number(total.value) + 1;
  for (const [name, text] of Object.entries(values)) row.querySelector(`[name$="-${name}"]`).value = text;
  showRow(row);
  row.dispatchEvent(new CustomEvent("formset:added", { bubbles: true, detail: { formsetName: prefix } }));
  return row;
}

// Those of a template that was chosen, unless words were typed: these stay.
let isWorded = form.elements.namedItem("words-own")?.checked;

async function wordAs(template) {
  if (isWorded || !form.querySelector("[data-texts]")) return;
  const answer = await fetch(`?texts_of=${template}`);
  if (answer.ok && !isWorded) fillTexts((await answer.json()).texts);
}

function fillTexts(texts) {
  form.querySelector('[data-rows="texts"]').replaceChildren();
  form.elements.namedItem("texts-TOTAL_FORMS").value = 0;
  texts.forEach((text, number) => { add("texts", text).open = number === 0; });
}

// A reminder is for those whom the rule notifies, an escalation for the manager.
function addStep(kind) {
  const counted = form.elements.namedItem("late-counted");
  counted.value ||= "due";
  const offsets = { due: { remind: before("2h"), escalate: "0" }, duration: { remind: "2h", escalate: "4h" } };
  const row = add("steps", { offset: offsets[counted.value][kind] });
  const [first] = kind === "remind" ? rowsOf("targets") : [];
  const target = control(row, "target"), firstKind = first && value(first, "kind");
  const isKnown = [...target.options].some((option) => option.value === firstKind);
  target.value = isKnown ? firstKind : kind === "remind" ? "assignee" : "manager";
  for (const name of isKnown ? ["team", "person", "ref"] : []) {
    const input = control(row, name);
    if (input) input.value = value(first, name);
  }
  showRow(row);
  return row;
}

// Times before the due date, and at it, are none after the assignment.
function countFrom(start) {
  for (const offset of form.querySelectorAll("[name^=steps-][name$=-offset]")) {
    if (start === "duration") offset.value = unsigned(offset.value).replace(/^0$/, "4h");
  }
  showChips(form);
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add]");
  if (!button) return;
  event.preventDefault();
  const { add: prefix, kind } = button.dataset;
  const row = prefix === "steps" ? addStep(kind) : add(prefix);
  showParts();
  const chip = row.querySelector("[data-chip]");
  if (prefix === "steps") chip.focus();
  else if (chip) chip.click();
  else row.querySelector("input:not([type=hidden]), textarea").focus();
  soon();
});

// --- people, while they are typed
async function suggest(input) {
  const words = input.value.trim();
  const list = document.getElementById("people");
  if (words.length < 2 || [...list.options].some((option) => option.value === input.value)) return;
  const answer = await fetch(`?people=${encodeURIComponent(words)}`);
  if (!answer.ok) return;
  const { people } = await answer.json();
  list.replaceChildren(...people.map((each) => new Option(each, each)));
}

// --- what it means
function soon() {
  clearTimeout(timer);
  timer = setTimeout(ask, CALM);
}

async function ask() {
  asking?.abort();
  const mine = asking = new AbortController();
  const body = new URLSearchParams(new FormData(form));
  body.set("_answer", "1");
  if (!isEventChosen) body.delete("event");
  try {
    const answer = await fetch(location.pathname, { method: "POST", body, signal: mine.signal, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
    failed.hidden = true;
  } catch (fault) {
    if (mine.signal.aborted) return;  // a later question is on its way
    failed.textContent = form.dataset.failed;
    failed.hidden = false;
  }
  if (asking === mine) form.dataset.answered = String(Number(form.dataset.answered || 0) + 1);
}

const touched = new Set([...form.querySelectorAll(".desk-rule-wrong :is(input, select, textarea)")].map((each) => each.name));

// What it can be tried on.
function offer(events, chosen) {
  const select = form.elements.namedItem("event");
  const shown = JSON.stringify(events);
  if (select.dataset.shown !== shown) select.replaceChildren(...events.map(([key, words]) => new Option(words, key)));
  select.dataset.shown = shown;
  select.value = chosen;
  select.closest(".desk-rule-field").hidden = !events.length;
}

function show({ parts, faults, events, event, open_tasks, insert_menu: menu }) {
  if (menu) showMenu(menu);
  for (const old of form.querySelectorAll("[data-fault]")) old.remove();
  for (const wrong of form.querySelectorAll(".desk-rule-wrong")) wrong.classList.remove("desk-rule-wrong");
  for (const wrong of form.querySelectorAll(".desk-chip-wrong")) wrong.classList.remove("desk-chip-wrong");
  for (const described of form.querySelectorAll("[aria-describedby^=rule-fault]")) described.removeAttribute("aria-describedby");
  faults.forEach(place);
  form.querySelector("[name=_publish]").classList.toggle("desk-second", faults.length > 0);
  form.querySelector("[data-unready]").textContent = faults.length ? [faults[0].label, faults[0].text].filter(Boolean).join(": ") : "";
  offer(events, event);
  form.querySelector("[data-follow]")?.toggleAttribute("hidden", !open_tasks);
  for (const place of form.querySelectorAll("[data-part]")) {
    draw(place, parts[place.dataset.part].trim());
  }
}

// A fault is shown once its field was left: nobody is told off for what is still being filled in.
function place({ field: name, text }, number) {
  const about = name && form.elements.namedItem(name);
  if (!(about instanceof HTMLElement) || about.type === "hidden" || !touched.has(name)) return;
  const line = document.createElement("p");
  line.className = "desk-line desk-line-bad";
  line.id = `rule-fault-${number}`;
  line.dataset.fault = "";
  const words = document.createElement("span");
  words.className = "desk-line-text";
  words.textContent = text;
  line.append(words);
  about.setAttribute("aria-describedby", line.id);
  about.closest(".desk-rule-field").classList.add("desk-rule-wrong");
  about.closest(".desk-rule-field").append(line);
  about.closest(".desk-chip-place")?.querySelector("[data-chip]").classList.add("desk-chip-wrong");
}

form.addEventListener("focusout", (event) => event.target.name && touched.add(event.target.name));
form.addEventListener("input", (event) => {
  if (event.target.matches("[data-people]")) suggest(event.target);
  if (event.target.closest("[data-texts]")) isWorded = true;
  showChips(form);
  soon();
});
form.addEventListener("change", async (event) => {
  if (event.target.name?.endsWith("-DELETE")) event.target.closest("[popover]")?.hidePopover();
  const row = event.target.closest("[data-row]");
  if (row) showRow(row);
  showParts();
  if (event.target.name?.endsWith("-DELETE")) form.querySelector(`[data-add="${event.target.name.split("-")[0]}"]`)?.focus();
  if (event.target.name === "late-counted") countFrom(event.target.value);
  if (event.target.name === "event") isEventChosen = true;
  if (event.target.name === "template") await wordAs(event.target.value);
  soon();
});

// A number is compared, and what it is compared with comes next.
form.addEventListener("path:chosen", ({ target, detail }) => {
  const row = target.closest("[data-row]");
  if (detail.kind === "number") control(row, "operator").value = "gt";
  control(row, "value").focus();
  showParts();
});

for (const row of form.querySelectorAll("[data-row]")) showRow(row);
followChips(form);
startWords(form);
showParts();
ask();
