/**
 * As much of the container runtime interface as a kubelet needs to start and stop a pod: gRPC over HTTP/2 to a socket.
 * @see https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto
 * @module
 */
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";

/** Field numbers and values of a protobuf message; lists repeat the field, what is undefined or empty is left out. */
type Fields = readonly (readonly [number: number, value: Value])[];
type Value = string | number | Uint8Array | readonly (string | Uint8Array)[] | undefined;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}

/** Bytes of a message: varints for numbers, length and bytes for the rest. */
function message(fields: Fields): Uint8Array {
  const one = (number: number, value: string | number | Uint8Array): number[] => {
    if (typeof value === "number")
      return value === 0 ? [] : [...varint(number << 3), ...varint(value)];
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    return [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes];
  };
  const bytes = fields.flatMap(([number, value]) => {
    if (value === undefined || value === "") return [];
    if (typeof value === "object" && !(value instanceof Uint8Array)) {
      return value.flatMap((each) => one(number, each));
    }
    return one(number, value);
  });
  return Uint8Array.from(bytes);
}

/** The texts and messages of one field of a message; of its other fields, numbers are stepped over. */
function fieldsOf(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const length = number(); // of a number: its value
    if ((tag & 7) !== 2) continue;
    if (tag >> 3 === wanted) found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes ?? new Uint8Array());
}

/** A port of a pod that the host publishes. */
export interface PublishedPort {
  protocol: "tcp" | "udp";
  containerPort: number;
  hostPort: number;
  hostIp?: string;
}

/** A pod as a kubelet describes it. */
export interface PodConfig {
  name: string;
  /** Parent of its cgroup, as `/tests`. */
  cgroupParent: string;
  ports?: readonly PublishedPort[];
  dnsServers?: readonly string[];
}

function podConfig({ name, cgroupParent, ports = [], dnsServers = [] }: PodConfig): Uint8Array {
  const portMappings = ports.map(({ protocol, containerPort, hostPort, hostIp }) =>
    message([
      [1, protocol === "udp" ? 1 : 0],
      [2, containerPort],
      [3, hostPort],
      [4, hostIp],
    ]),
  );
  const metadata = message([
    [1, name],
    [2, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
    [3, "default"],
  ]);
  return message([
    [1, metadata],
    [2, name],
    [4, dnsServers.length > 0 ? message([[1, dnsServers]]) : undefined],
    [5, portMappings],
    [8, message([[1, cgroupParent]])],
  ]);
}

/** A runtime that refused, with gRPC's status and the runtime's words. */
export class CriError extends Error {}

/** A connection to the runtime's socket. */
export class Cri implements Disposable {
  readonly #session: ClientHttp2Session;

  /** @param socket path as this process can open it */
  constructor(socket: string) {
    this.#session = connect("http://localhost", { createConnection: () => connectSocket(socket) });
    this.#session.on("error", () => undefined); // the call that is under way fails with it
  }

  /** RunPodSandbox. @returns the pod's id @throws {CriError} */
  async runPod(config: PodConfig): Promise<string> {
    const answer = await this.#call("RunPodSandbox", [[1, podConfig(config)]]);
    return text(fieldsOf(answer, 1)[0]);
  }

  /** StopPodSandbox, after which its network is gone. @throws {CriError} */
  async stopPod(id: string): Promise<void> {
    await this.#call("StopPodSandbox", [[1, id]]);
  }

  /** RemovePodSandbox. @throws {CriError} */
  async removePod(id: string): Promise<void> {
    await this.#call("RemovePodSandbox", [[1, id]]);
  }

  /** PodSandboxStatus: the pod's addresses, the first one first. @throws {CriError} */
  async podAddresses(id: string): Promise<string[]> {
    const answer = await this.#call("PodSandboxStatus", [[1, id]]);
    const [status = new Uint8Array()] = fieldsOf(answer, 1);
    const [network = new Uint8Array()] = fieldsOf(status, 5);
    const more = fieldsOf(network, 2).map((each) => text(fieldsOf(each, 1)[0]));
    return [text(fieldsOf(network, 1)[0]), ...more];
  }

  #call(method: string, fields: Fields): Promise<Uint8Array> {
    const stream = this.#session.request({
      ":method": "POST",
      ":path": `/runtime.v1.RuntimeService/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const body = message(fields);
    const prefix = [0, ...[24, 16, 8, 0].map((shift) => (body.length >> shift) & 255)];
    stream.end(Uint8Array.from([...prefix, ...body]));
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      const end = (headers: Record<string, unknown>) => {
        const status = headers["grpc-status"];
        if (status === undefined || status === "0") return;
        const words = decodeURIComponent(String(headers["grpc-message"] ?? ""));
        reject(new CriError(`${method}: status ${status}: ${words}`));
      };
      stream.on("response", end);
      stream.on("trailers", end);
      stream.on("error", reject);
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("close", () => resolve(Buffer.concat(chunks).subarray(5)));
    });
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
