// Replies that begin a device sign-in (RFC 8628 3.2).
import * as oauth from "oauth4webapi";
import { deviceReply } from "../../runtime/wire/response.ts";
import { now } from "../runtime/wire/sample.ts";
import {
  aboutReplies,
  client,
  provider,
  type Reply,
  repliesWith,
  server,
  toOurs,
  toTheirs,
  withMembers,
  without,
} from "./replies.ts";
import type { Subject } from "./subject.ts";

const page = "https://id.acme.example/device";
const good = {
  device_code: "dc-1",
  user_code: "WDJB-MJHT",
  verification_uri: page,
  verification_uri_complete: `${page}?user_code=WDJB-MJHT`,
  expires_in: 1800,
  interval: 5,
};

const isSeconds = (value: unknown): boolean => typeof value === "number" && value > 0 && value <= 315_360_000;
const isDigits = (value: unknown): boolean =>
  typeof value === "string" && /^\d{1,15}$/.test(value) && Number(value) > 0;
const isVisible = (value: unknown): boolean => typeof value === "string" && /^[ -~]{1,100}$/.test(value);
const isSafe = (value: unknown): boolean => typeof value === "string" && value.startsWith("https://id.acme.example/");

const begun = (
  code: string,
  userCode: string,
  uri: string,
  complete: string | undefined,
  lifetimeS: number,
  intervalS: number,
) => `begun ${JSON.stringify({ code, userCode, uri, complete, lifetimeS, intervalS })}`;

export const starts: Subject<Reply> = {
  name: "Replies that begin a device sign-in",
  between: ["deviceReply", "processDeviceAuthorizationResponse"],
  runs: 2_000,
  inputs: repliesWith([good, { ...good, interval: undefined }], {
    device_code: ["dc-2", "", 5, null, "a\nb"],
    user_code: ["AB-12", "", 5, null, "a\u001B[2J", "x".repeat(101)],
    verification_uri: [
      "javascript:alert(1)",
      "http://id.acme.example/device",
      "https://user@id.acme.example/",
      "",
      5,
      null,
    ],
    verification_uri_complete: ["https://evil.example/", "javascript:alert(1)", "", 5, null],
    expires_in: [60, "1800", 0, -1, null, "soon", 1e300],
    interval: [1, 0.1, 7200, "7", 0, -5, null, "x"],
  }),
  ours(reply) {
    const outcome = deviceReply(provider, toOurs(reply));
    if (outcome.kind !== "started") return outcome.oauthError === null ? "nothing" : `error ${outcome.oauthError}`;
    const { deviceCode, userCode, verificationUri, verificationUriComplete, expiresAt, intervalMs } = outcome;
    return begun(
      deviceCode.reveal(),
      userCode,
      verificationUri,
      verificationUriComplete ?? undefined,
      (expiresAt - now) / 1000,
      intervalMs / 1000,
    );
  },
  async theirs(reply) {
    try {
      const said = await oauth.processDeviceAuthorizationResponse(server, client, toTheirs(reply));
      // RFC 8628 3.2: five seconds, if it says nothing.
      return begun(
        said.device_code,
        said.user_code,
        said.verification_uri,
        said.verification_uri_complete,
        said.expires_in,
        said.interval ?? 5,
      );
    } catch (error) {
      return error instanceof oauth.ResponseBodyError ? `error ${error.error}` : "nothing";
    }
  },
  differences: [
    ...aboutReplies,
    {
      name: "a lifetime that is missing or no number of seconds above nothing",
      kind: "vendors",
      why: "One vendor names none; then the provider's data does, and the wait still ends.",
      mended: (reply) =>
        withMembers(reply, (members) =>
          isSeconds(members["expires_in"]) || isDigits(members["expires_in"]) ? null : { ...members, expires_in: 900 },
        ),
    },
    {
      name: "an interval in text, of nothing, or of less than a second or more than an hour",
      kind: "vendors",
      why: "One vendor sends text. Never more than one poll a second, and never less than one an hour.",
      mended: (reply) => without(reply, "interval", (value) => typeof value !== "number" || value < 1 || value > 3600),
    },
    {
      name: "a page that is not safe to open",
      kind: "stricter",
      why: "People are sent there: https without a user's name in it, or this machine (T30).",
      mended: (reply) =>
        withMembers(reply, (members) =>
          isSafe(members["verification_uri"]) ? null : { ...members, verification_uri: page },
        ),
    },
    {
      name: "a complete page that is not of the page's own origin",
      kind: "stricter",
      why: "It is left out: the code would be typed in at a stranger's (RFC 8628 5.4).",
      mended: (reply) => without(reply, "verification_uri_complete", (value) => !isSafe(value)),
    },
    {
      name: "codes with characters that cannot be sent or shown",
      kind: "stricter",
      why: "RFC 8628 6.1: a person types it from a terminal; escapes and a hundred characters are not typed.",
      mended: (reply) =>
        withMembers(reply, (members) =>
          isVisible(members["user_code"]) && isVisible(members["device_code"])
            ? null
            : { ...members, user_code: "AB-12", device_code: "dc-1" },
        ),
    },
  ],
};
