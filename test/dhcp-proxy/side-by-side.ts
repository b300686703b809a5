/**
 * Tests that mostly wait.
 * @module
 */

/**
 * Begins all scenarios at once; each is a test that waits for the end of its own.
 * @param scenarios by title; a text that one returns is put behind that. What they do at the same time must not hold up the thread for long
 */
export function sideBySide(scenarios: Readonly<Record<string, () => Promise<unknown>>>): void {
  const begun = new Map<string, Promise<unknown>>();
  before(() => {
    for (const [title, scenario] of Object.entries(scenarios)) {
      const running = scenario();
      running.catch(() => undefined); // its own test tells
      begun.set(title, running);
    }
  });
  for (const title of Object.keys(scenarios)) {
    it(title, async function () {
      const found = await begun.get(title);
      if (this.test && typeof found === "string") this.test.title += `: ${found}`;
    });
  }
}
