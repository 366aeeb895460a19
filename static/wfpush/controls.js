// The controls of a task's form, as templates/inbox/_field_control.html.

import { writeNumber } from "./values.js";

export const made = (tag, className = "", textContent = "") => Object.assign(document.createElement(tag), { className, textContent });

/** What can be chosen: {value, label}, as it is posted. */
export function optionsOf({ kind, choices = [] }, words) {
  if (kind === "yes_no") return ["yes", "no"].map((value) => ({ value, label: words[value] }));
  return choices.map(({ value, label }) => ({ value: String(value), label }));
}

/** One control with its value. Choices are a list that opens. */
export function controlFor(field, language, words) {
  const { kind, value, whole, required, maxLength = 4_000, formatMinimum = "", formatMaximum = "" } = field;
  if (kind === "choice" || kind === "yes_no") {
    const list = made("select");
    list.append(new Option(required ? words.choose : words.no_answer, ""), ...optionsOf(field, words).map((each) => new Option(each.label, each.value)));
    const chosen = value === null ? "" : { true: "yes", false: "no" }[value] ?? String(value);
    for (const option of list.options) option.defaultSelected = option.value === chosen;
    return list;
  }
  if (kind === "long_text") return Object.assign(made("textarea"), { rows: 4, dir: "auto", maxLength, defaultValue: value ?? "" });
  const control = made("input", kind === "number" || kind === "money" ? "number" : "");
  if (kind === "date") return Object.assign(control, { type: "date", min: formatMinimum, max: formatMaximum, defaultValue: value ?? "" });
  if (kind === "text") return Object.assign(control, { type: "text", dir: "auto", maxLength, defaultValue: value ?? "" });
  const text = typeof value === "number" ? writeNumber(value, language, kind === "money" ? 2 : 0) : "";
  return Object.assign(control, { type: "text", inputMode: whole ? "numeric" : "decimal", autocomplete: "off", maxLength: 40, defaultValue: text });
}

/** The label of a field, in the element that it gets. */
export function labelled(element, { label, currency, required }, words) {
  element.append(Object.assign(made("span", "", label), { dir: "auto" }));
  for (const unit of [currency, required ? "" : `(${words.optional})`]) if (unit) element.append(" ", made("span", "unit", unit));
  return element;
}
