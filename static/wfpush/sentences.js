// Saying the sentences of a language (notifications/wording/sentences.py), for pages and for the service worker.

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|\ud802|\ud803|\ud83a|\ud83b/;

/** The value as a part of the sentence, set apart if one of them runs from right to left: as notifications/wording/directions.py. */
const apart = (value, sentence) => RIGHT_TO_LEFT.test(value) || RIGHT_TO_LEFT.test(sentence) ? `\u2068${value}\u2069` : value;

/** “Amount: €1,000.00 → €10,000.00 · Vendor: Good Ltd → Evil Ltd” of the API's changes. */
export const changeLine = (changes) =>
  changes.map(({ label, before, now }) => (before || now ? `${label}: ${apart(before || "—", label)} → ${apart(now || "—", label)}` : label)).join(" · ");

/** {say, sayOf} of `texts`, key → sentence. */
export function sentencesOf(texts) {
  /** The sentence of that key with its {placeholders} filled; nothing for a key of a newer server, of which this page knows none. */
  const say = (key, values = {}) =>
    (texts[key] ?? "").replace(/\{(\w+)\}/g, (whole, name) => name in values ? apart(values[name], texts[key]) : whole);

  /** The sentence of a family for an action, or the family's `other`. */
  const sayOf = (family, action, values) => say(`${family}_${action}` in texts ? `${family}_${action}` : `${family}_other`, values);

  return { say, sayOf };
}
