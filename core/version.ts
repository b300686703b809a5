/**
 * The release.
 * @module
 */

/** Put there by the build: `version` of package.json. */
declare const NETLOOM_VERSION: string | undefined;

/** As in package.json; `0.0.0` where neither build nor tests have put it. */
export const programVersion: string =
  typeof NETLOOM_VERSION === "string" ? NETLOOM_VERSION : "0.0.0";
