import { runPlugin } from "../../core/cni/skeleton.ts";
import { vrf } from "./plugin.ts";

runPlugin(vrf);
