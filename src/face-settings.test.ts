import { expect, test } from "vitest"
import { faceSettings } from "./face-settings.ts"

const typesOf = (openstack: Parameters<typeof faceSettings>[0]["openstack"]) =>
  faceSettings({ openstack }).openstack.volumeTypes

test("volumes have the bounds that are written, or those of a profile, or none to speak of", () => {
  const [minGiB, maxGiB] = [1, 65_536]
  expect(typesOf(undefined)).toEqual([
    { name: "SATA", minGiB, maxGiB },
    { name: "SSD", minGiB, maxGiB },
  ])
  expect(typesOf({ profile: "rackspace" })).toEqual([
    { name: "SATA", minGiB: 75, maxGiB: 1024 },
    { name: "SSD", minGiB: 50, maxGiB: 1024 },
  ])
  const volumeTypes = [{ name: "gold", minGiB: 10, maxGiB: 20 }]
  expect(typesOf({ profile: "rackspace", volumeTypes })).toEqual(volumeTypes)
})
