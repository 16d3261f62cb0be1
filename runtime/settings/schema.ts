// What settings.json may say about a provider: the same fields as the data files, checked field by field.
//
// Loaded only when a person overrides something, so that everybody else does not pay for it. Endpoints are https, or
// http on loopback: a changed address would otherwise be a way to steal refresh tokens.
import * as v from "valibot";
import type { Provider } from "../../providers/provider.ts";
import { isConfidential, parsedAddress } from "../wire/endpoint.ts";

const text = v.pipe(v.string(), v.nonEmpty("must not be empty"));
const endpoint = v.pipe(
  v.string(),
  v.check(isSafeEndpoint, "must be an https address, or http on loopback, without user name and fragment"),
);
const page = v.pipe(
  v.string(),
  v.check(isSafePage, "must be an https address, or http on loopback, without user name"),
);
// RFC 8414 2.
const issuer = v.pipe(
  endpoint,
  v.check((address) => !address.includes("?"), "must have no query"),
);
const texts = v.array(text);
const path = v.array(texts);
const record = v.record(v.string(), v.string());
// RFC 9110 5.1, 5.5. One that cannot be sent would fail every request, in the words of whatever sends it.
const headerName = v.pipe(v.string(), v.regex(/^[!#$%&'*+.^_`|~\w-]+$/, "must be the name of a header"));
const headers = v.record(headerName, v.pipe(v.string(), v.regex(/^[\x20-\x7e]*$/, "must be visible ASCII")));
const encoding = v.picklist(["form", "json"]);
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const seconds = v.pipe(v.number(), v.minValue(1), v.maxValue(86_400));
const status = v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599));

const api = v.strictObject({
  base: endpoint,
  protocol: v.picklist(["chat-completions", "messages", "responses", "generate-content", "assisted-generate-content"]),
  model: text,
  credentialHeader: v.picklist(["authorization", "x-api-key", "x-goog-api-key"]),
  headers,
  accountHeader: v.nullable(headerName),
  verifyUrl: v.nullable(endpoint),
  resourcePath: v.nullable(text),
});

const variable = v.pipe(v.string(), v.regex(/^[A-Za-z_]\w*$/, "must be the name of an environment variable"));
const nothing = { credential: [], fixed: {}, address: null };
const variables = v.strictObject({
  credential: v.array(variable),
  fixed: v.optional(v.record(variable, v.string()), {}),
  address: v.optional(
    v.nullable(
      v.strictObject({
        name: variable,
        holds: v.optional(v.picklist(["base", "parent"]), "base"),
        always: v.optional(v.boolean(), true),
      }),
    ),
    null,
  ),
});

/** A whole provider. Overrides are checked after they were merged over what they override. */
export const providerSchema: v.GenericSchema<unknown, Provider> = v.strictObject({
  name: text,
  title: text,
  status: v.strictObject({
    kind: v.picklist(["active", "restricted", "withdrawn"]),
    since: text,
    reason: text,
    instead: v.nullable(text),
  }),
  notice: v.nullable(text),
  grantsPage: v.nullable(page),
  grants: v.pipe(v.array(v.picklist(["loopback", "paste", "device"])), v.minLength(1, "must name at least one grant")),
  issuer: v.nullable(issuer),
  clientId: v.nullable(text),
  clientSource: v.nullable(v.strictObject({ idVariable: text, secretVariable: text, console: page })),
  clientFile: v.nullable(text),
  scopes: texts,
  authorizationEndpoint: v.nullable(endpoint),
  tokenEndpoint: v.nullable(endpoint),
  deviceAuthorizationEndpoint: v.nullable(endpoint),
  revocationEndpoint: v.nullable(endpoint),
  userinfoEndpoint: v.nullable(endpoint),
  authorizeParameters: record,
  accountChoice: v.strictObject({ hint: v.nullable(text), ask: record }),
  loopback: v.nullable(
    v.strictObject({
      host: v.picklist(["127.0.0.1", "localhost"]),
      path: v.pipe(v.string(), v.startsWith("/")),
      ports: v.array(port),
    }),
  ),
  paste: v.nullable(v.strictObject({ redirectUri: endpoint, bareCode: v.boolean() })),
  device: v.nullable(
    v.strictObject({
      dialect: v.picklist(["standard", "user-code"]),
      pkce: v.boolean(),
      pollEndpoint: v.nullable(endpoint),
      verificationUri: v.nullable(endpoint),
      verificationHosts: texts,
      redirectUri: v.nullable(endpoint),
      pendingStatuses: v.array(status),
      intervalS: seconds,
      lifetimeS: seconds,
    }),
  ),
  tokenEncoding: encoding,
  refreshEncoding: encoding,
  stateInTokenRequest: v.boolean(),
  refreshScope: v.picklist(["none", "granted"]),
  rotation: v.picklist(["never", "sometimes", "always"]),
  reuseGraceMs: v.pipe(v.number(), v.minValue(0)),
  refusalCodes: texts,
  refusalStatuses: v.array(status),
  revocation: v.strictObject({ encoding, clientId: v.boolean() }),
  keep: texts,
  accountClaim: v.nullable(texts),
  identity: v.strictObject({ reply: path, claims: path, userinfo: path }),
  resourceHosts: texts,
  api: v.nullable(api),
  keyApi: v.nullable(api),
  listHeaders: texts,
  apiErrors: v.strictObject({ excluded: texts, limited: texts, unauthorized: texts }),
  assistance: v.nullable(v.strictObject({ lookUp: text, takeIn: text, metadata: record, projectVariables: texts })),
  keyVariables: v.array(
    v.strictObject({ name: text, when: v.nullable(v.strictObject({ variable: text, hosts: texts })) }),
  ),
  handover: v.nullable(
    v.strictObject({
      login: v.optional(variables, nothing),
      key: v.optional(variables, nothing),
      withheld: v.optional(v.array(variable), []),
    }),
  ),
  imports: v.array(
    v.strictObject({
      tool: text,
      file: text,
      moved: v.exactOptional(v.strictObject({ variable: text, file: text })),
      at: v.exactOptional(texts),
      mark: v.exactOptional(v.strictObject({ at: texts, says: text })),
      has: v.exactOptional(text),
      key: v.exactOptional(v.strictObject({ mode: text, says: text, member: text })),
      identity: v.exactOptional(v.strictObject({ file: v.exactOptional(text), at: texts })),
      lifetimeMs: v.exactOptional(v.pipe(v.number(), v.minValue(1))),
      unasked: v.exactOptional(v.boolean()),
      elsewhere: v.exactOptional(text),
    }),
  ),
});

/** The first thing that is wrong, as `field: what`; or the provider. */
export function checkProvider(value: unknown): { readonly provider: Provider } | { readonly wrong: string } {
  const result = v.safeParse(providerSchema, value, { abortEarly: true });
  if (result.success) return { provider: result.output };
  const [issue] = result.issues;
  return { wrong: `${v.getDotPath(issue) ?? "the provider"}: ${reason(issue)}` };
}

function reason(issue: v.BaseIssue<unknown>): string {
  if (["check", "non_empty", "min_length", "regex"].includes(issue.type)) return issue.message;
  if (issue.expected === "never") return "there is no such field";
  return issue.expected === null ? "is not valid" : `must be ${issue.expected}`;
}

function isSafePage(address: string): boolean {
  const url = parsedAddress(address);
  return url !== null && isConfidential(url);
}

function isSafeEndpoint(address: string): boolean {
  return isSafePage(address) && !address.includes("#");
}
