/** One line for each engine; adding one is a folder and a line here. */
import type { EngineConfig, EngineHouse } from "./engine.ts"
import { openMemoryEngine } from "./memory/engine.ts"
import { openQcow2Engine } from "./qcow2/engine.ts"

export const engines = {
  memory: (config) => openMemoryEngine(config),
  qcow2: openQcow2Engine,
} satisfies Record<string, (config: EngineConfig) => Promise<EngineHouse>>
