/** A wish may name the project that a new thing is for: the account that it is to belong to. */
import type { Asking, Core } from "../../core/core.ts"
import { ok, type Result } from "../../domain/fault.ts"

/** One that is not the asker's is refused, whether or not it exists. */
export async function askingIn(
  core: Core,
  asking: Asking,
  projectId: string | undefined,
): Promise<Result<Asking>> {
  if (projectId === undefined || projectId === "") return ok(asking)
  const who = await core.identity.actFor(asking.who, projectId)
  return who.ok ? ok({ ...asking, who: who.value }) : who
}
