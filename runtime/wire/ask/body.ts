// The body of an API's reply, read up to a limit. What is cut off was too large to mean anything.

/** @returns the text, and whether it is all of it. @throws what the connection throws */
export async function textOf(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<{ readonly text: string; readonly whole: boolean }> {
  const decoder = new TextDecoder();
  let text = "";
  let left = maxBytes;
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (left < 0) return { text, whole: false };
  }
  return { text: text + decoder.decode(), whole: true };
}
