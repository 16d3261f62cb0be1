// What the vendors' APIs say when the login is fine and the request is refused all the same: plan limits, overload, and
// terms that exclude the client. Statuses lie here (a limit may come as 403, an exclusion as 200), which is what clients have to
// see through: a refresh would change nothing and burn a token.
import type { ProviderName } from "../index.ts";
import { type Reply, json } from "./reply.ts";

/** `policy`: the terms exclude this client or plan. `limit`: a quota is used up. `overloaded`: for now. */
export type Situation = "policy" | "limit" | "overloaded";

/** @param at epoch milliseconds */
export function situation(provider: ProviderName, name: Situation, at: number): Reply {
  return replies(Math.floor(at / 1000))[provider][name];
}

const anthropicError = (status: number, type: string, message: string, headers: Record<string, string> = {}): Reply =>
  json(status, { type: "error", error: { type, message }, request_id: "req_situation" }, headers);

const googleError = (status: number, code: string, message: string, details: readonly object[] = []): Reply =>
  json(status, { error: { code: status, message, status: code, details } });

const openAiError = (status: number, error: object): Reply => json(status, { error });

const replies = (now: number): Record<ProviderName, Record<Situation, Reply>> => ({
  gemini: {
    // The first request still says 200; the refusal is inside.
    policy: json(200, {
      allowedTiers: [],
      ineligibleTiers: [
        {
          reasonCode: "UNSUPPORTED_CLIENT",
          reasonMessage: "This client is no longer supported for your account.",
          tierId: "free-tier",
          tierName: "Gemini Code Assist for individuals",
        },
      ],
    }),
    limit: googleError(429, "RESOURCE_EXHAUSTED", "You have exhausted your capacity on this model.", [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "RATE_LIMIT_EXCEEDED",
        domain: "cloudcode-pa.googleapis.com",
      },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.07s" },
    ]),
    overloaded: googleError(503, "UNAVAILABLE", "The service is currently unavailable."),
  },
  anthropic: {
    policy: anthropicError(
      400,
      "invalid_request_error",
      "This credential is only authorized for use with Claude Code and cannot be used for other API requests.",
    ),
    limit: anthropicError(429, "rate_limit_error", "This request would exceed your account's rate limit.", {
      "retry-after": "60",
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(now + 3600),
    }),
    overloaded: anthropicError(529, "overloaded_error", "Overloaded"),
  },
  codex: {
    policy: openAiError(429, { type: "usage_not_included", message: "Your plan does not include Codex." }),
    limit: openAiError(429, {
      type: "usage_limit_reached",
      message: "The usage limit has been reached",
      plan_type: "plus",
      resets_at: now + 3600,
    }),
    overloaded: openAiError(503, { code: "server_is_overloaded", message: "The server is overloaded." }),
  },
  qwen: {
    // Since the free tier ended, for fresh tokens too: it looks exactly like an expired one.
    policy: openAiError(401, { code: "invalid_api_key", message: "invalid access token or token expired" }),
    limit: openAiError(403, { code: "insufficient_quota", message: "Free allocated quota exceeded." }),
    overloaded: openAiError(503, { code: "service_unavailable", message: "The service is busy." }),
  },
});
