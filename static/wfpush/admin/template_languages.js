// The languages of a template as tabs: texts of the others are out of sight. The server draws the tabs and what each language lacks
// (notifications/admin/wording/template_languages.py); without this script they lead to the texts.
import { draw } from "./fragments.js";

const NEW = "";  // the tab of a text whose language is still to be written
let form = null;
let bar = null;
let chosen = null;
let read = () => {};

const tag = (language) => language.trim().replaceAll("_", "-").toLowerCase();
const rows = () => [...form.querySelectorAll("#texts-group .form-group, #customer_texts-group .form-group")].filter((row) => !row.classList.contains("empty-form"));
const fieldOf = (row) => row.querySelector('[name$="-language"]');
const tabs = () => [...bar.querySelectorAll("[data-language]")];

function choose(language) {
  chosen = language;
  for (const tab of tabs()) {
    if (tab.dataset.language === language) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
  for (const part of bar.querySelectorAll("[data-of-language]")) part.hidden = part.dataset.ofLanguage !== language;
  showRows();
}

/** The texts of the chosen language, and those with a fault that prevents saving. */
export function showRows() {
  if (!bar) return;
  const elsewhere = (row) => tag(fieldOf(row)?.value ?? "") !== chosen && !row.querySelector(".errors, .desk-line-bad[data-live-fault]");
  for (const row of rows()) row.classList.toggle("desk-elsewhere", elsewhere(row));
}

/** The tabs as the server drew them anew; the chosen one stays, and a language that was just written becomes it. */
export function showLanguages(html) {
  const list = bar?.querySelector("[data-languages-list]");
  if (!list) return;
  const focused = document.activeElement?.dataset?.language;
  draw(list, html);
  const known = tabs().map((tab) => tab.dataset.language);
  if (focused !== undefined) bar.querySelector(`[data-language="${CSS.escape(focused)}"]`)?.focus();
  choose(known.includes(chosen) ? chosen : chosen === NEW ? NEW : known[0] ?? NEW);
}

function add() {
  const link = form.querySelector("#texts-group .add-row a, #texts-group a.add-row");
  choose(NEW);
  link?.click();
  const row = rows().findLast((each) => tag(fieldOf(each)?.value ?? "") === NEW && each.closest("#texts-group"));
  fieldOf(row)?.focus();
}

export function startLanguages(within, onChosen) {
  form = within;
  bar = form.querySelector("[data-languages]");
  read = onChosen;
  if (!bar) return;
  bar.querySelector("[data-languages-more]").hidden = false;
  bar.querySelector("[data-add-language]").addEventListener("click", add);
  bar.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-language]");
    if (!tab) return;
    event.preventDefault();
    choose(tab.dataset.language);
    read(rows().map(fieldOf).find((field) => field?.name.startsWith("texts-") && tag(field.value) === chosen)?.value.trim());
  });
  document.addEventListener("formset:added", (event) => {
    const field = event.target.querySelector?.('[name$="-language"]');
    if (!field || !form.contains(field)) return;
    if (tabs().length) field.value = tabs().some((tab) => tab.dataset.language === chosen) ? chosen : NEW;
    choose(tag(field.value));
  });
  form.addEventListener("change", (event) => {
    const written = event.target.name?.endsWith("-language") && event.target.closest("#texts-group, #customer_texts-group");
    if (written) choose(tag(event.target.value));
  });
  choose(tabs()[0]?.dataset.language ?? NEW);
}
