// Where a sign-in finds itself: every kind of place by its own traces, and by no other's; the commands as they are to be typed.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { shellWord } from "../../cli/output.ts";
import { surroundingsOf, type Traces } from "../../runtime/surroundings.ts";

type Environment = Traces["environment"];
type Files = Readonly<Record<string, string>>;

function around(environment: Environment, files: Files = {}, platform: Traces["platform"] = "linux") {
  return surroundingsOf({ environment, platform, hostname: "workbench", read: (path) => files[path] ?? null });
}

const namesOf = (...traces: Parameters<typeof around>) => around(...traces).map(({ name }) => name);
const desk = { DISPLAY: ":0" };

describe("a place is known by", () => {
  const places: readonly (readonly [string, Environment, Files, readonly string[]])[] = [
    ["a desk", {}, {}, []],
    ["SSH_CONNECTION", { SSH_CONNECTION: "10.0.0.1 5 10.0.0.2 22" }, {}, ["ssh"]],
    ["SSH_TTY", { SSH_TTY: "/dev/pts/1" }, {}, ["ssh"]],
    ["CODESPACES", { CODESPACES: "true" }, {}, ["codespaces"]],
    ["GITPOD_WORKSPACE_ID", { GITPOD_WORKSPACE_ID: "x" }, {}, ["gitpod"]],
    ["REMOTE_CONTAINERS", { REMOTE_CONTAINERS: "true" }, {}, ["devcontainer"]],
    ["the socket of a remote editor", { TERM_PROGRAM: "vscode", VSCODE_IPC_HOOK_CLI: "/x" }, {}, ["vscode"]],
    ["an editor that is here", { TERM_PROGRAM: "vscode" }, {}, []],
    ["WSL_DISTRO_NAME", { WSL_DISTRO_NAME: "Debian" }, {}, ["wsl"]],
    ["the kernel of WSL", {}, { "/proc/version": "Linux version 5.15.90.1-microsoft-standard-WSL2" }, ["wsl"]],
    ["another kernel", {}, { "/proc/version": "Linux version 6.1.0 (debian)" }, []],
    ["/.dockerenv", {}, { "/.dockerenv": "" }, ["container"]],
    ["Docker beside WSL", {}, { "/.dockerenv": "", "/proc/version": "microsoft-standard-WSL2" }, ["container"]],
    ["/run/.containerenv", {}, { "/run/.containerenv": "" }, ["container"]],
    ["a pod's group", {}, { "/proc/1/cgroup": "0::/kubepods.slice/x" }, ["container"]],
    ["a machine's group", {}, { "/proc/1/cgroup": "0::/init.scope" }, []],
    ["container=", { container: "podman" }, {}, ["container"]],
    ["CI", { CI: "1" }, {}, ["ci"]],
    ["CI that says no", { CI: "false" }, {}, []],
    ["TMUX", { TMUX: "/x,1,0" }, {}, ["tmux"]],
    ["STY", { STY: "1.x" }, {}, ["screen"]],
  ];
  for (const [what, environment, files, expected] of places)
    it(what, () => assert.deepEqual(namesOf({ ...desk, ...environment }, files), expected));

  it("no display, where one is needed to see a browser", () => {
    const ssh = { SSH_CONNECTION: "10.0.0.1 5 10.0.0.2 22" };
    assert.deepEqual(namesOf({}), ["no-display"]);
    assert.deepEqual(namesOf({ WAYLAND_DISPLAY: "wayland-0" }), []);
    assert.deepEqual(namesOf({ WSL_INTEROP: "/run/x" }), ["wsl"], "Windows has one");
    assert.deepEqual(namesOf({}, {}, "darwin"), []);
    assert.deepEqual(namesOf(ssh, {}, "darwin"), ["ssh", "no-display"], "it has one, before somebody else");
    assert.deepEqual(namesOf({ ...ssh, DISPLAY: "localhost:10.0" }), ["ssh"], "forwarded");
  });

  it("everything that holds, the most particular first", () => {
    const all = { CODESPACES: "true", SSH_CONNECTION: "::1 5 ::1 22", container: "docker", TMUX: "/x" };
    assert.deepEqual(namesOf(all), ["codespaces", "ssh", "container", "no-display", "tmux"]);
  });
});

describe("the command that brings the port home", () => {
  const lines: readonly (readonly [string, Environment, string])[] = [
    [
      "the server as it sees itself",
      { SSH_CONNECTION: "198.51.100.7 50000 203.0.113.5 22", USER: "robin" },
      "ssh -L 1455:127.0.0.1:1455 -N robin@203.0.113.5",
    ],
    [
      "another port, IPv6, nobody's name",
      { SSH_CONNECTION: "2001:db8::1 50000 2001:db8::2 2222" },
      "ssh -L 1455:127.0.0.1:1455 -N -p 2222 2001:db8::2",
    ],
    [
      "this machine's name, when nothing tells the server",
      { SSH_TTY: "/dev/pts/0", USER: "", LOGNAME: "robin" },
      "ssh -L 1455:127.0.0.1:1455 -N robin@workbench",
    ],
    [
      "what a shell would obey is quoted",
      { SSH_CONNECTION: "a 1 $(reboot) 22", USER: "r o'b" },
      `ssh -L 1455:127.0.0.1:1455 -N 'r o'\\''b@$(reboot)'`,
    ],
    [
      "a codespace by its name",
      { CODESPACES: "true", CODESPACE_NAME: "cuddly-space", SSH_CONNECTION: "a 1 b 22" },
      "gh codespace ports forward 1455:1455 -c cuddly-space",
    ],
    ["a codespace without", { CODESPACES: "true" }, "gh codespace ports forward 1455:1455"],
  ];
  for (const [what, environment, expected] of lines)
    it(what, () => {
      const forward = around(environment).find((one) => one.forward !== null)?.forward;
      assert.equal(forward?.(1455).map(shellWord).join(" "), expected);
    });
});
