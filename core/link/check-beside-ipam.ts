/**
 * The frame of CHECK of every plugin that makes a link.
 * @module
 */

import type { CheckCall } from "../cni/plugin.ts";
import type { CniResult } from "../cni/result.ts";
import { attemptAll, CniError, cniCode } from "../errors.ts";
import { Scene } from "./scene.ts";

/**
 * Runs the plugin's own part while IPAM checks its part beside it, and waits for both.
 * @throws {CniError} 7 without prevResult; else what either part throws, the plugin's first
 */
export function checkBesideIpam<C>(
  call: CheckCall<C>,
  check: (scene: Scene, prevResult: CniResult) => void,
): void {
  using scene = Scene.open(call);
  const waitForIpam = call.ipam.startCheck();
  attemptAll(() => {
    if (call.prevResult === undefined) {
      throw new CniError(cniCode.badConfig, "Required prevResult missing");
    }
    check(scene, call.prevResult);
  }, waitForIpam);
}
