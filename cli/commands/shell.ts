// `shell`: a prompt. `/auth …` is the command line itself; what is no command is asked of the current provider.
//
// The conversation belongs to the person, not to a provider: it goes on when the provider changes. A key that is set here
// is for the provider that was current then. Quiet when it is piped.
import { hint, noSuchProvider, usage } from "../dispatch.ts";
import { failureOf } from "../failure.ts";
import { isUnset, passedOn } from "../options.ts";
import { report } from "../output.ts";
import type { Known } from "../completer.ts";
import { type Completer, createPrompt } from "../prompt.ts";
import { type Carried, type Context, createContext } from "../session.ts";
import { type Io, isTerminal, readAnswer } from "../terminal.ts";
import { wordsOf } from "../words.ts";
import { exchange, type Turn } from "./ask.ts";
import type { Command } from "./index.ts";

interface Shell {
  readonly context: Context;
  /** For what runs inside: a pipe's next line is the shell's, not a command's. */
  readonly io: Io;
  readonly conversation: Turn[];
  provider: string;
  carried: Carried;
  model: string | undefined;
}

export const command: Command = {
  accepts: ["model"],
  run: async (context) => {
    const { io, output, signal, flags } = context;
    const isQuiet = !isTerminal(io);
    const shell: Shell = {
      context,
      io: isQuiet ? { ...io, isDeaf: true } : io,
      conversation: [],
      provider: await firstProvider(context),
      carried: { profile: flags.profile },
      model: flags.model,
    };
    if (!isQuiet) output.say("Ask something, or /help. /quit ends.");
    const prompt = createPrompt(io, signal, completer(context));
    let code = 0;
    try {
      for (;;) {
        const line = await prompt.next(`${shell.provider}> `);
        if (line === null) return isQuiet ? code : 0;
        const text = line.trim();
        if (/^\/(quit|exit)$/i.test(text)) return isQuiet ? code : 0;
        if (text !== "") code = await obey(shell, text);
        signal.throwIfAborted();
      }
    } finally {
      prompt.close();
    }
  },
};

/** Never rejects: what fails is reported, and the shell goes on. */
async function obey(shell: Shell, text: string): Promise<number> {
  const { io, context } = shell;
  const turn = io.interrupts.begin();
  try {
    if (!text.startsWith("/")) return await say(shell, text, turn.signal);
    const [name = "", ...words] = wordsOf(text.slice(1));
    const act = Object.hasOwn(actions, name.toLowerCase()) ? actions[name.toLowerCase()] : undefined;
    if (act === undefined)
      throw await usage(`there is no /${name}${await hint(name, Object.keys(actions))}; /help lists what there is`);
    return await act(shell, words, turn.signal);
  } catch (error) {
    if (turn.signal.aborted) {
      context.output.say("Interrupted.");
      return 130;
    }
    const failure = await failureOf(error);
    report(context.output, failure, context.flags.json === true);
    return failure.exitCode;
  } finally {
    turn.end();
  }
}

async function say(shell: Shell, text: string, signal: AbortSignal): Promise<number> {
  const { conversation, io, provider, carried, model, context } = shell;
  const asking = createContext({
    io,
    flags: { ...context.flags, profile: carried.profile, model },
    provider,
    words: [],
    signal,
    carried,
  });
  const question: Turn = { role: "user", text };
  try {
    const answer = await exchange(asking, [...conversation, question]);
    conversation.push(question, { role: "assistant", text: answer.text });
    if (context.flags.json === true) context.output.json({ schema: 1, ...answer });
    return 0;
  } finally {
    asking.output.waiting(null);
    await asking.close();
  }
}

/** Loads what it offers at the first Tab. */
function completer({ auth }: Context): Completer {
  let known: Promise<Known> | null = null;
  const load = async (): Promise<Known> => {
    const { vocabulary } = await import("../completion/vocabulary.ts");
    const providers = [...(await auth()).providers.keys()];
    const none = Object.fromEntries(Object.keys(actions).map((name) => [name, []]));
    return { vocabulary: await vocabulary(), providers, actions: { ...none, ...following, provider: providers } };
  };
  return async (line) => {
    const { completed } = await import("../completer.ts");
    return completed(line, await (known ??= load()));
  };
}

const following: Readonly<Record<string, readonly string[]>> = {
  set: ["auth-key", "auth-keyfile", "model"],
  profile: ["save", "load", "list", "delete"],
};

type Action = (shell: Shell, words: readonly string[], signal: AbortSignal) => Promise<number>;

const actions: Readonly<Record<string, Action>> = {
  auth: (shell, words) => commandLine(shell, words),
  provider: async (shell, [name]) => {
    const { providers } = await shell.context.auth();
    const known = [...providers.keys()];
    if (name === undefined) {
      shell.context.output.say(`Current: ${shell.provider}. There are ${known.join(", ")}.`);
      return 0;
    }
    const wanted = name.toLowerCase();
    if (!providers.has(wanted)) throw await noSuchProvider(name, known);
    shell.provider = wanted;
    return 0;
  },
  set: async (shell, [member, ...rest], signal) => {
    const { io, provider, context } = shell;
    let value = rest.join(" ");
    if (value === "" && member === "auth-key" && isTerminal(io)) {
      value = await readAnswer(io, signal, () => {
        context.output.say("Paste the key and press Enter. It is not shown.");
      });
    }
    const isNone = isUnset(value);
    if (member === "model") shell.model = isNone ? undefined : value;
    else if (member === "auth-key" || member === "auth-keyfile") {
      const flags = member === "auth-key" ? { key: value } : { keyFile: value };
      shell.carried = { ...shell.carried, keys: isNone ? undefined : { provider, flags } };
    } else throw await usage("/set takes auth-key, auth-keyfile or model, and a value");
    context.output.say(`${member} is ${isNone ? "unset" : "set"}${member === "model" ? "" : ` for ${provider}`}.`);
    return 0;
  },
  profile: async (shell, [action = "list", name = ""]) => {
    if (action !== "load") {
      const about = action === "save" ? ["--provider", shell.provider] : [];
      return commandLine(shell, ["profile", action, ...(name === "" ? [] : ["--", name])], about);
    }
    const { settingsIn } = await import("../../runtime/index.ts");
    const { provider } = settingsIn(await shell.context.host()).profile(name);
    shell.carried = { profile: name };
    shell.provider = provider;
    shell.context.output.say(`Profile ${name} is in use, for ${provider}.`);
    return 0;
  },
  docs: async ({ context }) => {
    context.output.say("The user guide is docs/guide.md of llxprt-auth; `/auth --help` lists all commands.");
    return 0;
  },
  help: async ({ context }) => {
    context.output.say(help);
    return 0;
  },
  quit: async () => 0,
};

const help = `/auth …                     any command: /auth status, /auth <p> login, …
/provider [NAME]            the provider that is asked
/set auth-key [KEY]         a key for it; without KEY it is asked for, unseen
/set auth-keyfile FILE      the same from a file
/set model NAME             the model that is asked
/profile save|load|list|delete NAME
/docs  /help  /quit
Anything else is asked of the current provider; the conversation goes on when it changes.`;

async function commandLine({ context, io, carried }: Shell, words: readonly string[], more: readonly string[] = []) {
  const { account } = context.flags;
  const named = account === undefined || words.includes("--account") ? [] : ["--account", account];
  const { main } = await import("../main.ts");
  const code = await main([...passedOn(context.flags), ...named, ...more, ...words], io, carried);
  await context.renew();
  return code;
}

/** The first that can be used, else the first. */
async function firstProvider({ auth: open, accountNamed }: Context): Promise<string> {
  const auth = await open();
  const names = [...auth.providers.keys()];
  for (const name of names) {
    const account = await accountNamed(name);
    if (auth.account(name, account).status().row.usable !== "no") return name;
  }
  return names[0] ?? "";
}
