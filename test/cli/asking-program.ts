// A program that uses the library and signs in only when it needs to: `node asking-program.ts PROVIDER`. Opens the browser
// that BROWSER names, and prints the token.
import { createAuth, realHost } from "../../runtime/index.ts";

const [provider = ""] = process.argv.slice(2);
const host = realHost();
const auth = createAuth({ host, ahead: false });
try {
  await auth.access(provider, {
    signIn: (account) =>
      account.login({
        onPending: (row, { joined }) => {
          if (!joined) void host.openBrowser(row.urlComplete ?? row.url);
        },
      }),
  });
  const { secret } = await auth.account(provider).token();
  process.stdout.write(`${secret.reveal()}\n`);
} finally {
  await auth.close();
}
