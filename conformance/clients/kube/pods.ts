/**
 * Pods as these tests run them: every container is `answer.c` on some ports.
 * @module
 */
import type { V1Pod } from "@kubernetes/client-node";
import { imageName } from "./image.ts";

/** A port of a container that the node publishes. */
export interface PublishedPort {
  hostPort: number;
  containerPort: number;
  /** Default TCP. */
  protocol?: "TCP" | "UDP";
  /** The one address of the node that publishes it. Default: all. */
  hostIP?: string;
}

/** What makes one pod differ from another. */
export interface PodSettings {
  name: string;
  /** What the first container answers on, TCP and UDP. Default 80. */
  ports?: readonly number[];
  publish?: readonly PublishedPort[];
  annotations?: Record<string, string>;
  /** More containers: their names, and the port each answers on. */
  others?: Readonly<Record<string, number>>;
}

function container(name: string, ports: readonly number[]) {
  const command = ["/bin/answer", name, ...ports.map(String)];
  return { name, image: imageName, imagePullPolicy: "Never", command };
}

/** The manifest. Its first container has the pod's name and answers with it. */
export function podManifest(settings: PodSettings): V1Pod {
  const { name, ports = [80], publish = [], annotations = {}, others = {} } = settings;
  const beside = Object.entries(others).map(([other, port]) => container(other, [port]));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", annotations },
    spec: {
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: "Exists" }],
      containers: [{ ...container(name, ports), ports: [...publish] }, ...beside],
    },
  };
}

/** Whether it is the pod of that name and all its containers run. A static pod's name ends with its node's. */
export function runs({ metadata, spec, status }: V1Pod, name: string): boolean {
  if (metadata?.name !== name && metadata?.name !== `${name}-node1`) return false;
  const states = status?.containerStatuses ?? [];
  return states.length === spec?.containers.length && states.every(({ state }) => state?.running);
}
