/**
 * What dbus-send and dbus-daemon 1.14 say to each other, taken from between them.
 * @module
 */
import { hex } from "netlink-ts/testing/hex.ts";

// dbus-send --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.NameHasOwner string:org.fedoraproject.FirewallD1
export const nameHasOwner = hex(`
  6c 01 00 01  21 00 00 00  02 00 00 00  7f 00 00 00   # little-endian call, 33 bytes of body, serial 2
  01 01 6f 00  15 00 00 00                             # path "/org/freedesktop/DBus"
  2f 6f 72 67 2f 66 72 65 65 64 65 73 6b 74 6f 70 2f 44 42 75 73 00 00 00
  02 01 73 00  14 00 00 00                             # interface "org.freedesktop.DBus"
  6f 72 67 2e 66 72 65 65 64 65 73 6b 74 6f 70 2e 44 42 75 73 00 00 00 00
  03 01 73 00  0c 00 00 00                             # member "NameHasOwner"
  4e 61 6d 65 48 61 73 4f 77 6e 65 72 00 00 00 00
  06 01 73 00  14 00 00 00                             # destination "org.freedesktop.DBus"
  6f 72 67 2e 66 72 65 65 64 65 73 6b 74 6f 70 2e 44 42 75 73 00 00 00 00
  08 01 67 00  01 73 00 00                             # signature "s", padding
  1c 00 00 00                                          # "org.fedoraproject.FirewallD1"
  6f 72 67 2e 66 65 64 6f 72 61 70 72 6f 6a 65 63 74 2e 46 69 72 65 77 61 6c 6c 44 31 00`);

// its answer: false
export const hasNoOwner = hex(`
  6c 02 01 01  04 00 00 00  03 00 00 00  3d 00 00 00   # return
  06 01 73 00  04 00 00 00  3a 31 2e 30 00 00 00 00    # destination ":1.0"
  05 01 75 00  02 00 00 00                             # reply to serial 2
  08 01 67 00  01 62 00 00                             # signature "b"
  07 01 73 00  14 00 00 00                             # sender "org.freedesktop.DBus"
  6f 72 67 2e 66 72 65 65 64 65 73 6b 74 6f 70 2e 44 42 75 73 00 00 00 00
  00 00 00 00`);

// the bus' signal NameAcquired, which comes unasked
export const nameAcquired = hex(`
  6c 04 01 01  09 00 00 00  02 00 00 00  8d 00 00 00
  01 01 6f 00  15 00 00 00
  2f 6f 72 67 2f 66 72 65 65 64 65 73 6b 74 6f 70 2f 44 42 75 73 00 00 00
  02 01 73 00  14 00 00 00
  6f 72 67 2e 66 72 65 65 64 65 73 6b 74 6f 70 2e 44 42 75 73 00 00 00 00
  03 01 73 00  0c 00 00 00
  4e 61 6d 65 41 63 71 75 69 72 65 64 00 00 00 00
  06 01 73 00  04 00 00 00  3a 31 2e 30 00 00 00 00
  08 01 67 00  01 73 00 00
  07 01 73 00  14 00 00 00
  6f 72 67 2e 66 72 65 65 64 65 73 6b 74 6f 70 2e 44 42 75 73 00 00 00 00
  04 00 00 00  3a 31 2e 30 00`);

// dbus-send --print-reply --dest=org.fedoraproject.FirewallD1 … addSource, where nobody has that name
export const serviceUnknown = hex(`
  6c 03 01 01  51 00 00 00  03 00 00 00  75 00 00 00   # error
  06 01 73 00  04 00 00 00  3a 31 2e 31 00 00 00 00
  04 01 73 00  29 00 00 00                             # "org.freedesktop.DBus.Error.ServiceUnknown"
  6f 72 67 2e 66 72 65 65 64 65 73 6b 74 6f 70 2e 44 42 75 73 2e 45 72 72 6f 72 2e 53 65 72 76 69 63 65 55 6e 6b 6e 6f 77 6e
  00 00 00 00 00 00 00
  05 01 75 00  02 00 00 00
  08 01 67 00  01 73 00 00
  07 01 73 00  14 00 00 00
  6f 72 67 2e 66 72 65 65 64 65 73 6b 74 6f 70 2e 44 42 75 73 00 00 00 00
  4c 00 00 00                                          # what it says
  54 68 65 20 6e 61 6d 65 20 6f 72 67 2e 66 65 64 6f 72 61 70 72 6f 6a 65 63 74 2e 46 69 72 65 77 61 6c 6c 44 31 20 77 61 73
  20 6e 6f 74 20 70 72 6f 76 69 64 65 64 20 62 79 20 61 6e 79 20 2e 73 65 72 76 69 63 65 20 66 69 6c 65 73 00`);

/** All of them. */
export const captures: readonly Uint8Array[] = [
  nameHasOwner,
  hasNoOwner,
  nameAcquired,
  serviceUnknown,
];
