// Parts of pages that the server draws. What engines and people wrote is escaped in them; nothing runs that is in them.

/** Put what the server drew into an element, in place of what is there. Returns whether it is something else. */
export function draw(place, html) {
  if (place.dataset.drawn === html) return false;
  place.dataset.drawn = html;
  place.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  return true;
}

/** Return a new row made of a template whose attributes have the place “__prefix__” for the number. */
export function rowOf(template, number) {
  const row = template.content.firstElementChild.cloneNode(true);
  for (const part of [row, ...row.querySelectorAll("*")]) {
    for (const attribute of part.attributes) attribute.value = attribute.value.replaceAll("__prefix__", number);
  }
  return row;
}
