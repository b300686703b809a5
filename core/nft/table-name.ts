/**
 * The name and version of our tables, and the bit that forwarded packets carry from one chain to the next.
 * @module
 */

/** Both tables, `inet netloom` and `bridge netloom`, have it. */
export const tableName = "netloom";

/**
 * Version of the set-up: sets, chains and rules. It stands in the tables' comment; tables of another version are built anew,
 * so it counts up with every change in `sets.ts`, `chains.ts` and the rules.
 */
export const tableVersion = 2;

/** The comment of our tables, as `netloom 2`. */
export const tableComment = `netloom ${tableVersion}`;

/** The mark bit of what our forward chain allows, which the rule in iptables' filter table accepts. */
export const forwardMark = 0x1000;
