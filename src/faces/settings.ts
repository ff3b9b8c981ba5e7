/** What the people who run the service may choose about its faces; `[cloudapi]` and so on in TOML. */
export type CloudapiSettings = {
  /** As the oldest of these APIs had it: snapshots of containers alone. */
  smartmachineOnly: boolean
  /** The word for a snapshot that is ready; clients of version 6.5 get `success` in any case. */
  readyWord: "created" | "success"
  datacenter: string
  /** Whether signatures with SHA-1 count; `sdc-*` through an ssh-agent makes no others. */
  sha1Signatures: boolean
}

export type VolumeType = { name: string; minGiB: number; maxGiB: number }
export type OpenstackSettings = {
  region: string
  v1CreateStatus: 200 | 201
  /** Whether a v1 create already shows progress and project. */
  v1ExtendedOnCreate: boolean
  /** The first is the default. */
  volumeTypes: readonly VolumeType[]
  tokenLifeMs: number
  /** Where tokens are validated instead of here; null: here. */
  keystone: { url: string; userName: string; password: string; project: string } | null
}

export type IaasSettings = {
  maxSnapshots: number
  onLimit: "fail" | "replace-oldest"
  tokenLifeMs: number
}

export type HostwaySettings = {
  /** What stands for the time of a snapshot that is still being made. */
  pendingCreateTime: "" | "0000-00-00 00:00:00"
  listStatus: 200 | 202
  maxSnapshots: number
}

export type FaceSettings = {
  cloudapi: CloudapiSettings
  openstack: OpenstackSettings
  iaas: IaasSettings
  hostway: HostwaySettings
}
