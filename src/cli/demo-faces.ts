/**
 * The demo's scene of the other clouds' APIs: a user of each would list the machine's snapshots
 * with the client they have. Here their requests are made by hand, signed and all.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Narrator } from "./demo-narrator.ts"
import type { Stage } from "./demo-stage.ts"
import type { Resource } from "./resources.ts"

type Person = { name: string; password: string; refreshToken: string; account: string }
type Machine = Resource & { disks: { volumeId: string; role: string }[] }
type Row = Record<string, unknown>

/** How many snapshots each face knows of, and what it calls them. */
export async function otherClouds(stage: Stage, tell: Narrator): Promise<void> {
  tell.scene("The same snapshots, through the APIs of other clouds")
  const account = ["--account", "admin"]
  const person = await tell.run<Person>("user", "create", "visitor", ...account)
  const machine = await tell.run<Machine>("machine", "show", "web")
  const key = generateKeyPairSync("ed25519")
  const file = join(stage.folder, "visitor.pub")
  await writeFile(file, `${publicLine(key.publicKey)}\n`)
  await tell.run("key", "add", ...account, file)

  const faces: Record<string, () => Promise<Row[]>> = {
    cloudapi: () => throughCloudapi(stage, machine, key),
    openstack: () => throughOpenstack(stage, machine, person),
    iaas: () => throughIaas(stage, machine, person),
    hostway: () => throughHostway(stage, machine, person),
  }
  for (const [face, list] of Object.entries(faces)) {
    const names = (await list()).map((row) => String(row["name"] ?? row["display_name"]))
    tell.show(
      `${face.padEnd(9)} ${names.join(", ")}`,
      names.some((name) => name === "before"),
    )
  }
}

async function throughCloudapi(
  { urls }: Stage,
  { id }: Machine,
  { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject },
): Promise<Row[]> {
  const date = new Date().toUTCString()
  const signature = sign(null, Buffer.from(`date: ${date}`), privateKey).toString("base64")
  const keyId = `/admin/keys/${fingerprint(publicKey)}`
  const authorization = `Signature keyId="${keyId}",algorithm="ed25519-sha512",headers="date",signature="${signature}"`
  const url = `${urls["cloudapi"]}/my/machines/${id}/snapshots`
  return await rows(url, { authorization, date, "accept-version": "~9" })
}

async function throughOpenstack({ urls }: Stage, machine: Machine, person: Person): Promise<Row[]> {
  const { name: username, password, account } = person
  const auth = { passwordCredentials: { username, password } }
  const { access } = await json(`${urls["openstack"]}/v2.0/tokens`, {}, { auth })
  const { token } = access as { token: { id: string } }
  const root = machine.disks.find(({ role }) => role === "root")?.volumeId
  const url = `${urls["openstack"]}/v1/${account}/snapshots?volume_id=${root}`
  return await rows(url, { "x-auth-token": token.id })
}

async function throughIaas({ urls }: Stage, { id }: Machine, person: Person): Promise<Row[]> {
  const { refreshToken } = person
  const { token } = await json(`${urls["iaas"]}/iaas/api/login`, {}, { refreshToken })
  const url = `${urls["iaas"]}/iaas/api/machines/${id}/snapshots`
  return await rows(url, { authorization: `Bearer ${token}` })
}

async function throughHostway({ urls }: Stage, { id }: Machine, person: Person): Promise<Row[]> {
  const basic = Buffer.from(`${person.name}:${person.password}`).toString("base64")
  const url = `${urls["hostway"]}/servers/${id}/snapshots/`
  return await rows(url, { authorization: `Basic ${basic}` })
}

/** A bare list, or the one list that an object holds. */
async function rows(url: string, headers: Record<string, string>): Promise<Row[]> {
  const answer = await json(url, headers)
  const list = Array.isArray(answer) ? answer : Object.values(answer)[0]
  return list as Row[]
}

async function json(url: string, headers: Record<string, string>, body?: object): Promise<Row> {
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }
  const type = body === undefined ? {} : { "content-type": "application/json" }
  const answer = await fetch(url, { headers: { ...headers, ...type }, ...sent })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text}`)
  return JSON.parse(text) as Row
}

/** As OpenSSH writes it (RFC 8709, section 4): a name and 32 bytes, each with its length. */
function blob(key: KeyObject): Buffer {
  const point = Buffer.from(String(key.export({ format: "jwk" })["x"]), "base64url")
  const piece = (bytes: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  return Buffer.concat([piece(Buffer.from("ssh-ed25519")), piece(point)])
}

const publicLine = (key: KeyObject) => `ssh-ed25519 ${blob(key).toString("base64")} visitor`

const fingerprint = (key: KeyObject) =>
  createHash("md5")
    .update(blob(key))
    .digest("hex")
    .replace(/..(?!$)/g, "$&:")
