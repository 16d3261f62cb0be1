// What is thrown at parsers: JSON objects with wrong, double, missing and strange members, and valid inputs whose bytes
// were changed. Text and not values, since half of what hurts a parser cannot be written down as a value.
import * as fc from "fast-check";
import { secretOf } from "./marks.ts";

/** Names and good values of an object's members. */
export interface Template {
  /** What programs may show: no secret is put here. */
  readonly open: Readonly<Record<string, unknown>>;
  /** What nobody may show. */
  readonly hidden: Readonly<Record<string, unknown>>;
}

export interface HostileObject {
  readonly text: string;
  /** Every member is there once, with its good value; strangers may stand beside them. */
  readonly isIntact: boolean;
  /** And no strangers do. */
  readonly isExact: boolean;
}

const literals = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "1e400",
  "-1e400",
  "1e-400",
  "0.1",
  "9007199254740991",
  "9007199254740993",
  "8640000000000001",
  "3155760000",
  '""',
  '"0"',
  '"3600"',
  '"3600abc"',
  '"0x10"',
  '"-1"',
  '"NaN"',
  "[]",
  "{}",
  "[null]",
  '{"":""}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":null,"valueOf":1,"toJSON":"x"}',
  '{"length":4294967295,"0":"x"}',
] as const;

/** Characters that mean something to terminals, logs, headers, addresses and parsers. */
const characters = [
  ..."aZ09 \t\n\r\"'`\\/<>&%#?=+;:@$(){}[]|~-_.,*".split(""),
  "\u0000",
  "\u0007",
  "\u001B",
  "\u007F",
  "\u009B",
  "\u00AD",
  "\u00E9",
  "\u0301",
  "\u200B",
  "\u202E",
  "\u2028",
  "\u2066",
  "\u{FEFF}",
  "\uFFFD",
  "\uD800",
  "\uDC00",
  "\u{1F600}",
  "\u{E0041}",
];

/** A short text of such characters. */
export const strangeTexts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: fc.constantFrom(...characters), maxLength: 24 }),
  fc.constantFrom(
    "\u001B]52;c;cm0=\u0007",
    "\u001B[2J\u001B[31m",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://user@evil.example/",
    'https://a"&calc&.example/',
    "http://evil.example/",
    "//evil.example",
    "../../../etc/passwd",
    "__proto__",
    "constructor",
    "%00",
    "%",
    "%ZZ",
    "-rf",
    "con",
  ),
);

const nested: fc.Arbitrary<string> = fc
  .tuple(fc.integer({ min: 1, max: 12_000 }), fc.boolean())
  .map(([depth, isList]) =>
    isList ? "[".repeat(depth) + "]".repeat(depth) : `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`,
  );

const lengthy: fc.Arbitrary<string> = fc
  .tuple(fc.integer({ min: 1, max: 40_000 }), fc.constantFrom("x", "é", "\\n", "\\u001b", "%41", "9", " ", "=", "&"))
  .map(([times, unit]) => `"${unit.repeat(times)}"`);

/** JSON of any other kind than what belongs there. No secret in it. */
const openValues: fc.Arbitrary<string> = fc.oneof(
  { withCrossShrink: true },
  { weight: 12, arbitrary: fc.constantFrom(...literals) },
  { weight: 5, arbitrary: strangeTexts.map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 2, noUnicodeString: false }) },
  { weight: 1, arbitrary: fc.double().map((number) => JSON.stringify(number)) },
  {
    weight: 1,
    arbitrary: fc.oneof({ weight: 3, arbitrary: fc.constant("[[[[[]]]]]") }, { weight: 1, arbitrary: nested }),
  },
  {
    weight: 1,
    arbitrary: fc.oneof({ weight: 9, arbitrary: fc.constant('"xxxxxxxxx"') }, { weight: 1, arbitrary: lengthy }),
  },
);

const marked = JSON.stringify(secretOf("stray"));

const hiddenValues: fc.Arbitrary<string> = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: openValues },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      marked,
      `[${marked}]`,
      `{"a":${marked}}`,
      `{${marked}:1}`,
      `${marked.slice(0, -1)}\\n"`,
      `${marked.slice(0, -1)}\\u001b[2J"`,
      `"\\u4e00${marked.slice(1)}`,
    ),
  },
);

const strangers = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "toJSON",
  "",
  "x-1",
  "\u0000",
];

const strangeMembers: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...strangers), hiddenValues)
  .map(([name, value]) => `${JSON.stringify(name)}:${value}`);

/** How often a member stays as it is, so that objects of many members are now and then read as far as their last. */
const staysOf = (members: number): number => 8 + 4 * members;

function fateOf(
  name: string,
  value: unknown,
  values: fc.Arbitrary<string>,
  stays: number,
): fc.Arbitrary<readonly string[]> {
  const member = (text: string): string => `${JSON.stringify(name)}:${text}`;
  const good = member(JSON.stringify(value));
  return fc.oneof(
    { withCrossShrink: true },
    { weight: stays, arbitrary: fc.constant([good]) },
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: values.map((text) => [member(text)]) },
    { weight: 1, arbitrary: values.map((text) => [member(text), good]) },
    { weight: 1, arbitrary: values.map((text) => [good, member(text)]) },
  );
}

/** What stands around an object: nothing, nearly always. */
const wrappings: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  { withCrossShrink: true },
  { weight: 30, arbitrary: fc.constant(["", ""] as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<readonly [string, string]>(
      [" \r\n\t", "\n\n"],
      ["[", "]"],
      ['{"a":', "}"],
      ["", "x"],
      ["", "\u0000"],
      [")]}'\n", ""],
      ["/**/", ""],
      ["data: ", "\n\n"],
      ["<html>", ""],
      ["\u{FEFF}", ""],
    ),
  },
);

/** Objects that differ from a template in a few members. */
export function objectsLike({ open, hidden }: Template): fc.Arbitrary<HostileObject> {
  const stays = staysOf(Object.keys(open).length + Object.keys(hidden).length);
  const fates = [
    ...Object.entries(open).map(([name, value]) => fateOf(name, value, openValues, stays)),
    ...Object.entries(hidden).map(([name, value]) => fateOf(name, value, hiddenValues, stays)),
  ];
  const intact = [...Object.entries(open), ...Object.entries(hidden)].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  return fc
    .tuple(fc.tuple(...fates), fc.array(strangeMembers, { maxLength: 2 }), wrappings)
    .map(([chosen, more, [before, after]]) => {
      const members = chosen.flat();
      const isIntact =
        before === "" &&
        after === "" &&
        // What is nested without end is refused where it would have to be written again.
        more.join("").length < 1_000 &&
        members.length === intact.length &&
        members.every((member, index) => member === intact[index]);
      return {
        text: `${before}{${[...members, ...more].join(",")}}${after}`,
        isIntact,
        isExact: isIntact && more.length === 0,
      };
    });
}

const operations = ["flip", "set", "cut", "splice", "repeat", "insert", "swap"] as const;

interface Mutation {
  readonly operation: (typeof operations)[number];
  readonly at: number;
  readonly length: number;
  readonly value: number;
  readonly other: number;
}

const mutations: fc.Arbitrary<Mutation> = fc.record({
  operation: fc.constantFrom(...operations),
  at: fc.nat({ max: 0xff_ff }),
  length: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }) },
  ),
  value: fc.nat({ max: 255 }),
  other: fc.nat({ max: 0xff_ff }),
});

const fragments = [
  "\u{FEFF}",
  "\u0000",
  "\n",
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  '"__proto__":{"polluted":true},',
  "1e400",
  "\u001B[2J",
  "\uFFFD",
  "%",
  "&state=",
  "#",
].map((text) => Buffer.from(text));

const largestMutant = 64 * 1024;

/** Valid inputs with a few bytes changed, and now and then written in another way as a whole. */
export function mutantsOf(seeds: readonly (string | Buffer)[]): fc.Arbitrary<Buffer> {
  const all = seeds.map((seed) => Buffer.from(seed));
  const whole = fc.oneof(
    { weight: 40, arbitrary: fc.constant("as it is") },
    { weight: 1, arbitrary: fc.constantFrom("utf16", "bom", "nothing", "twice", "backwards", "latin1") },
  );
  return fc
    .tuple(
      fc.nat({ max: all.length - 1 }),
      fc.oneof(
        { weight: 3, arbitrary: fc.array(mutations, { minLength: 1, maxLength: 1 }) },
        { weight: 1, arbitrary: fc.array(mutations, { minLength: 2, maxLength: 6 }) },
      ),
      whole,
    )
    .map(([which, changes, way]) => {
      const seed = all[which] ?? Buffer.alloc(0);
      const changed = changes.reduce<Buffer>((bytes, change) => mutated(bytes, change, all), seed);
      return rewritten(changed.subarray(0, largestMutant), way);
    });
}

function rewritten(bytes: Buffer, way: string): Buffer {
  switch (way) {
    case "utf16":
      return Buffer.from(`\u{FEFF}${bytes.toString()}`, "utf16le");
    case "bom":
      return Buffer.concat([Buffer.from("\u{FEFF}"), bytes]);
    case "nothing":
      return Buffer.alloc(0);
    case "twice":
      return Buffer.concat([bytes, bytes]);
    case "backwards":
      return Buffer.from(bytes).reverse();
    case "latin1":
      return Buffer.from(bytes.toString("latin1"));
    default:
      return bytes;
  }
}

function mutated(bytes: Buffer, { operation, at, length, value, other }: Mutation, seeds: readonly Buffer[]): Buffer {
  const from = bytes.length === 0 ? 0 : at % bytes.length;
  const to = Math.min(from + length, bytes.length);
  const [head, piece, tail] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)] as const;
  switch (operation) {
    case "flip":
      return Buffer.concat([
        head,
        Buffer.from(piece.subarray(0, 1)).map((byte) => byte ^ (1 << (value % 8))),
        bytes.subarray(from + 1),
      ]);
    case "set":
      return Buffer.concat([head, Buffer.alloc(piece.length, value), tail]);
    case "cut":
      return Buffer.concat([head, tail]);
    case "splice": {
      const donor = seeds[value % seeds.length] ?? bytes;
      const start = donor.length === 0 ? 0 : other % donor.length;
      return Buffer.concat([head, donor.subarray(start, start + length), bytes.subarray(from)]);
    }
    case "repeat":
      return Buffer.concat([head, ...Array.from({ length: 1 + (value % 40) }, () => piece), tail]);
    case "insert":
      return Buffer.concat([head, fragments[value % fragments.length] ?? piece, bytes.subarray(from)]);
    case "swap": {
      const pair = Buffer.from(bytes);
      const there = bytes.length === 0 ? 0 : other % bytes.length;
      [pair[from], pair[there]] = [pair[there] ?? 0, pair[from] ?? 0];
      return bytes.length === 0 ? bytes : pair;
    }
    default:
      return bytes;
  }
}
