// A credential for other programs: what each provider's data says is what they get, and nothing is left beside it that would
// win over it or send it elsewhere.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { type Handed, handedOver } from "../../runtime/handover.ts";
import { providerTable } from "../../runtime/settings/table.ts";

const login = { kind: "oauth", source: { kind: "oauth" }, resourceUrl: null } as const;
const key = { kind: "key", source: { kind: "flag" }, resourceUrl: null } as const;

/** The provider as settings have it. */
function settled(name: string, entry: Readonly<Record<string, unknown>>): Provider {
  const found = providerTable({ enabled: {}, providers: { [name]: entry } }, "settings.json", new Set()).get(name);
  assert.ok(found !== undefined);
  return found;
}

describe("what the vendors' programs are handed", () => {
  const table: readonly (readonly [Provider, typeof login | typeof key, Omit<Handed, "withheld">])[] = [
    [providers.anthropic, login, { credential: ["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_OAUTH_TOKEN"], beside: {} }],
    [providers.anthropic, key, { credential: ["ANTHROPIC_API_KEY"], beside: {} }],
    [
      providers.codex,
      login,
      { credential: ["OPENAI_API_KEY"], beside: { OPENAI_BASE_URL: "https://chatgpt.com/backend-api/codex" } },
    ],
    [providers.codex, key, { credential: ["OPENAI_API_KEY", "CODEX_API_KEY"], beside: {} }],
    [providers.gemini, login, { credential: ["GOOGLE_CLOUD_ACCESS_TOKEN"], beside: { GOOGLE_GENAI_USE_GCA: "true" } }],
    [providers.gemini, key, { credential: ["GEMINI_API_KEY"], beside: {} }],
    [
      providers.qwen,
      login,
      { credential: ["OPENAI_API_KEY"], beside: { OPENAI_BASE_URL: "https://portal.qwen.ai/v1" } },
    ],
    [
      providers.qwen,
      key,
      {
        credential: ["DASHSCOPE_API_KEY", "OPENAI_API_KEY"],
        beside: { OPENAI_BASE_URL: "https://dashscope.aliyuncs.com/compatible-mode/v1" },
      },
    ],
  ];
  for (const [provider, credential, expected] of table)
    it(`${provider.name}, by ${credential.kind}`, () => {
      const { withheld, ...handed } = handedOver(provider, credential, {});
      assert.deepEqual(handed, expected);
      const given = new Set([...handed.credential, ...Object.keys(handed.beside)]);
      assert.deepEqual(
        withheld.filter((name) => given.has(name)),
        [],
      );
    });

  for (const provider of Object.values<Provider>(providers))
    for (const credential of [login, key])
      it(`${provider.name}, by ${credential.kind}: no key and no address of before is left beside it`, () => {
        const { credential: names, beside, withheld } = handedOver(provider, credential, {});
        const touched = new Set([...names, ...Object.keys(beside), ...withheld]);
        assert.deepEqual(
          provider.keyVariables.flatMap(({ name }) => (touched.has(name) ? [] : [name])),
          [],
        );
        const addresses = [provider.handover?.login, provider.handover?.key].map((one) => one?.address?.name);
        assert.ok(addresses.every((name) => name !== undefined && touched.has(name)));
      });
});

/** With its API somewhere else. */
const moved = (name: keyof typeof providers, base: string) => settled(name, { api: { base }, keyApi: { base } });

describe("an address", () => {
  it("that settings have moved is told, in the form that is expected", () => {
    for (const [name, credential, base, expected] of [
      ["anthropic", login, "http://127.0.0.1:4010", { ANTHROPIC_BASE_URL: "http://127.0.0.1:4010" }],
      ["anthropic", key, "http://127.0.0.1:4010", { ANTHROPIC_BASE_URL: "http://127.0.0.1:4010" }],
      ["codex", key, "http://127.0.0.1:4010/v1", { OPENAI_BASE_URL: "http://127.0.0.1:4010/v1" }],
      ["gemini", key, "http://127.0.0.1:4010", { GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:4010" }],
      ["gemini", key, "http://127.0.0.1:4010/v1beta/", { GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:4010" }],
      [
        "gemini",
        login,
        "http://127.0.0.1:4010/g/v1internal",
        { CODE_ASSIST_ENDPOINT: "http://127.0.0.1:4010/g", GOOGLE_GENAI_USE_GCA: "true" },
      ],
    ] as const)
      assert.deepEqual(handedOver(moved(name, base), credential, {}).beside, expected, `${name} ${credential.kind}`);
  });

  it("that came with the login is told, where it may lead", () => {
    for (const [resourceUrl, OPENAI_BASE_URL] of [
      ["chat.qwen.ai", "https://chat.qwen.ai/v1"],
      ["https://evil.example/v1", "https://portal.qwen.ai/v1"],
    ] as const)
      assert.deepEqual(handedOver(providers.qwen, { ...login, resourceUrl }, {}).beside, { OPENAI_BASE_URL });
  });

  it("for which a key was made goes with the key", () => {
    const OPENAI_BASE_URL = "https://coding.dashscope.aliyuncs.com/v1";
    const source = { kind: "env", name: "OPENAI_API_KEY" } as const;
    assert.deepEqual(handedOver(providers.qwen, { ...key, source }, { OPENAI_BASE_URL }).beside, { OPENAI_BASE_URL });
  });
});

describe("a provider of one's own", () => {
  it("has a variable named after it, or that of its key", () => {
    const plain = { credential: ["ACME_API_KEY"], beside: {}, withheld: [] };
    assert.deepEqual(handedOver(settled("acme", { clientId: "x" }), login, {}), plain);
    const named = settled("acme", { keyVariables: [{ name: "ACME_SECRET_KEY", when: null }] });
    assert.deepEqual(handedOver(named, key, {}), { ...plain, credential: ["ACME_SECRET_KEY"] });
  });

  it("has those of its settings", () => {
    const acme = settled("acme", {
      api: {
        base: "https://api.acme.example/v1",
        protocol: "chat-completions",
        model: "acme-1",
        credentialHeader: "authorization",
        headers: {},
        accountHeader: null,
        verifyUrl: null,
        resourcePath: null,
      },
      handover: {
        login: { credential: ["ACME_TOKEN"], fixed: { ACME_AUTH: "bearer" }, address: { name: "ACME_URL" } },
        withheld: ["ACME_KEY"],
      },
    });
    assert.deepEqual(handedOver(acme, login, {}), {
      credential: ["ACME_TOKEN"],
      beside: { ACME_AUTH: "bearer", ACME_URL: "https://api.acme.example/v1" },
      withheld: ["ACME_KEY"],
    });
  });

  for (const handover of [
    { login: { credential: ["NOT-A-NAME"] } },
    { login: { credential: ["A=B"] } },
    { login: { credential: ["A"], fixed: { "B C": "x" } } },
    { login: { credentials: ["A"] } },
    { login: { credential: ["A"], address: { name: "B", holds: "host" } } },
  ])
    it(`is refused with ${JSON.stringify(handover)}`, () => {
      assert.throws(() => settled("acme", { handover }), {
        code: "settings_invalid",
        message: /providers\.acme\.handover\.login/,
      });
    });
});
