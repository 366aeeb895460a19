// The page's settings and sentences (notifications/wording/sentences.py), and saying one of them.

export const settings = JSON.parse(document.getElementById("settings").textContent);
const texts = settings.texts;

/** The sentence of that name with its {placeholders} filled. */
export function say(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The sentence of a family for an action, or the family's `other`. */
export function sayOf(prefix, action, values = {}) {
  const key = `${prefix}_${action}`;
  return say(key in texts ? key : `${prefix}_other`, values);
}

/** The text with a full stop, unless it ends like a sentence. */
export function sentence(text) {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** Have a screen reader say something once, politely. */
export function announce(text) {
  const news = document.getElementById("news");
  news.textContent = news.textContent === text ? `${text}\u00a0` : text;
}
