import { runPlugin } from "../../core/cni/skeleton.ts";
import { hostLocal } from "./plugin.ts";

runPlugin(hostLocal);
