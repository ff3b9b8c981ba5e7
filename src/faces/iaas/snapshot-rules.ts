/** What this face asks of every new snapshot, as data for the core. Names are free, and repeat. */
import type { CountRule } from "../../core/core.ts"
import type { IaasSettings } from "../settings.ts"
import { toldAfterwards } from "./accepted.ts"

export const countRule = ({ maxSnapshots, onLimit }: IaasSettings): CountRule => ({
  most: maxSnapshots,
  // biome-ignore lint/suspicious/noThenProperty: a word of the core; its value is no function
  then: onLimit === "fail" ? "refuse" : "replace-oldest",
})

/** Whether one more would be taken. */
export const hasRoom = ({ maxSnapshots, onLimit }: IaasSettings, used: number): boolean =>
  used < maxSnapshots || onLimit === "replace-oldest"

export const recorded = toldAfterwards

/** A name may be left out, and some clients never send one. */
export const nameOr = (name: string): string =>
  name === "" ? `snapshot-${new Date().toISOString().slice(0, 19)}` : name
