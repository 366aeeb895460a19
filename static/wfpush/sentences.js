// Saying the sentences of a language (notifications/wording/sentences.py), for pages and for the service worker.

/** {say, sayOf} of `texts`, key → sentence. */
export function sentencesOf(texts) {
  /** The sentence of that key with its {placeholders} filled. */
  const say = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

  /** The sentence of a family for an action, or the family's `other`. */
  const sayOf = (family, action, values) => say(`${family}_${action}` in texts ? `${family}_${action}` : `${family}_other`, values);

  return { say, sayOf };
}
