// The words of a rule as plain text: an editor in place of each field shows variables as chips. What it holds is Liquid, which
// is shown to those who ask for it. Text with tags, such as conditions, is only edited as Liquid.
import { startMenu } from "./insert_menu.js";

const OUTPUT = /(\{\{[\s\S]*?\}\})/;
const FIELDS = "[name^=texts-]:is([name$=-title], [name$=-body], [name$=-short_body])";
const PLAIN = { title: "{{ task.name }}", body: "{{ task.description }}", short_body: "{{ task.name }}" };
let section = null;
let caret = null;  // the last range in an editor

const isPlain = (text) => !text.includes("{%") && !text.replaceAll(new RegExp(OUTPUT, "g"), "").includes("{{");
const editorOf = (field) => field.parentElement.querySelector("[data-editor]");

/** “task name” for {{ task.name }}, “amount · money” for {{ variables.amount | money: variables.currency }}. */
function nameOf(liquid) {
  const [path, ...filters] = liquid.replace(/^\{\{-?|-?\}\}$/g, "").split("|").map((part) => part.trim());
  const words = path.replace(/^(variables|event)\./, "").replace(/[._]/g, " ");
  const names = filters.map((filter) => filter.split(":")[0].trim()).filter((name) => name !== "default");
  return [words, ...names].join(" · ");
}

function chipOf(liquid) {
  const chip = document.createElement("span");
  chip.className = "desk-variable";
  chip.contentEditable = "false";
  chip.dataset.liquid = liquid;
  chip.textContent = nameOf(liquid);
  return chip;
}

function draw(editor, text) {
  const parts = text.split(OUTPUT).filter(Boolean);
  editor.replaceChildren(...parts.map((part) => (OUTPUT.test(part) ? chipOf(part) : document.createTextNode(part))));
}

function textIn(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data.replaceAll("\u00a0", " ");
  if (node.dataset?.liquid) return node.dataset.liquid;
  if (node.nodeName === "BR") return node.nextSibling ? "\n" : "";  // the last one only holds the line open
  const inner = [...node.childNodes].map(textIn).join("");
  return node.nodeName === "DIV" && !("editor" in node.dataset) ? `\n${inner}` : inner;
}

function makeEditor(field) {
  const editor = document.createElement("div"), label = field.labels[0];
  label.id ||= `${field.id}-label`;
  editor.dataset.editor = "";
  editor.className = "desk-input desk-editor";
  try {
    editor.contentEditable = "plaintext-only";
  } catch {  // an older browser
    editor.contentEditable = "true";
  }
  editor.name = field.name;  // by which the page knows that its field was left
  editor.setAttribute("role", "textbox");
  editor.setAttribute("aria-labelledby", label.id);
  editor.setAttribute("aria-multiline", String(field instanceof HTMLTextAreaElement));
  editor.addEventListener("input", () => write(field, textIn(editor)));
  editor.addEventListener("keydown", (event) => { if (event.key === "Enter" && field instanceof HTMLInputElement) event.preventDefault(); });
  label.addEventListener("click", () => editor.focus());
  field.addEventListener("liquid:insert", (event) => { if (!editor.hidden) { event.preventDefault(); insert(field, editor, event.detail); } });
  field.after(editor);
  return editor;
}

function write(field, text) {
  field.value = field instanceof HTMLInputElement ? text.replaceAll("\n", " ") : text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function insert(field, editor, liquid) {
  const chip = chipOf(liquid), isHere = caret && editor.contains(caret.startContainer);
  if (isHere) {
    caret.deleteContents();
    caret.insertNode(chip);
  } else editor.append(chip);
  write(field, textIn(editor));
  editor.focus();
  getSelection().collapse(chip.parentNode, [...chip.parentNode.childNodes].indexOf(chip) + 1);
}

// --- plain text, or Liquid
function showField(field, asLiquid) {
  const editor = editorOf(field) ?? makeEditor(field);
  field.hidden = !asLiquid;
  editor.hidden = asLiquid;
  field.parentElement.hidden = !asLiquid && !isPlain(field.value);
  if (!editor.hidden && textIn(editor) !== field.value) draw(editor, field.value);
}

function showRow(row) {
  const liquid = row.querySelector("[data-as-liquid]"), fields = [...row.querySelectorAll(FIELDS)];
  const asLiquid = liquid.getAttribute("aria-pressed") === "true";
  for (const field of fields) showField(field, asLiquid);
  liquid.hidden = false;
  row.querySelector("[data-logic]").hidden = asLiquid || fields.every((field) => isPlain(field.value));
  showLanguage(row, row.querySelector("[name$=-language]"));
}

/** The language's name is the heading; its code is asked for in a row that is added. */
function showLanguage(row, field) {
  let name = field.value.trim() || section.dataset.new;
  try {
    name = new Intl.DisplayNames(document.documentElement.lang, { type: "language" }).of(name);
  } catch { /* it is not written yet */ }
  row.querySelector("summary").textContent = name;
  if (document.activeElement !== field && !("asks" in row.dataset)) field.parentElement.hidden = Boolean(field.value);
  if (!field.value) row.dataset.asks = "";
}

function replace(row) {
  for (const field of row.querySelectorAll(FIELDS)) if (!isPlain(field.value)) write(field, PLAIN[field.name.replace(/^texts-\w+-/, "")]);
  showRow(row);
  [...row.querySelectorAll("[data-editor]")].at(0).focus();
}

export function startWords(form) {
  section = form.querySelector("[data-texts]");
  if (!section) return;
  startMenu(section);
  const showAll = () => section.querySelectorAll('[data-rows="texts"] > [data-row]').forEach(showRow);
  section.addEventListener("click", (event) => {
    const liquid = event.target.closest("[data-as-liquid]"), row = event.target.closest("[data-row]");
    liquid?.setAttribute("aria-pressed", String(liquid.getAttribute("aria-pressed") !== "true"));
    if (liquid) showRow(row);
    else if (event.target.closest("[data-replace]")) replace(row);
  });
  section.addEventListener("change", (event) => { if (event.target.name?.endsWith("-language")) showAll(); });
  document.addEventListener("formset:added", (event) => { if (section.contains(event.target)) showAll(); });
  document.addEventListener("selectionchange", () => {
    const selection = getSelection();
    if (selection.rangeCount && selection.anchorNode && section.contains(selection.anchorNode)) caret = selection.getRangeAt(0).cloneRange();
  });
  showAll();
}
