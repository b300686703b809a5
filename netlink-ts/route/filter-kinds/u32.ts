/**
 * u32: filters that compare words of a packet.
 * @see include/uapi/linux/pkt_cls.h, enum TCA_U32_*; tc-u32(8)
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import type { Codec, Decoded } from "../../wire/codec.ts";
import { DecodeError } from "../../wire/decode-error.ts";
import { nameRange, rangeError } from "../../wire/range.ts";
import { bytes, cstring, i32, u8, u16, u16be, u32, u32be } from "../../wire/scalars.ts";
import { padding, struct } from "../../wire/struct.ts";
import { actions } from "../action.ts";

/** In `flags` of a selector: what matches is of the class, and no filter behind it is asked. */
export const TC_U32_TERMINAL = 1;

/** struct tc_u32_key: the word at `offset` bytes from the network header, under `mask`, is `value`. */
const key = struct({ mask: u32be, value: u32be, offset: i32, offsetMask: i32 });
export type U32Key = Decoded<typeof key>;

/** struct tc_u32_sel without its keys. `keyCount` is theirs. */
const head = struct({
  flags: u8,
  offshift: u8,
  keyCount: u8,
  _: padding(1),
  offmask: u16be,
  off: u16,
  offoff: u16,
  hoff: u16,
  hmask: u32be,
});

/** struct tc_u32_sel: a packet matches when it matches every key. `flags` are TC_U32_* bits; the rest is for hashing. */
export interface U32Selector extends Partial<Omit<Decoded<typeof head>, "keyCount">> {
  keys: { [K in keyof U32Key]?: U32Key[K] }[];
}

const selector: Codec<U32Selector> = {
  write(writer, { keys, ...rest }) {
    if (keys.length > 0xff) throw rangeError(`want at most 255 keys, got ${keys.length}`);
    head.write(writer, { ...rest, keyCount: keys.length });
    keys.forEach((each, index) => {
      try {
        key.write(writer, each);
      } catch (error) {
        throw nameRange(error, `keys.${index}`);
      }
    });
  },
  read(reader) {
    const at = reader.offset;
    const { keyCount, ...rest } = head.read(reader);
    if (reader.left !== keyCount * key.size) {
      const problem = `want ${keyCount * key.size} bytes for ${keyCount} keys, got ${reader.left}`;
      throw new DecodeError("", at, problem);
    }
    const keys = Array.from({ length: keyCount }, () => key.read(reader));
    return { ...rest, keys };
  },
};

/** struct tc_u32_mark */
const mark = struct({ value: u32, mask: u32, success: u32 });

/** TCA_OPTIONS of a u32 filter. A table of them, which the kernel makes itself, has `divisor` alone. */
export const u32Filter = attributes({
  /** TCA_U32_SEL */
  selector: [5, selector],
  /** TCA_U32_HASH: handle of the table that it is in. */
  hash: [2, u32],
  /** TCA_U32_CLASSID: the class that matching packets are of. */
  classId: [1, u32],
  /** TCA_U32_LINK: handle of the table that is asked next. */
  link: [3, u32],
  /** TCA_U32_DIVISOR: how many buckets a table has. */
  divisor: [4, u32],
  flags: [11, u32],
  mark: [10, mark],
  police: [6, bytes],
  /** TCA_U32_ACT */
  actions: [7, actions],
  /** TCA_U32_INDEV: name of the link that the packet came in by. */
  indev: [8, cstring],
  pcnt: [9, bytes],
});
/** {@link u32Filter} decoded. */
export type U32Filter = Decoded<typeof u32Filter>;
