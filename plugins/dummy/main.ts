import { runPlugin } from "../../core/cni/skeleton.ts";
import { dummy } from "./plugin.ts";

runPlugin(dummy);
