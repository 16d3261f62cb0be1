// The commands: how each is written, what it does in a few words, and where it is. Nothing is loaded to list them.
import type { OwnOption } from "../options.ts";
import type { Context } from "../session.ts";

export interface Command {
  /** Options that it takes besides the global ones. */
  readonly accepts?: readonly OwnOption[];
  /** What an option may be here, where commands differ in that. */
  readonly choices?: Readonly<Partial<Record<OwnOption, readonly string[]>>>;
  /** How many words may follow it; none unless it says so. */
  readonly words?: number;
  /** What follows `--` is the command line of another program, and there must be one. */
  readonly isCarrier?: boolean;
  /** @returns the exit code */
  readonly run: (context: Context) => Promise<number>;
}

export interface Listed {
  /** After `llxprt-auth `. */
  readonly form: string;
  readonly says: string;
  readonly load: () => Promise<Command>;
}

/** After a provider's name. */
export const verbs: Readonly<Record<string, Listed>> = {
  use: {
    form: "<p>",
    says: "make it usable: enable, sign in if needed",
    load: async () => (await import("./use.ts")).command,
  },
  enable: { form: "<p> enable", says: "turn OAuth on", load: async () => (await import("./enable.ts")).command },
  disable: {
    form: "<p> disable",
    says: "turn OAuth off; tokens are kept, not used",
    load: async () => (await import("./disable.ts")).command,
  },
  login: { form: "<p> login", says: "sign in now", load: async () => (await import("./login.ts")).command },
  complete: {
    form: "<p> complete [TEXT|-]",
    says: "finish a sign-in with the pasted URL or code",
    load: async () => (await import("./complete.ts")).command,
  },
  wait: {
    form: "<p> wait",
    says: "wait for a sign-in to end",
    load: async () => (await import("./wait.ts")).command,
  },
  cancel: { form: "<p> cancel", says: "end a sign-in", load: async () => (await import("./cancel.ts")).command },
  logout: {
    form: "<p> logout",
    says: "delete the tokens, and revoke them",
    load: async () => (await import("./logout.ts")).command,
  },
  token: {
    form: "<p> token",
    says: "print a fresh credential, and nothing else",
    load: async () => (await import("./token.ts")).command,
  },
  refresh: {
    form: "<p> refresh",
    says: "renew the token now",
    load: async () => (await import("./refresh.ts")).command,
  },
  ask: {
    form: "<p> ask MESSAGE",
    says: "send a message to its API, print the answer",
    load: async () => (await import("./ask.ts")).command,
  },
  why: {
    form: "<p> why",
    says: "every source of a credential, and which one wins",
    load: async () => (await import("./why.ts")).command,
  },
  explain: {
    form: "<p> explain",
    says: "what happened to the login lately, in sentences",
    load: async () => (await import("./explain.ts")).command,
  },
  reset: {
    form: "<p> reset",
    says: "back to the beginning from any state",
    load: async () => (await import("./reset.ts")).command,
  },
  status: {
    form: "<p> status",
    says: "the same as `status <p>`",
    load: async () => (await import("./status.ts")).command,
  },
};

/** The bare command. */
export const menu: Listed = {
  form: "",
  says: "a menu on a terminal, else status",
  load: async () => (await import("./menu.ts")).command,
};

/** Without a provider before them. */
export const commands: Readonly<Record<string, Listed>> = {
  status: {
    form: "status [p]",
    says: "what is signed in, until when, and what wins",
    load: async () => (await import("./status.ts")).command,
  },
  machine: {
    form: "machine <p> [CHART]",
    says: "its statechart, or one inside it, as text",
    load: async () => (await import("./machine.ts")).command,
  },
  inspect: {
    form: "inspect",
    says: "a live picture of the machines in the browser",
    load: async () => (await import("./inspect.ts")).command,
  },
  replay: {
    form: "replay FILE|-",
    says: "play a journal again with today's statecharts",
    load: async () => (await import("./replay.ts")).command,
  },
  exec: {
    form: "exec <p> -- CMD…",
    says: "run CMD with the credential in its environment",
    load: async () => (await import("./exec.ts")).command,
  },
  import: {
    form: "import [p]",
    says: "logins of other programs: list them, use one",
    load: async () => (await import("./import.ts")).command,
  },
  profile: {
    form: "profile save|list|delete NAME",
    says: "key settings under a name",
    load: async () => (await import("./profile.ts")).command,
  },
  shell: {
    form: "shell",
    says: "a prompt for these commands, and for asking",
    load: async () => (await import("./shell.ts")).command,
  },
  doctor: {
    form: "doctor",
    says: "what is wrong here, from files to proxies",
    load: async () => (await import("./doctor.ts")).command,
  },
  completion: {
    form: "completion [bash|zsh|fish]",
    says: "a script that completes command lines",
    load: async () => (await import("./completion.ts")).command,
  },
  demo: {
    form: "demo",
    says: "all of it in two minutes, without any account",
    load: async () => (await import("./tour.ts")).command,
  },
  emulator: {
    form: "emulator",
    says: "a local server that plays the providers",
    load: async () => (await import("./emulator.ts")).command,
  },
};

/** Names that a provider of one's own may not bear: the commands, and words like them. */
export const reservedNames: ReadonlySet<string> = new Set([
  ...Object.keys(commands),
  ...Object.keys(verbs),
  "auth",
  "help",
  "menu",
  "version",
]);
