// A certificate around the key that signs id tokens, since clients of one vendor fetch certificates where others fetch
// JSON Web Keys. X.509 version 1 (RFC 5280 4.1), signed by itself: it carries a public key and is trusted by nobody.
import { type KeyObject, createPublicKey, sign } from "node:crypto";

const [sequence, set, integer, bits, nothing, text, time] = [0x30, 0x31, 0x02, 0x03, "0500", 0x0c, 0x17];
const rsaWithSha256 = der(sequence, Buffer.from(`06092a864886f70d01010b${nothing}`, "hex"));
const commonName = Buffer.from("0603550403", "hex");

/** PEM. @param key an RSA private key; its public half is what the certificate shows */
export function certificateOf(key: KeyObject, subject: string): string {
  const name = der(sequence, der(set, der(sequence, commonName, der(text, Buffer.from(subject)))));
  const validity = der(sequence, der(time, Buffer.from("200101000000Z")), der(time, Buffer.from("491231235959Z")));
  const shown = createPublicKey(key).export({ type: "spki", format: "der" });
  const body = der(sequence, der(integer, Buffer.from([1])), rsaWithSha256, name, validity, name, shown);
  const signature = der(bits, Buffer.from([0]), sign("RSA-SHA256", body, key));
  const lines =
    der(sequence, body, rsaWithSha256, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
