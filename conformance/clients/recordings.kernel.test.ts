/**
 * What real clients sent once, asked of our programs today: machines without these clients judge their calls too.
 */
import { deepEqual } from "node:assert/strict";
import { describeKernel } from "../../test/kernel/requirements.ts";
import { Sandbox } from "../../test/kernel/sandbox.ts";
import { differences, hostState } from "./host-state.ts";
import { programs } from "./programs.ts";
import { readRecording, recordings } from "./recording.ts";
import { replay } from "./replay.ts";

describeKernel("calls that were recorded from real clients", () => {
  for (const [client, name] of recordings()) {
    const recording = readRecording(client, name);

    it(`are answered as then, and leave nothing: ${client}: ${recording.about}`, () => {
      using sandbox = Sandbox.create();
      replay(sandbox, recording, programs);
      sandbox.ok(["sh", "-c", "rm -f /var/lib/cni/networks/*/last_reserved_ip.*"]);
      const state = hostState(sandbox); // with the bridges that stay
      replay(sandbox, recording, programs);
      deepEqual(sandbox.processes(), []);
      deepEqual(differences(state, hostState(sandbox)), []);
    });
  }
});
