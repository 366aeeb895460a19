// The template editor: the server renders what is typed while it is typed, by the functions that send messages.
import { draw } from "./fragments.js";
import { showLanguages, showRows, startLanguages } from "./template_languages.js";
import { showMenu, startMenu } from "./insert_menu.js";

const CALM = 350;  // milliseconds without a key press before the server is asked
const aside = document.querySelector("[data-live-preview]");
const form = document.getElementById("templateversion_form");
const looks = aside?.querySelector("[data-live-looks]");
const failed = aside?.querySelector("[data-live-failed]");
const choice = aside?.querySelector("form");
let asking = null;
let timer = 0;

const languageFields = () => [...form.querySelectorAll('[name^="texts-"][name$="-language"]')].filter((field) => !field.name.includes("__prefix__"));

// The choice of languages is that of the texts as they are typed.
function offerLanguages(chosen) {
  const select = choice.elements.namedItem("language");
  const languages = [...new Set(languageFields().map((field) => field.value.trim()).filter(Boolean))];
  const current = languages.includes(chosen) ? chosen : languages.includes(select.value) ? select.value : languages[0];
  select.replaceChildren(...languages.map((each) => new Option(each, each, each === current, each === current)));
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(ask, CALM);
}

async function ask() {
  asking?.abort();
  const mine = asking = new AbortController();
  offerLanguages();
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of new FormData(choice)) body.set(name, value);
  body.set("menu_key", aside.querySelector("[data-insert-list]").dataset.key);
  aside.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(aside.dataset.livePreview, {method: "POST", body, signal: mine.signal, redirect: "error"});
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
    failed.hidden = true;
  } catch (fault) {
    if (mine.signal.aborted) return;  // a later question is on its way
    failed.textContent = aside.dataset.failed;
    failed.hidden = false;
  }
  aside.removeAttribute("aria-busy");
}

function show({html, faults, languages, insert_menu: menu}) {
  for (const old of document.querySelectorAll("[data-live-fault], [data-problem]")) old.remove();
  for (const field of document.querySelectorAll("[aria-describedby^=live-fault], [aria-describedby^=problem]")) field.removeAttribute("aria-describedby");
  faults.forEach(place);
  aside.classList.toggle("desk-live-old", !html);
  if (languages) showLanguages(languages);
  else showRows();
  if (menu) showMenu(menu);
  const open = looks.querySelector("details")?.open;
  if (html && draw(looks, html) && open) looks.querySelector("details")?.setAttribute("open", "");
}

// A fault is shown beside its text; one without a field, or with a hidden one, above the preview. A field may have several.
function place({field, text, fatal}, number) {
  const line = document.createElement("p");
  line.className = `desk-line desk-line-${fatal ? "bad" : "wait"}`;
  line.id = `live-fault-${number}`;
  line.dataset.liveFault = "";
  line.setAttribute("role", "status");
  const words = document.createElement("span");
  words.className = "desk-line-text";
  words.textContent = text;
  line.append(words);
  const about = field && (form.elements.namedItem(field) ?? choice.elements.namedItem(field));
  if (!(about instanceof HTMLElement) || about.type === "hidden") return looks.before(line);
  about.setAttribute("aria-describedby", [about.getAttribute("aria-describedby"), line.id].filter((each) => each?.startsWith("live-fault")).join(" "));
  about.after(line);
}

if (aside && form) {
  choice.querySelector(".desk-buttons").hidden = true;
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  choice.addEventListener("input", soon);
  choice.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  document.addEventListener("formset:removed", soon);
  const read = (language) => {
    if (!language || language === choice.elements.namedItem("language").value) return;
    offerLanguages(language);
    soon();
  };
  form.addEventListener("focusin", (event) => {
    const part = /^texts-\d+-/.exec(event.target.name ?? "");
    if (part) read(form.elements.namedItem(`${part[0]}language`)?.value.trim());
  });
  startLanguages(form, read);
  startMenu(form);
}
