/** @module A server's port. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SviError } from "../errors.ts";

/** @throws SviError `E_HOST` where the port is taken */
export function listen(server: Server, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new SviError("E_HOST", `Port ${port} of ${host} cannot be listened on: ${cause.message}`, {
          option: "port",
          value: port,
          remedy: "Give another port",
          cause,
        }),
      ),
    );
    server.listen(port, host, () => resolve(server));
  });
}

/** Address of the page or service. */
export function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/`;
}
