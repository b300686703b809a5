import { builtPrograms } from "../../test/kernel/sandbox.ts";

/**
 * The folder of CNI programs that clients use. Default: those of `npm run build`; NETLOOM_PROGRAMS names another, the
 * reference's for instance, so that a test can show that it judges the contract and not the implementation.
 */
export const programs: string = process.env["NETLOOM_PROGRAMS"] ?? builtPrograms;
