/** How a client of each face asks for a snapshot and learns that it can be used. */
import type { Server } from "./server.ts"

export interface FaceClient {
  /** From the request to the answer that says it is ready; resolves with its id in our words. */
  takeSnapshot(volumeId: string, name: string): Promise<string>
}

type Started = { id: string; operationId: string }

export const nativeClient = ({ api }: Server): FaceClient => ({
  async takeSnapshot(volumeId, name) {
    const { id, operationId } = await api.ask<Started>("POST", "/api/snapshots", { volumeId, name })
    await api.untilDone(operationId)
    return id
  },
})
