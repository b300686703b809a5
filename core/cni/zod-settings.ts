/**
 * Settings of zod that must stand before the first schema is made: imported first by every file that makes some.
 * @module
 */

import * as z from "zod/mini";

// the host has no eval, and zod must not look for it
z.config({ jitless: true });
