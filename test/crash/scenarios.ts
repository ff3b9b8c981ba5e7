/**
 * The stories that the power fails in. Each arranges something, starts one operation, and says
 * what must be true however it ended. A new operation is one story more.
 */
import { cancelStories } from "./cancel-stories.ts"
import { captureStories } from "./capture-stories.ts"
import { growStories } from "./grow-stories.ts"
import { machineStories } from "./machine-stories.ts"
import { pointStories } from "./point-stories.ts"
import { resizeStories } from "./resize-stories.ts"
import type { Scenario } from "./stage.ts"
import { upkeepStories } from "./upkeep-stories.ts"
import { volumeStories } from "./volume-stories.ts"

export const scenarios: readonly Scenario[] = [
  ...volumeStories,
  ...growStories,
  ...pointStories,
  ...machineStories,
  ...resizeStories,
  ...captureStories,
  ...upkeepStories,
  ...cancelStories,
]
