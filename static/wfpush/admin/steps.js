// A policy's form shows only what its clock and steps use: the server says what, in the
// kind's data-steps, and drops the rest (escalations/admin/policies.py).
"use strict";
(() => {
  const part = (place, name) => place.querySelector(`.field-${name}`);
  const hide = (place, name, hidden) => part(place, name)?.classList.toggle("desk-gone", hidden);

  function showStep(prefix) {
    const value = (name) => document.getElementsByName(`${prefix}-${name}`)[0]?.value;
    const select = document.getElementsByName(`${prefix}-kind`)[0];
    const row = select.closest(".form-group");
    const { kinds, targets, fields } = JSON.parse(select.dataset.steps);
    const kind = kinds[select.value];
    const named = Object.values(targets).flat();
    const needed = targets[value("target")] || [];
    const used = kind.fields.filter((name) => !named.includes(name) || needed.includes(name));
    for (const name of fields) hide(row, name, !used.includes(name));
    for (const option of row.querySelectorAll(".field-target option")) {
      option.disabled = option.hidden = option.value !== "" && !kind.targets.includes(option.value);
    }
  }

  function showPolicy() {
    const value = (name) => document.getElementById(`id_${name}`)?.value;
    hide(document, "minutes", value("clock") === "due");
    hide(document, "hold_minutes", value("on_acknowledge") !== "holds");
  }

  function show(element) {
    const step = /^(steps-\d+)-(kind|target)$/.exec(element.name || "");
    if (step) showStep(step[1]);
    else if (["clock", "on_acknowledge"].includes(element.name)) showPolicy();
  }

  // A step folds by its title; here by keyboard, too, and told to whoever does not see it.
  const titles = "#steps-group h3 strong";
  const tell = (title) => title.setAttribute("aria-expanded", String(Boolean(title.closest("h3").nextElementSibling?.offsetParent)));

  function makeButtons() {
    for (const title of document.querySelectorAll(titles)) {
      title.tabIndex = 0;
      title.setAttribute("role", "button");
      tell(title);
    }
  }

  function watchFolds() {
    const group = document.getElementById("steps-group");
    const tellAll = () => document.querySelectorAll(titles).forEach(tell);
    if (group) new MutationObserver(tellAll).observe(group, { attributeFilter: ["style"], subtree: true });
  }

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(titles) || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    event.target.click();
  });
  document.addEventListener("alpine:initialized", () => { makeButtons(); watchFolds(); });

  document.addEventListener("change", (event) => show(event.target));
  document.addEventListener("formset:added", (event) => {
    event.target.querySelectorAll("select").forEach(show);
    const title = event.target.querySelector("[name^=steps-]") && event.target.querySelector("h3 strong");
    if (title) requestAnimationFrame(() => title.click());  // a new step is open, once the page's own script knows it
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("select").forEach(show));
})();
