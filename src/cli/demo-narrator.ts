/** Who tells the demo: does what is to be seen, and says so. */
import type { Resource } from "./resources.ts"

export type Narrator = {
  scene(title: string): void
  /** Runs a command, shows it as it would be typed, and how long it took. */
  run<T = Resource>(...argv: string[]): Promise<T>
  /** Runs a shell line in the machine and resolves with what it printed. */
  inside(machine: string, line: string): Promise<string>
  /** Says so if it is so, and ends the demo if it is not. */
  show(words: string, isSo: boolean): void
}
