import { runPlugin } from "../../core/cni/skeleton.ts";
import { makeAsked, makingArgument } from "./labelled.ts";
import { tap } from "./plugin.ts";

runPlugin(tap, { [makingArgument]: makeAsked });
