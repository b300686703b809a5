import { deepEqual, equal } from "node:assert/strict";

import { answerVersion } from "../../../core/cni/version-answer.ts";
import { specVersions } from "../../../core/cni/versions.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const asked = (stdin: string) => {
  useHost(new FakeHost({ stdin }));
  return JSON.parse(answerVersion(specVersions)).cniVersion;
};

describe("answerVersion", () => {
  it("lists the versions on one line", () => {
    useHost(new FakeHost({ stdin: '{"cniVersion":"0.4.0"}' }));
    const list = JSON.stringify(specVersions);
    equal(answerVersion(specVersions), `{"cniVersion":"0.4.0","supportedVersions":${list}}\n`);
  });

  // [stdin, the version of the answer]
  const answers = [
    ['{"cniVersion":"0.1.0","name":"x"}', "0.1.0"],
    ['{"cniVersion":"9.9.9"}', "9.9.9"],
    ['{"cniVersion":"x"}', "1.1.0"],
    ['{"cniVersion":1}', "1.1.0"],
    ["{}", "1.1.0"],
    ["", "1.1.0"],
    ["{", "1.1.0"],
    ["null", "1.1.0"],
    ["[]", "1.1.0"],
  ] as const;
  for (const [stdin, version] of answers) {
    it(`answers ${version} to ${stdin}`, () => equal(asked(stdin), version));
  }

  it("does not wait for the end once it has a document", () => {
    const fake = useHost(new FakeHost({ stdin: '{"cniVersion":"0.4.0"}' }));
    let polls = 0;
    fake.poll = () => [++polls];
    answerVersion(specVersions);
    equal(polls, 1);
  });

  it("answers within its patience when stdin is idle", () => {
    const fake = useHost(new FakeHost());
    const waited: number[] = [];
    fake.poll = (_, timeoutMs) => {
      waited.push(timeoutMs);
      return [0];
    };
    answerVersion(specVersions);
    deepEqual(waited, [200]);
  });

  for (const code of ["EBADF", "EISDIR"]) {
    it(`answers when stdin fails with ${code}`, () => {
      const fake = useHost(new FakeHost());
      fake.failOn("read", code);
      equal(JSON.parse(answerVersion(specVersions)).cniVersion, "1.1.0");
    });
  }
});
