/** Our states in the words of block storage, and back. */
import { type Claim, standingState } from "../../domain/claim.ts"
import type { SnapshotState } from "../../domain/snapshot.ts"
import type { VolumeState } from "../../domain/volume.ts"

export const snapshotWords = {
  creating: "creating",
  ready: "available",
  deleting: "deleting",
  failed: "error",
} as const satisfies Record<SnapshotState, string>

export const volumeWords = {
  creating: "creating",
  available: "available",
  "in-use": "in-use",
  deleting: "deleting",
  failed: "error",
} as const satisfies Record<VolumeState, string>

/** What is told of a thing's state: its own, or what the administrator put over it. */
export const statusOf = (thing: { state: string; claim: Claim | null }): string =>
  stateWord(standingState(thing))

const words: Readonly<Record<string, string>> = { ...snapshotWords, ...volumeWords }

/** Of any thing; a word that is not in the tables is said as it is. */
export const stateWord = (state: string): string =>
  Object.hasOwn(words, state) ? (words[state] ?? state) : state

export const snapshotState = (word: string): SnapshotState | undefined =>
  stateOf(snapshotWords, word)
export const volumeState = (word: string): VolumeState | undefined => stateOf(volumeWords, word)

function stateOf<S extends string>(table: Readonly<Record<S, string>>, word: string) {
  const states = Object.keys(table) as S[]
  return states.find((state) => table[state] === word.toLowerCase())
}
