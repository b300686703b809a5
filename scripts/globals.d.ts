/** The version of package.json: put in by the build, and by test/setup.ts for tests. */
declare const NETLOOM_VERSION: string;
