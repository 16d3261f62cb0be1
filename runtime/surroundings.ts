// Where this program runs, as far as a sign-in minds: whether a browser here would be seen by anybody, and how one on the
// person's own machine reaches a listener here.
//
// One table over the environment and a few small files, pure but for the last function, so that `login` and `doctor` say
// the same. It decides nothing: which way to sign in is taken stays the provider's data and the person's word. Must never
// run anything to find out.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** What there is to go by. */
export interface Traces {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** This machine's own name. */
  readonly hostname: string;
  /** The text of a file; null: it is not there, or cannot be read. */
  readonly read: (path: string) => string | null;
}

export interface Surrounding {
  readonly name: string;
  /** As it stands after "This is". */
  readonly title: string;
  /** What it means for a sign-in whose browser comes back to a port here; null: nothing. */
  readonly says: string | null;
  /** The words of a command that, run where the browser is, brings that port there. Null: there is none to be told. */
  readonly forward: ((port: number) => readonly string[]) | null;
}

interface Kind {
  readonly name: string;
  readonly title: string;
  readonly isHere: (traces: Traces) => boolean;
  readonly says?: string;
  readonly forward?: (traces: Traces, port: number) => readonly string[];
}

/** Whether a variable is set to something else than "no". */
export const isOn = (value = ""): boolean => !["", "0", "false"].includes(value.toLowerCase());

const isSet = (traces: Traces, ...names: readonly string[]): boolean =>
  names.some((name) => isOn(traces.environment[name]));

const holds = ({ read }: Traces, path: string, pattern: RegExp): boolean => pattern.test(read(path) ?? "");

/** The most particular first: who knows how to bring a port home is asked before who does not. */
const kinds: readonly Kind[] = [
  {
    name: "ci",
    title: "a CI job",
    // As CI systems set it.
    isHere: (traces) => isSet(traces, "CI"),
  },
  {
    name: "codespaces",
    title: "GitHub Codespaces",
    isHere: (traces) => isSet(traces, "CODESPACES"),
    says: "Its editor in a browser does not bring the port to your machine; this command, run there, does:",
    forward: ({ environment }, port) => {
      const name = environment["CODESPACE_NAME"] ?? "";
      return ["gh", "codespace", "ports", "forward", `${port}:${port}`, ...(name === "" ? [] : ["-c", name])];
    },
  },
  {
    name: "gitpod",
    title: "a Gitpod workspace",
    isHere: (traces) => isSet(traces, "GITPOD", "GITPOD_WORKSPACE_ID"),
    says: "The page at the end may not load in your browser.",
  },
  {
    name: "devcontainer",
    title: "a development container",
    isHere: (traces) => isSet(traces, "REMOTE_CONTAINERS", "DEVCONTAINER"),
    says: "The page at the end loads if the editor forwards the port: see its list of ports.",
  },
  {
    name: "vscode",
    title: "a terminal of VS Code on a remote machine",
    // The socket is made on remote sides only.
    isHere: (traces) => traces.environment["TERM_PROGRAM"] === "vscode" && isSet(traces, "VSCODE_IPC_HOOK_CLI"),
    says: "The page at the end loads if the editor forwards the port: see its list of ports.",
  },
  {
    name: "ssh",
    title: "an SSH session",
    isHere: (traces) => isSet(traces, "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"),
    says: "A browser on your own machine reaches the port after this command, run there:",
    forward: (traces, port) => overSsh(traces, port),
  },
  {
    name: "wsl",
    title: "WSL",
    // A container of Docker Desktop has the same kernel, and no Windows beside it.
    isHere: (traces) =>
      isSet(traces, "WSL_DISTRO_NAME", "WSL_INTEROP") ||
      (traces.read("/.dockerenv") === null && holds(traces, "/proc/version", /microsoft/i)),
    says: "A browser of Windows comes back here by itself, unless .wslconfig turns localhostForwarding off.",
  },
  {
    name: "container",
    title: "a container",
    isHere: (traces) =>
      isSet(traces, "container", "KUBERNETES_SERVICE_HOST") ||
      traces.read("/.dockerenv") !== null ||
      traces.read("/run/.containerenv") !== null ||
      holds(traces, "/proc/1/cgroup", /docker|kubepods|containerd|libpod|\/lxc\//),
    says: "A browser outside reaches its ports only if it shares the network of its host.",
  },
  {
    name: "no-display",
    title: "a session without a display",
    // Elsewhere than on Linux every session has one, but for those from afar: there it is before somebody else's eyes.
    isHere: (traces) =>
      !isSet(traces, "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "WSL_INTEROP") &&
      (traces.platform === "linux" || isSet(traces, "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")),
    says: "A browser on another machine does not reach a port here.",
  },
  { name: "tmux", title: "a session of tmux", isHere: (traces) => isSet(traces, "TMUX") },
  { name: "screen", title: "a session of GNU screen", isHere: (traces) => isSet(traces, "STY") },
];

/** All that applies, the most particular first. Pure. */
export function surroundingsOf(traces: Traces): Surrounding[] {
  return kinds.flatMap(({ name, title, isHere, says = null, forward }) =>
    isHere(traces)
      ? [{ name, title, says, forward: forward === undefined ? null : (port) => forward(traces, port) }]
      : [],
  );
}

/** Of this process. @param environment its variables, or those that a test gives it */
export function surroundingsHere(environment: Traces["environment"]): Surrounding[] {
  return surroundingsOf({ environment, platform: process.platform, hostname: hostname(), read: textOf });
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** `SSH_CONNECTION` is client, its port, server, its port, as the server sees them; the others may lack the server. */
function overSsh({ environment, hostname: own }: Traces, port: number): readonly string[] {
  const [, , server = own, serverPort = "22"] = (environment["SSH_CONNECTION"] ?? "").split(" ").filter(Boolean);
  const user = environment["USER"] || environment["LOGNAME"];
  // The listener is bound to 127.0.0.1 whatever name the redirect has.
  return [
    "ssh",
    "-L",
    `${port}:127.0.0.1:${port}`,
    "-N",
    ...(serverPort === "22" ? [] : ["-p", serverPort]),
    user ? `${user}@${server}` : server,
  ];
}
