import process from "node:process";
import { UserError } from "../user-error.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** Why a port could not be opened, as one line that says what to do. */
export function listenError(protocol: "UDP" | "TCP", local: Endpoint, cause: unknown): UserError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const what = `cannot listen on ${protocol} ${formatEndpoint(local)}`;
  const flags = protocol === "UDP" ? "-lunp" : "-ltnp";
  switch (code) {
    case "EADDRINUSE":
      return new UserError(
        `${what}: another program has it; \`ss ${flags} sport = :${local.port}\` names it: stop it, or choose another port under \`ports:\``,
        { cause },
      );
    case "EACCES":
    case "EPERM":
      return new UserError(
        `${what}: no right to bind a port below 1024; run as root, or give node the right: sudo setcap cap_net_bind_service=+ep "${process.execPath}"`,
        { cause },
      );
    case "EADDRNOTAVAIL":
      return new UserError(
        `${what}: this machine does not have that address; \`ip -4 address\` lists those it has: mend \`interface:\` or \`address:\``,
        { cause },
      );
    default:
      return new UserError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
  }
}
