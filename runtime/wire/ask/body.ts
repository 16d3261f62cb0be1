// The body of an API's reply, read up to a limit. What is cut off was too large to mean anything.

/** @returns the text, and whether it is all of it. @throws what the connection throws */
export async function textOf(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<{ readonly text: string; readonly whole: boolean }> {
  if (body === null) return { text: "", whole: true };
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let left = maxBytes;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), whole: true };
    text += decoder.decode(value, { stream: true });
    left -= value.byteLength;
    if (left >= 0) continue;
    // Not waited for: half of a cloned body is not cancelled before the other half is.
    reader.cancel().catch(() => undefined);
    return { text, whole: false };
  }
}
