import { runPlugin } from "../../core/cni/skeleton.ts";
import { hostDevice } from "./plugin.ts";

runPlugin(hostDevice);
