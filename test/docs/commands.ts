// What the command line offers: the contract's words as far as this version has them.

/** Commands that stand alone. */
export const alone = [
  "status",
  "machine",
  "inspect",
  "replay",
  "exec",
  "import",
  "profile",
  "shell",
  "doctor",
  "completion",
  "demo",
  "emulator",
] as const;

/** Commands that follow a provider's name. */
export const verbs = [
  "status",
  "enable",
  "disable",
  "login",
  "complete",
  "wait",
  "cancel",
  "logout",
  "token",
  "refresh",
  "ask",
  "why",
  "explain",
  "reset",
] as const;

export const commands: readonly string[] = [...new Set([...alone, ...verbs])];

/** Flags that every command takes. */
export const everywhere = [
  "--home",
  "--account",
  "--profile",
  "--key",
  "--keyfile",
  "--key-stdin",
  "--set",
  "--require-source",
  "--json",
  "--non-interactive",
  "--no-browser",
  "--verbose",
  "--version",
  "--help",
] as const;

/** Flags of single commands. */
export const flags: Readonly<Record<string, readonly string[]>> = {
  status: ["--verify"],
  login: ["--grant", "--device", "--port", "--browser", "--timeout", "--qr", "--copy", "--detach"],
  wait: ["--timeout", "--browser", "--qr", "--copy"],
  logout: ["--all-accounts", "--no-revoke"],
  token: ["--min-ttl", "--format", "--interactive"],
  refresh: ["--force"],
  ask: ["--model"],
  machine: ["--format"],
  inspect: ["--browser", "--stately", "--yes"],
  exec: ["--min-ttl", "--interactive"],
  import: ["--from", "--take-over", "--yes"],
  profile: ["--provider"],
  shell: ["--model"],
  doctor: ["--fix"],
  demo: ["--browser"],
  emulator: ["--port"],
};
