import { runPlugin } from "../../core/cni/skeleton.ts";
import { becomeDaemon } from "./daemon.ts";
import { dhcp } from "./plugin.ts";

runPlugin(dhcp, { daemon: becomeDaemon });
