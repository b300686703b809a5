/**
 * CHECK of a plugin that made one link in a container.
 * @module
 */

import type { CheckCall } from "../cni/plugin.ts";
import { CniError, cniCode } from "../errors.ts";
import { checkInterface } from "../net/check-interface.ts";
import type { DetailedLink } from "../net/route-socket.ts";
import { readRecord, usableRecord } from "../state/record.ts";
import { checkBesideIpam } from "./check-beside-ipam.ts";
import { type LinkRecord, linkRecord } from "./record.ts";
import type { Scene } from "./scene.ts";

/**
 * Compares the link with prevResult and the record; IPAM checks its part beside us.
 * @param name of the plugin
 * @param checkKind compares what is special about the kind; without a record the reference's plugin may have made the link
 * @param kind the kernel's name for what the plugin makes
 * @throws {CniError} that names what is missing or different
 */
export function checkOwnLink<C>(
  call: CheckCall<C>,
  name: string,
  checkKind: (link: DetailedLink, scene: Scene, own: LinkRecord | undefined) => void,
  kind = name,
): void {
  const { attachment, ifName: ifname, netnsPath: sandbox } = call;
  checkBesideIpam(call, (scene, prevResult) => {
    const own = usableRecord(attachment, name, (of) => readRecord(of, name, linkRecord));
    const up = own?.up ?? true;
    const { ifindex } = checkInterface(scene.container, { ifname, sandbox, prevResult, own, up });
    const link = scene.container.detailedLink(ifindex);
    if (link?.linkInfo?.kind !== kind) {
      throw new CniError(cniCode.internal, `container interface ${ifname} not of type ${kind}`);
    }
    checkKind(link, scene, own);
  });
}
