/** The service's log: JSON lines, secrets blacked out wherever a request's headers are shown. */
import { type DestinationStream, type Logger, pino } from "pino"

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent"

export function openLog(level: LogLevel, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors have nothing to show for themselves otherwise; `err` is known by default.
      serializers: { cause: pino.stdSerializers.err },
      redact: { paths: secretPaths, censor: "[secret]" },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  )
}

const secretHeaders = [
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-auth-token",
  "x-subject-token",
  "x-auth-key",
  "x-storage-token",
]

// Identity v2.0 names a token in the path itself.
const secretPaths = [
  ...secretHeaders.map((name) => `headers["${name}"]`),
  ...secretHeaders.map((name) => `*.headers["${name}"]`),
  "params.token",
]
