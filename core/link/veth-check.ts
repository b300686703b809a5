/**
 * CHECK of the plugins whose attachments are veth pairs.
 * @module
 */

import type { CheckCall } from "../cni/plugin.ts";
import type { CniInterface, CniResult } from "../cni/result.ts";
import { checkInterface, checkLink } from "../net/check-interface.ts";
import type { LinkEnd, LinkPort } from "../net/route-socket.ts";
import { readRecord, usableRecord } from "../state/record.ts";
import { checkBesideIpam } from "./check-beside-ipam.ts";
import { checkReferenceRules, type RuleKeys } from "./reference-rules.ts";
import { checkRules } from "./rules.ts";
import type { Scene } from "./scene.ts";
import type { VethPlugin, VethRecord } from "./veth-record.ts";

/** What CHECK has found in the container, for what is special about a plugin. */
export interface CheckedVeth<R extends VethRecord> {
  readonly scene: Scene;
  readonly prevResult: CniResult;
  /** The container's end. */
  readonly inside: LinkEnd;
  /** Absent: the reference's plugin may have made the attachment, and what is recorded here is not there. */
  readonly record: R | undefined;
}

/**
 * Compares the container's end with prevResult and the record, and the rules with the record; IPAM checks its part beside us.
 * @param isUp whether the container's end has to be up, where no record says so
 * @param checkHost compares the host's side
 * @throws {CniError} that names what is missing or different
 */
export function checkVethAttachment<C extends RuleKeys, R extends VethRecord>(
  call: CheckCall<C>,
  plugin: VethPlugin<R>,
  isUp: boolean,
  checkHost: (found: CheckedVeth<R>) => void,
): void {
  const { attachment, ifName: ifname, netnsPath: sandbox } = call;
  checkBesideIpam(call, (scene, prevResult) => {
    const { name, record: schema } = plugin;
    const record = usableRecord(attachment, name, (of) => readRecord(of, name, schema));
    const expected = { ifname, sandbox, prevResult, own: record, up: record?.up ?? isUp };
    const inside = checkInterface(scene.container, expected);
    checkHost({ scene, prevResult, inside, record });
    if (record !== undefined) checkRules(attachment, plugin.elements(attachment, record));
    else checkUnrecordedRules(call, scene, inside);
  });
}

/** Of an attachment without record: one that the reference has made has rules of its kind, and its pair has no mark. */
function checkUnrecordedRules(call: CheckCall<RuleKeys>, { host }: Scene, inside: LinkEnd): void {
  const outside = inside.link === undefined ? undefined : host.linkByIndex(inside.link);
  if (outside?.ifname === undefined || outside.ifalias !== undefined) return;
  const mac = inside.address ?? new Uint8Array();
  checkReferenceRules(call, { port: outside.ifname, mac });
}

/**
 * True when `end` is the other end of the container's link, told of in prevResult, and of the record's name; its MAC address, MTU
 * and state are checked then.
 * @throws {CniError} that names what is different
 */
export function isCheckedHostEnd(
  end: LinkPort | undefined,
  { prevResult, inside, record }: CheckedVeth<VethRecord>,
): end is LinkPort {
  const entry = hostInterfaces(prevResult).find(({ name }) => name === end?.ifname);
  if (end === undefined || entry === undefined) return false;
  const isEnd = end.linkInfo?.kind === "veth" && end.link === inside.ifindex;
  if (!isEnd || (record?.host ?? end.ifname) !== end.ifname) return false;
  checkLink(end, entry, true);
  return true;
}

/** The interfaces of a result that are on the host. */
export function hostInterfaces({ interfaces = [] }: CniResult): CniInterface[] {
  return interfaces.filter(({ sandbox = "" }) => sandbox === "");
}
