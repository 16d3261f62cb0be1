// Rules that something depends on, each with the change of the source that removes it and the tests that have to notice. The
// removal is as small as it can be and still remove the rule: where a rule is kept twice, both go.

export interface Edit {
  readonly file: string;
  /** As it stands in the file, once. */
  readonly text: string;
  readonly by: string;
}

export interface Shown {
  readonly file: string;
  /** The test's title. */
  readonly title: string;
}

export interface Row {
  /** What is removed. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  readonly noticedBy: readonly Shown[];
  /** The tests run the built command. */
  readonly builds?: boolean;
}

const interleaved: Shown = {
  file: "test/properties/runtime/interleavings.test.ts",
  title: "spends once, forgets nothing, and stays logged out, whatever comes first",
};

const steps = "runtime/refresh/steps.ts";
const importing = "test/runtime/imports.test.ts";
const naming = "test/runtime/accounts.test.ts";

export const rows: readonly Row[] = [
  {
    rule: "what is stored is read again under the lock",
    edits: [
      {
        file: steps,
        text: "  const rescue = pauses(rescueMs);\n",
        by: "  const rescue = pauses(rescueMs);\n  const before = store.read(name);\n",
      },
      {
        file: steps,
        text: "      settleSignIns(wiring, name);\n      const found = store.read(name);\n",
        by: "      settleSignIns(wiring, name);\n      const found = before;\n",
      },
      { file: steps, text: "if (isLate || !isSpendable(store.read(name), credential)) {", by: "if (isLate) {" },
    ],
    noticedBy: [interleaved],
  },
  {
    rule: "the tokens of a cancelled sign-in never become a login",
    edits: [
      {
        file: "runtime/login/settle.ts",
        text: "if (record === null || credential === null) {",
        by: "if (credential === null) {",
      },
      { file: "runtime/login/settle.ts", text: "grant: record.kind }", by: "grant: record?.kind }" },
    ],
    noticedBy: [
      interleaved,
      { file: "test/runtime/refresh/files.test.ts", title: "and that nobody wants any more become nothing" },
    ],
  },
  {
    rule: "a refresh token that the reply leaves out stays",
    edits: [
      {
        file: "runtime/store/credential.ts",
        text: "issued.refreshToken ?? before.refreshToken",
        by: "issued.refreshToken",
      },
    ],
    noticedBy: [
      interleaved,
      { file: "test/runtime/refresh.test.ts", title: "without a refresh token keeps the one that is there" },
    ],
  },
  {
    rule: "polls come 5 s later after `slow_down`, for good",
    edits: [
      {
        file: "machines/login/device.ts",
        text: 'context.intervalMs + (polled.kind === "slowDown" ? slowDownMs : 0)',
        by: "context.intervalMs",
      },
    ],
    noticedBy: [
      interleaved,
      { file: "test/machines/login/device.test.ts", title: "comes 5 s later after slow_down, for good" },
    ],
  },
  {
    rule: "the state of what comes back is compared, at the listener",
    edits: [
      {
        file: "runtime/wire/callback.ts",
        text: '  if (!expected.state.matches(state)) return ignored(400, "the state is that of another sign-in");\n',
        by: "",
      },
    ],
    noticedBy: [
      {
        file: "test/runtime/wire/callback.test.ts",
        title: "without the right state moves nothing, an error included (T1, R13)",
      },
    ],
  },
  {
    rule: "the state of what comes back is compared, in what was pasted",
    edits: [
      {
        file: "runtime/wire/pasted.ts",
        text: "return expected.state.matches(state) ? matched(parts, expected) : unmatched(parts, state, expected);",
        by: 'return state === "" ? unmatched(parts, state, expected) : matched(parts, expected);',
      },
    ],
    noticedBy: [{ file: "test/runtime/wire/pasted.test.ts", title: "names the mistake (R4.3, T6)" }],
  },
  {
    rule: "the PKCE verifier goes along with the code",
    edits: [
      {
        file: "runtime/wire/request.ts",
        text: "    code_verifier: values.verifier.reveal(),\n",
        by: "",
      },
    ],
    noticedBy: [
      interleaved,
      {
        file: "test/runtime/wire/request.test.ts",
        title: "has each provider's encoding and members, to the letter",
      },
    ],
  },
  {
    rule: "a sign-in that another process takes up keeps its deadline",
    edits: [
      {
        file: "runtime/login/times.ts",
        text: "at + Math.min(expiresAt - now, lifetimeMs)",
        by: "at + lifetimeMs",
      },
    ],
    noticedBy: [
      {
        file: "test/runtime/account.resume.test.ts",
        title: "has no more time with another than the first had left",
      },
    ],
  },
  {
    rule: "a logout deletes here before it tells the provider",
    edits: [
      {
        file: "runtime/logout.ts",
        text: "  store.remove(name);\n  const kept",
        by: "  const kept",
      },
      {
        file: "runtime/logout.ts",
        text: '  const left = await sweep(wiring, name);\n  const trouble = kept ?? left;\n  const revocation = credential === null ? "nothing" : await told(wiring, name, credential, revoke);\n',
        by: '  const revocation = credential === null ? "nothing" : await told(wiring, name, credential, revoke);\n  store.remove(name);\n  const trouble = kept ?? (await sweep(wiring, name));\n',
      },
    ],
    noticedBy: [
      interleaved,
      { file: "test/runtime/account.logout.test.ts", title: "deletes before it tells the provider" },
    ],
  },
  {
    rule: "a reply is stored only where the generation that was spent still stands",
    edits: [
      {
        file: "runtime/refresh/answers.ts",
        text: "  if (current === null || current.generation !== asked.generation || current.lineage !== asked.lineage) return false;\n  return asked.refreshToken !== null && current.refreshToken?.matches(asked.refreshToken) === true;\n",
        by: "  return current !== null && asked !== null;\n",
      },
    ],
    noticedBy: [
      {
        file: "test/runtime/refresh/others.test.ts",
        title: "an older program that writes its own file keeps it, and its grant",
      },
    ],
  },
  {
    rule: "a permit stands before a refresh token is sent",
    edits: [
      {
        file: steps,
        text: '        if (!spend.allow(name, spent, permit)) return { type: "permit.taken" };\n',
        by: "",
      },
    ],
    noticedBy: [
      {
        file: "test/runtime/refresh/salvage.test.ts",
        title: "and its lock is removed, nobody else presents the token",
      },
    ],
  },
  {
    rule: "a reply is sealed before anybody reads it",
    edits: [{ file: steps, text: "        spend.seal(name, spent, way.attempt, way.sealed);\n", by: "" }],
    noticedBy: [
      {
        file: "test/runtime/refresh/others.test.ts",
        title: "a file that nobody can read is left as it is, and the reply is kept for it",
      },
    ],
  },
  {
    rule: "the permit's name is on the disk before anything is sent",
    edits: [{ file: "runtime/store/spend.ts", text: "        syncNames(paths.spend(name));\n", by: "" }],
    noticedBy: [
      {
        file: "test/cli/order.test.ts",
        title: "makes everything last in its order, and each rule of that would be missed",
      },
    ],
    builds: true,
  },
  {
    rule: "a refresh runs in a process of its own, in a session of its own",
    edits: [{ file: "runtime/launch.ts", text: "    detached: true,\n", by: "    detached: false,\n" }],
    noticedBy: [{ file: "test/cli/signals.test.ts", title: "kill -9 of the whole group" }],
    builds: true,
  },
  {
    rule: "another tool's login is never renewed here",
    edits: [
      {
        file: "runtime/imports/borrowed.ts",
        text: "{ ...looked.credential, refreshToken: null }",
        by: "looked.credential",
      },
      { file: "runtime/refresh/ensure-fresh.ts", text: "      foreign(wiring, provider, name) ??\n", by: "" },
    ],
    noticedBy: [{ file: importing, title: "is none that could be renewed here, whatever its file holds" }],
  },
  {
    rule: "a login of our own comes before another tool's",
    edits: [
      {
        file: "runtime/survey.ts",
        text: '  const borrowed =\n    stored.kind === "absent" ? borrowedBy(around, provider, account, chosen.providers[provider.name]) : null;\n  const credential = own ?? borrowed?.credential ?? null;\n',
        by: "  const borrowed = borrowedBy(around, provider, account, chosen.providers[provider.name]);\n  const credential = borrowed?.credential ?? own ?? null;\n",
      },
    ],
    noticedBy: [{ file: importing, title: "gives way to a login of our own, and is no hindrance to one" }],
  },
  {
    rule: "another tool's login is let go by a logout",
    edits: [{ file: "runtime/logout.ts", text: "    writeImported(store.paths, name, null);\n", by: "" }],
    noticedBy: [{ file: importing, title: "is let go by a logout and by a reset, and not taken back from its tool" }],
  },
  {
    rule: "another tool's login that is taken over replaces none that lives",
    edits: [
      {
        file: "runtime/imports/take-over.ts",
        text: '  if (isInTheWay) throw new AuthError("import_shadowed", name);\n',
        by: "",
      },
    ],
    noticedBy: [
      { file: importing, title: "takes the place of one that is dead, and of none that lives" },
      { file: importing, title: "waits for the lock of whoever changes the account" },
    ],
  },
  {
    rule: "another tool's login is taken over for the client that it was issued to only",
    edits: [{ file: "runtime/imports/take-over.ts", text: "        checkBinding(provider, theirs, by);\n", by: "" }],
    noticedBy: [
      {
        file: importing,
        title: "is refused without a refresh token, with an unreadable file of ours, and for another client",
      },
    ],
  },
  {
    rule: "another tool's login is taken over as its file has it in the end",
    edits: [
      {
        file: "runtime/imports/take-over.ts",
        text: "before !== markOf(file);",
        by: 'before === "";',
      },
    ],
    noticedBy: [
      { file: importing, title: "is what the file holds in the end, though its tool renews it at that moment" },
    ],
  },
  {
    rule: "a login is stored under its own person only",
    edits: [{ file: "runtime/login/settle.ts", text: "  checkIdentity(name, current, credential);\n", by: "" }],
    noticedBy: [
      { file: naming, title: "is found out by whoever puts the tokens into the file, when their own process is gone" },
    ],
  },
  {
    rule: "a login's person is asked for before it is stored, where that decides",
    edits: [
      { file: "runtime/login/commit.ts", text: "issued.identity !== null || !isMatter", by: "isMatter || !isMatter" },
    ],
    noticedBy: [
      { file: naming, title: "is found out where only a question to the vendor tells, and before anything is stored" },
    ],
  },
  {
    rule: "a person's grant goes with no login that is thrown away while another account has it",
    edits: [
      { file: "runtime/discard.ts", text: "other.provider === name.provider", by: "other.account === name.account" },
    ],
    noticedBy: [{ file: naming, title: "ends no grant that is another account's login" }],
  },
  {
    rule: "a login's page is asked for the person who is meant",
    edits: [
      {
        file: "runtime/login/begin.ts",
        text: "verifier, nonce, extra })",
        by: "verifier, nonce, ...(extra ? {} : {}) })",
      },
    ],
    noticedBy: [
      {
        file: naming,
        title: "is asked for who is meant, where the vendor takes a hint, and to ask at all for a named account",
      },
    ],
  },
];
