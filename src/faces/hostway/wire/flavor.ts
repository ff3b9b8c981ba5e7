/** Sizes of servers, as data. Hardware that is on no list has a flavor, too: its own numbers. */
import { type Hardware, hardwareBounds } from "../../../domain/machine.ts"
import { linksTo, type Place } from "../links.ts"

export type Flavor = { id: number; name: string; memoryMiB: number; cpus: number }

export const flavors: readonly Flavor[] = [
  { id: 1, name: "256M", memoryMiB: 256, cpus: 1 },
  { id: 2, name: "512M", memoryMiB: 512, cpus: 1 },
  { id: 3, name: "1G", memoryMiB: 1024, cpus: 1 },
  { id: 4, name: "2G", memoryMiB: 2048, cpus: 2 },
  { id: 5, name: "4G", memoryMiB: 4096, cpus: 2 },
  { id: 6, name: "8G", memoryMiB: 8192, cpus: 4 },
]

/** Above every listed id: processors, then seven digits of MiB. */
const unlisted = 10_000_000

export function flavorOf({ memoryMiB, cpus }: Pick<Hardware, "memoryMiB" | "cpus">): Flavor {
  const listed = flavors.find((each) => each.memoryMiB === memoryMiB && each.cpus === cpus)
  return (
    listed ?? { id: cpus * unlisted + memoryMiB, name: `${memoryMiB}M-${cpus}`, memoryMiB, cpus }
  )
}

export function flavorWith(id: number): Flavor | undefined {
  const listed = flavors.find((each) => each.id === id)
  if (listed !== undefined) return listed
  const [cpus, memoryMiB] = [Math.floor(id / unlisted), id % unlisted]
  if (!within("memoryMiB", memoryMiB) || !within("cpus", cpus)) return undefined
  const flavor = flavorOf({ memoryMiB, cpus })
  return flavor.id === id ? flavor : undefined
}

const within = (field: "memoryMiB" | "cpus", value: number) =>
  value >= hardwareBounds[field].least && value <= hardwareBounds[field].most

export const renderFlavor = ({ id, name, memoryMiB, cpus }: Flavor, place: Place) => ({
  id,
  name,
  ram: memoryMiB,
  vcpus: cpus,
  links: linksTo(place, "flavors", id),
})
