// Patterns of text fields, as the server reads them (notifications/forms/patterns.py); tests/vectors/patterns.json holds
// them to each other. A browser's own expressions try ways one after the other, and some texts have billions. Here a part
// of a pattern takes all places in the text that are reached so far, a bit for each, and gives those reached after it.

const MAX_VISITS = 1_000_000;
const KINDS = { d: /^\d$/, s: /^[\t\n\f\r ]$/, w: /^\w$/ };

const known = new Map();
let visitsLeft = MAX_VISITS;

/** Before the values of a form are checked, which takes a bounded number of visits in all. */
export function beginCheck() {
  visitsLeft = MAX_VISITS;
}

/** Whether a part of the text fits. What cannot be said here does: the server looks at it. */
export function fits(pattern, text) {
  if (!known.has(pattern)) known.set(pattern, parse([...pattern]));
  const signs = [...text];
  const reached = known.get(pattern)(2n * bit(signs.length) - 1n, signs);
  return reached > 0n || visitsLeft <= 0;
}

function parse(pattern) {
  let at = 0;
  const skip = (sign) => pattern[at] === sign && ++at;

  function choice() {
    const ways = [sequence()];
    while (skip("|")) ways.push(sequence());
    return (places, signs) => ways.reduce((reached, way) => reached | way(places, signs), 0n);
  }

  function sequence() {
    const parts = [];
    while (at < pattern.length && !"|)".includes(pattern[at])) parts.push(repeated(atom()));
    return (places, signs) => parts.reduce((reached, part) => part(reached, signs), places);
  }

  function repeated(part) {
    const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(pattern.slice(at).join(""));
    if (!found) return part;
    const [whole, least = whole[0] === "+" ? 1 : 0, comma, most = whole[0] === "?" ? 1 : ""] = found;
    at += whole.length;
    return repeat(part, Number(least), comma === "" ? Number(least) : Number(most || Infinity));
  }

  function atom() {
    if (skip("(")) {
      if (skip("?")) skip(":");
      const inner = choice();
      skip(")");
      return inner;
    }
    if (skip("^")) return (places) => places & 1n;
    if (skip("$")) return (places, signs) => places & bit(signs.length);
    if (skip(".")) return one((sign) => sign !== "\n");
    return one(skip("[") ? charClass() : kind() ?? range());
  }

  function charClass() {
    const turned = Boolean(skip("^")), tests = [];
    do tests.push(kind() ?? range("-")); while (at < pattern.length && !skip("]"));
    return (sign) => tests.some((test) => test(sign)) !== turned;
  }

  function kind() {
    const letter = pattern[at + 1], known = pattern[at] === "\\" && KINDS[letter.toLowerCase()];
    if (!known) return null;
    at += 2;
    return (sign) => known.test(sign) === letter in KINDS;
  }

  function range(between = null) {
    const from = character(), isRange = pattern[at] === between && pattern[at + 1] !== "]";
    const to = isRange ? ++at && character() : from;
    return (sign) => from <= sign.codePointAt() && sign.codePointAt() <= to;
  }

  function character() {
    const letter = skip("\\") ? "nrtfv".indexOf(pattern[at]) : -1, sign = pattern[at++];
    return ("\n\r\t\f\v"[letter] ?? sign).codePointAt();
  }

  return choice();
}

const bit = (place) => 1n << BigInt(place);

const one = (test) => (places, signs) => {
  visitsLeft -= signs.length;
  return signs.reduce((reached, sign, at) => (test(sign) ? reached | (2n * (places & bit(at))) : reached), 0n);
};

/** Of a place that is reached again after more repeats nothing new can be reached. */
const repeat = (part, least, most) => (places, signs) => {
  let all = places, fresh;
  for (let count = 0; count < least && visitsLeft-- > 0; count++) all = part(all, signs);
  fresh = all;
  for (let count = least; count < most && fresh && visitsLeft-- > 0; count++) {
    fresh = part(fresh, signs) & ~all;
    all |= fresh;
  }
  return all;
};
