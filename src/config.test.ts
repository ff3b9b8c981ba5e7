import { describe, expect, test } from "vitest"
import { readConfig, type Surroundings } from "./config.ts"

const around = (files: Record<string, string> = {}, uid = 1000): Surroundings => ({
  uid,
  home: "/people/ann",
  cwd: "/srv",
  readFile(path) {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error("none"), { code: "ENOENT" })
    return text
  },
})

const file = "/people/ann/.local/state/tintype/tintype.toml"
const withFile = (text: string) => readConfig({}, {}, around({ [file]: text }))

describe("without being told anything", () => {
  test("the service keeps to itself, on the known ports", () => {
    expect(readConfig({}, {}, around())).toEqual({
      dataDir: "/people/ann/.local/state/tintype",
      listen: "127.0.0.1",
      ports: { native: 8400, cloudapi: 8401, iaas: 8402, hostway: 8403, openstack: 8776 },
      logLevel: "info",
      user: "tintype",
      tls: null,
      insecureBeyondLoopback: false,
      limits: {
        bootMs: 120e3,
        powerOffMs: 60e3,
        holdMs: 30e3,
        recoveryMs: 6048e5,
        failedMs: 6048e5,
        lowWater: null,
      },
      upkeep: {},
      quota: { account: {}, source: {} },
      faces: {
        cloudapi: {
          smartmachineOnly: false,
          readyWord: "created",
          datacenter: "tintype",
          sha1Signatures: true,
        },
        openstack: {
          region: "DFW",
          v1CreateStatus: 200,
          v1ExtendedOnCreate: true,
          volumeTypes: ["SATA", "SSD"].map((name) => ({ name, minGiB: 1, maxGiB: 65_536 })),
          tokenLifeMs: 864e5,
          keystone: null,
        },
        iaas: { maxSnapshots: 32, onLimit: "fail", tokenLifeMs: 288e5 },
        hostway: { pendingCreateTime: "", listStatus: 200, maxSnapshots: 3 },
      },
    })
  })

  test("its faces may be told otherwise, each in a table of its own", () => {
    const { faces } = withFile(`
      [cloudapi]
      readyWord = "success"
      [openstack]
      v1CreateStatus = 201
      volumeTypes = [{ name = "SATA", minGiB = 75, maxGiB = 1024 }]
      [iaas]
      onLimit = "replace-oldest"
      tokenLife = "1h"
      [hostway]
      pendingCreateTime = "0000-00-00 00:00:00"`)
    expect(faces.cloudapi.readyWord).toBe("success")
    expect(faces.openstack).toMatchObject({
      v1CreateStatus: 201,
      volumeTypes: [{ name: "SATA", minGiB: 75, maxGiB: 1024 }],
    })
    expect(faces.iaas).toMatchObject({ onLimit: "replace-oldest", tokenLifeMs: 36e5 })
    expect(faces.hostway.pendingCreateTime).toBe("0000-00-00 00:00:00")
    expect(() => withFile("[hostway]\nlistStatus = 404")).toThrow("hostway.listStatus")
    expect(() => withFile("[cloudapi]\nreadyword = 1")).toThrow("cloudapi.readyword")
  })

  test("its state is where the user's or the machine's state belongs", () => {
    expect(readConfig({}, {}, around({}, 0)).dataDir).toBe("/var/lib/tintype")
    expect(readConfig({ XDG_STATE_HOME: "/x" }, {}, around()).dataDir).toBe("/x/tintype")
    const relative = readConfig({ XDG_STATE_HOME: "x" }, {}, around())
    expect(relative.dataDir).toBe("/people/ann/.local/state/tintype")
  })
})

describe("a flag goes before the environment, and that before the file", () => {
  const toml = `
    data = "from-file"
    listen = "::1"
    log = "warn"
    [ports]
    native = 1
    iaas = 2`

  test("for the state directory", () => {
    const files = around({ "/etc/t.toml": toml, "/e/tintype.toml": 'log = "debug"' })
    const env = { TINTYPE_CONFIG: "/etc/t.toml" }
    expect(readConfig(env, {}, files).dataDir).toBe("/etc/from-file")
    expect(readConfig({ ...env, TINTYPE_DATA: "/e" }, {}, files).dataDir).toBe("/e")
    const flagged = readConfig({ ...env, TINTYPE_DATA: "/e" }, { data: "f" }, files)
    expect(flagged.dataDir).toBe("/srv/f")
    expect(flagged.logLevel).toBe("warn")
    expect(readConfig({ TINTYPE_DATA: "/e" }, {}, files).logLevel).toBe("debug")
  })

  test("for all else, one by one; an empty variable says nothing", () => {
    const env = { TINTYPE_PORT_NATIVE: "0", TINTYPE_LOG: "error", TINTYPE_LISTEN: "" }
    const config = readConfig(env, { config: "t.toml" }, around({ "/srv/t.toml": toml }))
    expect(config.ports).toMatchObject({ native: 0, iaas: 2, openstack: 8776 })
    expect(config).toMatchObject({ logLevel: "error", listen: "::1" })
  })
})

describe("the file", () => {
  test("says the rest", () => {
    const config = withFile(`
      listen = "0.0.0.0"
      user = ""
      [tls]
      certFile = "cert.pem"
      keyFile = "/etc/key.pem"
      [limits]
      boot = "90s"
      recovery = "0"
      failed = "12h"
      lowWater = "5%"
      [quota.account]
      machines = 10
      physicalBytes = "100G"
      [quota.source]
      snapshots = 32`)
    expect(config.user).toBeNull()
    expect(config.tls).toEqual({
      certFile: "/people/ann/.local/state/tintype/cert.pem",
      keyFile: "/etc/key.pem",
    })
    expect(config.limits).toEqual({
      bootMs: 90_000,
      powerOffMs: 60_000,
      holdMs: 30_000,
      recoveryMs: 0,
      failedMs: 43_200_000,
      lowWater: { share: 0.05 },
    })
    expect(config.quota).toEqual({
      account: { machines: 10, physicalBytes: 100 * 2 ** 30 },
      source: { snapshots: 32 },
    })
  })

  test("must be there when it was asked for", () => {
    expect(() => readConfig({}, { config: "/none" }, around())).toThrow(/\/none: .*ENOENT/)
    expect(() => readConfig({ TINTYPE_CONFIG: "/none" }, {}, around())).toThrow(/\/none/)
  })

  test.each([
    ["colour = 1", /no setting colour/],
    ["[limits]\nbot = '1s'", /no setting limits.bot/],
    ["[ports]\nnativ = 1", /no setting ports.nativ/],
    ["[ports]\nnative = 65536", /ports.native/],
    ["[ports]\nnative = '8400'", /ports.native/],
    ["[ports]\nnative = 8401", /native and cloudapi cannot both be 8401/],
    ["listen = 'example.org'", /listen: an IP address/],
    ["log = 'loud'", /log: .*"info"/],
    ["user = 'root; rm'", /user/],
    ["[tls]\ncertFile = 'x'", /tls.keyFile/],
    ["[limits]\nboot = 5", /limits.boot/],
    ["[limits]\nboot = '5 weeks'", /limits.boot: a duration/],
    ["[limits]\nboot = '99999d'", /limits.boot: a duration/],
    ["[limits]\nlowWater = '120%'", /limits.lowWater: a size/],
    ["[quota.account]\nmachines = -1", /quota.account.machines/],
    ["[quota.account]\nphysicalBytes = 'lots'", /quota.account.physicalBytes: a size/],
    ["[quota.source]\nmachines = 1", /no setting quota.source.machines/],
    ["listen = \n", /line 1/],
  ])("is refused for %j, by name", (text, why) => {
    expect(() => withFile(text)).toThrow(why)
  })
})

describe("the environment", () => {
  test.each([
    ["TINTYPE_PORT_NATIVE", "eighty"],
    ["TINTYPE_PORT_IAAS", "1.5"],
    ["TINTYPE_PORT_OPENSTACK", "-1"],
    ["TINTYPE_LISTEN", "everywhere"],
    ["TINTYPE_LOG", "loud"],
  ])("is refused for %s=%s, by name", (name, value) => {
    expect(() => readConfig({ [name]: value }, {}, around())).toThrow(name)
  })
})

describe("beyond loopback", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"])("%s needs TLS, or a word", (listen) => {
    const env = { TINTYPE_LISTEN: listen }
    expect(() => readConfig(env, {}, around())).toThrow(/insecureBeyondLoopback/)
    const said = around({ [file]: "insecureBeyondLoopback = true" })
    expect(readConfig(env, {}, said).listen).toBe(listen)
  })

  test.each(["127.0.0.1", "127.8.8.8", "::1", "localhost"])("is not %s", (listen) => {
    expect(readConfig({ TINTYPE_LISTEN: listen }, {}, around()).listen).toBe(listen)
  })
})
