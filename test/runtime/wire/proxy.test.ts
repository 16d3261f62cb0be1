// Which proxy it is: a table of what the environment says, and no network.
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { NoConnection } from "../../../runtime/wire/failure.ts";
import { proxyFor } from "../../../runtime/wire/proxy.ts";

type Environment = Readonly<Record<string, string>>;

/** `VARIABLE protocol//host:port`, or "direct". */
function chosen(environment: Environment, host = "id.example", port = 443): string {
  const proxy = proxyFor(environment, host, port);
  return proxy === null ? "direct" : `${proxy.variable} ${proxy.protocol}//${proxy.hostname}:${proxy.port}`;
}

/** What its proxy is told about who asks. */
const given = (value: string): string | null =>
  proxyFor({ https_proxy: value }, "id.example", 443)?.authorization() ?? null;

describe("a proxy", () => {
  it("is what the first variable says that is set, in lower case before upper case", () => {
    const order = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY"];
    for (const [index, first] of order.entries()) {
      const rest = Object.fromEntries(order.slice(index).map((name) => [name, `http://${name}.example:3128`]));
      assert.equal(chosen(rest), `${first} http://${first.toLowerCase()}.example:3128`);
      const empty = Object.fromEntries(order.slice(0, index).map((name) => [name, " "]));
      assert.equal(chosen({ ...rest, ...empty }), chosen(rest), "empty is unset");
    }
    assert.equal(chosen({}), "direct");
  });

  it("may be named without a scheme, with and without a port", () => {
    for (const [value, says] of [
      ["proxy.example", "http://proxy.example:80"],
      ["proxy.example:8080", "http://proxy.example:8080"],
      ["http://proxy.example/", "http://proxy.example:80"],
      ["https://proxy.example", "https://proxy.example:443"],
      ["https://proxy.example:8443/path?query", "https://proxy.example:8443"],
      ["HTTP://Proxy.Example:1", "http://proxy.example:1"],
      ["http://[2001:db8::1]:3128", "http://2001:db8::1:3128"],
      [" http://10.1.2.3:3128 ", "http://10.1.2.3:3128"],
    ] as const)
      assert.equal(chosen({ HTTPS_PROXY: value }), `HTTPS_PROXY ${says}`);
  });

  it("that is none is an error which names the variable and shows nothing of the value", () => {
    for (const value of [
      "socks5://CANARY:CANARY@proxy.example:1080",
      "socks5h://CANARY",
      "ftp://CANARY",
      "http://",
      "http://CANARY:99999",
      "http://CANARY CANARY",
      "http://CANARY,http://CANARY",
      "http://%zz:CANARY@proxy.example",
      "http://CANARY%3aCANARY:x@proxy.example",
    ])
      assert.throws(
        () => chosen({ ALL_PROXY: value }),
        (error) => {
          assert.ok(error instanceof NoConnection, value);
          assert.deepEqual(error.failure, { code: "proxy_invalid", detail: "ALL_PROXY" });
          return !String(error.stack).includes("CANARY");
        },
        value,
      );
  });

  it("is given name and password, as they were before they were written in an address (RFC 7617)", () => {
    assert.equal(given("http://proxy.example"), null);
    assert.equal(
      given("http://me:p%40ss%3Aw%C3%B6rd@proxy.example"),
      `Basic ${Buffer.from("me:p@ss:wörd").toString("base64")}`,
    );
    assert.equal(given("http://me@proxy.example"), `Basic ${btoa("me:")}`);
    assert.equal(
      JSON.stringify(proxyFor({ https_proxy: "http://me:CANARY@p.example" }, "a.b", 1)).includes("CANARY"),
      false,
    );
  });

  it("is not what a request to a web server says it is (CVE-2016-5385)", () => {
    const behindServer = { REQUEST_METHOD: "GET", HTTP_PROXY: "http://evil.example" };
    assert.equal(chosen(behindServer), "direct");
    assert.equal(chosen({ ...behindServer, http_proxy: "http://good.example" }), "http_proxy http://good.example:80");
    assert.equal(chosen({ HTTP_PROXY: "http://good.example" }), "HTTP_PROXY http://good.example:80");
  });
});

describe("no proxy", () => {
  const proxied = { HTTPS_PROXY: "http://proxy.example" };
  const isDirect = (list: string, host?: string, port?: number): boolean =>
    chosen({ ...proxied, NO_PROXY: list }, host, port) === "direct";

  it("is between this machine and itself, whatever is set", () => {
    for (const host of [
      "localhost",
      "LOCALHOST",
      "localhost.",
      "a.localhost",
      "127.0.0.1",
      "127.8.9.1",
      "[::1]",
      "::1",
      "::ffff:127.0.0.1",
    ])
      assert.ok(isDirect("", host), host);
    for (const host of ["localhost.example", "notlocalhost", "128.0.0.1", "127.0.0.1.example", "[::2]"])
      assert.ok(!isDirect("", host), host);
    assert.equal(chosen({ HTTPS_PROXY: "socks5://x" }, "localhost"), "direct");
  });

  it("is for the hosts of the list, and for those under them", () => {
    for (const [list, hosts, others] of [
      ["*", ["id.example", "10.0.0.1", "[2001:db8::1]"], []],
      ["id.example", ["id.example", "ID.example.", "a.b.id.example"], ["example", "notid.example", "id.example.org"]],
      [".example", ["example", "id.example"], ["anexample"]],
      ["*.example", ["id.example"], ["example"]],
      ["a.example, id.example", ["id.example", "a.example"], ["b.example"]],
      ["a.example id.example\tc.example", ["id.example", "c.example"], ["b.example"]],
      ["10.0.0.0/8", ["10.1.2.3"], ["11.1.2.3", "10.example"]],
      ["10.1.2.3", ["10.1.2.3"], ["10.1.2.30", "110.1.2.3"]],
      ["2001:db8::/32", ["[2001:db8:1::1]"], ["[2001:db9::1]"]],
      ["2001:DB8:0:0::1,[fe80::1]", ["[2001:db8::1]", "[fe80::1]"], ["[2001:db8::2]"]],
      ["", [], ["id.example"]],
      [",,", [], ["id.example"]],
      [".,*.", [], ["id.example"]],
      ["10.0.0.0/99,x/8,/", [], ["10.1.2.3", "id.example"]],
    ] as const) {
      for (const host of hosts) assert.ok(isDirect(list, host), `${list}: ${host}`);
      for (const host of others) assert.ok(!isDirect(list, host), `${list}: ${host}`);
    }
  });

  it("may be for one port only", () => {
    for (const [list, host] of [
      ["id.example:8443", "id.example"],
      ["10.1.2.3:8443", "10.1.2.3"],
      ["[2001:db8::1]:8443", "[2001:db8::1]"],
      ["*:8443", "id.example"],
    ] as const) {
      assert.ok(isDirect(list, host, 8443), list);
      assert.ok(!isDirect(list, host, 443), list);
    }
  });

  it("is said in lower case before upper case", () => {
    const listed = { ...proxied, no_proxy: "other.example", NO_PROXY: "id.example" };
    assert.notEqual(chosen(listed), "direct");
    assert.equal(chosen(listed, "other.example"), "direct");
    assert.equal(chosen({ ...listed, no_proxy: "" }), "direct");
  });
});
