/** Every benchmark; one line each. */
import { attached } from "./attached.ts"
import type { Benchmark } from "./benchmark.ts"
import { cli } from "./cli.ts"
import { clone } from "./clone.ts"
import { commit } from "./commit.ts"
import { deletion } from "./delete.ts"
import { depth } from "./depth.ts"
import { details } from "./details.ts"
import { diff } from "./diff.ts"
import { face } from "./face.ts"
import { idle } from "./idle.ts"
import { layer } from "./layer.ts"
import { list } from "./list.ts"
import { memory } from "./memory.ts"
import { snapshot } from "./snapshot.ts"
import { transfer } from "./transfer.ts"

export const benchmarks: Readonly<Record<string, Benchmark>> = {
  commit,
  layer,
  snapshot,
  face,
  clone,
  attached,
  memory,
  list,
  details,
  transfer,
  delete: deletion,
  depth,
  diff,
  cli,
  idle,
}
