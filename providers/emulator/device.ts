// The person's half of a device flow (RFC 8628 3.3): a page to type the code into, then a page to say yes or no. The same
// for both dialects, which differ only in what the program's half looks like. Approval happens on POST alone: opening a
// link must never grant anything.
import { randomInt } from "node:crypto";
import { codex } from "../codex.ts";
import { type Call, text } from "./call.ts";
import type { Dialect, Route } from "./dialect.ts";
import { type DeviceRequest, deviceByUserCode } from "./grants.ts";
import { devicePage, resultPage } from "./pages.ts";
import type { Reply } from "./reply.ts";
import type { World } from "./world.ts";

/** Where people type the code. One of the vendors names the page only in its replies. */
export const devicePagePaths = {
  codex: new URL(codex.device.verificationUri).pathname,
  qwen: "/authorize",
} as const;

/** No vowels and nothing that looks like something else (RFC 8628 6.1). */
const letters = "BCDFGHJKLMNPQRSTVWXZ";

export const makeUserCode = (): string => `${fourLetters()}-${fourLetters()}`;

const fourLetters = (): string => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join("");

export function devicePageRoutes(dialect: Dialect, path: string): readonly Route[] {
  const shared = { path, endpoint: "authorize", surface: "page" } as const;
  return [
    { ...shared, method: "GET", run: (call, world) => ask(dialect, call.query.get("user_code") ?? "", world) },
    { ...shared, method: "POST", run: (call, world) => answer(dialect, call, world) },
  ];
}

function ask(dialect: Dialect, userCode: string, world: World): Reply {
  const { title } = dialect.provider;
  if (userCode === "") return devicePage({ title, userCode: "", problem: null, request: null });
  const device = waiting(dialect, userCode, world);
  if (device === null) {
    return devicePage({ title, userCode, problem: "No program is waiting with this code.", request: null });
  }
  const request = { scopes: device.scope.split(" ").filter(Boolean), people: world.people };
  return devicePage({ title, userCode: device.userCode, problem: null, request });
}

function answer(dialect: Dialect, call: Call, world: World): Reply {
  const userCode = text(call.fields, "user_code");
  const device = waiting(dialect, userCode, world);
  if (device === null) return ask(dialect, userCode, world);
  const person = world.people.find(({ email }) => email === text(call.fields, "account")) ?? world.people[0];
  device.account = person.email;
  if (text(call.fields, "decision") === "approve") {
    device.word = "approved";
    return resultPage(200, "Device connected", "You can close this page and go back to your terminal.");
  }
  device.word = "denied";
  return resultPage(200, "Request denied", "Nothing was shared. You can close this page.");
}

function waiting(dialect: Dialect, userCode: string, world: World): DeviceRequest | null {
  const device = deviceByUserCode(world.grants, userCode, dialect.name);
  return device !== null && device.word === "awaited" && world.now() < device.expiresAt ? device : null;
}

/** The checks of a poll that both dialects share. */
export function checkDevice(device: DeviceRequest, world: World): void {
  if (world.now() >= device.expiresAt) world.refuses("expired-device-code");
  if (device.used) world.refuses("used-device-code");
}
