/**
 * How far something has come, on stderr: a bar that redraws itself on a terminal, and lines off
 * one, only when the words change or another tenth is done, so that logs stay short.
 */
export interface Progress {
  /** `percent` is 0 to 100, or null where the end is not known. */
  report(percent: number | null, words: string): void
  /** Clears the bar; what was said in lines stays. */
  end(): void
}

export type Screen = { write(text: string): unknown; isTTY?: boolean; columns?: number }

export function openProgress(label: string, screen: Screen = process.stderr): Progress {
  return screen.isTTY === true ? bar(label, screen) : lines(label, screen)
}

const barWidth = 24

function bar(label: string, screen: Screen): Progress {
  let shown = ""
  return {
    report(percent, words) {
      const line = barLine(label, percent, words).slice(0, (screen.columns ?? 80) - 1)
      if (line === shown) return
      shown = line
      screen.write(`\r\u001b[K${line}`)
    },
    end() {
      if (shown !== "") screen.write("\r\u001b[K")
      shown = ""
    },
  }
}

function barLine(label: string, percent: number | null, words: string): string {
  if (percent === null) return `${label}  ${words}`
  const filled = Math.round((percent / 100) * barWidth)
  const drawn = "#".repeat(filled).padEnd(barWidth, "-")
  return `${label}  [${drawn}] ${String(Math.floor(percent)).padStart(3)}%  ${words}`
}

function lines(label: string, screen: Screen): Progress {
  let lastWords = ""
  let lastTenth = -1
  return {
    report(percent, words) {
      const tenth = percent === null ? lastTenth : Math.floor(percent / 10)
      if (words === lastWords && tenth <= lastTenth) return
      lastWords = words
      lastTenth = tenth
      const share = percent === null ? "" : ` ${Math.floor(percent)}%`
      screen.write(`${label}${share}${words === "" ? "" : `: ${words}`}\n`)
    },
    end() {},
  }
}
