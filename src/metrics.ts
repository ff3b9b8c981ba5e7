/** What the service measures of itself, in Prometheus' text format. Ids are never labels. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import type { FreeSpace } from "./core/free-space.ts"
import type { Ledger } from "./ledger/ledger.ts"

export function openMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: "tintype_" })
  const ended = new Counter({
    name: "tintype_operations_ended_total",
    help: "Operations that ended, by kind and by how",
    labelNames: ["kind", "state"] as const,
    registers: [registry],
  })
  const duration = new Histogram({
    name: "tintype_operation_duration_seconds",
    help: "From the request to the end of its operation",
    labelNames: ["kind"] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 30, 120, 600],
    registers: [registry],
  })
  const requests = new Counter({
    name: "tintype_http_requests_total",
    help: "Requests answered, by face, method and status",
    labelNames: ["face", "method", "status"] as const,
    registers: [registry],
  })
  return {
    operationEnded(kind: string, state: string, seconds: number) {
      ended.inc({ kind, state })
      duration.observe({ kind }, seconds)
    },
    answered(face: string, method: string, status: number) {
      requests.inc({ face, method, status: String(status) })
    },
    /** Counted when asked for: they are in the ledger anyway. */
    countRows(ledger: Ledger) {
      for (const [name, count] of Object.entries({
        machines: () => ledger.read.machines.count({ state: "running" }),
        snapshots: () => ledger.read.snapshots.count({ state: "ready" }),
        volumes: () => ledger.read.volumes.count({ state: ["available", "in-use"] }),
        operations_open: () =>
          ledger.read.operations.count({ state: ["queued", "running", "undoing"] }),
        operations_stuck: () => ledger.read.operations.count({ state: "stuck" }),
      })) {
        new Gauge({
          name: `tintype_${name}`,
          help: `How many there are now: ${name.replace("_", " ")}`,
          registers: [registry],
          async collect() {
            this.set(await count())
          },
        })
      }
    },
    /** How much room there is for new work. */
    watchSpace(look: () => Promise<FreeSpace>) {
      for (const [name, { help, of }] of Object.entries(spaceGauges)) {
        new Gauge({
          name: `tintype_${name}`,
          help,
          registers: [registry],
          async collect() {
            this.set(of(await look()))
          },
        })
      }
    },
    text: () => registry.metrics(),
  }
}

const spaceGauges: Record<string, { help: string; of(space: FreeSpace): number }> = {
  free_bytes: {
    help: "Free where the service keeps its bytes",
    of: ({ freeBytes }) => freeBytes,
  },
  low_water_bytes: {
    help: "How much of it stays free",
    of: ({ lowWaterBytes }) => lowWaterBytes,
  },
  reserved_bytes: {
    help: "How much of it is set aside for work under way",
    of: ({ reservedBytes }) => reservedBytes,
  },
  paused: {
    help: "1 while no new work is begun that needs space",
    of: ({ paused }) => (paused ? 1 : 0),
  },
}
