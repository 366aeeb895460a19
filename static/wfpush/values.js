// Reads and checks what is typed into a task's form, as the server does (notifications/forms/typed_input.py and checking.py):
// tests/vectors/form_values.json holds them to each other. A field is as GET /api/v1/notifications/{id} has it.

import { beginCheck, fits } from "./patterns.js";
import { plainBlanks } from "./times.js";

const MOST = 1e15, MOST_TEXT = 4_000, MOST_FOR_PATTERN = 100, MOST_ROWS = 50, PLACES = 10;
const MISSING = { choice: "required_choice", yes_no: "required_choice", choices: "required_choices", rows: "required_rows", files: "required_files", photo: "required_photo", signature: "required_signature" };
const YES_NO = { yes: true, no: false };
const AS = { least: ["minimum", "exclusiveMinimum", "minLength", "formatMinimum", "minItems", "minRows"], step: ["multipleOf"] };
const COUNTS = ["minLength", "maxLength", "minItems", "maxItems", "minRows", "maxRows"];

/** {values, faults} of a form: faults are {name, code, values}, and of a cell of a table also {row, column}; empty rows are not
    counted. `texts`: name → what stands in the field. */
export function valuesOf(form, texts) {
  const read = form.fields.map((field) => [field, field.columns ? readRows(field, texts, form.language) : readField(field, texts[field.name] ?? [], form.language)]);
  const values = Object.fromEntries(read.filter(([, { value }]) => value !== undefined).map(([{ name }, { value }]) => [name, value]));
  const asked = read.filter(([field]) => isAsked(field, values));
  beginCheck();
  const faults = asked.flatMap(([field, found]) => faultsOf(field, found));
  return { values: Object.fromEntries(asked.filter(([{ name }]) => name in values).map(([{ name }]) => [name, values[name]])), faults };
}

function faultsOf(field, { value, fault = faultOf(field, value), unread = [] }) {
  const rows = (field.columns && value) || [], cells = rows.flatMap((row, at) => field.columns.map((column) => {
    const wrong = unread.find((each) => each.row === at && each.column === column.name) ?? faultOf(column, row[column.name]);
    return wrong && { row: at, column: column.name, ...wrong };
  }));
  return [fault, ...cells].filter(Boolean).map((each) => ({ name: field.name, ...each }));
}

/** Whose fault it is: a field, or a column of a table. */
export function fieldOf(form, { name, column }) {
  const field = form.fields.find((each) => each.name === name);
  return column ? field.columns.find((each) => each.name === column) : field;
}

/** Whether the condition of a field holds for the values of the others. */
export function isAsked({ when }, values) {
  if (!when) return true;
  const value = values[when.field], list = (one) => (Array.isArray(one) ? one : [one]);
  if ("is" in when) return list(value).some((one) => list(when.is).includes(one));
  if ("is_not" in when) return !list(value).some((one) => list(when.is_not).includes(one));
  if (value === undefined) return when.or_empty === true;
  return typeof value === "number" && ("at_least" in when ? value >= when.at_least : value <= when.at_most);
}

// --- reading ---------------------------------------------------------------------------------------------------------
function readField(field, texts, language) {
  const filled = texts.filter((text) => text.trim());
  if (!filled.length) return {};
  const chosen = (text) => field.choices.find(({ value }) => String(value) === text)?.value ?? text;
  switch (field.kind) {
    case "number": case "money": return readNumber(field, filled[0], language);
    case "yes_no": return { value: YES_NO[filled[0]] ?? filled[0] };
    case "choice": return { value: chosen(filled[0]) };
    case "files": case "photo": case "signature": return { value: filled };
    case "choices": return { value: filled.map(chosen) };
    case "long_text": return { value: filled[0].replace(/\r\n/g, "\n").trim() };
    default: return { value: filled[0].replace(/\s+/g, " ").trim() };
  }
}

/** The rows in which something stands. What has no meaning stays as it is, so that its row counts as one. */
function readRows(table, texts, language) {
  const rows = [], unread = [];
  for (let at = 0; at < MOST_ROWS; at += 1) {
    const row = {};
    for (const column of table.columns) {
      const filled = (texts[`${table.name}.${at}.${column.name}`] ?? []).filter((text) => text.trim());
      if (!filled.length) continue;
      const { value, fault } = readField(column, filled, language);
      if (fault) unread.push({ row: rows.length, column: column.name, ...fault });
      row[column.name] = fault ? filled[0] : value;
    }
    if (Object.keys(row).length) rows.push(row);
  }
  return rows.length || (texts[table.name]?.length && table.value) ? { value: rows, unread } : {};
}

/** The sum of a column of numbers, in words. */
export function sumOf(table, column, texts, language) {
  const read = [...Array(MOST_ROWS).keys()].map((at) => texts[`${table.name}.${at}.${column.name}`]?.[0] ?? "").map((text) => readNumber(column, text, language).value ?? 0);
  const sum = Number(read.reduce((all, value) => all + inPlaces(value), 0n)) / 10 ** PLACES;
  return written(sum, column.kind, column.currency ?? "", language);
}

const quoted = (mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function readNumber(field, text, language) {
  const { point, group } = marksOf(language), currency = field.currency ?? "";
  const plain = text.trim().replace("−", "-").replace(/^[€$£¥]+|[€$£¥]+$/g, "");
  const bare = [currency, ""].find((each) => plain.startsWith(each)), without = plain.slice(bare.length);
  const digits = (currency && without.endsWith(currency) ? without.slice(0, -currency.length) : without).trim()
    .replace(/[ \u00a0\u202f\u2009'’]/g, group.trim() ? "" : group);
  const [whole, ...rest] = digits.split(point), fraction = rest.join(point);
  const isPlain = /^-?\d{1,15}$/.test(whole), isGrouped = group && new RegExp(`^-?[1-9]\\d{0,2}(${quoted(group)}\\d{3}){1,4}$`).test(whole);
  const wrong = { fault: { code: "number", values: { example: writeNumber(1200.5, language) } } };
  if (!(isPlain || isGrouped) || (rest.length && !/^\d{1,10}$/.test(fraction))) return wrong;
  const bareWhole = whole.replace("-", "");
  if (rest.length && isPlain && fraction.length === 3 && /[1-9]/.test(bareWhole) && bareWhole.length <= 3) {
    return { fault: { code: "ambiguous", values: { one: whole + fraction, other: `${whole}${point}${fraction}0` } } };
  }
  const value = Number(`${group ? whole.replaceAll(group, "") : whole}.${fraction || 0}`);
  return Math.abs(value) < MOST ? { value } : wrong;
}

/** The decimal point of a language, and what stands between thousands. */
function marksOf(language) {
  const parts = new Intl.NumberFormat(language, { useGrouping: "always", numberingSystem: "latn" }).formatToParts(1234567.5);
  const mark = (type) => parts.find((part) => part.type === type)?.value ?? "";
  const group = mark("group");
  return { point: mark("decimal"), group: !group.trim() ? " " : "'’".includes(group) ? "" : group };
}

/** A number as it stands in a field: with all its places. Three places get a fourth, lest they look like thousands. */
export function writeNumber(value, language, least = 0) {
  const { point, group } = marksOf(language);
  const [whole, places = ""] = decimalOf(Math.abs(value)).split(".");
  const fraction = places.replace(/0+$/, "").padEnd(least, "0"), shown = fraction.length === 3 ? `${fraction}0` : fraction;
  return `${value < 0 ? "-" : ""}${whole.replace(/(?<=\d)(?=(\d{3})+$)/g, group)}${shown && point + shown}`;
}

// --- checking --------------------------------------------------------------------------------------------------------
function faultOf(field, value) {
  if (value === undefined || (field.required && field.columns && !value.length)) return field.required ? { code: MISSING[field.kind] ?? "required" } : null;
  if (field.columns) return faultOfRows(field, value.length);
  const code = wrongKind(field, value) ?? RULES.find(([rule, holds]) => rule in field && !holds(value, field[rule], field))?.[0];
  if (code) return limited(code, field[code]);
  if (field.kind === "money" && !isMultiple(value, 0.01)) return { code: "cents" };
  const most = field.maxLength ?? (field.pattern ? MOST_FOR_PATTERN : MOST_TEXT);
  return typeof value === "string" && lengthOf(value) > most ? limited("maxLength", most) : null;
}

function faultOfRows({ minItems = 0, maxItems }, count) {
  if (count < minItems) return minItems > 1 ? limited("minRows", minItems) : { code: MISSING.rows };
  return count > maxItems ? limited("maxRows", maxItems) : null;
}

function wrongKind({ kind, whole, choices = [] }, value) {
  const known = choices.map((choice) => choice.value);
  if (kind === "choice") return known.includes(value) ? undefined : "choice";
  if (kind === "choices") return value.every((each) => known.includes(each)) ? undefined : "choice";
  if (kind === "yes_no") return typeof value === "boolean" ? undefined : "type";
  if (kind === "date") return isDay(value) ? undefined : "date";
  return whole && !Number.isInteger(value) ? "whole" : undefined;
}

const lengthOf = (text) => [...text].length;

/** In the order in which the server looks. */
const RULES = [
  ["minimum", (value, least) => value >= least],
  ["exclusiveMinimum", (value, least) => value > least],
  ["maximum", (value, most) => value <= most],
  ["exclusiveMaximum", (value, most) => value < most],
  ["multipleOf", (value, step) => isMultiple(value, step)],
  ["minLength", (value, least) => lengthOf(value) >= least],
  ["maxLength", (value, most) => lengthOf(value) <= most],
  ["pattern", (value, pattern) => lengthOf(value) <= MOST_FOR_PATTERN && fits(pattern, value)],
  ["formatMinimum", (value, least) => value >= least],
  ["formatMaximum", (value, most) => value <= most],
  ["minItems", (value, least) => value.length >= least],
  ["maxItems", (value, most) => value.length <= most],
];

/** In decimals: 0.07 is a multiple of 0.01. */
function isMultiple(value, step) {
  return inPlaces(value) % inPlaces(step) === 0n;
}

function inPlaces(number) {
  const [whole, fraction = ""] = decimalOf(number).split(".");
  return BigInt(whole + fraction.padEnd(PLACES, "0"));
}

/** The number as its shortest text says it, without the noise of binary fractions, and never with an exponent. */
function decimalOf(number) {
  const text = String(number), [, fraction = ""] = text.split(".");
  return text.includes("e") || fraction.length > PLACES ? number.toFixed(PLACES) : text;
}

function isDay(text) {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00Z`) : new Date(NaN);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

function limited(code, limit) {
  if (limit === undefined || code === "pattern") return { code };
  const name = Object.keys(AS).find((each) => AS[each].includes(code)) ?? "most";
  return { code, values: { [name]: limit } };
}

// --- in words --------------------------------------------------------------------------------------------------------
/** What is wrong, in a sentence. `words`: notifications/forms/faults.py, TEXTS. */
export function sentenceOf({ code, values = {} }, field, language, words) {
  const kind = COUNTS.includes(code) ? "number" : field.kind;
  return words[code].replace(/\{(\w+)\}/g, (_whole, name) => written(values[name], kind, field.currency ?? "", language));
}

function written(value, kind, currency, language) {
  if (typeof value === "number") return plainBlanks(kind === "money" ? money(decimalOf(value), currency, language) : new Intl.NumberFormat(language).format(decimalOf(value)));
  if (kind === "date" && isDay(value)) {
    const locale = language === "en" ? "en-GB" : language;
    return plainBlanks(new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" }).format(new Date(`${value}T00:00Z`)));
  }
  return String(value);
}

function money(value, currency, language) {
  if (/^[A-Za-z]{3}$/.test(currency)) return new Intl.NumberFormat(language, { style: "currency", currency }).format(value);
  return `${new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value)} ${currency}`.trim();
}
