import { runPlugin } from "../../core/cni/skeleton.ts";
import { staticIpam } from "./plugin.ts";

runPlugin(staticIpam);
