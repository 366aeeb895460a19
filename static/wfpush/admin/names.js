// Names for fields that unfold, Django's select2 and its lists of permissions leave without one, so that screen readers say what
// they are for: the heading of their column in a table of rows, and the field's own label where a library draws in its place.
"use strict";
(() => {
  const textOf = (element) => element?.textContent.replace(/[\s*:]+/g, " ").trim() ?? "";
  const labelOf = (field) => textOf(document.querySelector(`label[for="${CSS.escape(field.id)}"]`)) || field.closest("td[data-label]")?.dataset.label || "";

  function nameField(field) {
    if (field.type === "hidden" || field.labels?.length || field.hasAttribute("aria-label") || field.hasAttribute("aria-labelledby")) return;
    const column = field.closest("td[data-label]")?.dataset.label;
    if (column) field.setAttribute("aria-label", column);
  }

  /** What select2 draws beside a select: a box to press, and where several can be chosen a field to search in. */
  function nameSelect2(container) {
    const select = container.previousElementSibling, name = select instanceof HTMLSelectElement ? labelOf(select) : "";
    if (!name) return;
    for (const part of container.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
      part.setAttribute("aria-label", name);
      if (part.getAttribute("role") === "combobox") part.removeAttribute("aria-labelledby");
    }
    container.querySelector("ul.select2-selection__rendered")?.setAttribute("role", "presentation");
    for (const each of container.querySelectorAll("ul.select2-selection__rendered > li")) each.setAttribute("role", "presentation");
  }

  /** Landmarks and what scrolls, by the menu's words and the page's title; a head of a column that is empty is none. */
  function nameParts(every) {
    const words = document.getElementById("nav-sidebar-apps")?.dataset ?? {};
    for (const menu of every("#nav-sidebar-inner")) menu.setAttribute("aria-label", words.menu ?? "");
    for (const tabs of every("#tabs-items")) tabs.setAttribute("aria-label", words.tabs ?? "");
    for (const part of every(".simplebar-content-wrapper")) {
      const name = part.closest("#nav-sidebar-apps") ? words.menu : document.title.split(" | ")[0];
      if (name) part.setAttribute("aria-label", name);
      part.setAttribute("role", "group");  // there may be several
    }
    for (const head of every("th:not([role])")) if (!textOf(head) && !head.querySelector("input, button, a")) head.setAttribute("role", "cell");
  }

  function nameAll(within) {
    const every = (css) => [...(within.matches?.(css) ? [within] : []), ...within.querySelectorAll(css)];
    for (const field of every("td[data-label] :is(input, select, textarea)")) nameField(field);
    for (const container of every(".select2-container")) nameSelect2(container);
    for (const tip of every(".help-tooltip[aria-label]")) tip.setAttribute("role", "img");
    nameParts(every);
  }

  document.addEventListener("DOMContentLoaded", () => {
    nameAll(document.body);
    new MutationObserver((changes) => {
      for (const { addedNodes, target } of changes) {
        for (const node of addedNodes) if (node instanceof Element) nameAll(node);
        const drawn = addedNodes.length && target.closest?.(".select2-container");  // drawn anew after each choice
        if (drawn) nameSelect2(drawn);
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
