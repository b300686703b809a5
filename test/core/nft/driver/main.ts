/**
 * core/nft as a program, for tests that want the real host below it and the real kernel below that: reads one order as JSON
 * on stdin, prints what came of it.
 */
import { ownerText } from "../../../../core/attachment.ts";
import { explain } from "../../../../core/errors.ts";
import { host } from "../../../../core/host.ts";
import { parseCidr, parseIp, parseMac } from "../../../../core/net/address.ts";
import { addElements } from "../../../../core/nft/add-elements.ts";
import { bridgeElements } from "../../../../core/nft/bridges.ts";
import { describePlace } from "../../../../core/nft/describe-element.ts";
import { addressCheckElements, macCheckElements } from "../../../../core/nft/mac-check.ts";
import { directElement, masqueradeElements, podElements } from "../../../../core/nft/masquerade.ts";
import { missingElements } from "../../../../core/nft/missing-elements.ts";
import { NftSocket } from "../../../../core/nft/nft-socket.ts";
import { missingForwardRules, openForward } from "../../../../core/nft/open-forward.ts";
import { ownedElements } from "../../../../core/nft/owned-elements.ts";
import { removeElements } from "../../../../core/nft/remove-elements.ts";
import type { TableElement } from "../../../../core/nft/table-element.ts";
import { setUpFaults } from "../../../../core/nft/table-state.ts";

/** What the elements are made of. */
interface Parts {
  network: string;
  containerId?: string;
  masquerade?: string[];
  direct?: [string, string][];
  pods?: string[];
  bridges?: string[];
  port?: string;
  mac?: string;
  addresses?: string[];
}

/** One thing to do; `repeat` does it that often. */
export type Order = { repeat?: number } & (
  | { do: "add" | "remove" | "missing"; what: Parts }
  | { do: "owned"; network: string; containerId?: string }
  | { do: "openForward" | "missingForward" | "faults" }
);

function elementsOf(what: Parts): TableElement[] {
  const { network, containerId = "c1", port, mac } = what;
  const attachment = { network, containerId, ifname: "eth0" };
  const addresses = what.addresses?.map(parseIp) ?? [];
  return [
    ...masqueradeElements(attachment, what.masquerade?.map(parseCidr) ?? []),
    ...(what.direct ?? []).map(([a, b]) => directElement(network, parseCidr(a), parseCidr(b))),
    ...podElements(attachment, what.pods?.map(parseIp) ?? []),
    ...(what.bridges ?? []).flatMap(bridgeElements),
    ...(port && mac ? macCheckElements(attachment, port, parseMac(mac)) : []),
    ...(port && addresses.length > 0 ? addressCheckElements(attachment, port, addresses) : []),
  ];
}

function carryOut(nft: NftSocket, order: Order): unknown {
  switch (order.do) {
    case "add":
      return addElements(nft, elementsOf(order.what));
    case "remove":
      return removeElements(nft, elementsOf(order.what));
    case "missing":
      return missingElements(nft, elementsOf(order.what)).map(describePlace);
    case "owned": {
      const { network, containerId } = order;
      const owner = containerId && ownerText({ network, containerId, ifname: "eth0" });
      return ownedElements(nft, owner ? { owner } : { network }).map(describePlace);
    }
    case "openForward":
      return openForward(nft);
    case "missingForward":
      return missingForwardRules(nft);
    case "faults":
      return setUpFaults(nft);
  }
}

function readAll(): string {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const bytes = host.read(0, 65536);
    if (bytes.length === 0) return text;
    text += decoder.decode(bytes);
  }
}

Object.assign(globalThis, {
  main: () => {
    const order = JSON.parse(readAll()) as Order;
    let answer: unknown;
    try {
      using nft = NftSocket.open();
      for (let times = order.repeat ?? 1; times > 0; times--) answer = carryOut(nft, order) ?? null;
    } catch (error) {
      answer = { error: explain(error) };
    }
    host.write(1, new TextEncoder().encode(JSON.stringify(answer)));
    return 0;
  },
});
