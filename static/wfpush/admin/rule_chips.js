// The chips of a rule's sentence: their words, by the patterns of escalations/admin/rules/sentence.py, and how they open.
const UNIT = { "": 1, m: 1, min: 1, h: 60, std: 60, d: 1440, t: 1440 };  // as escalations/admin/fields.py
const SIDE = /\s+(?:(before|vor|avant|antes)|after|nach|après|después)\b.*/;
const PART = /(\d{1,9})(?!\d)\s*([a-zäöü]*)\.?\s*/g;
let spec = null;

// --- the value of a field
/** Minutes of “1h 30m”, “-2h” or “2h before”; null if it is no duration. */
function minutesOf(text) {
  const compact = text.trim().toLowerCase().replace(/[−–]/g, "-");
  const side = SIDE.exec(compact), unsigned = compact.replace(SIDE, "").replace(/^[+-]+\s*/, "");
  const parts = [...unsigned.matchAll(PART)];
  if (!unsigned || parts.map((part) => part[0]).join("") !== unsigned || !parts.every((part) => part[2] in UNIT)) return null;
  return (compact.startsWith("-") || side?.[1] ? -1 : 1) * parts.reduce((sum, part) => sum + Number(part[1]) * UNIT[part[2]], 0);
}

function spanOf(minutes) {
  const left = Math.abs(minutes), counts = { d: Math.floor(left / 1440), h: Math.floor((left % 1440) / 60), m: left % 60 };
  const parts = Object.entries(counts).filter(([, count]) => count);
  return (parts.length ? parts : [["m", 0]]).map(([unit, count]) => spec.units[unit].replace("{count}", count)).join(" ");
}

function inputOf(chip, name) {
  const css = `.field-${name}`, row = chip.closest("[data-row]"), form = chip.closest("form");
  const place = row?.querySelector(css) ?? form.querySelector(`${css}:not([data-row] *)`);
  return place && !place.classList.contains("desk-gone") ? place.querySelector("select, input, textarea") : null;
}

function valueOf(chip, name) {
  const input = inputOf(chip, name);
  if (!input) return "";
  if (input.type === "checkbox") return input.checked ? "on" : "";
  if (name === "offset") {
    const minutes = minutesOf(input.value);
    return minutes === null ? "" : minutes < 0 ? "before" : minutes ? "after" : "at";
  }
  if (name === "level" && valueOf(chip, "target") !== "manager") return "";
  if (name === "kind" && input.dataset.steps && input.value === "notify" && isNotified(chip)) return "remind";
  return input.value;
}

/** Whether the step is for people whom the rule itself notifies. */
function isNotified(chip) {
  const key = (at, kind) => [kind, "team", "person", "ref"].map((name) => inputOf(at, name)?.value ?? "").join("|");
  const own = key(chip, "target");
  return [...chip.closest("form").querySelectorAll('[data-rows="targets"] > [data-row]:not([hidden]) [data-chip]')].some((each) => key(each, "kind") === own);
}

function textOf(chip, name) {
  if (name === "types") return typesOf(chip);
  const input = inputOf(chip, name), text = input?.value.trim();
  if (!text) return "";
  if (input instanceof HTMLSelectElement) return input.selectedOptions[0]?.text ?? "";
  if (["offset", "repeat_every", "minutes"].includes(name)) return minutesOf(text) === null ? text : spanOf(minutesOf(text));
  if (name === "person") return text.replace(/\s*\([^()]+\)\s*$/, "");
  if (name === "value" && spec.numbers.includes(inputOf(chip, "operator").value)) return numberOf(text);
  return name === "path" ? text.split(".").at(-1) : text;
}

/** A plain number as the reader writes it; any other text as it is. */
const numberOf = (text) => (/^-?\d{1,15}$/.test(text) ? Number(text).toLocaleString(document.documentElement.lang) : text);

function typesOf(chip) {
  const boxes = [...chip.closest("form").querySelectorAll("[name=types]:checked")];
  return boxes.map((box) => spec.types[box.value] ?? box.closest("label").textContent.trim().split(" · ")[0]).join(spec.or);
}

// --- its words
function fill(chip, { by = [], patterns = {}, else: otherwise }) {
  const key = by.map((name) => valueOf(chip, name)).join("|");
  for (const pattern of [patterns[key], otherwise]) {
    const names = [...(pattern ?? "").matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    if (pattern && names.every((name) => textOf(chip, name))) return pattern.replace(/\{(\w+)\}/g, (_, name) => textOf(chip, name));
  }
  return "";
}

export function showChips(form) {
  for (const chip of form.querySelectorAll("[data-chip]")) {
    const words = spec.patterns[chip.dataset.chip].map((piece) => fill(chip, piece)).join("");
    chip.classList.toggle("desk-chip-empty", !words);
    if (chip.textContent !== (words || chip.dataset.prompt)) chip.textContent = words || chip.dataset.prompt;
  }
}

// --- how they open
const isUsed = (control) => !control.closest(".desk-gone, .desk-covered, [hidden]");

/** The browser gives the focus to the first control, or to one that was refused; its text is replaced by what is typed, and paths are offered. */
function opens({ target, newState }) {
  if (!target.matches(".desk-chip-open")) return;
  target.parentElement.querySelector("[data-chip]").setAttribute("aria-expanded", String(newState === "open"));
  if (newState !== "open") return;
  const controls = [...target.querySelectorAll("input:not([type=hidden]), select")].filter(isUsed);
  const first = controls.find((each) => each.closest(".desk-rule-wrong")) ?? controls[0];
  for (const control of controls) control.autofocus = control === first;
  first.addEventListener("focus", () => {
    if (first.type === "text") first.select();
    if (first.matches("[data-paths]") && !first.value) first.click();
  }, { once: true });
}

function close(open) {
  open.hidePopover();
  open.parentElement.querySelector("[data-chip]").focus();
}

/** “2h before” in the language of the page. */
export const before = (span) => `${span} ${spec.before}`;

/** A duration without what says that it is before. */
export const unsigned = (text) => text.replace(/^\s*[-−–]\s*/, "").replace(SIDE, "");

/** A list that is all there is to choose from is open from the start: one click chooses. */
function openLists(form) {
  for (const open of form.querySelectorAll(".desk-chip-open")) {
    const [select, ...others] = open.querySelectorAll("select, input:not([type=checkbox])");
    if (!others.length && select instanceof HTMLSelectElement) select.size = Math.max(2, Math.min(9, select.options.length));
  }
}

/** What was refused is closed and marked, but for the first, which opens. Without this script it is open on the page. */
function openWrong(form) {
  const wrong = [...form.querySelectorAll(".desk-chip-open:not([popover])")];
  for (const open of wrong) open.popover = "auto";
  wrong[0]?.parentElement.querySelector("[data-chip]").click();
}

export function followChips(form) {
  spec = JSON.parse(form.dataset.words);
  openLists(form);
  form.addEventListener("beforetoggle", opens, true);
  form.addEventListener("keydown", (event) => {  // Enter would send the form
    const open = event.target.closest?.(".desk-chip-open:popover-open");
    if (event.key !== "Enter" || event.defaultPrevented || !open || !event.target.matches("input, select")) return;
    event.preventDefault();
    close(open);
  });
  form.addEventListener("click", (event) => {  // a choice of a list that is all there is
    const open = event.target.closest(".desk-chip-open:popover-open");
    if (open && event.target.matches("option") && [...open.querySelectorAll(".desk-rule-field")].filter(isUsed).length === 1) close(open);
  });
  openWrong(form);
}
