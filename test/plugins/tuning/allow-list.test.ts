import { doesNotThrow, throws } from "node:assert/strict";
import { requireAllowed } from "../../../plugins/tuning/allow-list.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const key = "net.ipv4.conf.all.log_martians";

function asks(list: string | undefined, ...keys: string[]): () => void {
  const files = list === undefined ? {} : { "/etc/cni/tuning/allowlist.conf": list };
  useHost(new FakeHost({ files }));
  return () => requireAllowed(keys);
}

describe("requireAllowed", () => {
  it("allows all without a list", () => doesNotThrow(asks(undefined, key)));
  it("allows no sysctl with an empty list", () => throws(asks("\n \n", key), { code: 7 }));
  it("does not ask the list for nothing", () => doesNotThrow(asks("(")));
  for (const line of [
    "^net\\.ipv4\\.conf\\.all\\.[a-z_]*$",
    "log_martians",
    "  martians\r",
    "x\n\nmartians",
    "^net\\.[[:alnum:]]+\\.conf\\.all\\.",
    "(?i)LOG_MARTIANS",
    "\\Anet.*martians\\z",
  ]) {
    it(`allows by ${JSON.stringify(line)}`, () => doesNotThrow(asks(line, key)));
  }
  it("names the key that is not allowed, and what is", () => {
    throws(asks("^net\\.core\\.\n^net\\.unix", "net.core.somaxconn", key), {
      code: 7,
      message: `Sysctl ${key} is not allowed. Only the following sysctls are allowed: [^net\\.core\\. ^net\\.unix]`,
    });
  });
  it("names a line that is no regular expression", () => {
    throws(asks("^net\n(", key), { code: 7, message: /allowlist\.conf" has a line .*: "\("$/ });
  });
});
