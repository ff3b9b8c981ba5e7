/** `npm run check`: what must hold before a change is worth looking at. Under a minute. */
import { checks, runChecks, unitTests } from "./checks.ts"

const outcomes = await runChecks([...checks, unitTests], (line) => console.log(line))
process.exitCode = outcomes.every((outcome) => outcome.ok) ? 0 : 1
