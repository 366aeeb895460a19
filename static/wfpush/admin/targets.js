// A target's form shows only what its kind needs, which the server says and checks (notifications/admin/rules/conditions.py).
"use strict";
(() => {
  function show(select) {
    const row = select.closest(".form-row, tr, .inline-related");
    if (!row) return;
    const named = JSON.parse(select.dataset.targets);
    for (const name of new Set(Object.values(named).flat())) {
      row.querySelector(`.field-${name}`)?.classList.toggle("desk-unused", !(named[select.value] || []).includes(name));
    }
  }

  const isKind = (element) => element instanceof HTMLSelectElement && /^targets-.+-kind$/.test(element.name);
  document.addEventListener("change", (event) => { if (isKind(event.target)) show(event.target); });
  document.addEventListener("formset:added", (event) => event.target.querySelectorAll("select").forEach((select) => isKind(select) && show(select)));
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("select").forEach((select) => isKind(select) && show(select)));
})();
