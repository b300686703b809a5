import { equal } from "node:assert/strict";
import { emptyTally, noMoreTries } from "../../dhcp-proxy/failure.ts";
import { settings } from "./scripted-server.ts";

const who = 'interface "eth0", MAC 02:00:00:00:00:01: ';

describe("noMoreTries", () => {
  const macvlan = { ...settings, surroundings: { linkKind: "macvlan", hostServesDhcp: true } };

  it("is upstream's text, and a reason to try again", () => {
    const { message, code } = noMoreTries(emptyTally, settings);
    equal(`${code} ${message}`, "11 no more tries");
  });

  it("tells apart what went wrong", () => {
    const details = (tally: object, given = settings) =>
      noMoreTries({ ...emptyTally, ...tally }, given).details?.replace(who, "");
    equal(
      details({ discovers: 3 }),
      "sent 3 DHCPDISCOVER and 0 DHCPREQUEST, saw 0 offers and 0 DHCPNAK; no server answered: none may be reachable on this network, or it has no free address for this client",
    );
    equal(
      details({ discovers: 3 }, macvlan),
      "sent 3 DHCPDISCOVER and 0 DHCPREQUEST, saw 0 offers and 0 DHCPNAK; a macvlan link cannot reach its own host, and a DHCP server listens on this host: let it listen on another link, or use a bridge",
    );
    equal(
      details({ discovers: 1, offers: 1, requests: 3 }),
      "sent 1 DHCPDISCOVER and 3 DHCPREQUEST, saw 1 offers and 0 DHCPNAK; the server offered an address and then did not answer",
    );
    equal(
      details({ discovers: 2, offers: 2, requests: 2, naks: 2, nakMessage: 'no "lease"' }),
      'sent 2 DHCPDISCOVER and 2 DHCPREQUEST, saw 2 offers and 2 DHCPNAK; the server refuses the address that it offered, it says "no \\"lease\\""',
    );
    equal(
      details({ discovers: 2, offers: 2, requests: 2, declines: 2 }),
      "sent 2 DHCPDISCOVER and 2 DHCPREQUEST, saw 2 offers and 0 DHCPNAK, declined 2 addresses that others have; the server offers addresses that are in use: look at its pool",
    );
  });
});
