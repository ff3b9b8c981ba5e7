/** The sizes that machines come in through this face; those made elsewhere may have any other. */
export type Flavor = { name: string; cpus: number; memoryMiB: number }

export const flavors: readonly Flavor[] = [
  { name: "small", cpus: 1, memoryMiB: 256 },
  { name: "medium", cpus: 2, memoryMiB: 1024 },
]

/** Its case does not matter: people write `Small` as well. */
export const flavorOf = (name: string | undefined): Flavor | undefined =>
  flavors.find((flavor) => flavor.name === name?.toLowerCase())

export const notAFlavor = `must be ${flavors.map(({ name }) => name).join(" or ")}`
