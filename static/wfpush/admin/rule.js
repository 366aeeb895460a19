// The page of a rule: shows what a row needs, adds and removes rows, and asks the server what the rule means while it
// is filled in (escalations/admin/rules/page.py).
const CALM = 400;  // milliseconds without a change before the server is asked
const form = document.querySelector("[data-rule]");
const failed = form.querySelector("[data-rule-failed]");
let asking = null;
let timer = 0;

const field = (row, name) => row.querySelector(`.field-${name}`);
const value = (row, name) => field(row, name)?.querySelector("select, input")?.value;
const hide = (row, name, hidden) => field(row, name)?.classList.toggle("desk-gone", hidden);

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
}

function showStep(row, select) {
  const { kinds, targets, fields } = JSON.parse(select.dataset.steps);
  const kind = kinds[select.value];
  const named = Object.values(targets).flat();
  const needed = targets[value(row, "target")] || [];
  const used = kind.fields.filter((name) => !named.includes(name) || needed.includes(name));
  for (const name of fields) hide(row, name, !used.includes(name));
  for (const option of row.querySelectorAll(".field-target option")) {
    option.disabled = option.hidden = option.value !== "" && !kind.targets.includes(option.value);
  }
  hide(row, "repeats", !value(row, "repeat_every"));
}

function showParts() {
  const counted = form.elements.namedItem("late-counted")?.value;
  form.querySelector("[data-late]")?.toggleAttribute("hidden", !counted);
  hide(form, "minutes", counted !== "duration");
  hide(form, "calendar", form.elements.namedItem("late-time")?.value === "wall");
  const own = form.elements.namedItem("words-own");
  form.querySelector("[data-texts]")?.toggleAttribute("hidden", !own.checked);
}

// --- rows
function add(prefix, values = {}) {
  const total = form.elements.namedItem(`${prefix}-TOTAL_FORMS`);
  const pattern = form.querySelector(`[data-pattern="${prefix}"]`);
  const made = document.createElement("div");
  made.innerHTML = pattern.innerHTML.replaceAll("__prefix__", total.value);
  const row = made.firstElementChild;
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
  for (const text of texts) add("texts", text);
}

// The first step reminds those whom the rule tells; each further one tells the manager.
function addStep() {
  const first = form.querySelector('[data-rows="targets"] [data-row]:not([hidden])');
  const isFirst = !form.querySelector('[data-rows="steps"] [data-row]:not([hidden])');
  const row = add("steps");
  const target = row.querySelector("[name$=-target]");
  const told = first ? value(first, "kind") : "";
  const known = [...target.options].some((option) => option.value === told);
  target.value = isFirst ? (known && told) || "assignee" : "manager";
  for (const name of isFirst && known ? ["team", "person", "ref"] : []) {
    const input = field(row, name)?.querySelector("select, input");
    if (input) input.value = value(first, name);
  }
  showRow(row);
  return row;
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add]");
  if (!button) return;
  event.preventDefault();
  const row = button.dataset.add === "steps" ? addStep() : add(button.dataset.add);
  row.querySelector("input:not([type=hidden]), select, textarea").focus();
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

const touched = new Set();

// What it can be tried on.
function offer(events, chosen) {
  const select = form.elements.namedItem("event");
  const shown = JSON.stringify(events);
  if (select.dataset.shown !== shown) select.replaceChildren(...events.map(([key, words]) => new Option(words, key)));
  select.dataset.shown = shown;
  select.value = chosen;
  select.closest(".desk-rule-field").hidden = !events.length;
}

function show({ parts, faults, events, event, open_tasks }) {
  for (const old of form.querySelectorAll("[data-fault]")) old.remove();
  for (const wrong of form.querySelectorAll(".desk-rule-wrong")) wrong.classList.remove("desk-rule-wrong");
  for (const described of form.querySelectorAll("[aria-describedby^=rule-fault]")) described.removeAttribute("aria-describedby");
  faults.forEach(place);
  offer(events, event);
  form.querySelector("[data-follow]")?.toggleAttribute("hidden", !open_tasks);
  for (const place of form.querySelectorAll("[data-part]")) {
    const html = parts[place.dataset.part].trim();
    if (place.dataset.shown === html) continue;
    place.dataset.shown = html;
    place.innerHTML = html;  // the server's own template: what people wrote is escaped in it
  }
}

// A fault is shown once its field was left: nobody is told off for what is still being filled in.
function place({ field: name, text }, number) {
  const about = name && form.elements.namedItem(name);
  if (!(about instanceof HTMLElement) || about.type === "hidden" || !touched.has(name)) return;
  const said = document.createElement("p");
  said.className = "desk-line desk-line-bad";
  said.id = `rule-fault-${number}`;
  said.dataset.fault = "";
  const words = document.createElement("span");
  words.className = "desk-said";
  words.textContent = text;
  said.append(words);
  about.setAttribute("aria-describedby", said.id);
  about.closest(".desk-rule-field").classList.add("desk-rule-wrong");
  about.closest(".desk-rule-field").append(said);
}

form.addEventListener("focusout", (event) => event.target.name && touched.add(event.target.name));
form.addEventListener("input", (event) => {
  if (event.target.matches("[data-people]")) suggest(event.target);
  if (event.target.closest("[data-texts]")) isWorded = true;
  soon();
});
form.addEventListener("change", async (event) => {
  const row = event.target.closest("[data-row]");
  if (row) showRow(row);
  showParts();
  if (event.target.name === "late-counted" && event.target.value && !form.querySelector('[data-rows="steps"] [data-row]')) addStep();
  if (event.target.name === "template") await wordAs(event.target.value);
  soon();
});

for (const row of form.querySelectorAll("[data-row]")) showRow(row);
showParts();
ask();
