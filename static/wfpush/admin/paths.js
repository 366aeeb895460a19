// A field with data-paths="URL" offers the paths that events carried, in a list below it (WAI-ARIA combobox). Any text can still be
// typed. data-paths-types and data-paths-engine are CSS selectors of fields of the same form: what they say goes with the question.
// A choice dispatches "change" and "path:chosen" with {path, kind, last}.
const MOST_SHOWN = 200;
const known = new Map();  // answers by address
const popup = document.createElement("div");
const status = document.createElement("p");
const list = document.createElement("div");
popup.className = "desk-paths";
popup.hidden = true;
status.className = "desk-paths-status";
status.setAttribute("role", "status");
list.className = "desk-paths-list";
list.id = "known-paths";
list.setAttribute("role", "listbox");
popup.append(status, list);

let field = null;  // whose list is open
let answer = null;
let opening = 0;

const isOffering = (element) => element instanceof HTMLInputElement && element.matches("input[data-paths]") && !element.readOnly && !element.disabled;
const options = () => [...list.querySelectorAll("[role=option]")];
const marked = () => list.querySelector("[aria-selected=true]");

function prepare(within) {
  const fields = within.querySelectorAll?.("input[data-paths]") ?? [];
  for (const each of fields) {
    if (each.getAttribute("role") === "combobox") continue;
    const attributes = {role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-haspopup": "listbox", autocomplete: "off", spellcheck: "false", autocapitalize: "off"};
    for (const [name, value] of Object.entries(attributes)) each.setAttribute(name, value);
  }
}

function addressOf(of) {
  const address = new URL(of.dataset.paths, location.href);
  const values = (selector) => (selector ? [...(of.form ?? document).querySelectorAll(selector)] : [])
    .flatMap((each) => each instanceof HTMLSelectElement ? [...each.selectedOptions].map((option) => option.value)
      : /^(checkbox|radio)$/.test(each.type) && !each.checked ? [] : [each.value]).filter(Boolean);
  for (const value of values(of.dataset.pathsTypes)) address.searchParams.append("type", value);
  for (const value of values(of.dataset.pathsEngine)) address.searchParams.set("engine", value);
  return address.href;
}

async function fetched(address) {
  if (!known.has(address)) {
    const asked = fetch(address, {redirect: "error", headers: {accept: "application/json"}}).then((response) => {
      if (!response.ok) throw new Error(String(response.status));
      return response.json();
    });
    known.set(address, asked);
    asked.catch(() => known.delete(address));
  }
  return known.get(address);
}

// `words`: what the paths must contain; none when the list opens on a field that was filled in before.
async function open(of, words) {
  const mine = opening += 1;
  try {
    const found = await fetched(addressOf(of));
    if (mine !== opening || document.activeElement !== of) return;
    answer = found;
  } catch {
    return;  // the field is a plain one
  }
  if (field !== of) close();
  field = of;
  (of.closest("dialog, [popover]") ?? document.body).append(popup);
  popup.hidden = false;
  of.setAttribute("aria-expanded", "true");
  of.setAttribute("aria-controls", list.id);
  fill(words);
}

function close() {
  opening += 1;
  if (!field) return;
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-controls");
  field.removeAttribute("aria-activedescendant");
  popup.hidden = true;
  field = null;
}

function fill(words) {
  const wanted = words.toLowerCase().split(/[\s.]+/).filter(Boolean);
  const fits = (each) => wanted.every((word) => `${each.path} ${each.label}`.toLowerCase().includes(word));
  const groups = [];
  let left = MOST_SHOWN;
  for (const {name, paths} of answer.groups) {
    const some = paths.filter(fits).slice(0, left);
    left -= some.length;
    if (some.length) groups.push({name, paths: some});
  }
  list.setAttribute("aria-label", answer.label);
  list.replaceChildren(...groups.map(groupOf));
  status.textContent = groups.length ? answer.source : answer.none;
  list.hidden = !groups.length;
  place();
  list.scrollTop = 0;
  if (field) mark(options().find((option) => option.dataset.path === field.value));
}

function groupOf({name, paths}, at) {
  const group = document.createElement("div"), heading = textIn("div", "desk-paths-group", name);
  heading.id = `known-paths-${at}`;
  heading.setAttribute("role", "presentation");
  group.setAttribute("role", "group");
  group.setAttribute("aria-labelledby", heading.id);
  group.append(heading, ...paths.map((each, number) => optionOf(each, `known-path-${at}-${number}`)));
  return group;
}

function optionOf(each, id) {
  const option = document.createElement("div");
  option.id = id;
  option.className = "desk-path";
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  Object.assign(option.dataset, {path: each.path, kind: each.kind, last: each.last});
  option.append(textIn("span", "desk-path-name", each.path), textIn("span", "desk-path-facts", each.facts));
  if (each.about) option.append(textIn("span", "desk-path-about", each.about));
  return option;
}

function textIn(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

function mark(option) {
  marked()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({block: "nearest"});
}

function step(by) {
  const all = options(), at = all.indexOf(marked());
  if (all.length) mark(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length]);
}

function choose(option) {
  const of = field, {path, kind, last} = option.dataset;
  close();
  of.value = path;
  of.dispatchEvent(new Event("change", {bubbles: true}));
  of.dispatchEvent(new CustomEvent("path:chosen", {bubbles: true, detail: {path, kind, last}}));
}

// Below the field, or above it where there is more room; never wider than the window.
function place() {
  if (!field) return;
  const {left, top, bottom, width} = field.getBoundingClientRect(), wide = document.documentElement.clientWidth, high = window.visualViewport?.height ?? innerHeight;
  if (bottom < 0 || top > high) return close();
  const below = high - bottom - 12, above = top - 12, isBelow = below >= Math.min(280, above);
  const across = Math.min(Math.max(width, 440), wide - 16);
  Object.assign(popup.style, {
    width: `${across}px`, left: `${Math.max(8, Math.min(left, wide - across - 8))}px`, maxHeight: `${Math.max(120, Math.min(360, isBelow ? below : above))}px`,
    top: isBelow ? `${bottom + 4}px` : "auto", bottom: isBelow ? "auto" : `${innerHeight - top + 4}px`,
  });
}

function pressed(event) {
  if (event.isComposing || !isOffering(event.target)) return;
  const isOpen = field === event.target;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (isOpen) step(event.key === "ArrowDown" ? 1 : -1);
    else open(event.target, "");
  } else if (event.key === "Escape" && isOpen) {
    event.stopPropagation();
    close();
  } else if (event.key === "Enter" && isOpen && marked()) choose(marked());
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", pressed, true);
document.addEventListener("input", (event) => { if (isOffering(event.target)) open(event.target, event.target.value); });
document.addEventListener("click", (event) => { if (isOffering(event.target) && field !== event.target) open(event.target, ""); });
document.addEventListener("focusin", (event) => { if (isOffering(event.target)) prepare(event.target.parentNode); });
document.addEventListener("focusout", (event) => { if (event.target === field) close(); });
document.addEventListener("formset:added", (event) => prepare(event.target));
popup.addEventListener("pointerdown", (event) => event.preventDefault());  // the field keeps the focus
popup.addEventListener("mousedown", (event) => event.preventDefault());
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) choose(option);
});
addEventListener("scroll", (event) => { if (!popup.contains(event.target)) place(); }, true);
addEventListener("resize", place);
prepare(document);
