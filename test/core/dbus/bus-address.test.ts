import { deepEqual, equal, throws } from "node:assert/strict";
import { systemBusAddresses } from "../../../core/dbus/bus-address.ts";

describe("systemBusAddresses", () => {
  const path = ({ sockaddr }: { sockaddr: Uint8Array }) =>
    new TextDecoder().decode(sockaddr.subarray(2));

  it("has the usual places, whether the variable is missing or empty", () => {
    for (const variable of [undefined, ""]) {
      deepEqual(systemBusAddresses(variable).map(path), [
        "/run/dbus/system_bus_socket\0",
        "/var/run/dbus/system_bus_socket\0",
      ]);
    }
  });

  it("reads paths and abstract names, with escapes and other options", () => {
    const text = "unix:guid=07,path=/a%20b;tcp:host=x;unix:abstract=%2ftmp/x";
    const found = systemBusAddresses(text);
    deepEqual(found.map(path), ["/a b\0", "\0/tmp/x"]);
    deepEqual(
      found.map((each) => each.text),
      ["unix:guid=07,path=/a%20b", "unix:abstract=%2ftmp/x"],
    );
    deepEqual([...found[0]!.sockaddr.subarray(0, 2)], [1, 0]);
  });

  it("takes the longest path there is, and no longer one", () => {
    equal(path(systemBusAddresses(`unix:path=/${"x".repeat(106)}`)[0]!).length, 108);
    throws(() => systemBusAddresses(`unix:path=/${"x".repeat(107)}`));
  });

  for (const text of ["tcp:host=1", "unix:", "unix:path", "unix:path=", "unix:path=%2", "x"]) {
    it(`refuses "${text}"`, () => {
      throws(() => systemBusAddresses(text), {
        message: /no address that can be used: want "unix:path=FILE" .* got "/,
      });
    });
  }
});
