// Tables of rows in a task's form: rows are added and removed, and the sum is shown. As templates/inbox/_field_rows.html.

import { controlFor, labelled, made } from "./controls.js";
import { sumOf } from "./values.js";
import { announce } from "./words.js";

const rowsOf = (part) => [...part.querySelectorAll("tbody tr")];
const controlsOf = (row) => [...row.querySelectorAll("[name]")];
const isFilled = (row) => controlsOf(row).some(({ value }) => value.trim());
const leastOf = ({ minItems = 0, required }) => Math.max(minItems, required ? 1 : 0);

/** Take charge of a table. `form`: as the fields have it; `changed` is called when a row was added or removed. */
export function beginRows(part, field, form, words, changed) {
  const add = Object.assign(made("button", "button add-row", words.add_row), { type: "button" });
  part.querySelector("table").after(add);
  for (const row of part.querySelectorAll(".spare")) row.remove();
  const about = { field, form, words };
  part.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button === add) addRow(part, about);
    else if (button?.matches(".remove-row")) removeRow(part, about, button.closest("tr"));
    else return;
    changed();
  });
  number(part, about);
}

function addRow(part, about) {
  part.querySelector("tbody").append(rowFor(part, about));
  number(part, about);
  const row = rowsOf(part).at(-1);
  controlsOf(row)[0].focus();
  announce(about.words.row_added.replace("{row}", rowsOf(part).length));
}

function removeRow(part, about, row) {
  const at = rowsOf(part).indexOf(row);
  row.remove();
  number(part, about);
  const left = rowsOf(part), next = left[Math.min(at, left.length - 1)]?.querySelector(".remove-row:not([hidden])");
  (next ?? part.querySelector(".add-row")).focus();
  announce(about.words.row_removed.replace("{row}", at + 1));
}

/** As many rows as texts have: those of a draft, or those that there were. */
export function setRows(part, field, form, words, texts) {
  const places = Object.keys(texts).filter((name) => name.startsWith(`${field.name}.`)).map((name) => Number(name.split(".")[1]));
  const wanted = Math.max(-1, ...places) + 1, about = { field, form, words };
  for (const row of rowsOf(part).slice(wanted)) row.remove();
  while (rowsOf(part).length < wanted) part.querySelector("tbody").append(rowFor(part, about));
  number(part, about);
}

function rowFor(part, { field, form, words }) {
  const row = made("tr"), head = Object.assign(made("th"), { scope: "row" }), formId = part.querySelector("[type=hidden]").getAttribute("form");
  const cells = field.columns.map((column) => {
    const cell = made("td", column.kind === "text" ? "long" : ""), control = controlFor(column, form.language, words);
    control.name = `value-${field.name}.`;
    control.setAttribute("form", formId);
    cell.append(labelled(made("label"), column, words), control);
    return cell;
  });
  row.append(head, ...cells, made("td"));
  return row;
}

/** Name rows, cells and buttons by their places. */
function number(part, { field, words }) {
  const rows = rowsOf(part), mayGo = rows.length > leastOf(field);
  rows.forEach((row, at) => {
    const head = row.firstElementChild, tools = row.lastElementChild;
    head.textContent = words.row.replace("{row}", at + 1);
    head.id = `value-${field.name}.${at}-row`;
    field.columns.forEach((column, place) => nameCell(row.children[place + 1], `value-${field.name}.${at}.${column.name}`, head.id));
    if (!tools.firstElementChild) tools.append(Object.assign(made("button", "remove-row"), { type: "button" }));
    const button = tools.firstElementChild, label = words.remove_row.replace("{row}", at + 1);
    Object.assign(button, { hidden: !mayGo, title: label }).setAttribute("aria-label", label);
  });
  part.querySelector(".add-row").hidden = rows.length >= field.maxItems;
  part.querySelector("table").hidden = !rows.length;
}

function nameCell(cell, name, headId) {
  const control = cell.querySelector("[name]"), label = cell.querySelector("label"), fault = cell.querySelector(":scope > .fault");
  Object.assign(control, { id: name, name });
  Object.assign(label, { htmlFor: name, id: `${name}-label` });
  control.setAttribute("aria-labelledby", `${name}-label ${headId}`);
  if (!fault) return;
  fault.id = `${name}-fault`;
  control.setAttribute("aria-describedby", fault.id);
}

/** The cell of a fault. Empty rows have no place in the values, so they are not counted. */
export function cellOf(part, { columns }, fault) {
  const row = rowsOf(part).filter(isFilled)[fault.row];
  return row?.children[columns.findIndex(({ name }) => name === fault.column) + 1];
}

/** “Row 2, Price”. */
export const placeIn = (cell, { columns }, { column }) => `${cell.closest("tr").firstElementChild.textContent}, ${columns.find(({ name }) => name === column).label}`;

export function showSum(part, field, form, words, texts) {
  const column = field.columns.find(({ name }) => name === field.sum);
  if (!column) return;
  part.querySelector(".total").textContent = words.sum.replace("{column}", column.label).replace("{sum}", sumOf(field, column, texts, form.language));
}

/** The table of a kept item. */
export function tableFor(field, form, words, formId) {
  const table = made("table"), head = made("tr"), hidden = Object.assign(made("input"), { type: "hidden", name: `value-${field.name}` });
  const titles = field.columns.map((column) => labelled(Object.assign(made("th", column.kind === "number" || column.kind === "money" ? "number" : ""), { scope: "col" }), column, words));
  head.append(made("td"), ...titles, made("td"));
  table.append(made("thead"), made("tbody"));
  table.tHead.append(head);
  hidden.setAttribute("form", formId);
  return [hidden, table, ...(field.sum ? [made("p", "total")] : [])];
}

/** Fill it with what the task gives. Its part is on the page by now. */
export function fillTable(part, field, form, words) {
  const given = field.value ?? [], body = part.querySelector("tbody");
  for (let at = 0; at < Math.max(given.length, leastOf(field), 1); at += 1) {
    const columns = field.columns.map((column) => ({ ...column, value: given[at]?.[column.name] ?? null }));
    body.append(rowFor(part, { field: { ...field, columns }, form, words }));
  }
}
