// Patterns of text fields, as the server reads them (notifications/forms/patterns.py); tests/vectors/patterns.json holds
// them to each other. A browser's own expressions try ways one after the other, and some texts have billions; here all
// ways are followed at the same time, so that a text takes its length times the length of its pattern. How much one check
// of a form may take is bounded, too: what is left over then is for the server.

const MAX_STEPS = 20_000, MAX_VISITS = 1_000_000;
const LETTERS = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v" };
const BLANKS = "\t\n\f\r ";
const KINDS = { d: (sign) => sign >= "0" && sign <= "9", s: (sign) => BLANKS.includes(sign), w: (sign) => /^\w$/.test(sign) };
const REPEAT = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/;

const programs = new Map();
let visitsLeft = MAX_VISITS;

/** Before the values of a form are checked. */
export function beginCheck() {
  visitsLeft = MAX_VISITS;
}

/** Whether a part of the text fits. What cannot be said here does: the server looks at it. */
export function fits(pattern, text) {
  if (!programs.has(pattern)) programs.set(pattern, programOf(pattern));
  const program = programs.get(pattern);
  return !program || runs(program, [...text]);
}

function programOf(pattern) {
  try {
    return assemble(parse(pattern), { isEnd: true });
  } catch (fault) {
    if (fault instanceof SyntaxError) return null;
    throw fault;
  }
}

// --- from a pattern to a tree ----------------------------------------------------------------------------------------
function parse(pattern) {
  const signs = [...pattern];
  let at = 0;
  const skip = (text) => signs.slice(at, at + text.length).join("") === text && (at += text.length);
  const wrong = () => new SyntaxError(pattern);

  function choice() {
    const ways = [sequence()];
    while (skip("|")) ways.push(sequence());
    return { ways };
  }

  function sequence() {
    const parts = [];
    while (at < signs.length && !"|)".includes(signs[at])) parts.push(repeated(atom()));
    return { parts };
  }

  function repeated(part) {
    const found = REPEAT.exec(signs.slice(at).join(""));
    if (!found) return part;
    at += found[0].length;
    const [sign, least, range, most] = found;
    if (least !== undefined) return { part, least: Number(least), most: range ? Number(most || Infinity) : Number(least) };
    return { part, least: sign[0] === "+" ? 1 : 0, most: sign[0] === "?" ? 1 : Infinity };
  }

  function atom() {
    if (skip("(?:") || skip("(")) {
      const inner = choice();
      if (!skip(")")) throw wrong();
      return inner;
    }
    if (skip("^")) return { edge: "start" };
    if (skip("$")) return { edge: "end" };
    if (skip(".")) return { test: (sign) => sign !== "\n" };
    if (skip("[")) return { test: charClass() };
    return { test: skip("\\") ? escaped() : is(signs[at++]) };
  }

  function escaped() {
    const letter = signs[at++], kind = KINDS[letter?.toLowerCase()];
    if (letter === undefined) throw wrong();
    if (kind) return letter in KINDS ? kind : (sign) => !kind(sign);
    return is(LETTERS[letter] ?? letter);
  }

  function charClass() {
    const turned = skip("^"), tests = [];
    do tests.push(oneOfClass()); while (!skip("]"));
    return turned ? (sign) => !tests.some((test) => test(sign)) : (sign) => tests.some((test) => test(sign));
  }

  function oneOfClass() {
    if (signs[at] === "\\" && signs[at + 1]?.toLowerCase() in KINDS) return skip("\\") && escaped();
    const first = signOfClass();
    if (signs[at] !== "-" || signs[at + 1] === "]") return is(first);
    at++;
    const from = first.codePointAt(), to = signOfClass().codePointAt();
    return (sign) => sign.codePointAt() >= from && sign.codePointAt() <= to;
  }

  function signOfClass() {
    const isEscaped = skip("\\"), sign = signs[at++];
    if (sign === undefined) throw wrong();
    return (isEscaped && LETTERS[sign]) || sign;
  }

  const whole = choice();
  if (at < signs.length) throw wrong();
  return whole;
}

const is = (known) => (sign) => sign === known;

// --- from a tree to steps --------------------------------------------------------------------------------------------
/** The step with which `tree` begins, and after which `next` comes. A step tests a sign or an edge, or leads to several. */
function assemble(tree, next) {
  let count = 0;

  function step(made) {
    if (++count > MAX_STEPS) throw new SyntaxError("the pattern has too many steps");
    return made;
  }

  function made(part, then) {
    if (part.ways) return step({ to: part.ways.map((way) => made(way, then)) });
    if (part.parts) return part.parts.reduceRight((after, each) => made(each, after), then);
    if (part.part) return repeat(part, then);
    return step({ ...part, next: then });
  }

  function repeat({ part, least, most }, then) {
    let after = then;
    if (most === Infinity) {
      after = step({ to: [then] });
      after.to.push(made(part, after));
    }
    for (let more = most === Infinity ? least : most; more > 0; more--) {
      const inner = made(part, after);
      after = more > least ? step({ to: [inner, then] }) : inner;
    }
    return after;
  }

  return made(tree, next);
}

function runs(program, signs) {
  let here = new Set();
  for (let at = 0; at <= signs.length; at++) {
    if (visitsLeft <= 0) return true;
    reach(here, program, at, signs.length);
    for (const step of here) if (step.isEnd) return true;
    const there = new Set();
    for (const { test, next } of here) if (test?.(signs[at] ?? "")) reach(there, next, at + 1, signs.length);
    here = there;
  }
  return false;
}

/** Add a step, and those to which it leads without a sign. */
function reach(steps, first, at, end) {
  for (const waiting = [first]; waiting.length;) {
    const step = waiting.pop();
    if (steps.has(step)) continue;
    steps.add(step);
    visitsLeft--;
    if (step.to) waiting.push(...step.to);
    else if (step.edge === "start" ? at === 0 : step.edge === "end" && at === end) waiting.push(step.next);
  }
}
